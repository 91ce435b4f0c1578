// Row level security and grants, generated from the catalogue: what rls_matrix.mjs expects of every table x person x verb is executed, each
// cell in a transaction of its own that is rolled back.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { database, inRolledBackTransaction, rows } from './database.mjs';
import { person } from './people.mjs';
import { definerHelpers, folders, functions, hiddenSchemas, people, platformSchemas, tables, topics, verbs } from './rls_matrix.mjs';
import { exposedSchemas, stack } from './stack.mjs';

const apiRoles = ['anon', 'authenticated', 'service_role'];
const exposed = exposedSchemas();
const isOurs = `n.nspname !~ '^pg_' and n.nspname <> all ($1::text[])`;

const schemas = await rows(`select n.nspname as name from pg_namespace n where ${isOurs} order by 1`, [platformSchemas]);
const relations = await rows(
    `select n.nspname || '.' || c.relname as name, n.nspname as schema, c.relkind as kind, c.relrowsecurity as has_rls, c.oid::text as oid,
        coalesce(c.reloptions @> array['security_invoker=true'] or c.reloptions @> array['security_invoker=on'], false) as is_invoker
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and ${isOurs}
    order by 1`,
    [platformSchemas],
);
const routines = await rows(
    `select n.nspname || '.' || p.proname as name, n.nspname as schema, p.prosecdef as is_definer, p.oid::text as oid,
        n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as signature,
        coalesce(p.proconfig, '{}') as config,
        array(
            select r.rolname::text from pg_roles r
            where r.rolname = any ($2) and has_function_privilege(r.oid, p.oid, 'execute') order by 1
        ) as callers,
        exists (
            select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) granted
            where granted.grantee = 0 and granted.privilege_type = 'EXECUTE'
        ) as is_public
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where ${isOurs}
    order by signature`,
    [platformSchemas, apiRoles],
);

// The prepared data ---------------------------------------------------------------------------------------------------------------

/** Two open rooms and two closed ones, with the member and the anonymous user in one of each, a demo of each, and something of everything. */
async function prepare(client) {
    const ids = Object.fromEntries(
        [
            'mine', 'other', 'closed', 'closed_other', 'message_mine', 'message_other', 'member', 'stranger', 'anonymous', 'persona',
            'demo_mine', 'demo_other', 'call_mine', 'call_other',
        ].map((name) => [name, randomUUID()]),
    );
    await client.query(fill(
        client,
        ids,
        `insert into auth.users (id, email, role, aud, is_anonymous) values
            ($member, $member || '@example.com', 'authenticated', 'authenticated', false),
            ($stranger, $stranger || '@example.com', 'authenticated', 'authenticated', false),
            ($anonymous, null, 'authenticated', 'authenticated', true);
        insert into echoroom.sessions (id, category, created_by) values
            ($mine, 'Calm', $member), ($other, 'Calm', $anonymous), ($closed, 'Calm', null), ($closed_other, 'Calm', null);
        insert into echoroom.participants (session_id, user_id, user_name) values
            ($mine, $member, 'Member'), ($closed, $member, 'Member'),
            ($other, $anonymous, 'Anonymous'), ($closed_other, $anonymous, 'Anonymous');
        insert into echoroom.chat_messages (id, session_id, user_id, sender_name, content) values
            ($message_mine, $mine, $member, 'Member', 'mine'), ($message_other, $other, $anonymous, 'Anonymous', 'other');
        insert into echoroom.message_reactions (message_id, session_id, user_id, emoji) values
            ($message_mine, $mine, $member, '👍'), ($message_other, $other, $anonymous, '👍');
        insert into echoroom.removed_participants (session_id, user_id, user_name) values ($mine, $stranger, 'Stranger'), ($other, $stranger, 'Stranger');
        insert into echoroom.conversations (session_id, persona_id, mood) values ($mine, 'somebody', 'Calm'), ($other, 'somebody', 'Calm');
        update echoroom.sessions set is_active = false where id in ($closed, $closed_other);
        insert into echoroom.persona (persona_id) values ($persona);

        insert into domo.demos (id, user_id, name) values ($demo_mine, $member, 'Mine'), ($demo_other, $anonymous, 'Other');
        insert into domo.demo_videos (demo_id, title, storage_url, order_index)
            select id, 'Tour', id || '/tour.mp4', 0 from domo.demos where id in ($demo_mine, $demo_other);
        insert into domo.demo_documents (demo_id, title, storage_url)
            select id, 'Manual', id || '/manual.pdf' from domo.demos where id in ($demo_mine, $demo_other);
        insert into domo.knowledge_chunks (demo_id, content) values ($demo_mine, 'mine'), ($demo_other, 'other');
        insert into domo.conversations (id, demo_id, persona_id, status, conversation_id) values
            ($call_mine, $demo_mine, 'somebody', 'active', $call_mine), ($call_other, $demo_other, 'somebody', 'active', $call_other);
        insert into domo.processed_webhook_events (demo_id, conversation, conversation_id, event_type, event_data, event_hash)
            select demo_id, id, conversation_id, 'system.replica_joined', '{}', encode(sha256(id::text::bytea), 'hex')
            from domo.conversations where id in ($call_mine, $call_other);
        insert into domo.conversation_messages (demo_id, conversation, conversation_id, position, role, content)
            select demo_id, id, conversation_id, 1, 'user', 'Hi' from domo.conversations where id in ($call_mine, $call_other);
        insert into storage.objects (bucket_id, name) values
            ('demo-videos', $demo_mine || '/tour.mp4'), ('demo-videos', $demo_other || '/tour.mp4'),
            ('demo-documents', $demo_mine || '/tour.mp4'), ('demo-documents', $demo_other || '/tour.mp4');`,
    ));
    return ids;
}

