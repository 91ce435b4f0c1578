// Runs a command against a stack that holds the schema which the tests of a PostgREST client come with.
//
//   node tests/clients/postgrest/with_stack.mjs js <folder of packages/core/postgrest-js> -- npx jest --runInBand ...
//   node tests/clients/postgrest/with_stack.mjs py <folder of src/postgrest> -- python -m pytest ...
//
// The clients' tests name a port and show no key: a server on that port adds one and passes everything on. Run it in a network namespace
// of its own (unshare --net, then ip link set lo up) where the port is taken. Nothing of the clients is kept here; their SQL is read when
// this runs.

import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

// Both projects are from before May 2026, when what was created in `public` was granted to the roles of the API by itself.
const GRANTS = ['tables', 'functions', 'sequences']
    .map((kind) => `alter default privileges in schema public grant all on ${kind} to anon, authenticated, service_role;\n`)
    .join('');

/** Lines that only PostGIS can run; what needs it fails, and is listed as left out. */
const withoutPostgis = (sql) => sql.replace(/^create extension .*postgis.*$/gm, '').replaceAll('extensions.geometry(POINT, 4326)', 'text');

/** What only the owner of the role may run on a plain Postgres. */
const ofAuthenticator = /^alter role authenticator.*$/gm;

const clients = {
    js: {
        port: 54321,
        prefix: '',
        key: 'SUPABASE_ANON_KEY',
        files: (read) => ({
            'config.toml': read('test/supabase/config.toml'),
            'seed.sql': read('test/supabase/seed.sql'),
            'migrations/00000000000001_schema.sql': withoutPostgis(
                read('test/supabase/migrations/00000000000000_schema.sql').replace(ofAuthenticator, ''),
            ),
        }),
        admin: (read) => read('test/supabase/migrations/00000000000000_schema.sql').match(ofAuthenticator),
    },
    py: {
        port: 3000,
        prefix: '/rest/v1',
        // Its PostgREST acts as the owner of everything.
        key: 'SUPABASE_SERVICE_ROLE_KEY',
        files: (read) => ({
            'config.toml': '[api]\nschemas = ["public", "personal"]\nextra_search_path = ["extensions"]\nmax_rows = 1000000\n',
            'seed.sql': '',
            'migrations/00000000000001_schema.sql': `create schema if not exists personal;\n${read('infra/init.sql')}`,
        }),
        admin: () => [
            "alter role authenticator set pgrst.db_plan_enabled to 'true';",
            "alter role authenticator set pgrst.db_tx_end to 'commit-allow-override';",
        ],
    },
};

async function startStack(folder, client, read) {
    const project = join(folder, 'project');
    const files = { 'migrations/00000000000000_grants.sql': GRANTS, ...client.files(read) };
    mkdirSync(join(project, 'supabase/migrations'), { recursive: true });
    for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(project, 'supabase', name), text);
    }
    symlinkSync('supabase/migrations', join(project, 'migrations'));
    const data = join(folder, 'data');
    mkdirSync(data);
    const log = join(folder, 'stack.log');
    const output = openSync(log, 'w');
    const stack = spawn(join(repository, 'target/debug/local_stack'), ['--project-dir', project, 'up'], {
        env: {
            ...process.env,
            PARLEY_KERNEL: 'portable',
            PARLEY_WORKER: 'off',
            PARLEY_DATA_DIR: data,
            PARLEY_API_PORT: '0',
            PARLEY_DB_PORT: '0',
        },
        stdio: ['ignore', output, output],
    });
    const environment = join(data, 'stack.env');
    while (!existsSync(environment)) {
        if (stack.exitCode !== null) {
            throw new Error(`the stack did not start\n${readFileSync(log, 'utf8')}`);
        }
        await wait(100);
    }
    const lines = readFileSync(environment, 'utf8').split('\n').filter(Boolean);
    return { stack, variables: Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])) };
}

/** A server that adds a key where none is shown. */
function addKeys({ port, prefix }, url, key) {
    const server = http.createServer((request, response) => {
        const headers = { ...request.headers, apikey: request.headers.apikey ?? key };
        const target = new URL(prefix + request.url, url);
        const passed = http.request(target, { method: request.method, headers }, (answer) => {
            response.writeHead(answer.statusCode, answer.statusMessage, answer.headers);
            answer.pipe(response);
        });
        passed.once('error', () => response.destroy());
        request.pipe(passed);
    });
    return new Promise((done, failed) => server.once('error', failed).listen(port, '127.0.0.1', () => done(server)));
}

function run(program, words, options) {
    return new Promise((done, failed) => {
        spawn(program, words, { stdio: 'inherit', ...options }).once('error', failed).once('exit', (code) => done(code ?? 1));
    });
}

const [name, source, separator, program, ...words] = process.argv.slice(2);
const client = clients[name];
if (!client || separator !== '--' || !program) {
    console.error('usage: with_stack.mjs js|py <folder of the client> -- <command>');
    process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'parley-postgrest-'));
// The server may run as another user than we do.
chmodSync(folder, 0o755);
const read = (path) => readFileSync(join(source, path), 'utf8');
const { stack, variables } = await startStack(folder, client, read);
try {
    const settings = [...client.admin(read), "notify pgrst, 'reload config'"].flatMap((sql) => ['-c', sql]);
    await run('psql', [variables.SUPABASE_ADMIN_DB_URL, '-q', '-v', 'ON_ERROR_STOP=1', ...settings]);
    const server = await addKeys(client, variables.SUPABASE_URL, variables[client.key]);
    // Until the settings are followed, plans are refused.
    const plans = { headers: { accept: 'application/vnd.pgrst.plan' } };
    while ((await fetch(`http://127.0.0.1:${client.port}${client.prefix ? '' : '/rest/v1'}/users`, plans)).status === 406) {
        await wait(50);
    }
    process.exitCode = await run(program, words, { cwd: source });
    server.close();
    server.closeAllConnections();
} finally {
    stack.kill('SIGTERM');
    await new Promise((done) => stack.once('exit', done));
    rmSync(folder, { recursive: true, force: true });
}
