// What the planner believes of the statements inside functions, as it would in a large database.

import assert from 'node:assert/strict';
import pg from 'pg';
import { stack } from './stack.mjs';

/**
 * The plans of all statements that `sql` runs, those inside functions too, as { cost, text }: the total cost that the planner gives them.
 *
 * `rows` says how many rows the planner is to believe there are in a table that holds some, as { 'domo.knowledge_chunks': 1e7 }; statistics of
 * their columns are made of what is there. `claims` are those of whoever runs `sql`; without them it is a superuser. Everything is rolled back.
 */
export async function plansOf(sql, { rows = {}, claims } = {}) {
    const client = new pg.Client({ connectionString: stack.adminDbUrl });
    const plans = [];
    client.on('notice', ({ message }) => {
        const text = /^duration: [\d.]+ ms {2}plan:\n([\s\S]*)$/.exec(message)?.[1];
        if (text) {
            const { Plan, 'Query Text': query } = JSON.parse(text);
            plans.push({ cost: Plan['Total Cost'], text: query });
        }
    });
    await client.connect();
    try {
        await client.query(`begin;
            load 'auto_explain';
            set local auto_explain.log_min_duration = 0;
            set local auto_explain.log_nested_statements = on;
            set local auto_explain.log_format = json;
            set local auto_explain.log_level = notice`);
        for (const [table, count] of Object.entries(rows)) {
            await client.query(`analyze ${table}`);
            // As many pages as there are, of many rows each: the planner looks at the file's size itself.
            await client.query('update pg_class set reltuples = $2 where oid = $1::regclass and relpages > 0', [table, count]);
        }
        if (claims) {
            await client.query(`select set_config('request.jwt.claims', $1, true)`, [JSON.stringify(claims)]);
            await client.query(`set local role ${claims.role}`);
        }
        plans.length = 0;
        await client.query(sql);
    } finally {
        await client.query('rollback');
        await client.end();
    }
    assert.ok(plans.length > 0, `no plan was seen: ${sql}`);
    return plans;
}

/** That no plan costs more than a bound; a join that a setting forbids costs 1e10. */
export async function assertPlansCostLess(bound, sql, options) {
    for (const { cost, text } of await plansOf(sql, options)) {
        assert.ok(cost < bound, `a plan costs ${cost}: ${text}`);
    }
}
