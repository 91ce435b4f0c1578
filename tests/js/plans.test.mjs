// Plans on large tables: every function that a client or a job calls is called seven times on one connection, so that a plan which Postgres
// makes once for all arguments (after five) is among those looked at, with its nested statements and those of triggers, as auto_explain tells
// them. No plan may scan a table that grows, cost a thousand million, or look at more rows than the call is about.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';

import { inDatabaseWith } from './alone.mjs';
import { calls, fixed, leftOut, sizes, sweeps } from './plans.mjs';
import { exposedSchemas, root } from './stack.mjs';

const apps = ['echoroom', 'domo'];
const rounds = 7;
/** Rows from which a table counts as one that has grown. */
const large = 4_000;

let client;
let finish;
const plans = [];

const rows = async (text, values) => (await client.query(text, values)).rows;

before(async () => {
    // The database lives as long as `work`, so that is the whole test.
    await new Promise((ready, failed) => {
        inDatabaseWith(apps, async (_, { adminUrl }) => {
            client = new pg.Client({ connectionString: adminUrl });
            await client.connect();
            client.on('notice', ({ message }) => {
                const json = message?.match(/^duration: [^\n]*plan:\n(\{.*\})$/s)?.[1];
                if (json) {
                    plans.push(JSON.parse(json));
                }
            });
            for (const [what, rows] of Object.entries(sizes)) {
                await client.query(`set growth.${what}_from = 1; set growth.${what}_to = ${rows}`);
            }
            for (const file of ['fill.sql', 'knowledge.sql']) {
                await client.query(readFileSync(join(root, 'tests/growth', file), 'utf8'));
            }
            // Vacuum, for what a GIN index keeps in a list until then.
            await client.query('vacuum analyze');
            await client.query(`
                load 'auto_explain';
                set auto_explain.log_min_duration = -1; set auto_explain.log_analyze = on; set auto_explain.log_timing = off;
                set auto_explain.log_nested_statements = on; set auto_explain.log_format = json; set auto_explain.log_level = notice;
                set track_functions = 'all';
                grant usage on schema growth to public;
                select set_config('growth.vector', (select vector_embedding::text from domo.knowledge_chunks limit 1), false),
                    set_config('growth.reals', (select vector_embedding::real[]::text from domo.knowledge_chunks limit 1), false)`);
            ready();
            await new Promise((resolve) => {
                finish = resolve;
            });
            await client.end();
        }).catch(failed);
    });
});

after(() => finish?.());

/** Every node of a plan. */
function* nodesOf(node) {
    yield node;
    for (const child of node.Plans ?? []) {
        yield* nodesOf(child);
    }
}

const roles = { echoroom: 'authenticated', domo: 'authenticated' };

/** The plans of one call, with those of all that it calls. */
async function plansOf(schema, name, { args, before: prepare, refused }) {
    plans.length = 0;
    await client.query('begin');
    try {
        if (prepare) {
            await client.query(prepare);
        }
        await client.query("select set_config('request.jwt.claims', jsonb_build_object('sub', growth.id('person', 1), 'role', 'authenticated')::text, true)");
        await client.query(`set local auto_explain.log_min_duration = 0; set local role ${roles[schema] ?? 'parley_worker'}`);
        await client.query(`select * from ${schema}.${name}(${args})`).then(
            () => assert.equal(undefined, refused, `${schema}.${name}(${args}) was to be refused`),
            (error) => assert.equal(error.code, refused, `${schema}.${name}(${args}): ${error.message}`),
        );
    } finally {
        await client.query('rollback');
    }
    return [...plans];
}

test('every table either does not grow, or is large in this test', async () => {
    const small = await rows(
        `select c.oid::regclass::text as name
        from pg_class c
        where c.relkind = 'r' and c.relnamespace = any ($1::regnamespace[]) and c.reltuples < $2
        order by 1`,
        [['parley', 'echoroom', 'echoroom_private', 'domo', 'domo_private'], large],
    );
    assert.deepEqual(small.map(({ name }) => name).filter((name) => !(name in fixed)), []);
});

test('every function of an exposed schema or of the worker is called here, or left out for a reason', async () => {
    const known = await rows(
        `select distinct p.pronamespace::regnamespace || '.' || p.proname as name
        from pg_proc p
        where p.prokind = 'f' and p.prorettype <> 'trigger'::regtype
            and (
                p.pronamespace = any ($1::regnamespace[])
                or p.pronamespace = any ($2::regnamespace[]) and has_function_privilege('parley_worker', p.oid, 'execute')
            )
        order by 1`,
        [exposedSchemas().filter((schema) => apps.includes(schema)), ['parley', 'echoroom_private', 'domo_private']],
    );
    const called = Object.entries(calls).flatMap(([schema, functions]) => Object.keys(functions).map((name) => `${schema}.${name}`));
    assert.deepEqual([...called, ...Object.keys(leftOut)].sort(), known.map(({ name }) => name).sort());
});

