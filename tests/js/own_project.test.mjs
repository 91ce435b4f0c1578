// An existing Supabase project takes the apps one by one, as docs/own-project.md says: from `supabase init` in an empty folder to a message in a
// room of that project's database.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { after, before, test } from 'node:test';
import { createClient } from '@supabase/supabase-js';
import WebSocket from 'ws';
import { apps, migrationsOf } from '../../bin/lib/apps.mjs';
import { generatedTypes } from './client_tables.mjs';
import { startStack } from './own_stack.mjs';
import { expectedKernel, root } from './stack.mjs';
import { compile } from './typescript.mjs';

mkdirSync(join(root, '.parley'), { recursive: true });
const folder = mkdtempSync(join(root, '.parley', 'own-project-'));
const project = join(folder, 'project');
const data = join(folder, 'data');
const migrations = join(project, 'supabase/migrations');
const config = join(project, 'supabase/config.toml');
const cli = join(root, 'tests/js/node_modules/.bin/supabase');
const notes = '20260101000000_notes.sql';

/** Runs a command in the project: its exit code, and what it said. */
async function run(command, ...words) {
    const kept = Object.entries(process.env).filter(([name]) => !/^(SUPABASE_|PG)/.test(name));
    const env = { ...Object.fromEntries(kept), HOME: folder, SUPABASE_TELEMETRY_DISABLED: '1' };
    const { code, stdout, stderr } = await promisify(execFile)(command, words, { cwd: project, env }).then(
        (done) => ({ code: 0, ...done }),
        (failed) => failed,
    );
    return { code, stdout, said: stdout + stderr };
}

const bin = (...words) => run(join(root, 'bin/apps'), ...words);

/** All files of the project's supabase folder, as one digest. */
function digest() {
    const files = readdirSync(join(project, 'supabase'), { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    const contents = files.map((file) => join(file.parentPath, file.name)).sort().map((path) => [path, readFileSync(path, 'utf8')]);
    return createHash('sha256').update(JSON.stringify(contents)).digest('hex');
}

/** Makes config.toml say what bin/apps wants it to say: lines of `key = value` below their `[section]`. */
function follow(printed) {
    let text = readFileSync(config, 'utf8');
    let section;
    let count = 0;
    for (const line of printed.split('\n').map((each) => each.trim())) {
        section = line.match(/^\[(\w+)\]$/)?.[1] ?? section;
        const key = line.match(/^(\w+) = /)?.[1];
        if (key) {
            const wanted = new RegExp(`(^\\[${section}\\]$[^]*?^)${key} = .*$`, 'm');
            assert.match(text, wanted);
            text = text.replace(wanted, (_, before) => `${before}${line}`);
            count += 1;
        }
    }
    writeFileSync(config, text);
    return count;
}

let server;

/** Starts a local stack on the project, and returns where it is. */
async function up() {
    const ports = { PARLEY_API_PORT: '0', PARLEY_DB_PORT: '0', PARLEY_WORKER_PORT: '0' };
    server = await startStack(project, data, { ...ports, PARLEY_KERNEL: expectedKernel });
    return server.connection;
}

async function signedIn(stack) {
    const client = createClient(stack.url, stack.anonKey, { auth: { autoRefreshToken: false, persistSession: false }, realtime: { transport: WebSocket } });
    const { error } = await client.auth.signInAnonymously();
    assert.equal(error, null, error?.message);
    return client;
}

before(async () => {
    mkdirSync(project);
    const made = await run(cli, 'init', '--agent', 'no');
    assert.equal(made.code, 0, made.said);
    mkdirSync(migrations);
    writeFileSync(join(migrations, notes), 'create table public.notes (id integer primary key);');
});

after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
});

test('bin/apps lists the apps and says what it can', async () => {
    const { code, stdout } = await bin('list');
    assert.equal(code, 0);
    assert.deepEqual(stdout.trim().split('\n').map((line) => line.split(' ')[0]), apps.map(({ name }) => name));
    assert.equal((await bin('--help')).code, 0);
    assert.equal((await bin()).code, 2);
    assert.equal((await bin('add', 'echoroom')).code, 2);
});

/** Nothing is copied, and the reason is told. */
async function refused(words, reason) {
    const before = digest();
    const { code, said } = await bin('add', ...words);
    assert.equal(code, 1, said);
    assert.match(said, reason);
    assert.equal(digest(), before);
}

