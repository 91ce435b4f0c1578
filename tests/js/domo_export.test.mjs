// An export is whole, in one go or in pages, and goes back into a fresh database as it was.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { inDatabaseWith } from './alone.mjs';
import { inRolledBackTransaction, rows } from './database.mjs';
import { callOf, demoOf, embedding, eventOf, receive, restKnowledge } from './demos.mjs';
import { ok, person, refused, service } from './people.mjs';

await restKnowledge();

let owner;
let demo;
let other;

/** An export as its lines of text. */
const linesOf = async (args = {}, who = owner) => (await ok(who.domo.rpc('export_demo_data', args))).map((line) => JSON.stringify(line));
/** Its rows, by table. */
function rowsOf(lines) {
    const tables = {};
    for (const { table, row } of lines.map((line) => JSON.parse(line)).filter((line) => line.row)) {
        (tables[table] ??= []).push({ table, row });
    }
    return tables;
}

before(async () => {
    owner = await person();
    demo = await demoOf(owner, { name: 'Exported “whole”\\', metadata: { a: [1, null, { b: '\u2028\n' }] } });
    other = await demoOf(owner, { deleted_at: new Date().toISOString() });
    const [video] = await ok(
        owner.domo.from('demo_videos').insert({ demo_id: demo.id, title: 'Tour', storage_url: `${demo.id}/tour.mp4`, order_index: 0, duration_seconds: 61 }).select(),
    );
    await ok(service().domo.from('demo_videos').update({ processing_status: 'completed' }).eq('id', video.id));
    await ok(
        owner.domo.from('knowledge_chunks').insert([
            { demo_id: demo.id, content: 'Said', video_id: video.id, chunk_index: 3, start_seconds: 1.5, end_seconds: 2.25, vector_embedding: null },
            { demo_id: demo.id, content: 'Embedded', video_id: null, chunk_index: null, start_seconds: null, end_seconds: null, vector_embedding: embedding(7).map((x) => x / 3) },
            { demo_id: other.id, content: 'Elsewhere', video_id: null, chunk_index: null, start_seconds: null, end_seconds: null, vector_embedding: null },
        ]),
    );
    await ok(owner.domo.rpc('publish_demo', { demo_id: demo.id }));
    const call = await callOf(demo.id, { started_by: owner.id });
    await receive(call, eventOf(call, 'application.transcription_ready', { transcript: ['user', 'assistant'].map((role) => ({ role, content: role })) }));
    await receive(call, eventOf(call, 'system.shutdown', { shutdown_reason: 'max_call_duration reached' }));
    await callOf(demo.id);
});

test('an export has a header, every row of every table, and an end', async () => {
    const lines = await linesOf();
    const [header, last] = [JSON.parse(lines[0]), JSON.parse(lines.at(-1))];
    assert.deepEqual([header.line, header.format, header.version, header.demos], ['header', 'domo', 1, [demo.id, other.id].sort()]);
    assert.deepEqual(last, { line: 'end' });
    const tables = rowsOf(lines);
    const counts = Object.fromEntries(Object.entries(tables).map(([table, found]) => [table, found.length]));
    const { audit_logs: trail, ...rest } = counts;
    assert.deepEqual(rest, {
        demos: 2, demo_videos: 1, knowledge_chunks: 3, conversations: 2, processed_webhook_events: 2, conversation_messages: 2,
    });
    assert.ok(trail > 5);
    assert.equal(tables.demos.find(({ row }) => row.id === demo.id).row.name, 'Exported “whole”\\');
});

test('an export of one demo has that one alone', async () => {
    const tables = rowsOf(await linesOf({ demo_id: demo.id }));
    assert.deepEqual(tables.demos.map(({ row }) => row.id), [demo.id]);
    assert.ok(Object.values(tables).flat().every(({ table, row }) => table === 'demos' || row.demo_id === demo.id));
    assert.equal(tables.knowledge_chunks.length, 2);
});

