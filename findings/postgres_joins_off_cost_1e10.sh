#!/usr/bin/env bash
# PostgreSQL up to 17 (seen on 15.x and, here, in PGlite 0.3.14): with enable_hashjoin and enable_mergejoin off, a full join of five rows costs 1e10.
#
# A full join can be done by hashing or merging alone. What is switched off is not forbidden but made dear (up to PostgreSQL 17 by 1e10; from 18 on it is
# counted apart), and that number is the plan's total cost: far above jit_above_cost (100,000), jit_inline_above_cost and jit_optimize_above_cost (500,000).
# So where JIT is on, as on Supabase, a statement whose work is half a millisecond is compiled with all optimisations at every call: 300 ms.
# A function that wants nested loops joins by lateral subqueries instead, and makes a full join of union all and group by.
#
# Exits with 0 when it is still so. Needs Node, npm and the registry.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @electric-sql/pglite@0.3.14
cat >costs.mjs <<'JS'
import { PGlite } from '@electric-sql/pglite';

const database = await PGlite.create();
console.log((await database.query('select version()')).rows[0].version);
const cost = async (statement) => (await database.query(`explain (format json) ${statement}`)).rows[0]['QUERY PLAN'][0].Plan['Total Cost'];
const five = (name) => `(select g as id from generate_series(1, 5) g) ${name}`;
const full = `select * from ${five('a')} full join ${five('b')} on b.id = a.id`;
const before = await cost(full);
await database.exec('set enable_hashjoin = off; set enable_mergejoin = off');
const after = await cost(full);
const grouped = await cost(`select id from (select * from ${five('a')} union all select * from ${five('b')}) u group by id`);
console.log(`full join ${before}; with joins switched off ${after}; union all and group by ${grouped}`);
await database.close();
process.exitCode = before < 1000 && after >= 1e10 && grouped < 1000 ? 0 : 1;
JS
node costs.mjs
