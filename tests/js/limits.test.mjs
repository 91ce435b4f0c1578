// Limits: what a person may have and how fast they may be, exactly, whoever tries at once; and what an operator can change about it.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { admin, inRolledBackTransaction, row, rows } from './database.mjs';
import { demoOf, restKnowledge } from './demos.mjs';
import { ok, people, person, personWithEmail, refused, roomWith, service, someMood } from './people.mjs';

await restKnowledge();

/** How many people without and with an email address may have of something. */
async function allowed(name) {
    const { allowed, allowed_anonymous } = await row('select allowed::integer, allowed_anonymous::integer from parley.limits where name = $1', [name]);
    return { signedIn: allowed, anonymous: allowed_anonymous };
}

/** Tries all at once, and says how many went through and what the others were told. */
async function all(attempts) {
    const answers = await Promise.all(attempts);
    return { passed: answers.filter(({ error }) => !error).length, refusals: answers.filter(({ error }) => error) };
}

const numbers = (count) => Array.from({ length: count }, (_, number) => number);

/** Runs statements as an anonymous person, in a transaction in which an operator has changed limits. */
async function asPerson(change, work) {
    const client = await admin.connect();
    try {
        await client.query('begin');
        await client.query(change);
        const id = randomUUID();
        await client.query('insert into auth.users (id, is_anonymous) values ($1, true)', [id]);
        await client.query(`select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)`, [
            JSON.stringify({ sub: id, role: 'authenticated', is_anonymous: true }),
        ]);
        return await work(client, id);
    } finally {
        await client.query('rollback');
        client.release();
    }
}

