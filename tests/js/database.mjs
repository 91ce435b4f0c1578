// Straight to the database: for reading the catalogue, for looking at what a request left behind, and for moving clocks back.

import pg from 'pg';
import { stack } from './stack.mjs';

/** Pools do not keep the process alive when all of their connections are idle. */
function pool(connectionString, max) {
    return new pg.Pool({ connectionString, max, allowExitOnIdle: true });
}

/** As role postgres, the one that migrations run as. */
export const database = pool(stack.dbUrl, 4);

/** As a superuser. */
export const admin = pool(stack.adminDbUrl, 2);

/** Rows of one statement, as a superuser. */
export async function rows(text, values = []) {
    return (await admin.query(text, values)).rows;
}

/** The first row of one statement, as a superuser. */
export async function row(text, values = []) {
    return (await rows(text, values))[0];
}

/** Runs `work` in a transaction of role postgres that is always rolled back. */
export async function inRolledBackTransaction(work) {
    const client = await database.connect();
    try {
        await client.query('begin');
        return await work(client);
    } finally {
        await client.query('rollback');
        client.release();
    }
}