function fill(client, ids, sql) {
    return sql.replace(/\$(\w+)/g, (_, name) => client.escapeLiteral(ids[name]));
}

async function actAs(client, ids, name) {
    const role = { anon: 'anon', service: 'service_role' }[name] ?? 'authenticated';
    const claims = role === 'authenticated' ? { role, sub: ids[name], is_anonymous: name === 'anonymous' } : { role };
    await client.query(`select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`, [role, JSON.stringify(claims)]);
}

/** Runs a statement in a savepoint: how many rows it touched, or its SQLSTATE. */
async function attempt(client, sql, values = []) {
    await client.query('savepoint attempt');
    try {
        const result = await client.query(sql, values);
        await client.query('release savepoint attempt');
        return { count: result.rowCount };
    } catch (error) {
        await client.query('rollback to savepoint attempt');
        return { code: error.code, message: error.message };
    }
}

async function asOwner(client, sql) {
    const role = (await client.query(`select current_setting('role') as role`)).rows[0].role;
    await client.query(`set local role none`);
    const result = await client.query(sql);
    await client.query(`select set_config('role', $1, true)`, [role]);
    return result.rows[0];
}

const insertOf = (table, values) =>
    `insert into ${table} (${Object.keys(values).join(', ')}) values (${Object.keys(values).map((_, i) => `$${i + 1}`).join(', ')})`;

// One cell -----------------------------------------------------------------------------------------------------------------------

async function denied(client, table, verb, ids) {
    const columns = await asOwner(
        client,
        `select array_agg(quote_ident(attname)::text order by attnum) as names,
            max(quote_ident(attname)::text) filter (where attidentity = '' and attgenerated = '') as writable
        from pg_attribute
        where attrelid = '${table}'::regclass and attnum > 0 and not attisdropped`,
    );
    // Column by column: a right on a single column is a right.
    const statements = columns.names.map((column) => ({
        select: `select ${column} from ${table} where false`,
        insert: `insert into ${table} (${column}) values (default)`,
        update: `update ${table} set ${column} = default where false`,
        delete: `delete from ${table} where false`,
    }[verb]));
    for (const statement of new Set(statements)) {
        const { code, message } = await attempt(client, statement);
        assert.equal(code, '42501', `${statement}: ${message ?? 'it was allowed'}`);
    }
    const { insert, rows: prepared } = tables[table];
    if (verb === 'insert' && insert) {
        const values = insert(ids);
        const { code, message } = await attempt(client, insertOf(table, values), Object.values(values));
        assert.equal(code, '42501', message ?? 'the row went in');
    } else if (prepared) {
        const where = fill(client, ids, prepared);
        const statement = {
            select: `select from ${table} where ${where}`,
            update: `update ${table} set ${columns.writable} = ${columns.writable} where ${where}`,
            delete: `delete from ${table} where ${where}`,
        }[verb];
        const { code, message } = await attempt(client, statement);
        assert.equal(code, '42501', message ?? 'it was allowed');
    }
}

