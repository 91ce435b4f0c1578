// The real Supabase CLI against a database that starts empty: reset twice, list, lint, advise. `db reset` throws everything away, so this
// file brings a stack of its own: one on a project without migrations, so that the CLI meets nothing of ours.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { after, before, test } from 'node:test';
import { createClient } from '@supabase/supabase-js';
import pg from 'pg';
import WebSocket from 'ws';
import { schemas } from '../../bin/lib/apps.mjs';
import { startStack } from './own_stack.mjs';
import { expectedKernel, exposedSchemas, root } from './stack.mjs';

const run = promisify(execFile);
/** The schemas of the kernel and the apps, as a pattern. */
const ours = `^(parley|${schemas.join('|')})`;
const folder = join(root, '.parley', `cli-test-${expectedKernel}-${process.pid}`);
const exceptions = JSON.parse(readFileSync(join(import.meta.dirname, 'advisors_exceptions.json'), 'utf8'));

let server;
let stack;
let admin;

before(async () => {
    const project = join(folder, 'project');
    const data = join(folder, 'data');
    mkdirSync(join(project, 'supabase'), { recursive: true });
    copyFileSync(join(root, 'supabase/config.toml'), join(project, 'supabase/config.toml'));
    server = await startStack(project, data, { PARLEY_API_PORT: '0', PARLEY_DB_PORT: '0', PARLEY_WORKER_PORT: '0', PARLEY_KERNEL: 'portable' });
    stack = server.connection;
    admin = new pg.Pool({ connectionString: stack.adminDbUrl, max: 1, allowExitOnIdle: true });
    await admin.query(`alter database postgres set parley.kernel = '${expectedKernel}'`);
    // The advisors compare with this setting of the API; without it they find nothing exposed.
    await admin.query(`alter database postgres set pgrst.db_schemas = '${exposedSchemas().join(',')}'`);
});

after(async () => {
    await admin?.end();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
});