describe('rooms', () => {
    test('a person has as many open rooms as the ceiling says, however many are opened at once', async () => {
        const someone = await person();
        const { anonymous } = await allowed('echoroom.open_rooms');
        const { passed, refusals } = await all(numbers(anonymous + 3).map(() => someone.rpc('create_session', { category: someMood() })));
        assert.equal(passed, anonymous);
        for (const refusal of refusals) {
            await refused(refusal, 'PT409', 'limit_reached', new RegExp(`\\b${anonymous}\\b`));
        }
        await refused(someone.rpc('find_room', { mood: someMood() }), 'PT409', 'limit_reached');
        const { open } = await row('select count(*)::integer as open from echoroom.sessions where created_by = $1', [someone.id]);
        assert.equal(open, anonymous);
        // A room that is closed makes place for another one.
        await rows('update echoroom.sessions set is_active = false where id = (select id from echoroom.sessions where created_by = $1 limit 1)', [someone.id]);
        await ok(someone.rpc('create_session', { category: someMood() }));
    });

    test('who has signed in with an address may have more than who has not, and a server as many as it likes', async () => {
        const permanent = await personWithEmail();
        const { signedIn, anonymous } = await allowed('echoroom.open_rooms');
        assert.ok(signedIn > anonymous);
        for (const _ of numbers(anonymous + 1)) {
            await ok(permanent.rpc('create_session', { category: someMood() }));
        }
        const made = [];
        for (const _ of numbers(signedIn + 1)) {
            made.push((await ok(service().rpc('create_session', { category: someMood() }))).id);
        }
        await rows('delete from echoroom.sessions where id = any ($1)', [made]);
    });

    test('a room that people opened closes when nobody has been there for long; the moods that are always there, and rooms with people, stay', async () => {
        const [creator, guest] = await people(2);
        const empty = await ok(creator.rpc('create_session', { category: someMood() }));
        const visited = await roomWith([guest]);
        const made = await ok(service().rpc('create_session', { category: someMood() }));
        const sweep = () => rows('select echoroom_private.close_empty_rooms()');
        const isOpen = async (id) => (await row('select is_active from echoroom.sessions where id = $1', [id])).is_active;
        await sweep();
        assert.ok(await isOpen(empty.id), 'not at once');
        await rows(`update echoroom_private.temporary_rooms set empty_since = now() - interval '1 day' where session_id = any ($1)`, [[empty.id, visited.id]]);
        await sweep();
        assert.equal(await isOpen(empty.id), false);
        assert.ok((await isOpen(visited.id)) && (await isOpen(made.id)));
        assert.equal((await row('select empty_since from echoroom_private.temporary_rooms where session_id = $1', [visited.id])).empty_since, null);
        const seeded = await row('select count(*)::integer as open from echoroom.sessions where created_by is null and is_active');
        assert.ok(seeded.open >= 6);
        await refused(creator.rpc('join_room', { session_id: empty.id }), 'PT410', 'room_closed');
        await rows('delete from echoroom.sessions where id = $1', [made.id]);
    });

    test('a crowd of empty rooms hides neither the moods that are always there nor the rooms with people', async () => {
        const listed = await inRolledBackTransaction(async () => {
            const client = await admin.connect();
            try {
                await client.query('begin');
                await client.query(`insert into auth.users (id) values ($1)`, ['00000000-0000-4000-8000-0000000000ff']);
                await client.query(
                    `insert into echoroom.sessions (category, created_by, created_at)
                    select 'Aaa ' || n, '00000000-0000-4000-8000-0000000000ff', '2020-01-01' from generate_series(1, 1200) as n`,
                );
                const full = await client.query(`insert into echoroom.sessions (category, max_participants) values ('Full', 1) returning id`);
                const half = await client.query(`insert into echoroom.sessions (category, max_participants) values ('Half', 3) returning id`);
                for (const [session, seats] of [[full.rows[0].id, 1], [half.rows[0].id, 2]]) {
                    await client.query(
                        `with people as (insert into auth.users (id) select gen_random_uuid() from generate_series(1, $2) returning id)
                        insert into echoroom.participants (user_id, session_id) select id, $1 from people`,
                        [session, seats],
                    );
                }
                return (await client.query('select * from echoroom.list_sessions()')).rows;
            } finally {
                await client.query('rollback');
                client.release();
            }
        });
        assert.ok(listed.length < 1000, 'an answer of PostgREST has at most 1,000 rows');
        const moods = await rows('select category from echoroom.sessions where created_by is null and is_active order by created_at, id limit 6');
        assert.deepEqual(moods.map(({ category }) => category).filter((mood) => !listed.some(({ category }) => category === mood)), []);
        const isFull = listed.map(({ free_seats }) => free_seats === 0);
        assert.equal(isFull.indexOf(true), isFull.lastIndexOf(false) + 1, 'full ones come last');
        const counts = listed.filter(({ free_seats }) => free_seats > 0).map(({ current_participants }) => current_participants);
        assert.deepEqual(counts, counts.toSorted((a, b) => b - a), 'those with the most people come first');
        assert.ok(listed.some(({ category }) => category === 'Half'));
    });

    test("a day's messages are limited, and a retry is none of them", async () => {
        const someone = await person();
        const session = await roomWith([someone]);
        const send = (client_id) => someone.rpc('send_message', { session_id: session.id, content: 'x', client_id });
        const first = randomUUID();
        await ok(send(first));
        // As if the others had been sent: the bucket is full but for one.
        await rows(
            `update parley.rate_limits set tat = clock_timestamp() + l.window_seconds * interval '1 second' * (l.allowed_anonymous - 1.5) / l.allowed_anonymous
            from parley.limits l where l.name = 'echoroom.daily_messages' and bucket = 'echoroom.daily_messages:' || $1`,
            [someone.id],
        );
        await ok(send(first));
        await ok(send(first));
        await ok(send(randomUUID()));
        await refused(send(randomUUID()), 'PT429', 'rate_limited', /\d+ s/);
        await ok(send(first));
    });
});

