// A dump goes into a fresh database as all of it, or as its data alone: everything is there as it was, and goes on from there.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { schemas } from '../../bin/lib/apps.mjs';
import { connected, inDatabaseWith, inEmptyDatabase } from './alone.mjs';
import { embedding, eventOf } from './demos.mjs';
import { expectedKernel, root } from './stack.mjs';

const [owner, guest] = [randomUUID(), randomUUID()];

/** Runs a program to its end; gives what it wrote, and fails with what it complained of. */
function run(program, args, input = '', variables = {}) {
    return new Promise((resolve, reject) => {
        const child = spawn(program, args, { stdio: 'pipe', env: { ...process.env, ...variables } });
        const [written, complaints] = [[], []];
        child.stdout.on('data', (piece) => written.push(piece));
        child.stderr.on('data', (piece) => complaints.push(piece));
        child.on('error', reject);
        child.on('close', (status) => {
            if (status === 0) {
                resolve(Buffer.concat(written));
            } else {
                reject(new Error(`${program} ended with ${status}: ${Buffer.concat(complaints)}`));
            }
        });
        // Who fails early reads no more.
        child.stdin.on('error', () => {});
        child.stdin.end(input);
    });
}

/** Runs a script and stops at its first error. */
const psql = (url, script) => run('psql', ['--no-psqlrc', '--quiet', '--single-transaction', '--set', 'ON_ERROR_STOP=1', '--dbname', url], script);

/** The block of the documentation that has some words. */
function documented(words) {
    const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');
    const block = [...page.matchAll(/^```(?:sh|sql)[^\n]*\n([^]*?)^```/gm)].map(([, lines]) => lines).find((lines) => lines.includes(words));
    assert.ok(block, `docs/operations.md has no block with ${words}`);
    return block;
}

/** Acts as somebody who is signed in. */
async function as(client, id, text, values = []) {
    await client.query('begin');
    try {
        await client.query(`select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)`, [JSON.stringify({ sub: id, role: 'authenticated' })]);
        const { rows } = await client.query(text, values);
        await client.query('commit');
        return rows;
    } catch (error) {
        await client.query('rollback');
        throw error;
    }
}

/** Rooms with people and messages, a demo with knowledge and calls; deletes and moves among them. Gives what a sender may repeat. */
async function live(client) {
    await client.query('insert into auth.users (id) values ($1), ($2)', [owner, guest]);
    const [{ room }] = await as(client, owner, `select echoroom.create_session('Backups') ->> 'id' as room`);
    const say = (who, content) =>
        as(client, who, `select echoroom.send_message(session_id => $1, content => $2, client_id => $3) ->> 'id' as id`, [room, content, randomUUID()]);
    for (const who of [owner, guest]) {
        await as(client, who, 'select echoroom.join_room($1)', [room]);
        await say(who, 'Hello, “room”\n\\.');
    }
    const [{ id: message }] = await say(owner, 'Gone');
    await as(client, guest, `select echoroom.add_reaction($1, '👍')`, [message]);
    await as(client, owner, 'select echoroom.delete_message($1)', [message]);
    await as(client, owner, 'select echoroom.remove_participant($1, $2)', [room, guest]);

    const [{ id: demo }] = await as(client, owner, `insert into domo.demos (name) values ('Kept') returning id`);
    const [{ id: other }] = await as(client, guest, `insert into domo.demos (name) values ('Other') returning id`);
    for (const [who, of, count] of [[owner, demo, 12], [guest, other, 3]]) {
        for (let n = 0; n < count; n += 1) {
            await as(client, who, 'insert into domo.knowledge_chunks (demo_id, content, source, chunk_index, vector_embedding) values ($1, $2, $3, $4, $5)', [
                of, `The zebra of number ${n} wears a helmet`, 'Zoo', n, JSON.stringify(embedding(n)),
            ]);
        }
    }
    await as(client, owner, 'delete from domo.knowledge_chunks where demo_id = $1 and chunk_index = 7', [demo]);
    await as(client, owner, 'update domo.knowledge_chunks set deleted_at = now() where demo_id = $1 and chunk_index = 8', [demo]);
    await as(client, owner, 'update domo.knowledge_chunks set vector_embedding = null where demo_id = $1 and chunk_index = 9', [demo]);
    await as(client, owner, `select domo.add_knowledge($1, 'Waits for its embedding')`, [demo]);
    await as(client, owner, `insert into domo.demo_videos (demo_id, title, storage_url, order_index) values ($1, 'Tour', $1::uuid || '/tour.mp4', 0)`, [demo]);
    await as(client, owner, `insert into domo.demo_documents (demo_id, title, storage_url) values ($1, 'Prices', $1::uuid || '/prices.md')`, [demo]);
    await client.query(`update domo.demo_videos set processing_status = 'completed', duration_seconds = 61`);
    await client.query(`insert into domo.conversations (demo_id, persona_id, status, conversation_id, started_by) values ($1, 'p', 'active', 'c-1', $2)`, [demo, owner]);
    const { rows: [call] } = await client.query('select * from domo.conversations');
    const event = eventOf(call, 'application.transcription_ready', { transcript: [{ role: 'user', content: 'Hi' }, { role: 'assistant', content: 'Hello' }] });
    assert.equal(await received(client, call, event), 'new');
    return { room, demo, other, call, event };
}