/** Runs the CLI against the stack: its exit code, its JSON answer, and what it said on the way. */
async function supabase(...words) {
    const kept = Object.entries(process.env).filter(([name]) => !/^(SUPABASE_|PG)/.test(name));
    const options = {
        cwd: root,
        env: { ...Object.fromEntries(kept), HOME: folder, SUPABASE_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
        maxBuffer: 64 * 1024 * 1024,
    };
    const flags = ['--workdir', root, '--agent', 'no', '--output-format', 'json', `--remote=${stack.dbUrl}`];
    const command = join(root, 'tests/js/node_modules/.bin/supabase');
    const { code, stdout, stderr } = await run(command, [...words, ...flags], options).then(
        (done) => ({ code: 0, ...done }),
        (failed) => failed,
    );
    const line = stdout.trim().split('\n').at(-1);
    assert.ok(line?.startsWith('{'), `supabase ${words.join(' ')} gave no JSON (exit ${code}):\n${stdout}\n${stderr}`);
    return { code, answer: JSON.parse(line), said: stderr };
}

async function rows(text, values = []) {
    return (await admin.query(text, values)).rows;
}

/** All that the migrations define, as text: functions, tables, constraints, indexes, triggers, policies, grants, comments. */
async function definitions() {
    const isOurs = `n.nspname ~ '${ours}'`;
    const found = await rows(`
        select 'function ' || p.oid::regprocedure || ' ' || md5(pg_get_functiondef(p.oid)) || ' ' || coalesce(p.proacl::text, '')
            || coalesce(obj_description(p.oid, 'pg_proc'), '') as line
            from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${isOurs} and p.prokind = 'f'
        union all
        select 'column ' || c.oid::regclass || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
            || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || ' ' || coalesce(c.relacl::text, '') || ' ' || c.relrowsecurity
            from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
            left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
            where ${isOurs} and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped
        union all
        select 'constraint ' || t.conrelid::regclass || ' ' || t.conname || ' ' || pg_get_constraintdef(t.oid)
            from pg_constraint t join pg_namespace n on n.oid = t.connamespace where ${isOurs}
        union all
        select 'index ' || pg_get_indexdef(c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${isOurs} and c.relkind = 'i'
        union all
        select 'trigger ' || pg_get_triggerdef(t.oid) from pg_trigger t
            join pg_proc p on p.oid = t.tgfoid join pg_namespace n on n.oid = p.pronamespace where ${isOurs} and not t.tgisinternal
        union all
        select 'policy ' || to_jsonb(p)::text from pg_policies p where schemaname in ('realtime', 'storage') or schemaname ~ '${ours}'
        order by 1`);
    return found.map(({ line }) => line);
}

const migrationFiles = readdirSync(join(root, 'migrations')).filter((name) => /^\d+_\w+\.sql$/.test(name)).sort();
let first;

test('the CLI starts from a database that holds nothing of ours', async () => {
    assert.deepEqual(await rows(`select nspname from pg_namespace where nspname ~ '${ours}'`), []);
});

test('db reset applies every migration and the seed to an empty database', async () => {
    const { code, said } = await supabase('db', 'reset', '--yes');
    assert.equal(code, 0, said);
    for (const name of migrationFiles) {
        assert.ok(said.includes(`Applying migration ${name}`), name);
    }
    assert.match(said, /Seeding data/);
    first = await definitions();
    assert.ok(first.length > 100);
    const [{ sessions }] = await rows('select count(*)::integer as sessions from echoroom.sessions');
    assert.ok(sessions > 0);
});

test('db reset works a second time and leads to the very same schema', async () => {
    await rows(`insert into echoroom.sessions (category) values ('From before the reset')`);
    const { code, said } = await supabase('db', 'reset', '--yes');
    assert.equal(code, 0, said);
    assert.deepEqual(await definitions(), first);
    assert.deepEqual(await rows(`select from echoroom.sessions where category = 'From before the reset'`), []);
});

test('migration list finds every file applied, and no other', async () => {
    const { code, answer } = await supabase('migration', 'list');
    assert.equal(code, 0);
    const versions = migrationFiles.map((name) => name.split('_')[0]);
    assert.deepEqual(answer.migrations.map(({ local }) => local), versions);
    assert.deepEqual(answer.migrations.map(({ remote }) => remote), versions);
});

test('after a reset by the CLI the wanted kernel runs', async () => {
    const [{ implementation }] = await rows('select parley.implementation()');
    assert.equal(implementation, expectedKernel);
    assert.deepEqual(await rows('select * from parley.counter_drift()'), []);
});

// Each finding as one line, to compare with the list of exceptions: what is new fails, and what no longer occurs fails too.
const lintFindings = (answer) => [
    ...new Set(answer.results.flatMap((result) => result.issues.map(({ level, message }) => `${result.function}: ${level}: ${message}`))),
];
const advice = (answer) => answer.results.map(({ name, metadata }) => `${name}: ${metadata.schema}.${metadata.name}`);
/** Versions of two numbers, compared as such: 2.10 is newer than 2.8. */
const isAtLeast = (version, other) => {
    const [[major, minor], [otherMajor, otherMinor]] = [version, other].map((text) => text.split('.').map(Number));
    return major > otherMajor || (major === otherMajor && minor >= otherMinor);
};
let plpgsqlCheck;
const expected = (kind) =>
    exceptions[kind]
        .filter(({ kernel }) => !kernel || kernel === expectedKernel)
        // What newer versions of plpgsql_check look for besides; it comes with Postgres' packages.
        .filter((exception) => !exception.plpgsqlCheck || isAtLeast(plpgsqlCheck, exception.plpgsqlCheck))
        .map(({ finding }) => finding)
        .sort();

test('plpgsql_check is there, which the linter of the CLI needs', async () => {
    const [found] = await rows(`select default_version as version from pg_available_extensions where name = 'plpgsql_check'`);
    assert.match(found?.version ?? 'none', /^\d+\.\d+/, 'bin/setup --test installs it');
    plpgsqlCheck = found.version;
});

test('every exception has a reason', () => {
    for (const { finding, reason } of [...exceptions.lint, ...exceptions.advisors]) {
        assert.match(reason ?? '', /\w+.*\.$/, finding);
    }
});

test('db lint warns of nothing but the listed exceptions', async () => {
    const { code, answer } = await supabase('db', 'lint', '--level', 'warning', '--fail-on', 'warning');
    assert.deepEqual(lintFindings(answer).sort(), expected('lint'));
    assert.equal(code, expected('lint').length > 0 ? 1 : 0);
});

test('db advisors warn of nothing but the listed exceptions', async () => {
    const { code, answer } = await supabase('db', 'advisors', '--level', 'warn', '--fail-on', 'warn');
    assert.deepEqual(advice(answer).sort(), expected('advisors'));
    assert.equal(code, expected('advisors').length > 0 ? 1 : 0);
});

test('lint and advisors would have found a mistake', async () => {
    await rows(`create table echoroom.leak (id integer primary key); grant select on echoroom.leak to anon`);
    await rows(`create function echoroom.wrong() returns integer language plpgsql as 'begin return nothing_of_that_name; end'`);
    const linted = await supabase('db', 'lint', '--level', 'warning', '--fail-on', 'warning');
    assert.equal(linted.code, 1);
    assert.ok(linted.answer.results.some((result) => result.function === 'echoroom.wrong'));
    const advised = await supabase('db', 'advisors', '--level', 'warn', '--fail-on', 'warn');
    assert.equal(advised.code, 1);
    assert.ok(advice(advised.answer).includes('rls_disabled_in_public: echoroom.leak'));
    assert.ok(advice(advised.answer).includes('function_search_path_mutable: echoroom.wrong'));
    await rows('drop table echoroom.leak; drop function echoroom.wrong()');
});

test('EchoRoom works on what the CLI built, over HTTP', async () => {
    const options = { auth: { autoRefreshToken: false, persistSession: false }, realtime: { transport: WebSocket } };
    const client = createClient(stack.url, stack.anonKey, options);
    const signedIn = await client.auth.signInAnonymously();
    assert.equal(signedIn.error, null);
    const echoroom = client.schema('echoroom');
    // The API learns of the new schema from a notification that the migrations send.
    const deadline = Date.now() + 10_000;
    let found = await echoroom.rpc('find_room', { mood: 'Calm' });
    while (found.error?.code?.startsWith('PGRST') && Date.now() < deadline) {
        found = await echoroom.rpc('find_room', { mood: 'Calm' });
    }
    assert.equal(found.error, null);
    const joined = await echoroom.rpc('join_room', { session_id: found.data.id });
    assert.equal(joined.error, null);
    const sent = await echoroom.rpc('send_message', { session_id: found.data.id, content: 'Still here' });
    assert.equal(sent.data.seq, 1);
    const [{ current_participants }] = await rows('select current_participants from echoroom.sessions where id = $1', [found.data.id]);
    assert.equal(current_participants, 1);
});

test('the CLI left nothing in the working tree but its own ignored folder', () => {
    const left = readdirSync(join(root, 'supabase')).filter((name) => name.startsWith('.') && name !== '.temp' && name !== '.branches');
    assert.deepEqual(left, []);
    assert.ok(existsSync(join(root, 'supabase/migrations')));
});