test('what is in the way is told in words, and nothing is copied', async () => {
    await refused(['bingo', project], /there is no app bingo; there are: echoroom, domo/);
    await refused(['echoroom', folder], /is no Supabase project.*supabase init/);
    await refused(['echoroom', join(folder, 'nowhere')], /is no Supabase project/);
    const [first, second] = migrationsOf(['echoroom']);
    const inTheWay = [
        [first, '-- another one', /with another content, from another version of Parley[^]*parley_schemas\.sql/],
        [`${second.split('_')[0]}_mine.sql`, '', /have stamps that Parley's need:\n {2}\d+_mine\.sql/],
        ['20990101000000_echoroom_news.sql', '', /from another version of Parley, which this one does not know:\n {2}20990101000000_echoroom_news\.sql/],
        ['20990101000000_parley_news.sql', '', /20990101000000_parley_news\.sql/],
    ];
    for (const [file, text, reason] of inTheWay) {
        writeFileSync(join(migrations, file), text);
        await refused(['echoroom', project], reason);
        rmSync(join(migrations, file));
    }
});

test('a new project takes EchoRoom: a message gets into a room, the worker answers, and the types are there', async () => {
    const { code, said } = await bin('add', 'echoroom', project);
    assert.equal(code, 0, said);
    assert.deepEqual(readdirSync(migrations).sort(), [notes, ...migrationsOf(['echoroom'])].sort());
    assert.equal(follow(said), 2);
    const stack = await up();
    const client = await signedIn(stack);
    const echoroom = client.schema('echoroom');
    const { data: found } = await echoroom.rpc('find_room', { mood: 'Calm' }).throwOnError();
    await echoroom.rpc('join_room', { session_id: found.id, user_name: 'Ada' }).throwOnError();
    await echoroom.rpc('send_message', { session_id: found.id, content: 'In a project of my own' }).throwOnError();
    const { data: messages } = await echoroom.rpc('get_messages', { session_id: found.id }).throwOnError();
    assert.deepEqual(messages.map(({ sender_name, content }) => [sender_name, content]), [['Ada', 'In a project of my own']]);
    assert.equal((await fetch(`${stack.workerUrl}/readyz`)).status, 200);
    const types = await generatedTypes(['public', 'echoroom'], stack.dbUrl);
    assert.match(types, /"?echoroom"?: \{/);
    // What the page says about types, with what the CLI says of this project.
    const uses = `import { createClient } from '@supabase/supabase-js';
        import type { WithApps } from '@parley/client';
        import type { Database } from './database.types.js';
        const client = createClient<WithApps<Database, 'echoroom'>>('http://localhost', 'key');
        const { data: notes } = await client.from('notes').select().throwOnError();
        const { data: room } = await client.schema('echoroom').rpc('join_room', { session_id: 'x', user_name: null }).throwOnError();
        export const all: [number | undefined, string] = [notes[0]?.id, room.topic];`;
    assert.equal(await compile({ 'database.types.ts': types, 'uses.mts': uses }), '');
    // The API of this project serves no more than it was told to.
    assert.equal((await client.schema('domo').rpc('demo_dashboard')).error.code, 'PGRST106');
});

test('adding it again changes nothing', async () => {
    const before = digest();
    const { code, said } = await bin('add', 'echoroom', project);
    assert.equal(code, 0, said);
    assert.match(said, /EchoRoom is in .* already, as it is here\.\n$/);
    assert.equal(digest(), before);
});

test('Domo comes into the same database afterwards, by the CLI, and EchoRoom stays as it was', async () => {
    const stack = server.connection;
    const { code, said } = await bin('add', 'domo', project);
    assert.equal(code, 0, said);
    assert.match(said, /supabase db push --remote --yes --include-all/);
    assert.equal(follow(said), 2);
    const pushed = await run(cli, 'db', 'push', '--yes', '--include-all', '--agent', 'no', `--remote=${stack.dbUrl}?sslmode=disable`);
    assert.equal(pushed.code, 0, pushed.said);
    // What the API serves is read at the start.
    await server.stop();
    const client = await signedIn(await up());
    const { data: demo } = await client.schema('domo').from('demos').insert({ name: 'Mine' }).select().single().throwOnError();
    await client.schema('domo').rpc('add_knowledge', { demo_id: demo.id, content: 'It works.' }).throwOnError();
    const { data: sessions } = await client.schema('echoroom').rpc('list_sessions').throwOnError();
    assert.ok(sessions.length >= 6);
});

test('an app that is a version behind gets what is new', async () => {
    const newest = migrationsOf(['domo']).at(-1);
    rmSync(join(migrations, newest));
    const { code, said } = await bin('add', 'domo', project);
    assert.equal(code, 0, said);
    assert.match(said, /Domo: 1 migration copied/);
    assert.equal(readFileSync(join(migrations, newest), 'utf8'), readFileSync(join(root, 'migrations', newest), 'utf8'));
});