test('pages of any size make up the same export', async () => {
    const whole = (await linesOf()).slice(1);
    for (const page_limit of [1, 2, 5, 1000]) {
        const paged = [];
        for (let after_line = null; after_line !== 'end';) {
            const page = await linesOf({ after_line, page_limit });
            assert.ok(page.length > 0 && page.length <= page_limit);
            paged.push(...page);
            assert.ok(paged.length <= whole.length + 1, 'a page repeats what was there');
            after_line = JSON.parse(page.at(-1)).line;
        }
        assert.deepEqual(paged.slice(1), whole, `pages of ${page_limit}`);
    }
    assert.deepEqual(await linesOf({ after_line: 'end' }), []);
});

test('somebody else exports their own demos, of which there are none', async () => {
    const stranger = await person();
    assert.deepEqual((await linesOf({}, stranger)).map((line) => JSON.parse(line).line), ['header', 'end']);
    await refused(stranger.domo.rpc('export_demo_data', { demo_id: demo.id }), 'PT404', 'demo_not_found');
    // Going on after a row of somebody else's shows no more than beginning.
    const [{ id }] = await rows('select id from domo.knowledge_chunks where demo_id = $1 limit 1', [demo.id]);
    assert.deepEqual((await linesOf({ after_line: `demos/${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}` }, stranger)).length, 1);
    assert.deepEqual((await linesOf({ after_line: `knowledge_chunks/${id}` }, stranger)).length, 1);
});

/** Puts lines into a temporary table and imports them. */
async function importInto(client, lines, newOwner = null) {
    await client.query('drop table if exists exported; create temporary table exported (line jsonb)');
    await client.query('insert into exported select unnest($1::jsonb[])', [lines]);
    const { rows: [{ count }] } = await client.query(`select domo_private.import_demo_data('exported', $1) as count`, [newOwner]);
    return Number(count);
}

/** What the same person exports there. */
async function exportFrom(client, id) {
    await client.query('begin');
    await client.query(`select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)`, [JSON.stringify({ sub: id, role: 'authenticated' })]);
    const { rows: lines } = await client.query('select domo.export_demo_data() as line');
    await client.query('commit');
    return lines.map(({ line }) => line);
}

test('an export goes into a fresh database, and comes out of it the same', async () => {
    const lines = await linesOf();
    await inDatabaseWith(['domo'], async (client) => {
        await client.query('insert into auth.users (id) values ($1)', [owner.id]);
        const imported = await importInto(client, lines);
        assert.equal(imported, lines.length - 2);
        const again = await exportFrom(client, owner.id);
        assert.deepEqual(again.slice(1), lines.slice(1).map((line) => JSON.parse(line)));
        const { rows: [stats] } = await client.query(`select to_jsonb(s) - array['last_conversation_at'] as stats from domo.demo_stats s where demo_id = $1`, [demo.id]);
        assert.deepEqual(stats.stats, {
            demo_id: demo.id, user_id: owner.id, video_count: 1, knowledge_chunk_count: 2, embedded_chunk_count: 1, total_video_duration: 61,
            conversation_count: 2, epoch: 1, last_seq: 0,
        });
        const { rows: drift } = await client.query('select * from parley.counter_drift()');
        assert.deepEqual(drift, []);
        // Tavus may still repeat itself: what the export holds has been applied.
        const { rows: [{ call, event }] } = await client.query(
            `select e.conversation as call, e.event_data as event from domo.processed_webhook_events e where e.event_type = 'system.shutdown'`,
        );
        const { rows: [{ answer }] } = await client.query('select domo_private.tavus_receive($1, $2) as answer', [call, event]);
        assert.equal(answer, 'duplicate');
        await assert.rejects(importInto(client, lines), { code: '23505' }, 'a second time it is there already');
        const { rows: [{ demos }] } = await client.query('select count(*)::integer as demos from domo.demos');
        assert.equal(demos, 2);
    });
});

test('an export goes to another account, and without those who are not there', async () => {
    const lines = await linesOf();
    await inDatabaseWith(['domo'], async (client) => {
        await assert.rejects(importInto(client, lines), { code: '23503' }, 'demos need their owner');
        const newOwner = randomUUID();
        await client.query('insert into auth.users (id) values ($1)', [newOwner]);
        await importInto(client, lines, newOwner);
        const { rows: owners } = await client.query(
            `select user_id from domo.demos union select user_id from domo.demo_stats union select owner_id from domo.audit_logs`,
        );
        assert.deepEqual(owners, [{ user_id: newOwner }]);
        const { rows: [{ known }] } = await client.query('select count(started_by)::integer as known from domo.conversations');
        assert.equal(known, 0);
        assert.equal((await exportFrom(client, newOwner)).length, lines.length);
    });
});

