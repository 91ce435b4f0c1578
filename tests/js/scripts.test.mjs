// The scripts under bin/ as somebody meets them who has nothing yet: help at once, wrong words refused, ports looked at before minutes of set-up,
// and no step that ends without a word.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const root = join(import.meta.dirname, '../..');

const folder = mkdtempSync(join(tmpdir(), 'parley-scripts-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program in the root of the repository: its status and all that it said. */
function run(program, words = [], env = {}) {
    const done = spawnSync(program, words, { cwd: root, env: { ...process.env, ...env }, encoding: 'utf8', timeout: 60_000 });
    return { status: done.status, said: done.stdout + done.stderr };
}

// Nothing that set-up needs: whoever runs these words for real would fail at the first of them.
const withoutSetup = { PARLEY_KERNEL: 'no such kernel' };

for (const script of ['setup', 'dev', 'test', 'bench', 'apps', 'screenshot', 'majors']) {
    test(`bin/${script} --help says how to call it and does nothing else`, () => {
        const { status, said } = run(`bin/${script}`, ['--help'], withoutSetup);
        assert.equal(status, 0, said);
        assert.match(said, new RegExp(`^  bin/${script} `, 'm'));
        assert.doesNotMatch(said, /\[setup/);
        assert.doesNotMatch(said, /^#|^cd /m);
    });
}

for (const script of ['setup', 'dev', 'test', 'screenshot', 'majors']) {
    test(`bin/${script} refuses a word that it does not know, before any set-up`, () => {
        const { status, said } = run(`bin/${script}`, ['--nonsense'], withoutSetup);
        assert.equal(status, 1);
        assert.match(said, /there is no `--nonsense`: see bin\/\w+ --help/);
        assert.doesNotMatch(said, /\[setup/);
    });
}

test('bin/dev names the port that is taken and its variable, before any set-up', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address();
    const free = { PARLEY_API_PORT: '0', PARLEY_DB_PORT: '0', PARLEY_WORKER_PORT: '0' };
    for (const variable of Object.keys(free)) {
        const { status, said } = run('bin/dev', [], { ...free, ...withoutSetup, [variable]: String(port) });
        assert.equal(status, 1);
        assert.match(said, new RegExp(`port ${port} is in use.*${variable}`));
        assert.doesNotMatch(said, /\[setup/);
    }
    const { said } = run('bin/dev', [], { ...free, ...withoutSetup, PARLEY_API_PORT: 'four' });
    assert.match(said, /PARLEY_API_PORT is `four`/);
    server.close();
});

test('bin/dev reset works without any set-up', () => {
    const { status, said } = run('bin/dev', ['reset'], { PARLEY_DATA_DIR: join(folder, 'none'), PATH: '/usr/bin:/bin' });
    assert.equal(status, 0, said);
    assert.match(said, /database in .*none/);
});

/** A script of a few lines that sources what the scripts share. */
function script(name, text) {
    const path = join(folder, name);
    writeFileSync(path, `#!/usr/bin/env bash\n# Help.\n. '${join(root, 'bin/steps.sh')}'\n${text}`, { mode: 0o755 });
    return path;
}

test('a step that fails says which it was, the line, the command and its status', () => {
    const inner = 'inner() (\n    missing=$(ls /nonexistent/folder 2>/dev/null | sort)\n    echo "$missing"\n)\n';
    const path = script('failing', `total=2\nsay "first"\nsay "second"\n${inner}inner\nnote "never"\n`);
    const { status, said } = run(path);
    assert.equal(status, 2);
    assert.match(said, /failing: line 8 of failing ended with 2: .*ls \/nonexistent\/folder/);
    assert.match(said, /failing: failed in step 2 of 2: second/);
    assert.doesNotMatch(said, /never/);
});

test('a reason that is given is said once, with the step, and what was to be undone is undone', () => {
    const left = join(folder, 'left');
    const path = script('dying', `total=1\nsay "only"\ntouch ${left}\nat_exit 'rm ${left}; echo undone'\ndie "for a reason"\n`);
    const { status, said } = run(path);
    assert.equal(status, 1);
    assert.equal(said.match(/for a reason/g).length, 1);
    assert.match(said, /undone/);
    assert.match(said, /failed in step 1 of 1: only/);
});

test('what takes long and fails shows what it said, and its status is kept', () => {
    const path = script('long', `total=1\nsay "only"\npatiently bash -c 'echo a line of the program; exit 7'\n`);
    const { status, said } = run(path);
    assert.equal(status, 7);
    assert.match(said, /a line of the program/);
    assert.match(said, /failed in step 1 of 1: only/);
});

test('what takes long and works is quiet', () => {
    const { status, said } = run(script('quiet', `patiently echo nothing that anybody needs\necho done\n`));
    assert.equal(status, 0);
    assert.equal(said, 'done\n');
});
