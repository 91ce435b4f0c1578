// One suite with a stack of its own.
//
// The tests of the clients name the ports that a local Supabase has. Where the system allows it (Linux, root) a suite runs in a network
// namespace of its own, so that it disturbs nothing that listens there and nothing disturbs it; elsewhere these ports have to be free.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { startStack } from './stack.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const repository = resolve(here, '../../..');

/** Runs a suite in a process of its own, and returns its results. */
export async function runApart(name, place) {
    const folder = mkdtempSync(join(tmpdir(), `parley-client-${name}-`));
    // The server may run as another user than we do.
    chmodSync(folder, 0o755);
    try {
        const self = [process.execPath, fileURLToPath(import.meta.url), name, JSON.stringify(place), folder];
        const alone = canUnshare() ? inOwnNetwork(self) : self;
        const status = await finished(spawn(alone[0], alone.slice(1), { stdio: ['ignore', 'inherit', 'inherit'] }));
        if (status !== 0) {
            throw new Error(`the suite could not be run (status ${status})`);
        }
        const { default: suite } = await import(`../${name}.mjs`);
        return suite.read(join(folder, 'report'), place);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}

/** Whether this process may make a network namespace. */
export function canUnshare() {
    return spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up']).status === 0;
}

/** A command, to be run in a network namespace of its own, which has loopback and nothing else. */
export const inOwnNetwork = (words) => ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...words];

function finished(child) {
    return new Promise((done, failed) => {
        child.once('error', failed);
        child.once('exit', (code, signal) => done(signal ?? code));
    });
}

const noStack = { variables: {}, stop: () => undefined };

/** Inside: the stack, then the suite's commands. A failing test is no failure of this process; the report says what failed. */
async function inside(name, place, folder) {
    const { default: suite } = await import(`../${name}.mjs`);
    suite.before?.(place);
    const project = suite.project ? join(place.folder, suite.project) : undefined;
    const stack = await (suite.start?.({ repository, folder, startStack }) ??
        (suite.stack === false ? noStack : startStack({ repository, folder, project, ...suite.stack })));
    try {
        const report = join(folder, 'report');
        for (const { program, words, env = {}, cwd = place.folder } of suite.commands(place, report, stack.variables)) {
            const child = spawn(program, words, {
                cwd,
                env: { ...process.env, ...env },
                stdio: ['ignore', 'ignore', process.env.PARLEY_CLIENT_VERBOSE ? 'inherit' : 'ignore'],
            });
            await finished(child);
        }
    } finally {
        await stack.stop();
    }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
    const [name, place, folder] = process.argv.slice(2);
    await inside(name, JSON.parse(place), folder);
}