async function touched(client, table, verb, set, ids) {
    const { rows: prepared, sets, update } = tables[table];
    const where = fill(client, ids, prepared);
    const condition = { all: 'true', none: 'false' }[set] ?? sets[set];
    assert.ok(condition, `${set} is not a set of ${table}`);
    const expected = await asOwner(
        client,
        `select count(*)::integer as every, count(*) filter (where ${fill(client, ids, condition)})::integer as visible from ${table} where ${where}`,
    );
    assert.ok(expected.every > 0, `there is no prepared row in ${table}`);
    if (set !== 'all' && set !== 'none') {
        assert.ok(expected.visible > 0 && expected.visible < expected.every, `the set ${set} of ${table} tells nothing apart`);
    }
    const statement = {
        select: `select from ${table} where ${where}`,
        update: `update ${table} set ${update} where ${where}`,
        delete: `delete from ${table} where ${where}`,
    }[verb];
    const { count, code, message } = await attempt(client, statement);
    assert.equal(code, undefined, message);
    assert.equal(count, expected.visible);
}

async function checkCell(table, name, verb, expectation) {
    await inRolledBackTransaction(async (client) => {
        const ids = await prepare(client);
        const { insert, rows: prepared } = tables[table];
        const digest = `select md5(string_agg(t::text, '|' order by t::text)) as data from ${table} t
            where ${prepared ? fill(client, ids, prepared) : 'false'}`;
        const before = await asOwner(client, digest);
        await actAs(client, ids, name);
        if (expectation === 'denied') {
            await denied(client, table, verb, ids);
        } else if (verb === 'insert') {
            assert.ok(['allowed', 'refused'].includes(expectation));
            const values = insert(ids);
            const { count, code, message } = await attempt(client, insertOf(table, values), Object.values(values));
            if (expectation === 'refused') {
                assert.equal(code, '42501', message ?? 'the row went in');
                assert.match(message, /row-level security/);
            } else {
                assert.equal(count, 1, message);
            }
        } else {
            await touched(client, table, verb, expectation, ids);
        }
        if (['denied', 'refused', 'none'].includes(expectation) || verb === 'select') {
            assert.deepEqual(await asOwner(client, digest), before, 'the data changed');
        }
    });
}

// The tests ----------------------------------------------------------------------------------------------------------------------

test('every table and view of ours has a row in the matrix, and every row has a table', () => {
    assert.deepEqual(relations.map(({ name }) => name), Object.keys(tables).sort());
});

test('every schema of ours is either exposed or listed as hidden', () => {
    const known = [...exposed, ...Object.keys(hiddenSchemas)];
    assert.deepEqual(schemas.map(({ name }) => name).filter((name) => !known.includes(name)), []);
    assert.deepEqual(exposed.filter((name) => name in hiddenSchemas), []);
});

for (const [table, { rights }] of Object.entries(tables)) {
    describe(table, () => {
        test('has a cell for every person and verb', () => {
            assert.deepEqual(Object.keys(rights), people);
            for (const cells of Object.values(rights)) {
                assert.equal(cells.length, verbs.length);
            }
        });
        for (const name of people) {
            verbs.forEach((verb, position) => {
                const expectation = rights[name][position];
                test(`${name}, ${verb}: ${expectation}`, () => checkCell(table, name, verb, expectation));
            });
        }
    });
}

for (const [app, { places, extensions, maySpeak, allowed: allowedTo }] of Object.entries(topics)) {
    for (const [name, allowed] of Object.entries(allowedTo)) {
        const does = maySpeak ? 'listens and speaks' : 'listens';
        test(`on Realtime, ${name} ${does} ${allowed.length > 0 ? `in ${allowed.join(' and ')} only` : `nowhere of ${app}`}`, async () => {
            await inRolledBackTransaction(async (client) => {
                const ids = await prepare(client);
                const probes = [
                    ...places.map((place) => ({ topic: `${app}:${ids[place]}:1`, isAllowed: allowed.includes(place) })),
                    // A later or an earlier epoch, a place that is not there, and what is no topic at all.
                    ...['0', '2', '', '1:1', '01'].map((epoch) => ({ topic: `${app}:${ids[places[0]]}:${epoch}`, isAllowed: false })),
                    { topic: `${app}:${randomUUID()}:1`, isAllowed: false },
                    { topic: `${app}:%:1`, isAllowed: false },
                    { topic: 'anything', isAllowed: false },
                ];
                for (const { topic, isAllowed } of probes) {
                    for (const extension of ['broadcast', 'presence', 'postgres_changes']) {
                        const right = isAllowed && extensions.includes(extension);
                        const id = randomUUID();
                        // What the Realtime server does when somebody joins: a row of the topic, and a look whether the person sees it.
                        await client.query('savepoint probe');
                        await client.query('insert into realtime.messages (id, topic, extension) values ($1, $2, $3)', [id, topic, extension]);
                        await client.query(`select set_config('realtime.topic', $1, true)`, [topic]);
                        await actAs(client, ids, name);
                        const seen = await attempt(client, 'select from realtime.messages where id = $1', [id]);
                        assert.equal(seen.count, right ? 1 : 0, `${name} listens to ${extension} of ${topic}: ${seen.message ?? seen.count}`);
                        const spoken = await attempt(client, 'insert into realtime.messages (topic, extension) values ($1, $2)', [topic, extension]);
                        const says = `${name} speaks on ${extension} of ${topic}: ${spoken.message}`;
                        assert.equal(spoken.code, right && maySpeak ? undefined : '42501', says);
                        await client.query('rollback to savepoint probe');
                    }
                }
            });
        });
    }
}