describe('demos and files', () => {
    const video = (demo, name = randomUUID()) => ({ demo_id: demo.id, title: 'x', storage_url: `${demo.id}/${name}.mp4`, order_index: 0 });

    test('a person has as many demos as the ceiling says, one by one, at once and in one statement', async () => {
        const someone = await person();
        const { anonymous } = await allowed('domo.demos');
        const demos = () => someone.domo.from('demos');
        await refused(demos().insert(numbers(anonymous + 1).map((number) => ({ name: `demo ${number}` }))), 'PT409', 'limit_reached');
        await ok(demos().insert(numbers(anonymous - 3).map((number) => ({ name: `demo ${number}` }))));
        const { passed, refusals } = await all(numbers(8).map((number) => demos().insert({ name: `more ${number}` })));
        assert.equal(passed, 3);
        for (const refusal of refusals) {
            await refused(refusal, 'PT409', 'limit_reached', new RegExp(`\\b${anonymous}\\b`));
        }
        const { count } = await row('select count(*)::integer as count from domo.demos where user_id = $1', [someone.id]);
        assert.equal(count, anonymous);
    });

    test('one film is one row, also when sixty come at once, and is not asked for without end', async () => {
        const someone = await person();
        const demo = await demoOf(someone);
        const videos = () => someone.domo.from('demo_videos');
        const film = video(demo);
        await refused(videos().insert(numbers(60).map(() => film)), 'PT409', 'file_taken');
        const { passed, refusals } = await all(numbers(12).map(() => videos().insert(film)));
        assert.equal(passed, 1);
        for (const refusal of refusals) {
            await refused(refusal, 'PT409', 'file_taken');
        }
        await refused(videos().insert({ ...video(demo), storage_url: film.storage_url }), 'PT409', 'file_taken');
        const other = await ok(videos().insert(video(demo)).select().single());
        await refused(videos().update({ storage_url: film.storage_url }).eq('id', other.id).select(), 'PT409', 'file_taken');

        // Once more and once more: each is another transcription.
        let asked = 2;
        const { anonymous } = await allowed('domo.daily_files');
        for (;;) {
            await ok(service().domo.from('demo_videos').update({ processing_status: 'completed' }).eq('demo_id', demo.id));
            const answer = await videos().update({ processing_status: 'pending' }).eq('demo_id', demo.id).select();
            if (answer.error) {
                await refused(answer, 'PT429', 'rate_limited', /\d+ s/);
                break;
            }
            asked += answer.data.length;
            assert.ok(asked <= anonymous, 'nothing stops it');
        }
        assert.ok(asked > anonymous - 2);
    });

    test('a person has as many unfinished files as the ceiling says, videos and documents together', async () => {
        const someone = await person();
        const demo = await demoOf(someone);
        const { anonymous } = await allowed('domo.unfinished_files');
        const half = anonymous / 2;
        await ok(someone.domo.from('demo_videos').insert(numbers(half).map(() => video(demo))));
        const document = () => ({ demo_id: demo.id, title: 'x', storage_url: `${demo.id}/${randomUUID()}.txt` });
        const { passed, refusals } = await all(numbers(half + 3).map(() => someone.domo.from('demo_documents').insert(document())));
        assert.equal(passed, anonymous - half);
        for (const refusal of refusals) {
            await refused(refusal, 'PT409', 'limit_reached', new RegExp(`\\b${anonymous}\\b`));
        }
        await ok(service().domo.from('demo_videos').update({ processing_status: 'completed' }).eq('demo_id', demo.id));
        await ok(someone.domo.from('demo_documents').insert(document()));
    });

    test('knowledge that is written into the table is limited as well, and a change of a text is another embedding', async () => {
        const change = `update parley.limits set allowed_anonymous = case name when 'domo.knowledge_chunks' then 12 else 20 end
            where name in ('domo.knowledge_chunks', 'domo.daily_knowledge')`;
        await asPerson(change, async (client) => {
            const { rows: [demo] } = await client.query(`insert into domo.demos (name) values ('x') returning id`);
            const insert = (count) => client.query(
                `insert into domo.knowledge_chunks (demo_id, content) select $1, gen_random_uuid()::text from generate_series(1, ${count})`, [demo.id],
            );
            const refusedWith = async (attempt, error) => {
                await client.query('savepoint before');
                await assert.rejects(attempt(), error);
                await client.query('rollback to before');
            };
            await refusedWith(() => insert(13), { code: 'PT409', detail: 'limit_reached' });
            await insert(10);
            await refusedWith(() => insert(3), { code: 'PT409', detail: 'limit_reached' });
            await insert(2);
            await client.query(`update domo.knowledge_chunks set source = 'elsewhere'`);
            await refusedWith(() => client.query(`update domo.knowledge_chunks set content = content || '!'`), { code: 'PT429', detail: 'rate_limited' });
        });
    });

    test('uploads end where a person has stored as much as they may', async () => {
        const someone = await person();
        const demo = await demoOf(someone);
        const upload = (name) => someone.client.storage.from('demo-documents').upload(`${demo.id}/${name}.txt`, 'text', { contentType: 'text/plain' });
        await ok(upload('small'));
        const { anonymous } = await allowed('domo.stored_megabytes');
        await rows(`insert into storage.objects (bucket_id, name, metadata) values ('demo-videos', $1, jsonb_build_object('size', $2::bigint))`, [
            `${demo.id}/film.mp4`, anonymous * 1024 * 1024,
        ]);
        const { error } = await upload('one more');
        assert.match(error.message, /row-level security/);
        // Of somebody else's files nothing counts.
        const other = await person();
        const theirs = await demoOf(other);
        await ok(other.client.storage.from('demo-documents').upload(`${theirs.id}/small.txt`, 'text', { contentType: 'text/plain' }));
        const storage = (bucket) => service().client.storage.from(bucket);
        await ok(storage('demo-videos').remove([`${demo.id}/film.mp4`]));
        await ok(storage('demo-documents').remove([`${demo.id}/small.txt`, `${theirs.id}/small.txt`]));
    });

    test('one statement that changes every demo leaves a trail of a size that does not grow with what was written', async () => {
        const someone = await person();
        const { anonymous } = await allowed('domo.demos');
        await ok(someone.domo.from('demos').insert(numbers(anonymous).map((number) => ({ name: `demo ${number}` }))));
        for (const letter of ['a', 'b']) {
            const metadata = { text: letter.repeat(40_000) };
            await ok(someone.domo.from('demos').update({ metadata }).eq('user_id', someone.id));
        }
        const { bytes, longest } = await row(
            `select sum(octet_length(a::text))::integer as bytes, max(octet_length(a.new_values::text)) as longest
            from domo.audit_logs a where a.owner_id = $1 and a.action = 'update'`,
            [someone.id],
        );
        assert.ok(longest < 3_000, `${longest} bytes of one change`);
        assert.ok(bytes < anonymous * 2 * 5_000, `${bytes} bytes of two statements`);
    });
});