test('every sweep of the maintenance is run here', async () => {
    assert.deepEqual(Object.keys(sweeps).sort(), (await rows('select name from parley.maintenance order by name')).map(({ name }) => name));
});

for (const [schema, functions] of Object.entries(calls)) {
    for (const [name, cases] of Object.entries(functions)) {
        test(`${schema}.${name} reads what it is about, by indexes, also in the plan that is made once for all arguments`, async () => {
            const grown = new Set(
                (await rows("select relname from pg_class where relkind = 'r' and reltuples >= $1", [large])).map(({ relname }) => relname),
            );
            for (const one of cases) {
                for (let round = 1; round <= rounds; round += 1) {
                    const made = await plansOf(schema, name, one);
                    assert.notEqual(made.length, 0, 'auto_explain tells its plans');
                    let reads = 0;
                    for (const { 'Query Text': text, Plan: plan } of made) {
                        const where = `${schema}.${name}(${one.args}), call ${round}: ${text}`;
                        assert.ok(plan['Total Cost'] < 1e9, `${where}\ncosts ${plan['Total Cost']}`);
                        for (const node of nodesOf(plan)) {
                            const table = node['Relation Name'];
                            if (!grown.has(table)) {
                                continue;
                            }
                            const isMeant = (one.scans ?? []).some((known) => known.endsWith(`.${table}`));
                            assert.ok(node['Node Type'] !== 'Seq Scan' || isMeant, `${where}\nscans ${table}`);
                            const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
                            if (node['Node Type'].endsWith('Scan')) {
                                reads += ((node['Actual Rows'] ?? 0) + removed) * (node['Actual Loops'] ?? 1);
                            }
                        }
                    }
                    assert.ok(reads <= (one.reads ?? 5_000), `${schema}.${name}(${one.args}), call ${round} looks at ${reads} rows`);
                    assert.ok(!(one.reads || one.scans) || one.why, 'an exception has a reason');
                }
            }
        });
    }
}

// What a batch deleted stays in the index until the next vacuum, and is passed over by whoever begins at the oldest entry.
for (const batch of [
    'domo_private.prune_stream(1, 150)',
    'echoroom_private.prune_conversation_events(5, 150)',
    "parley.prune_events('4 days', 150)",
    'parley.prune_rate_limits(150)',
]) {
    test(`the fifteenth ${batch} reads no more pages than the second`, async () => {
        await client.query('begin');
        try {
            await client.query('set local auto_explain.log_min_duration = 0; set local auto_explain.log_buffers = on');
            const pages = [];
            for (let turn = 1; turn <= 15; turn += 1) {
                plans.length = 0;
                const [{ pruned }] = await rows(`select ${batch} as pruned`);
                assert.equal(Number(pruned), 150);
                // The last plan is that of the call itself, and has all that it did.
                const { Plan: plan } = plans.at(-1);
                pages.push(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']);
            }
            assert.ok(pages[14] < 1.5 * pages[1], `pages by turn: ${pages}`);
        } finally {
            await client.query('rollback');
        }
    });
}

test('docs/operations.md says of every table that grows what prunes it, and names settings and sweeps that there are', async () => {
    const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');
    const lines = page.split('### What grows')[1].split('\n### ')[0].split('\n').filter((line) => line.startsWith('| `'));
    const cells = lines.map((line) => line.split('|').map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name)));
    const grown = await rows(
        `select c.oid::regclass::text as name from pg_class c where c.relkind = 'r' and c.relnamespace = any ($1::regnamespace[])`,
        [['parley', 'echoroom', 'echoroom_private', 'domo', 'domo_private']],
    );
    const named = new Set(cells.flatMap(([, tables]) => tables));
    assert.deepEqual(grown.map(({ name }) => name).filter((name) => !(name in fixed) && !named.has(name)).sort(), []);
    const sweepsThere = new Set((await rows('select name from parley.job_schedules')).map(({ name }) => name));
    assert.deepEqual(cells.flatMap(([, , , , by]) => by).filter((name) => !sweepsThere.has(name)), []);
    const settings = (await rows("select name from parley.limits where kind = 'retention' order by name")).map(({ name }) => name);
    assert.deepEqual([...new Set(cells.flatMap(([, , , , , setting]) => setting))].sort(), settings);
});
