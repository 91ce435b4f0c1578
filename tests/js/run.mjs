// Runs the test files with Node's own runner, and fails where nothing was tested: no file may end without a test, and none may be skipped.
//
//   npm test                          every file
//   npm test -- name.test.mjs ...     these files
//   npm test -- --once                the files whose subject is the page or a stand-in: they run on one kernel only
//   npm test -- --kernel              the others

import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const folder = dirname(fileURLToPath(import.meta.url));
// What they ask of the database is the same call of the same function, whichever body the kernel has.
const isOnce = (name) => /^(auth|cli_storage|client|commands|openapi|own_project|playground|realtime_|rest\.|scripts|storage)/.test(name);
const isWanted = {
    '--once': isOnce,
    '--kernel': (name) => !isOnce(name),
};
const wanted = process.argv.slice(2).map((name) => basename(name));
const files = readdirSync(folder)
    .filter((name) => name.endsWith('.test.mjs'))
    .filter((name) => wanted.length === 0 || wanted.some((word) => (isWanted[word] ? isWanted[word](name) : word === name)))
    .map((name) => join(folder, name))
    .sort();

const testsOf = new Map(files.map((file) => [file, 0]));
let failed = false;
let skipped = 0;

// Two at a time: they share one database, and a race test needs most of the machine.
const events = run({ files, concurrency: 2, timeout: 300_000 });
events.on('test:pass', (event) => {
    // A file that holds no test is reported as a test with the name of the file.
    if (event.details.type === 'suite' || event.name === event.file || files.includes(event.name)) {
        return;
    }
    if (event.skip !== undefined || event.todo !== undefined) {
        skipped += 1;
        return;
    }
    testsOf.set(event.file, (testsOf.get(event.file) ?? 0) + 1);
});
events.on('test:fail', () => {
    failed = true;
});
events.compose(new spec()).pipe(process.stdout);

process.on('exit', () => {
    const empty = files.filter((file) => !testsOf.get(file)).map((file) => basename(file));
    for (const name of empty) {
        console.error(`${name}: no test passed`);
    }
    if (files.length === 0) {
        console.error('there is no test file');
    }
    if (skipped > 0) {
        console.error(`${skipped} tests were skipped`);
    }
    if (failed || empty.length > 0 || files.length === 0 || skipped > 0) {
        process.exitCode = 1;
    }
});
