#!/usr/bin/env bash
# PostgreSQL (seen on 15.x and, here, in PGlite 0.5.17): the text that pg_get_expr() gives for a generated column does not compute the column.
#
# The expression is cast to the type of its column as an assignment is, and pg_get_expr() shows no cast that Postgres made by itself. Evaluated as it is
# shown, `n / 2.0` in an integer column is 1.5000000000000000 where the row holds 2, and `n * 1.5` in a numeric(10,2) column is 4.5 where the row holds 4.50. So whoever
# evaluates the text (a tool for replication, where generated columns are not sent) has to cast to format_type(atttypid, atttypmod) besides. The same is
# true of information_schema.columns.generation_expression, and of defaults.
#
# Exits with 0 when it is still so. Needs Node, npm and the registry.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @electric-sql/pglite@0.5.17
cat >hides.mjs <<'JS'
import { PGlite } from '@electric-sql/pglite';

const database = await PGlite.create();
await database.exec(`create table t (
    n integer,
    half integer generated always as (n / 2.0) stored,
    price numeric(10, 2) generated always as (n * 1.5) stored
); insert into t (n) values (3)`);
const { rows: columns } = await database.query(`select a.attname, pg_get_expr(d.adbin, d.adrelid) as expression, format_type(a.atttypid, a.atttypmod) as type
    from pg_attribute a join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = 't'::regclass order by a.attnum`);
console.log((await database.query('select version()')).rows[0].version);
let isSo = columns.length === 2;
for (const { attname, expression, type } of columns) {
    const { rows: [{ stored, shown, cast }] } = await database.query(
        `select ${attname}::text as stored, (${expression})::text as shown, ((${expression})::${type})::text as cast from t`,
    );
    console.log(`${attname} ${type}: stored ${stored}; ${expression} gives ${shown}, and cast to the type ${cast}`);
    isSo &&= shown !== stored && cast === stored;
}
await database.close();
process.exitCode = isSo ? 0 : 1;
JS
node hides.mjs