test('what is no whole export is not put back, nor is any of it', async () => {
    const lines = await linesOf();
    const broken = [
        ['cut off', lines.slice(0, -1), '22023', /last line/],
        ['cut off at the beginning', lines.slice(1), '22023', /header/],
        ['of two exports', [...lines, lines[0]], '22023', /headers/],
        ['of another version', [lines[0].replace('"version":1', '"version":2'), ...lines.slice(1)], '22023', /version/],
        ['with a table that is not known', [...lines.slice(0, -1), '{"line": "x/1", "table": "users", "row": {"id": 1}}', lines.at(-1)], '22023', /tables/],
        ['with a row twice', [...lines.slice(0, -1), lines[1], lines.at(-1)], '23505', /\S/],
        ['without a row that others need', lines.filter((line) => JSON.parse(line).line !== `demos/${demo.id}`), '23503', /\S/],
        ['empty', [], '22023', /header/],
    ];
    await inDatabaseWith(['domo'], async (client) => {
        await client.query('insert into auth.users (id) values ($1)', [owner.id]);
        for (const [name, given, code, message] of broken) {
            await assert.rejects(importInto(client, given), (error) => {
                assert.equal(error.code, code, `${name}: ${error.message}`);
                assert.match(error.message, message, name);
                return true;
            });
            const { rows: [{ left }] } = await client.query('select count(*)::integer as left from domo.demos');
            assert.equal(left, 0, name);
        }
        assert.equal(await importInto(client, lines), lines.length - 2, 'whole, it goes in');
    });
});

test('a demo that was erased by mistake comes back, with its calls and its trail', async () => {
    const lines = await linesOf();
    await inDatabaseWith(['domo'], async (client) => {
        await client.query('insert into auth.users (id) values ($1)', [owner.id]);
        await importInto(client, lines);
        await client.query('delete from domo.demos where true');
        const { rows: [{ orphans }] } = await client.query('select count(*)::integer as orphans from domo.conversations where demo_id is null');
        assert.equal(orphans, 2);
        await importInto(client, lines);
        const byLine = (a, b) => (a.line < b.line ? -1 : 1);
        const again = (await exportFrom(client, owner.id)).filter(({ table }) => table && table !== 'audit_logs' && table !== 'conversations').sort(byLine);
        const first = lines.map((line) => JSON.parse(line)).filter(({ table }) => table && table !== 'audit_logs' && table !== 'conversations').sort(byLine);
        assert.deepEqual(again, first);
        const { rows: drift } = await client.query('select * from parley.counter_drift()');
        assert.deepEqual(drift, []);
        const { rows: calls } = await client.query('select distinct demo_id from domo.conversations');
        assert.deepEqual(calls, [{ demo_id: demo.id }]);
    });
});

test('after an import rows are checked, logged and told again', async () => {
    const lines = await linesOf();
    await inDatabaseWith(['domo'], async (client) => {
        await client.query('insert into auth.users (id) values ($1)', [owner.id]);
        await importInto(client, lines);
        const counted = async () => (await client.query(`select (select count(*) from domo.audit_logs)::integer as trail, (select last_seq from domo.demo_stats where demo_id = $1)::integer as seq`, [demo.id])).rows[0];
        const before = await counted();
        await client.query(`update domo.demos set name = 'Changed' where id = $1`, [demo.id]);
        assert.deepEqual(await counted(), { trail: before.trail + 1, seq: before.seq + 1 });
        await assert.rejects(client.query(`insert into domo.demos (user_id, name, status) values ($1, 'x', 'published')`, [owner.id]), { code: 'PT422' });
    });
});

test('nobody but an operator imports', async () => {
    for (const role of ['anon', 'authenticated', 'service_role', 'parley_worker']) {
        await inRolledBackTransaction(async (client) => {
            await client.query(`set local role ${role}`);
            await assert.rejects(client.query(`select domo_private.import_demo_data('domo.demos')`), { code: '42501' });
        });
    }
});
