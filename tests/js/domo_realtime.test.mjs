// The channel of a demo: its owner hears what happens to it, in numbered order, and catches up on what was missed; nobody else hears anything.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { eventually, listen, refusedToListen, versions } from './channels.mjs';
import { rows } from './database.mjs';
import { callOf, demoOf, embedding, eventOf, receive, restKnowledge } from './demos.mjs';
import { newClient, ok, person, service, visitor } from './people.mjs';

await restKnowledge();

let owner;
let stranger;

before(async () => {
    [owner, stranger] = [await person(), await person()];
});

const topicOf = async (who, demo) => (await ok(who.domo.rpc('events_since', { demo_id: demo.id }))).topic;

/** What an ear heard so far: [event, seq]. */
const heardBy = (ear) => ear.events.map(({ event, payload }) => [event, payload.seq]);

for (const vsn of versions) {
    test(`${vsn}: the owner hears of the demo, its videos, its knowledge and its calls`, async () => {
        const one = await person({ vsn });
        const demo = await demoOf(one);
        const topic = await topicOf(one, demo);
        assert.equal(topic, `domo:${demo.id}:1`);
        const ear = await listen(one, topic);
        await ok(one.domo.from('demos').update({ name: 'heard' }).eq('id', demo.id));
        await ok(one.domo.from('demo_videos').insert({ demo_id: demo.id, title: 'Tour', storage_url: `${demo.id}/tour.mp4`, order_index: 0 }));
        await ok(service().domo.from('demo_videos').update({ processing_status: 'processing' }).eq('demo_id', demo.id));
        await ok(one.domo.from('knowledge_chunks').insert([1, 2, 3].map((n) => ({ demo_id: demo.id, content: `piece ${n}` }))));
        await ok(service().domo.from('knowledge_chunks').update({ vector_embedding: JSON.stringify(embedding(1)) }).eq('demo_id', demo.id).eq('content', 'piece 1'));
        const call = await callOf(demo.id);
        await receive(call, eventOf(call, 'system.shutdown', { shutdown_reason: 'end_conversation_endpoint_hit' }));
        await ear.hears('conversation-event');
        assert.deepEqual(heardBy(ear), [
            ['demo-changed', 1], ['video-changed', 2], ['video-changed', 3], ['knowledge-changed', 4], ['knowledge-changed', 5],
            ['conversation-changed', 6], ['conversation-changed', 7], ['conversation-event', 8],
        ]);
        const payloads = ear.events.map(({ payload }) => payload);
        assert.equal(payloads[0].name, 'heard');
        assert.deepEqual([payloads[1].processing_status, payloads[2].processing_status], ['pending', 'processing']);
        const progress = payloads.slice(3, 5).map(({ knowledge_chunk_count, embedded_chunk_count }) => [knowledge_chunk_count, embedded_chunk_count]);
        assert.deepEqual(progress, [[3, 0], [3, 1]]);
        assert.deepEqual([payloads[6].status, payloads[6].shutdown_reason], ['ended', 'end_conversation_endpoint_hit']);
        assert.equal(payloads[7].event_type, 'system.shutdown');
        const caughtUp = await ok(one.domo.rpc('events_since', { demo_id: demo.id, after_seq: 0 }));
        assert.deepEqual(caughtUp.events.map(({ event, seq }) => [event, seq]), heardBy(ear), 'who comes later gets the same');
        assert.deepEqual([caughtUp.last_seq, caughtUp.has_more, caughtUp.is_complete], [8, false, true]);
    });
}

test('who was away catches up in pages, in order and without gaps', async () => {
    const demo = await demoOf(owner);
    for (let n = 0; n < 7; n += 1) {
        await ok(owner.domo.rpc('add_knowledge', { demo_id: demo.id, content: `piece ${n}` }));
    }
    const seen = [];
    for (let page = { last_seq: 0, has_more: true }; page.has_more;) {
        page = await ok(owner.domo.rpc('events_since', { demo_id: demo.id, after_seq: page.last_seq, page_limit: 3 }));
        assert.ok(page.is_complete);
        seen.push(...page.events.map(({ seq }) => seq));
    }
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7]);
});

test('nobody else joins the channel, and a demo that is not there has none', async () => {
    const demo = await demoOf(owner);
    const topic = await topicOf(owner, demo);
    const ear = await listen(owner, topic);
    for (const who of [stranger, visitor()]) {
        assert.match(await refusedToListen(who, topic), /Unauthorized|permissions/);
    }
    assert.match(await refusedToListen(owner, `domo:${demo.id}:2`), /Unauthorized|permissions/);
    assert.match(await refusedToListen(owner, 'domo:%:1'), /Unauthorized|permissions/);
    await ok(owner.domo.from('demos').update({ name: 'still alone' }).eq('id', demo.id));
    await ear.hears('demo-changed');
});

test('not even the owner says anything there: it would look as if the database had', async () => {
    const demo = await demoOf(owner);
    const topic = await topicOf(owner, demo);
    // The same person in a second window.
    const window = { client: newClient() };
    await window.client.auth.setSession((await owner.client.auth.getSession()).data.session);
    const [speaker, listener] = [await listen(window, topic), await listen(owner, topic)];
    await speaker.send('conversation-event', { forged: true });
    await ok(owner.domo.from('demos').update({ name: 'genuine' }).eq('id', demo.id));
    await listener.hears('demo-changed');
    assert.deepEqual(listener.events.map(({ event }) => event), ['demo-changed']);
});

test('a demo that is moved to its next topic goes on there', async () => {
    const demo = await demoOf(owner);
    const before = await listen(owner, await topicOf(owner, demo));
    await rows('select domo_private.rotate_topic($1)', [demo.id]);
    const rotated = await before.hears('topic-rotated');
    assert.deepEqual([rotated.payload.topic, rotated.payload.seq], [`domo:${demo.id}:2`, 1]);
    const after = await listen(owner, rotated.payload.topic);
    await ok(owner.domo.from('demos').update({ name: 'elsewhere' }).eq('id', demo.id));
    const heard = await after.hears('demo-changed');
    assert.equal(heard.payload.seq, 2);
    assert.ok(!before.events.some(({ event }) => event === 'demo-changed'));
});

test('nobody is told by postgres_changes that a demo was erased, and its owner hears of its calls in its channel', async () => {
    const demo = await demoOf(owner);
    const changes = ['demos', 'processed_webhook_events'].map((table) => ({ event: '*', schema: 'domo', table }));
    const others = await listen(stranger, `changes ${Math.random()}`, { private: false, changes });
    const mine = await listen(owner, await topicOf(owner, demo));
    const call = await callOf(demo.id);
    await receive(call, eventOf(call, 'system.replica_joined', { replica_id: 'r' }));
    await mine.hears('conversation-event');
    await ok(owner.domo.from('demos').delete().eq('id', demo.id));
    // What comes after it in the write-ahead log would be told after it.
    await listen(stranger, `later ${Math.random()}`, { private: false });
    const published = await rows(`select tablename from pg_publication_tables where pubname = 'supabase_realtime' and schemaname like 'domo%'`);
    assert.deepEqual([published, others.changes], [[], []]);
});