const received = async (client, call, event) =>
    (await client.query('select domo_private.tavus_receive($1, $2) as answer', [call.id, event])).rows[0].answer;

/** What people are told: counts, and what searches find, to the last digit. */
async function told(client, { room, demo, other }) {
    const answers = {};
    for (const [who, of] of [[owner, demo], [guest, other]]) {
        const ask = async (name, text, values) => {
            answers[`${name} of ${of}`] = await as(client, who, text, values);
        };
        await ask('stats', 'select * from domo.get_demo_stats($1)', [of]);
        await ask('dashboard', 'select * from domo.demo_dashboard()', []);
        await ask('nearest', 'select * from domo.search_knowledge_chunks($1, $2, match_threshold => -1, match_count => 20)', [JSON.stringify(embedding(3)), of]);
        await ask('found', `select * from domo.search_knowledge(demo_id => $1, query_text => 'zebra helmet', query_embedding => $2, match_count => 20)`, [of, JSON.stringify(embedding(5))]);
        await ask('quality', 'select domo.search_quality($1)', [of]);
    }
    answers.room = await as(client, owner, 'select current_participants, last_seq, epoch from echoroom.sessions where id = $1', [room]);
    answers.messages = await as(client, owner, 'select echoroom.messages_since($1, 0)', [room]);
    return answers;
}

/** Every row of our tables and of the queues, as text. What the kernel keeps for itself is told by its own functions; who was fast may wait. */
async function held(client) {
    const { rows: tables } = await client.query(
        `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and (n.nspname ~ '^(parley|${schemas.join('|')})' and c.relname !~ '^(nearest|aggregates|rate_limits|job_queues)' or n.nspname = 'pgmq' and c.relname ~ '^[qa]_')
        order by 1`,
    );
    assert.ok(tables.length > 25);
    const rows = {};
    for (const { name } of tables) {
        rows[name] = (await client.query(`select to_jsonb(t)::text as row from ${name} t order by 1`)).rows.map(({ row }) => row);
    }
    return rows;
}

async function hasAll(client, expected) {
    const actual = await held(client);
    assert.deepEqual(Object.keys(actual), Object.keys(expected));
    for (const [name, rows] of Object.entries(expected)) {
        assert.deepEqual(actual[name], rows, name);
    }
}

/** Nothing that the kernel keeps differs from what it should be. */
async function isKept(client) {
    assert.deepEqual((await client.query('select * from parley.counter_drift()')).rows, []);
    assert.deepEqual((await client.query('select * from parley.nearest_drift()')).rows, []);
    assert.equal((await client.query('select parley.implementation() as kernel')).rows[0].kernel, expectedKernel);
}

