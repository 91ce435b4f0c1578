// Each app installs alone on top of the kernel: a deployment keeps the apps that it needs, and none reads what is another's.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { familyOf, migrations, schemas } from '../../bin/lib/apps.mjs';
import { inDatabaseWith } from './alone.mjs';
import { expectedKernel, exposedSchemas, root } from './stack.mjs';

/** Acts as somebody who is signed in, until the transaction ends. */
async function as(client, id, work) {
    await client.query('begin');
    await client.query(`select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)`, [JSON.stringify({ sub: id, role: 'authenticated' })]);
    const result = await work();
    await client.query('commit');
    return result;
}

/** The least that shows that an app works. */
const uses = {
    async echoroom(client, id) {
        const { rows } = await as(client, id, () => client.query(`select echoroom.join_room((echoroom.find_room('Calm') ->> 'id')::uuid) as room`));
        assert.equal(rows[0].room.participants.length, 1);
    },
    async domo(client, id) {
        const { rows } = await as(client, id, async () => {
            const made = await client.query(`insert into domo.demos (name) values ('Alone') returning id`);
            await client.query(`select domo.add_knowledge($1, 'It works.')`, [made.rows[0].id]);
            await client.query(`select domo.publish_demo($1)`, [made.rows[0].id]);
            return client.query(`select status, knowledge_count from domo.demo_dashboard()`);
        });
        assert.deepEqual(rows, [{ status: 'published', knowledge_count: '1' }]);
    },
};

test('every migration belongs to the kernel or to an app of tests/apps.json, and every app has all that an app has', () => {
    assert.deepEqual(migrations.filter((file) => !familyOf(file)), []);
    assert.deepEqual(schemas.toSorted(), Object.keys(uses).sort());
    assert.deepEqual(exposedSchemas(), ['public', ...schemas]);
    for (const app of schemas) {
        const parts = [`docs/${app}.md`, `docs/specifications/${app}.md`, `clients/js/${app}/index.d.ts`, `local_stack/playground/src/apps/${app}`];
        assert.deepEqual(parts.filter((part) => !existsSync(join(root, part))), []);
    }
});

for (const app of schemas) {
    test(`${app} installs and works without the other apps`, async () => {
        await inDatabaseWith([app], async (client) => {
            const { rows } = await client.query(`select nspname::text as name from pg_namespace where nspname = any ($1) order by 1`, [schemas]);
            assert.deepEqual(rows, [{ name: app }]);
            const { rows: [{ kernel }] } = await client.query('select parley.implementation() as kernel');
            assert.equal(kernel, expectedKernel);
            const id = randomUUID();
            await client.query('insert into auth.users (id) values ($1)', [id]);
            await uses[app](client, id);
            const drift = await client.query('select * from parley.counter_drift()');
            assert.deepEqual(drift.rows, []);
            // Functions name others as text, which nothing checks when they are made.
            const others = schemas.filter((other) => other !== app).map((other) => `\\m${other}(_private)?\\.`).join('|');
            const { rows: strangers } = await client.query(
                `select p.oid::regprocedure::text as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                where n.nspname ~ $1 and p.prosrc ~ $2`,
                [`^(parley|${app})`, others],
            );
            assert.deepEqual(strangers, []);
        });
    });
}
