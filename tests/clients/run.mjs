// Runs the integration tests of Supabase's own clients, unmodified, against a stack that each suite gets of its own, and compares what
// fails with the list of what is known to: bin/test --clients.
//
//   PARLEY_CLIENT_SOURCES=<folder with git checkouts supabase-js and supabase-py> node tests/clients/run.mjs [suite...]
//
// The sources are copied into PARLEY_CLIENT_SCRATCH (default: a folder below the system's temporary one), where their packages are
// installed once for every commit of theirs.

import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runApart } from './runner/apart.mjs';
import { compare, report } from './runner/compare.mjs';
import { prepare } from './runner/workspace.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const leftOut = JSON.parse(readFileSync(join(here, 'left_out.json'), 'utf8'));
const known = readdirSync(here)
    .filter((name) => name.endsWith('.mjs') && name !== 'run.mjs')
    .map((name) => name.slice(0, -'.mjs'.length))
    .sort();

function fail(message) {
    console.error(`clients: ${message}`);
    process.exit(2);
}

const wanted = process.argv.slice(2);
if (wanted.includes('--help')) {
    console.log(`usage: bin/test --clients [suite...]\n\nsuites: ${known.join(', ')}`);
    process.exit(0);
}
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
    fail(`no such suite: ${unknown.join(', ')} (there are ${known.join(', ')})`);
}
const sources = process.env.PARLEY_CLIENT_SOURCES;
if (!sources) {
    fail('set PARLEY_CLIENT_SOURCES to the folder that holds the git checkouts supabase-js and supabase-py');
}

let failed = false;
for (const name of wanted.length > 0 ? wanted : known) {
    console.log(`\n== ${name}`);
    try {
        const { default: suite } = await import(`./${name}.mjs`);
        const place = prepare(sources, suite);
        const results = await runApart(name, place);
        const verdict = compare(results, leftOut[name] ?? {});
        report(verdict);
        failed ||= !verdict.isGood;
    } catch (error) {
        console.error(`clients: ${name}: ${error.message}`);
        failed = true;
    }
}
process.exitCode = failed ? 1 : 0;