describe('calls', () => {
    test('a person has as many running calls as the ceiling says, however many are started at once', async () => {
        const someone = await person();
        const demo = await demoOf(someone, { tavus_persona_id: 'p' });
        const { anonymous } = await allowed('domo.running_conversations');
        const start = () => someone.domo.rpc('start_conversation', { demo_id: demo.id, client_id: randomUUID() });
        const { passed, refusals } = await all(numbers(anonymous + 3).map(start));
        assert.equal(passed, anonymous);
        for (const refusal of refusals) {
            await refused(refusal, 'PT409', 'limit_reached', new RegExp(`\\b${anonymous}\\b`));
        }
        await rows(`update domo.conversations set status = 'ended', ended_at = now() where demo_id = $1`, [demo.id]);
        await ok(start());
        await rows(`update domo.conversations set status = 'ended', ended_at = now() where demo_id = $1`, [demo.id]);
    });

    test('a person has as many running avatars as the ceiling says, in whatever rooms', async () => {
        const someone = await person();
        const { anonymous } = await allowed('echoroom.running_conversations');
        const rooms = [];
        for (const _ of numbers(anonymous + 1)) {
            rooms.push(await roomWith([someone]));
        }
        const { passed, refusals } = await all(rooms.map(({ id }) => someone.rpc('start_conversation', { session_id: id, mood: 'Calm' })));
        assert.equal(passed, anonymous);
        await refused(refusals[0], 'PT409', 'limit_reached', new RegExp(`\\b${anonymous}\\b`));
        await rows(`update echoroom.conversations set status = 'ended' where started_by = $1`, [someone.id]);
    });
});

