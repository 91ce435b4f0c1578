// The commands of the pages as a reader would type them: every `sh default-ports` block of docs/ and the README, in the order of the page, against a
// stack on the default ports with a data folder of its own. The programs are those that the page means: the pinned Supabase CLI, the worker, psql, curl.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { after, before, test } from 'node:test';
import { canUnshare, inOwnNetwork } from '../clients/runner/apart.mjs';
import { connected } from './alone.mjs';
import { startStack } from './own_stack.mjs';
import { expectedKernel, root } from './stack.mjs';

// The default ports are among those that the system gives to connections, so a connection of anybody may hold one for as long as it lives. Where the
// system allows it (Linux, root) this file runs in a network namespace of its own, where nothing holds any; elsewhere they have to be free.
if (!process.env.PARLEY_OWN_NETWORK && canUnshare()) {
    const [unshare, ...words] = inOwnNetwork([process.execPath, ...process.execArgv, ...process.argv.slice(1)]);
    const { status } = spawnSync(unshare, words, {
        stdio: 'inherit',
        env: { ...process.env, PARLEY_OWN_NETWORK: 'yes' },
    });
    process.exit(status ?? 1);
}

const run = promisify(execFile);
const folder = join(root, '.parley', `commands-test-${expectedKernel}-${process.pid}`);
/** Where the commands run: what they name of the repository is there, and what they leave behind is not in it. */
const work = join(folder, 'work');
const pages = ['README.md', ...readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

/** The fenced blocks of a page: what the fence says, where it is, its text, and the line before it. */
function blocksOf(name) {
    const page = readFileSync(join(root, name), 'utf8');
    return [...page.matchAll(/^([^\n]*)\n```(\w+ [^\n]+)\n([^]*?)^```$/gm)].map((found) => {
        const [, above, fence, text] = found;
        return { name, above, fence, text, line: page.slice(0, found.index).split('\n').length + 1 };
    });
}
const blocks = pages.flatMap(blocksOf);
const commands = blocks.filter(({ fence }) => fence === 'sh default-ports');

let stack;
let environment;

before(async () => {
    const data = join(folder, 'data');
    const tools = join(folder, 'bin');
    for (const made of [data, tools, work]) {
        mkdirSync(made, { recursive: true });
    }
    for (const name of ['migrations', 'supabase']) {
        symlinkSync(join(root, name), join(work, name));
    }
    // A request that is refused counts as a success to curl unless it is told otherwise.
    const curl = (await run('sh', ['-c', 'command -v curl'])).stdout.trim();
    writeFileSync(join(tools, 'curl'), `#!/bin/sh\nexec ${curl} --fail-with-body --silent --show-error "$@"\n`, { mode: 0o755 });
    stack = await startStack(root, data, { PARLEY_KERNEL: expectedKernel }).catch((error) => {
        const isTaken = /port \d+ is (taken|in use)|in use/.test(error.message);
        throw isTaken ? new Error(`the documented commands are tested on the default ports, of which one is taken:\n${error.message}`) : error;
    });
    const path = [tools, join(root, 'tests/js/node_modules/.bin'), join(root, 'target/debug'), process.env.PATH].join(delimiter);
    environment = { PATH: path, HOME: folder, LANG: 'C.UTF-8', SUPABASE_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', ...stack.variables };
});

after(async () => {
    await stack?.stop();
    rmSync(folder, { recursive: true, force: true });
});

/** What a page takes for granted before its block. */
const preparations = {
    /** An export, as the block before it on the page writes one, and nothing left of what it holds. */
    async 'docs/domo.md'() {
        const owner = '00000000-0000-4000-8000-0000000000d0';
        await connected(stack.connection.adminDbUrl, async (client) => {
            await client.query('insert into auth.users (id) values ($1)', [owner]);
            await client.query(`select set_config('request.jwt.claims', $1, false)`, [JSON.stringify({ sub: owner, role: 'authenticated' })]);
            await client.query('set role authenticated');
            await client.query(`insert into domo.demos (name) values ('Exported')`);
            const { rows } = await client.query('select domo.export_demo_data() as line');
            writeFileSync(join(work, 'export.jsonl'), rows.map(({ line }) => `${JSON.stringify(line)}\n`).join(''));
            await client.query('reset role');
            await client.query(`delete from domo.demos where name = 'Exported'`);
        });
    },
};

/** What must be true after a block. */
const outcomes = {
    async 'docs/domo.md'(client) {
        const { rows } = await client.query(`select count(*)::integer as demos from domo.demos where name = 'Exported'`);
        assert.deepEqual(rows, [{ demos: 1 }]);
    },
    async 'docs/local-stack.md'(client) {
        const types = readFileSync(join(work, 'target/database.types.ts'), 'utf8').trimStart();
        assert.ok(types.startsWith('export type Json ='), types.slice(0, 200));
        const { rows } = await client.query('select version from supabase_migrations.schema_migrations order by version');
        assert.deepEqual(rows.map(({ version }) => version), readdirSync(join(root, 'migrations')).filter((name) => name.endsWith('.sql')).map((name) => name.split('_')[0]).sort());
        const answer = await fetch(`${stack.connection.url}/rest/v1/persona?select=mood`, {
            headers: { apikey: stack.connection.serviceRoleKey, 'accept-profile': 'echoroom' },
        });
        assert.equal(answer.status, 200, 'the API serves what the CLI made anew');
        assert.ok((await answer.json()).length > 0);
    },
};

for (const { name, line, text } of commands) {
    test(`${name}, line ${line}: the commands work on the default ports`, async () => {
        mkdirSync(join(work, 'target'), { recursive: true });
        await preparations[name]?.();
        await run('bash', ['-euo', 'pipefail', '-c', text], { cwd: work, env: environment, timeout: 240_000, maxBuffer: 64 * 1024 * 1024 }).catch(
            ({ stdout, stderr, signal, code }) => {
                throw new Error(`it ended with ${signal ?? code}:\n${stdout}${stderr}`);
            },
        );
        await connected(stack.connection.adminDbUrl, (client) => outcomes[name]?.(client));
    });
}

test('the stack runs on the ports that the pages name', () => {
    const documented = readFileSync(join(root, 'docs/local-stack.md'), 'utf8');
    for (const [variable, address] of [['PARLEY_API_PORT', 'SUPABASE_URL'], ['PARLEY_DB_PORT', 'SUPABASE_DB_URL'], ['PARLEY_WORKER_PORT', 'WORKER_URL']]) {
        const port = documented.match(new RegExp(`^\\| \`${variable}\` \\| (\\d+) \\|`, 'm'))?.[1];
        assert.equal(new URL(stack.variables[address]).port, port, variable);
    }
});

test('the CLI is the version that the page names', async () => {
    const { stdout } = await run('supabase', ['--version'], { env: environment });
    assert.ok(readFileSync(join(root, 'docs/local-stack.md'), 'utf8').includes(`version ${stdout.trim()}`), stdout);
});

test('commands and statements that are not run say why', () => {
    assert.ok(commands.length >= 5);
    const silent = blocks.filter(({ fence, above }) => /^(sh|sql) no-run$/.test(fence) && !/^<!-- no-run: .+\. -->$/.test(above));
    assert.deepEqual(silent.map(({ name, line }) => `${name}, line ${line}`), []);
});