/** Life goes on: triggers count, copies are made, jobs are queued, numbers go on, what was received is not received again. */
async function goesOn(client, { room, demo, call, event }) {
    const seats = async () => (await client.query('select current_participants as seats from echoroom.sessions where id = $1', [room])).rows[0].seats;
    assert.equal(await seats(), 1);
    const newcomer = randomUUID();
    await client.query('insert into auth.users (id) values ($1)', [newcomer]);
    await as(client, newcomer, 'select echoroom.join_room($1)', [room]);
    assert.equal(await seats(), 2);
    await assert.rejects(as(client, guest, 'select echoroom.join_room($1)', [room]), /./, 'who was removed stays so');

    const stats = async () => (await as(client, owner, 'select * from domo.get_demo_stats($1)', [demo]))[0];
    const before = await stats();
    const jobs = async () => Number((await client.query(`select count(*) from parley.jobs where queue = 'knowledge'`)).rows[0].count);
    await client.query(`update parley.jobs set job_key = job_key || ' of before' where queue = 'knowledge'`);
    const waiting = await jobs();
    await as(client, owner, `select domo.add_knowledge($1, 'A giraffe')`, [demo]);
    assert.equal(Number((await stats()).knowledge_chunk_count), Number(before.knowledge_chunk_count) + 1);
    assert.equal(await jobs(), waiting + 1, 'its embedding is a job');
    await as(client, owner, `update domo.knowledge_chunks set vector_embedding = $2 where demo_id = $1 and content = 'A giraffe'`, [demo, JSON.stringify(embedding(77))]);
    const [found] = await as(client, owner, 'select content from domo.search_knowledge_chunks($1, $2)', [JSON.stringify(embedding(77)), demo]);
    assert.equal(found?.content, 'A giraffe');
    const [byWord] = await as(client, owner, `select content from domo.search_knowledge(demo_id => $1, query_text => 'giraffes')`, [demo]);
    assert.equal(byWord?.content, 'A giraffe');

    assert.equal(await received(client, call, event), 'duplicate');
    const shutdown = eventOf(call, 'system.shutdown', { shutdown_reason: 'max_call_duration reached' });
    assert.equal(await received(client, call, shutdown), 'new');
    await isKept(client);

    // The registry's numbers go on as well, and the other kernel finds everything to be switched.
    await client.query(`create table public.parents (id uuid primary key, children bigint default 0);
        create table public.children (id uuid primary key, parent uuid);
        select parley.maintain_count('public.children', 'parent', 'public.parents', 'id', 'children');
        insert into public.parents (id) values ('${demo}');
        insert into public.children values (gen_random_uuid(), '${demo}')`);
    const { rows: [{ children }] } = await client.query('select children from public.parents');
    assert.equal(children, '1');
    await client.query('select parley.use_native(false)');
    await as(client, owner, `select domo.add_knowledge($1, 'An elephant')`, [demo]);
    assert.equal(Number((await stats()).knowledge_chunk_count), Number(before.knowledge_chunk_count) + 2);
}

test('a database with both apps', async (t) => {
    await inDatabaseWith(schemas, async (source, addresses) => {
        const lived = await live(source);
        await isKept(source);
        const before = { held: await held(source), told: await told(source, lived) };

        await t.test('comes back whole from a whole dump', async () => {
            const dump = await run('pg_dump', ['--dbname', addresses.adminUrl]);
            await inEmptyDatabase(async ({ url, adminUrl }) => {
                await psql(adminUrl, dump);
                if (expectedKernel === 'native') {
                    await psql(adminUrl, documented('in schema parley_native'));
                }
                await connected(url, async (client) => {
                    await hasAll(client, before.held);
                    await isKept(client);
                    assert.deepEqual(await told(client, lived), before.told);
                    await goesOn(client, lived);
                });
            });
        });

        await t.test('comes back as its data alone, into a database that has the migrations, as the documentation says', async () => {
            await inDatabaseWith(schemas, async (client, { adminUrl }) => {
                // What its numbers were does not matter: here they are others.
                await client.query(`select parley.stop_maintaining('domo.demo_stats', 'video_count');
                    select parley.maintain_count('domo.demo_videos', 'demo_id', 'domo.demo_stats', 'demo_id', 'video_count', only_when => 'deleted_at is null')`);
                await client.query('insert into auth.users (id) values ($1), ($2)', [owner, guest]);
                await run('bash', ['-euo', 'pipefail', '-c', documented('--data-only')], '', { OLD_DB_URL: addresses.adminUrl, NEW_DB_URL: adminUrl });
                await hasAll(client, before.held);
                await isKept(client);
                assert.deepEqual(await told(client, lived), before.told);
                await goesOn(client, lived);
            });
        });
    });
});
