// Runs a command against a stack that holds the schema which the tests of a PostgREST client come with.
//
//   node tests/clients/postgrest/with_stack.mjs js <folder of packages/core/postgrest-js> -- npx jest --runInBand ...
//   node tests/clients/postgrest/with_stack.mjs py <folder of src/postgrest> -- python -m pytest ...
//
// The clients' tests name a port and show no key: a server on that port adds one and passes everything on. Run it in a network namespace
// of its own (unshare --net, then ip link set lo up) where the port is taken. Nothing of the clients is kept here; their SQL is read when
// this runs.

import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { startStack } from '../runner/stack.mjs';

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

/** What only PostGIS can do is left out; the one test that needs it fails, and is listed. */
const withoutPostgis = (sql) => sql.replace(/^create extension .*postgis.*$/gm, '').replaceAll('extensions.geometry(POINT, 4326)', 'text');

const clients = {
    js: {
        port: 54321,
        prefix: '',
        key: 'SUPABASE_ANON_KEY',
        files: (read) => ({
            'config.toml': read('test/supabase/config.toml'),
            'seed.sql': read('test/supabase/seed.sql'),
            'migrations/00000000000001_schema.sql': withoutPostgis(read('test/supabase/migrations/00000000000000_schema.sql')),
        }),
    },
    py: {
        port: 3000,
        prefix: '/rest/v1',
        // Its PostgREST acts as the owner of everything, and is set up from outside.
        key: 'SUPABASE_SERVICE_ROLE_KEY',
        files: (read) => ({
            'config.toml': '[api]\nschemas = ["public", "personal"]\nextra_search_path = ["extensions"]\nmax_rows = 1000000\n',
            'seed.sql': '',
            'migrations/00000000000001_schema.sql': `create schema if not exists personal;
alter role authenticator set pgrst.db_plan_enabled to 'true';
alter role authenticator set pgrst.db_tx_end to 'commit-allow-override';
${read('infra/init.sql')}`,
        }),
    },
};

/** A project folder with the client's schema. */
function project(folder, client, source) {
    const read = (path) => readFileSync(join(source, path), 'utf8');
    mkdirSync(join(folder, 'supabase/migrations'), { recursive: true });
    for (const [name, text] of Object.entries(client.files(read))) {
        writeFileSync(join(folder, 'supabase', name), text);
    }
    return folder;
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
try {
    const stack = await startStack({
        repository,
        folder,
        project: project(join(folder, 'client'), client, source),
        ports: { api: 0, db: 0 },
    });
    try {
        const server = await addKeys(client, stack.variables.SUPABASE_URL, stack.variables[client.key]);
        process.exitCode = await run(program, words, { cwd: source });
        server.close();
        server.closeAllConnections();
    } finally {
        await stack.stop();
    }
} finally {
    rmSync(folder, { recursive: true, force: true });
}
