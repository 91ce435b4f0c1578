// Scratch copies of the clients' sources, with their packages installed.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// What installs the packages that the lock files of the clients pin.
const PNPM = 'pnpm@10.34.9';
const UV = 'uv==0.13.9';

const scratch = process.env.PARLEY_CLIENT_SCRATCH ?? join(tmpdir(), 'parley-clients');

/**
 * Copies the repository of a suite as it is committed and installs what the suite needs, unless that is done. Returns the folders
 * {root: the copy, folder: the client's package in it, environment: the Python environment or undefined}.
 */
export function prepare(sources, suite) {
    const source = join(sources, suite.repository);
    const git = (...words) => execFileSync('git', ['-C', source, ...words], { encoding: 'utf8' }).trim();
    if (!existsSync(join(source, '.git'))) {
        throw new Error(`${source} is no git checkout`);
    }
    const commit = git('rev-parse', '--short=12', 'HEAD');
    console.log(`${suite.repository} ${commit}, ${git('log', '-1', '--format=%cs')}`);
    const root = join(scratch, `${suite.repository}-${commit}`);
    if (!existsSync(root)) {
        mkdirSync(scratch, { recursive: true });
        run('git', ['clone', '--quiet', source, root]);
    }
    const place = { root, folder: join(root, suite.folder), environment: undefined };
    if (suite.npm) {
        once(root, `npm-${suite.npm.join('-').replace(/[^\w-]/g, '_')}`, () => installNpm(root, suite));
    }
    if (suite.python) {
        place.environment = join(scratch, `venv-${suite.python.package}-${commit}`);
        once(root, `venv-${suite.python.package}`, () => installPython(place, suite.python));
    }
    return place;
}

/** Does something that is not to be done again with this copy. */
function once(root, name, work) {
    const done = join(root, '.git', `parley-${name}`);
    if (!existsSync(done)) {
        work();
        writeFileSync(done, '');
    }
}

/** A workspace of pnpm: some of its packages, and those of the workspace built that they are built on. No script of a dependency runs. */
function installNpm(root, suite) {
    const env = { ...process.env, CI: '1', npm_config_manage_package_manager_versions: 'false' };
    const pnpm = (...words) => run('npm', ['exec', '--yes', '--', PNPM, ...words], { cwd: root, env });
    const filters = suite.npm.flatMap((name) => ['--filter', name]);
    pnpm('install', '--frozen-lockfile', '--ignore-scripts', ...filters);
    if (suite.build) {
        pnpm('--filter', suite.build, 'run', 'build');
    }
}

/** A workspace of uv: one of its packages, in an environment of its own. */
function installPython({ root, environment }, { package: name, groups }) {
    const tools = join(scratch, 'uv');
    if (!existsSync(join(tools, 'bin/uv'))) {
        run('python3', ['-m', 'venv', tools]);
        run(join(tools, 'bin/pip'), ['install', '--quiet', UV]);
    }
    const wanted = groups.flatMap((group) => ['--group', group]);
    const words = ['sync', '--frozen', '--quiet', '--package', name, '--no-default-groups', ...wanted];
    run(join(tools, 'bin/uv'), words, { cwd: root, env: { ...process.env, UV_PROJECT_ENVIRONMENT: environment } });
}

function run(program, words, options = {}) {
    try {
        execFileSync(program, words, { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28, ...options });
    } catch (error) {
        const output = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim().split('\n').slice(-15).join('\n');
        throw new Error(`${program} ${words.join(' ')} failed\n${output}`);
    }
}
