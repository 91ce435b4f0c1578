#!/usr/bin/env bash
# PostgreSQL's default text search parser (seen on 15.x and, here, in PGlite 0.5.17): two words with a slash between are a file, and then neither word is found.
#
# `iOS/Android` is one token of the type file, `read/write` too; `acme.com` is a host without its parts, `report.pdf` as well, and `支持docker部署` one word. Of a word with
# a hyphen the parts are kept, of these they are not: a search for Android, acme, report or docker finds nothing, in any configuration, because
# what the parser has not cut no dictionary sees. `-5` is a signed number that a search for 5 does not find.
# Parley therefore cuts words itself (parley.words) and gives Postgres the tsvector.
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
console.log((await database.query('select version()')).rows[0].version);
let isSo = true;
for (const [text, word, expected] of [
    ['iOS/Android', 'Android', false],
    ['read/write access', 'write', false],
    ['write to acme.com', 'acme', false],
    ['see report.pdf', 'report', false],
    ['支持docker部署', 'docker', false],
    ['at -5 degrees', '5', false],
    ['a forty-nine', 'nine', true],
]) {
    const { rows: [{ tokens, found }] } = await database.query(
        `select (select string_agg(alias || ' ' || token, ', ') from ts_debug('simple', $1) where alias <> 'blank') as tokens,
            to_tsvector('english', $1) @@ plainto_tsquery('english', $2) as found`,
        [text, word],
    );
    console.log(`${text}: ${tokens}; ${word} is ${found ? 'found' : 'not found'}`);
    isSo &&= found === expected;
}
await database.close();
process.exitCode = isSo ? 0 : 1;
JS
node hides.mjs