describe('the table of limits', () => {
    test('a change of an operator is in force at once, and null is no limit', async () => {
        const insert = (count) => `insert into domo.demos (name) select 'demo ' || n from generate_series(1, ${count}) as n`;
        await asPerson(`update parley.limits set allowed_anonymous = 3 where name = 'domo.demos'`, async (client) => {
            await client.query(insert(3));
            await assert.rejects(client.query(insert(1)), { code: 'PT409', detail: 'limit_reached' });
        });
        await asPerson(`update parley.limits set allowed_anonymous = 0 where name = 'domo.demos'`, async (client) => {
            await assert.rejects(client.query(insert(1)), { code: 'PT409', detail: 'limit_reached' });
        });
        await asPerson(`update parley.limits set allowed_anonymous = null where name in ('domo.demos', 'domo.daily_demos')`, async (client) => {
            await client.query(insert(5000));
        });
    });

    test('several events of a rate pass together or not at all', async () => {
        const change = `update parley.limits set allowed_anonymous = 10 where name = 'domo.daily_demos'`;
        const insert = (count) => `insert into domo.demos (name) select 'demo ' || n from generate_series(1, ${count}) as n`;
        await asPerson(change, async (client, id) => {
            await client.query(insert(7));
            await client.query('savepoint before');
            await assert.rejects(client.query(insert(4)), { code: 'PT429', detail: 'rate_limited' });
            await client.query('rollback to before');
            await client.query(insert(3));
            await client.query('savepoint filled');
            await assert.rejects(client.query(insert(1)), { code: 'PT429' });
            await client.query('rollback to filled');
            const { rows: left } = await client.query('select count(*)::integer as count from domo.demos where user_id = $1', [id]);
            assert.equal(left[0].count, 10);
        });
    });

    test("a person's requests leave no more jobs waiting than the ceiling says, and the worker's own go on", async () => {
        await asPerson(`update parley.limits set allowed_anonymous = 2 where name = 'parley.waiting_jobs'`, async (client, id) => {
            const { rows: [demo] } = await client.query(`insert into domo.demos (name) values ('x') returning id`);
            const insert = () => client.query(
                `insert into domo.demo_videos (demo_id, title, storage_url, order_index) values ($1, 'x', $2, 0)`, [demo.id, `${demo.id}/${randomUUID()}.mp4`],
            );
            await insert();
            await insert();
            await client.query('savepoint waiting');
            await assert.rejects(insert(), { code: 'PT409', detail: 'limit_reached' });
            await client.query('rollback to waiting');
            await client.query(`select set_config('role', 'none', true), set_config('request.jwt.claims', '', true)`);
            await client.query(`select parley.enqueue_job('knowledge', 'embed_knowledge', jsonb_build_object('app', 'domo', 'demo', $1::text), owner => $2)`, [demo.id, id]);
        });
    });

    test('nobody but an operator reads or changes it', async () => {
        for (const role of ['anon', 'authenticated', 'service_role', 'parley_worker']) {
            const { may } = await row(
                `select has_table_privilege($1, 'parley.limits', 'select') or has_table_privilege($1, 'parley.limits', 'update') as may`, [role],
            );
            assert.equal(may, false, role);
        }
    });

    test('every rate and ceiling that a function asks for is a row, and every row is asked for', async () => {
        const sources = await rows(
            `select p.prosrc from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname ~ '^(parley|echoroom|domo)'`,
        );
        const asked = new Set(sources.flatMap(({ prosrc }) => [...prosrc.matchAll(/'((?:parley|echoroom|domo)\.[a-z_]+)'/g)].map(([, name]) => name)));
        const known = (await rows('select name from parley.limits')).map(({ name }) => name);
        assert.deepEqual(known.filter((name) => !asked.has(name)), []);
        const limiting = sources.flatMap(({ prosrc }) =>
            [...prosrc.matchAll(/parley\.(?:limit_rate|lock_ceiling|check_ceiling|allowed|retention)\(\s*'([a-z_.]+)'/g)].map(([, name]) => name),
        );
        assert.deepEqual(limiting.filter((name) => !known.includes(name)), []);
        assert.ok(limiting.length > 20);
    });

    test('a limit that is there keeps the numbers of the operator when a release defines it again', async () => {
        await inRolledBackTransaction(async (client) => {
            await client.query(`update parley.limits set allowed = 7 where name = 'domo.demos'`);
            await client.query(`select parley.define_limit('domo.demos', 'ceiling', 100, 'Demos.', 10)`);
            const { rows: [limit] } = await client.query(`select allowed::integer, description from parley.limits where name = 'domo.demos'`);
            assert.deepEqual(limit, { allowed: 7, description: 'Demos.' });
        });
    });
});