for (const [bucket, { places, allowed: allowedTo }] of Object.entries(folders)) {
    for (const [name, allowed] of Object.entries(allowedTo)) {
        test(`in the bucket ${bucket}, ${name} has ${allowed.length > 0 ? `the folder of ${allowed.join(' and ')}` : 'no folder'}`, async () => {
            await inRolledBackTransaction(async (client) => {
                const ids = await prepare(client);
                // Deleting a row of a file is for the Storage API, which says so with this.
                await client.query(`select set_config('storage.allow_delete_query', 'true', true)`);
                await client.query('insert into storage.buckets (id, name) values ($1, $1)', ['elsewhere']);
                // The same path in another bucket is another file.
                await client.query('delete from storage.objects where bucket_id <> $1', [bucket]);
                await actAs(client, ids, name);
                for (const place of places) {
                    const isAllowed = allowed.includes(place);
                    const file = `${ids[place]}/tour.mp4`;
                    const count = isAllowed ? 1 : 0;
                    for (const statement of [
                        'select from storage.objects where name = $1',
                        `update storage.objects set metadata = '{}' where name = $1`,
                        'delete from storage.objects where name = $1',
                    ]) {
                        const outcome = await attempt(client, statement, [file]);
                        assert.equal(outcome.count, count, `${statement}: ${outcome.message ?? outcome.count}`);
                    }
                    for (const [path, to, mayPut] of [
                        [`${ids[place]}/new.mp4`, bucket, isAllowed],
                        [`${ids[place]}/deep/er.mp4`, bucket, isAllowed],
                        [`${ids[place]}`, bucket, false],
                        [`x/${ids[place]}/new.mp4`, bucket, false],
                        [`${ids[place]}/new.mp4`, 'elsewhere', false],
                        ['not-a-uuid/new.mp4', bucket, false],
                        ['/', bucket, false],
                    ]) {
                        const put = await attempt(client, 'insert into storage.objects (bucket_id, name) values ($1, $2)', [to, path]);
                        assert.equal(put.code, mayPut ? undefined : '42501', `${name} puts ${path} into ${to}: ${put.message}`);
                    }
                }
                if (allowed.length > 0) {
                    const moved = await attempt(client, 'update storage.objects set name = $1 where name = $2', [
                        `${ids[places.find((place) => !allowed.includes(place))]}/mine.mp4`, `${ids[allowed[0]]}/new.mp4`,
                    ]);
                    assert.equal(moved.code, '42501', 'a file moved into the folder of somebody else');
                }
            });
        });
    }
}

test('row level security is on for every table of ours', () => {
    const open = relations.filter(({ kind, has_rls }) => ['r', 'p'].includes(kind) && !has_rls);
    assert.deepEqual(open.map(({ name }) => name), []);
});

test('every view in an exposed schema runs with the rights of its reader', () => {
    const views = relations.filter(({ kind, schema }) => kind === 'v' && exposed.includes(schema));
    assert.deepEqual(views.filter(({ is_invoker }) => !is_invoker).map(({ name }) => name), []);
    const unsafe = relations.filter(({ kind, schema }) => ['m', 'f'].includes(kind) && exposed.includes(schema));
    assert.deepEqual(unsafe.map(({ name }) => name), [], 'row level security does not hold for these kinds');
});

