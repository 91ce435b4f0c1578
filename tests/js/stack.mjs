// Where the stack under test is: environment variables, else the stack.env that bin/dev writes. Nothing here knows the stand-in, so the
// tests run against whatever these point at.

import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { readEnvFile } from './env_file.mjs';

export { readEnvFile };

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

const names = {
    url: 'SUPABASE_URL',
    anonKey: 'SUPABASE_ANON_KEY',
    serviceRoleKey: 'SUPABASE_SERVICE_ROLE_KEY',
    jwtSecret: 'SUPABASE_JWT_SECRET',
    dbUrl: 'SUPABASE_DB_URL',
    adminDbUrl: 'SUPABASE_ADMIN_DB_URL',
};

/** What some tests need and not every stack has: a worker, a simulator, a key of the new form. */
const optional = {
    secretKey: 'SUPABASE_SECRET_KEY',
    workerUrl: 'WORKER_URL',
    tavusUrl: 'TAVUS_BASE_URL',
};

/** The connection from a set of variables. Fails naming the one that is missing. */
export function connectionOf(variables) {
    const extras = Object.entries(optional).map(([field, name]) => [field, variables[name]]);
    const project = Object.fromEntries(
        Object.entries(names).map(([field, name]) => {
            // A hosted project has no superuser to offer; role postgres can read all that the tests look at.
            const value = variables[name] ?? (field === 'adminDbUrl' ? variables[names.dbUrl] : undefined);
            if (!value) {
                throw new Error(`${name} is not set: start a stack with bin/dev, or set the variables of docs/local-stack.md`);
            }
            return [field, value];
        }),
    );
    return { ...project, ...Object.fromEntries(extras) };
}

function findStack() {
    if (process.env[names.url]) {
        return connectionOf(process.env);
    }
    const path = join(resolve(root, process.env.PARLEY_DATA_DIR ?? '.parley'), 'stack.env');
    let written = {};
    try {
        written = readEnvFile(path);
    } catch (error) {
        if (error.code !== 'ENOENT') {
            throw error;
        }
    }
    return connectionOf(written);
}

export const stack = findStack();

/** The kernel that must be running, native or portable. */
export const expectedKernel = process.env.PARLEY_KERNEL ?? 'native';

/** The same connection under its environment names, for child processes. */
export const stackVariables = Object.fromEntries(Object.entries(names).map(([field, name]) => [name, stack[field]]));

/** The schemas that the API serves, from supabase/config.toml. */
export function exposedSchemas() {
    const config = readFileSync(join(root, 'supabase/config.toml'), 'utf8');
    const api = config.split(/^\[/m).find((section) => section.startsWith('api]'));
    const list = api?.match(/^schemas\s*=\s*\[([^\]]*)\]/m)?.[1];
    if (!list) {
        throw new Error('supabase/config.toml has no [api] schemas');
    }
    return [...list.matchAll(/"([^"]+)"/g)].map(([, schema]) => schema);
}
