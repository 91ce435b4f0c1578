// A stack for one suite, with the project that the client's tests come with.

import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { readEnvFile } from '../../js/env_file.mjs';

// The projects of the clients are from before May 2026, when new tables were granted to the roles of the API by themselves.
const GRANTS = `alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
`;

// A start takes seconds; on a machine that is busy with a build it may take a minute.
const START_SECONDS = 180;

/**
 * Starts local_stack for a copy of the project whose `supabase` folder lies in `project` (none: an empty one).
 *
 * `ports` are those that the tests name.
 */
export async function startStack({ repository, folder, project, ports = { api: 54321, db: 54322 }, env = {} }) {
    const copy = join(folder, 'project');
    mkdirSync(join(copy, 'supabase/migrations'), { recursive: true });
    if (project && existsSync(join(project, 'supabase'))) {
        cpSync(join(project, 'supabase'), join(copy, 'supabase'), { recursive: true });
    }
    writeFileSync(join(copy, 'supabase/migrations/00000000000000_grants.sql'), GRANTS);
    const data = join(folder, 'data');
    mkdirSync(data);
    const log = join(folder, 'stack.log');
    const output = openSync(log, 'w');
    const child = spawn(join(repository, 'target/debug/local_stack'), ['--project-dir', copy, 'up'], {
        env: {
            ...process.env,
            PARLEY_KERNEL: 'portable',
            PARLEY_WORKER: 'off',
            PARLEY_DATA_DIR: data,
            PARLEY_API_PORT: String(ports.api),
            PARLEY_DB_PORT: String(ports.db),
            ...env,
        },
        stdio: ['ignore', output, output],
    });
    const ended = new Promise((done) => child.once('exit', () => done(true)));
    const environment = join(data, 'stack.env');
    const deadline = Date.now() + START_SECONDS * 1000;
    while (!existsSync(environment)) {
        if (child.exitCode !== null || Date.now() > deadline) {
            child.kill('SIGKILL');
            throw new Error(`the stack did not start\n${readFileSync(log, 'utf8')}`);
        }
        await Promise.race([wait(100), ended]);
    }
    return {
        variables: readEnvFile(environment),
        async stop() {
            child.kill('SIGTERM');
            await ended;
        },
    };
}