test('no client role may truncate, reference or put triggers on a table, nor use a sequence', async () => {
    const held = await rows(
        `select n.nspname || '.' || c.relname as name, r.rolname as role, right_to as right
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        cross join unnest(array['anon', 'authenticated']) as r (rolname)
        cross join unnest(
            case when c.relkind = 'S' then array['usage', 'select', 'update'] else array['truncate', 'references', 'trigger'] end
        ) as right_to
        where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${isOurs}
            and case
                when c.relkind = 'S' then has_sequence_privilege(r.rolname, c.oid, right_to)
                else has_table_privilege(r.rolname, c.oid, right_to)
            end`,
        [platformSchemas],
    );
    assert.deepEqual(held, []);
});

test('every function of an exposed schema is in the matrix, callable by exactly the roles listed there', () => {
    const actual = routines.filter(({ schema }) => exposed.includes(schema)).map(({ signature, callers }) => [signature, callers]);
    assert.deepEqual(Object.fromEntries(actual), functions);
});

test('no function of ours may be executed by everybody', () => {
    assert.deepEqual(routines.filter(({ is_public }) => is_public).map(({ signature }) => signature), []);
});

test('no function of an exposed schema runs with its owner\'s rights', () => {
    const definers = routines.filter(({ schema, is_definer }) => exposed.includes(schema) && is_definer);
    assert.deepEqual(definers.map(({ signature }) => signature), []);
});

test('every function that runs with its owner\'s rights has an empty search_path', () => {
    const definers = routines.filter(({ is_definer }) => is_definer);
    assert.ok(definers.length > 0);
    assert.deepEqual(definers.filter(({ config }) => !config.includes('search_path=""')).map(({ signature }) => signature), []);
});

test('exactly the listed definer helpers can be executed by API roles', () => {
    const callable = routines.filter(({ is_definer, callers }) => is_definer && callers.length > 0).map(({ name, callers }) => [name, callers]);
    assert.deepEqual(Object.fromEntries(callable), definerHelpers);
});

test('of the kernel API roles can execute nothing but what their own rows are checked by, and its schemas are closed to them', async () => {
    const kernel = routines.filter(({ schema }) => /^parley/.test(schema));
    assert.ok(kernel.length > 0);
    // A constraint calls them with the rights of who writes. They are immutable, read no table, and no statement can name them: the schema is closed.
    const checks = ['parley.is_one_line(input text)', 'parley.normal_emoji(input text)', 'parley.trim_text(input text)'];
    assert.deepEqual(kernel.filter(({ callers }) => callers.length > 0).map(({ signature }) => signature).sort(), checks);
    for (const { name } of schemas.filter((schema) => schema.name in hiddenSchemas)) {
        const { rows: users } = await database.query(
            `select rolname::text as role from pg_roles where rolname = any ($1) and has_schema_privilege(oid, $2, 'usage') order by 1`,
            [apiRoles, name],
        );
        assert.deepEqual(users.map(({ role }) => role), hiddenSchemas[name], name);
    }
});

test('no API role may create anything in a schema of ours', async () => {
    const creators = await rows(
        `select n.nspname as schema, r.rolname as role from pg_namespace n, pg_roles r
        where ${isOurs} and r.rolname = any ($2) and has_schema_privilege(r.oid, n.oid, 'create')`,
        [platformSchemas, apiRoles],
    );
    assert.deepEqual(creators, []);
});

test('the API answers 406 for every schema that is not exposed, whoever asks', async () => {
    const { client } = await person();
    const { data } = await client.auth.getSession();
    const hidden = (await rows(`select nspname::text as name from pg_namespace where nspname !~ '^pg_toast|^pg_temp' order by 1`))
        .map(({ name }) => name)
        .filter((name) => !exposed.includes(name) && name !== 'graphql_public');
    assert.ok(['echoroom_private', 'domo_private', 'parley', 'auth'].every((name) => hidden.includes(name)));
    const callers = [
        { apikey: stack.anonKey },
        { apikey: stack.anonKey, authorization: `Bearer ${data.session.access_token}` },
        { apikey: stack.serviceRoleKey, authorization: `Bearer ${stack.serviceRoleKey}` },
    ];
    for (const schema of hidden) {
        for (const headers of callers) {
            const read = await fetch(`${stack.url}/rest/v1/sessions`, { headers: { ...headers, 'accept-profile': schema } });
            assert.equal(read.status, 406, `${schema}: ${await read.text()}`);
            const call = await fetch(`${stack.url}/rest/v1/rpc/list_sessions`, {
                method: 'POST',
                headers: { ...headers, 'content-profile': schema, 'content-type': 'application/json' },
                body: '{}',
            });
            assert.equal(call.status, 406, schema);
            assert.equal((await call.json()).code, 'PGRST106');
        }
    }
});
