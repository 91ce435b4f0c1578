// Many at once: events delivered twice and together, knowledge added while calls end, demos erased meanwhile. Numbers and counts stay right.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { row, rows } from './database.mjs';
import { callOf, demoOf, eventOf, receive, restKnowledge } from './demos.mjs';
import { ok, person, service } from './people.mjs';

await restKnowledge();

let owner;

before(async () => {
    owner = await person();
});

/** What is wrong with a demo's counts and stream; nothing when all is well. */
async function wrongWith(demo_id) {
    return row(
        `select
            (select jsonb_agg(to_jsonb(drift)) from parley.counter_drift() drift where drift.parent = 'domo.demo_stats'::regclass and drift.key = $1::uuid::text) as drift,
            (select jsonb_agg(e.seq) from (select seq, row_number() over (order by seq) as place from domo.demo_stream where demo_id = $1) e where e.seq <> e.place) as gaps,
            (select s.last_seq - (select count(*) from domo.demo_stream e where e.demo_id = s.demo_id) from domo.demo_stats s where s.demo_id = $1)::integer as missing`,
        [demo_id],
    );
}
const nothing = { drift: null, gaps: null, missing: 0 };

test('events of many calls, each delivered three times and all together, are each applied once', async () => {
    const demo = await demoOf(owner);
    const calls = await Promise.all(Array.from({ length: 8 }, () => callOf(demo.id)));
    const deliveries = calls.flatMap((call) =>
        [
            eventOf(call, 'system.replica_joined', { replica_id: 'r' }),
            eventOf(call, 'application.transcription_ready', { transcript: [1, 2, 3].map((n) => ({ role: 'user', content: `line ${n}` })) }),
            eventOf(call, 'system.shutdown', { shutdown_reason: 'participant_left_timeout' }),
        ].flatMap((event) => [event, event, event].map((each) => [call, each])),
    );
    // In an order that mixes calls and types.
    const mixed = deliveries.map((delivery, position) => [(position * 37) % deliveries.length, delivery]).sort(([a], [b]) => a - b);
    const answers = await Promise.all(mixed.map(([, [call, event]]) => receive(call, event)));
    assert.deepEqual(
        [answers.filter((answer) => answer === 'new').length, answers.filter((answer) => answer === 'duplicate').length], [24, 48],
    );
    const { ended, messages, events } = await row(
        `select (select count(*)::integer from domo.conversations where demo_id = $1 and status = 'ended' and replica_id = 'r') as ended,
            (select count(*)::integer from domo.conversation_messages where demo_id = $1) as messages,
            (select count(*)::integer from domo.processed_webhook_events where demo_id = $1) as events`,
        [demo.id],
    );
    assert.deepEqual([ended, messages, events], [8, 24, 24]);
    assert.deepEqual(await wrongWith(demo.id), nothing);
});

test('knowledge, videos, calls and settings of one demo change at once, and every answer is a success', async () => {
    const demo = await demoOf(owner, { tavus_persona_id: 'p' });
    const calls = await Promise.all(Array.from({ length: 4 }, () => callOf(demo.id)));
    const work = Array.from({ length: 10 }, (_, n) => [
        () => ok(owner.domo.rpc('add_knowledge', { demo_id: demo.id, content: `added ${n}` })),
        () => ok(owner.domo.rpc('add_knowledge', { demo_id: demo.id, content: 'the same for all' })),
        () => ok(owner.domo.from('knowledge_chunks').insert([1, 2].map((k) => ({ demo_id: demo.id, content: `row ${n} ${k}` })))),
        () => ok(owner.domo.from('demo_videos').insert({ demo_id: demo.id, title: `${n}`, storage_url: `${demo.id}/${n}.mp4`, order_index: n, duration_seconds: n + 1 })),
        () => ok(owner.domo.from('demos').update({ description: `text ${n}` }).eq('id', demo.id)),
        () => receive(calls[n % 4], eventOf(calls[n % 4], 'conversation.utterance', { n })),
        () => ok(owner.domo.rpc('get_demo_stats', { demo_uuid: demo.id })),
    ]).flat();
    await Promise.all(work.map((one) => one()));
    const { knowledge_chunk_count, video_count, total_video_duration } = (await ok(owner.domo.rpc('get_demo_stats', { demo_uuid: demo.id })))[0];
    assert.deepEqual([knowledge_chunk_count, video_count, total_video_duration], [31, 10, 55]);
    assert.deepEqual(await wrongWith(demo.id), nothing);
});

