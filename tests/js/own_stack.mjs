// A stack of a test's own, for what must not happen to the one that all tests share.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { connectionOf, readEnvFile, root } from './stack.mjs';

/** The environment without what says where another stack is, or how one is to be started. */
const cleanEnvironment = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SUPABASE|PARLEY|WORKER|TAVUS|ELEVENLABS|EMBEDDINGS|PG)_?/.test(name)));

/**
 * Starts a stack on a project and waits until it is ready. Gives its variables, its connection, and how to stop it; the error of a start that
 * failed holds what the stack said. `PARLEY_PG_CONFIG` counts for it as it does for the one under test.
 */
export async function startStack(project, data, settings) {
    const server = spawn(join(root, 'target/debug/local_stack'), ['--project-dir', project, 'up'], {
        env: { ...cleanEnvironment(), ...(process.env.PARLEY_PG_CONFIG && { PARLEY_PG_CONFIG: process.env.PARLEY_PG_CONFIG }), PARLEY_DATA_DIR: data, ...settings },
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    // Also when a test ends the process before its time.
    process.once('exit', () => server.kill('SIGTERM'));
    let said = '';
    await new Promise((resolve, reject) => {
        const hear = (chunk) => {
            said += chunk;
            if (/^parley is ready/m.test(said)) {
                resolve();
            }
        };
        server.stdout.on('data', hear);
        server.stderr.on('data', hear);
        server.on('error', reject);
        server.on('exit', (code) => reject(new Error(`the stack ended with ${code}:\n${said}`)));
    });
    const variables = readEnvFile(join(data, 'stack.env'));
    return {
        variables,
        connection: connectionOf(variables),
        async stop() {
            if (server.exitCode === null && server.signalCode === null) {
                const ended = new Promise((resolve) => server.once('exit', resolve));
                server.kill('SIGTERM');
                await ended;
            }
        },
    };
}