test('archiving while events come in ends every call, and loses no event', async () => {
    for (let round = 0; round < 5; round += 1) {
        const demo = await demoOf(owner);
        const calls = await Promise.all(Array.from({ length: 4 }, () => callOf(demo.id)));
        const [archived, ...answers] = await Promise.all([
            ok(owner.domo.rpc('archive_demo', { demo_id: demo.id })),
            ...calls.map((call) => receive(call, eventOf(call, 'system.replica_joined', { replica_id: 'r' }))),
            ...calls.slice(2).map((call) => receive(call, eventOf(call, 'system.shutdown', { shutdown_reason: 'x' }))),
        ]);
        assert.equal(archived.status, 'archived');
        assert.ok(answers.every((answer) => answer === 'new'), answers.join());
        const left = await rows(`select id from domo.conversations where demo_id = $1 and status = 'active' and end_requested_at is null`, [demo.id]);
        assert.deepEqual(left, []);
        assert.deepEqual(await wrongWith(demo.id), nothing);
    }
});

test('erasing a demo while events come in leaves nothing of it but its calls, which are to end', async () => {
    for (let round = 0; round < 5; round += 1) {
        const demo = await demoOf(owner);
        const calls = await Promise.all(Array.from({ length: 4 }, () => callOf(demo.id)));
        const ids = calls.map(({ id }) => id);
        const [, ...answers] = await Promise.all([
            ok(owner.domo.from('demos').delete().eq('id', demo.id)),
            ...calls.map((call) => receive(call, eventOf(call, 'application.transcription_ready', { transcript: [{ role: 'user', content: 'x' }] }))),
        ]);
        assert.ok(answers.every((answer) => answer === 'new'), answers.join());
        const { kept } = await row(
            `select (select count(*) from domo.processed_webhook_events where conversation = any ($1)) + (select count(*) from domo.conversation_messages where conversation = any ($1))
                + (select count(*) from domo.demo_stream where demo_id = $2) as kept`,
            [ids, demo.id],
        );
        assert.equal(Number(kept), 0);
        const states = await rows('select demo_id, end_requested_at is not null as is_ending from domo.conversations where id = any ($1)', [ids]);
        assert.deepEqual(states, ids.map(() => ({ demo_id: null, is_ending: true })));
        await rows('delete from domo.conversations where id = any ($1)', [ids]);
    }
});

test('batches bring events of the same demos in opposite orders, and each event is applied once', async () => {
    const demos = await Promise.all([1, 2, 3].map(() => demoOf(owner)));
    const calls = await Promise.all(Array.from({ length: 12 }, (_, n) => callOf(demos[n % 3].id)));
    /** What the worker does: all of them in one transaction; where one waits for too long, one by one. */
    const bring = async (deliveries) => {
        const events = deliveries.map(([call, event]) => [call.id, JSON.stringify(event)]);
        try {
            const [{ answers }] = await rows(
                `select domo_private.tavus_receive_all($1::uuid[], $2::jsonb[], array_fill(null::text, array[cardinality($1::uuid[])]), array_fill(null::text, array[cardinality($1::uuid[])])) as answers`,
                [events.map(([id]) => id), events.map(([, event]) => event)],
            );
            return answers;
        } catch (error) {
            assert.equal(error.code, '55P03', error.message);
            return Promise.all(deliveries.map(([call, event]) => receive(call, event)));
        }
    };
    const batches = Array.from({ length: 16 }, (_, round) => {
        const turned = [...calls.slice(round % 12), ...calls.slice(0, round % 12)];
        return (round % 2 ? turned.reverse() : turned).map((call) => [call, eventOf(call, 'conversation.utterance', { round: round >> 1 }, '2026-11-21T10:00:00Z')]);
    });
    const answers = (await Promise.all(batches.map(bring))).flat();
    // Each event is in two batches.
    assert.deepEqual([answers.filter((answer) => answer === 'new').length, answers.filter((answer) => answer === 'duplicate').length], [96, 96]);
    for (const { id } of demos) {
        assert.deepEqual(await wrongWith(id), nothing);
    }
});

test('one start of a call asked for by many is one call', async () => {
    const demo = await demoOf(owner, { tavus_persona_id: 'p' });
    const client_id = demo.id;
    const started = await Promise.all(Array.from({ length: 10 }, () => ok(service().domo.rpc('start_conversation', { demo_id: demo.id, client_id }))));
    assert.equal(new Set(started.map(({ id }) => id)).size, 1);
    assert.equal(started.filter(({ is_new }) => is_new).length, 1);
});
