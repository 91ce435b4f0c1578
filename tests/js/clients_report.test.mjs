// How bin/test --clients judges what the clients' own suites report.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compare } from '../clients/runner/compare.mjs';
import { readJest, readJunit } from '../clients/runner/results.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'clients-report-'));
after(() => rmSync(folder, { recursive: true }));

function file(name, content) {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
}

const results = (outcomes) => Object.entries(outcomes).map(([name, outcome]) => ({ name, outcome, message: '' }));

test('only what is listed may fail, and what is listed must', () => {
    const list = { 'no images': ['a > resizes', 'b > *'] };
    const good = compare(results({ 'a > uploads': 'passed', 'a > resizes': 'failed', 'b > 1': 'failed', 'b > 2': 'failed', 'c': 'skipped' }), list);
    assert.ok(good.isGood);
    assert.deepEqual([good.passed, good.skipped, [...good.leftOut]], [1, 1, [['no images', 3]]]);
    for (const [outcomes, field, found] of [
        [{ 'a > uploads': 'failed', 'a > lists': 'passed', 'a > resizes': 'failed', 'b > 1': 'failed' }, 'failures', 'a > uploads'],
        [{ 'a > uploads': 'passed', 'a > resizes': 'passed', 'b > 1': 'failed' }, 'passing', 'a > resizes'],
        [{ 'a > uploads': 'passed', 'a > resizes': 'failed' }, 'missing', 'b > *'],
    ]) {
        const verdict = compare(results(outcomes), list);
        assert.equal(verdict.isGood, false, field);
        assert.deepEqual(verdict[field].map((entry) => entry.name ?? entry), [found]);
    }
    assert.equal(compare([], {}).isGood, false, 'a suite that ran no test is none');
});

test('a report of Jest is read, and a file that could not be loaded is a failure', () => {
    const test = (title, status) => ({ ancestorTitles: ['api'], title, status, failureMessages: [] });
    const report = {
        testResults: [
            { name: '/work/test/a.test.ts', status: 'failed', assertionResults: [test('x', 'passed'), test('y', 'failed'), test('z', 'pending')] },
            { name: '/work/test/b.test.ts', status: 'failed', message: 'cannot find module', assertionResults: [] },
        ],
    };
    assert.deepEqual(
        readJest(file('jest.json', JSON.stringify(report)), '/work').map(({ name, outcome }) => [name, outcome]),
        [
            ['test/a.test.ts > api > x', 'passed'],
            ['test/a.test.ts > api > y', 'failed'],
            ['test/a.test.ts > api > z', 'skipped'],
            ['test/b.test.ts', 'failed'],
        ],
    );
});

test('a report of pytest is read, and a test whose clean-up fails has failed', () => {
    const xml = `<?xml version="1.0"?><testsuites><testsuite name="pytest">
        <testcase classname="tests.a" name="x[&quot;1&quot;]" time="0.1" /><testcase classname="tests.a" name="y"><failure message="assert 1 &lt; 0">trace</failure></testcase>
        <testcase classname="tests.a" name="z"><skipped message="no" /></testcase>
        <testcase classname="tests.b" name="w" /><testcase classname="tests.b" name="w"><error message="failed on teardown" /></testcase>
    </testsuite></testsuites>`;
    assert.deepEqual(readJunit(file('junit.xml', xml)), [
        { name: 'tests.a > x["1"]', outcome: 'passed', message: '' },
        { name: 'tests.a > y', outcome: 'failed', message: 'assert 1 < 0' },
        { name: 'tests.a > z', outcome: 'skipped', message: '' },
        { name: 'tests.b > w', outcome: 'failed', message: 'failed on teardown' },
    ]);
});

test('every suite of which something is left out is told of in the documentation', () => {
    const leftOut = JSON.parse(readFileSync(join(root, 'tests/clients/left_out.json'), 'utf8'));
    const page = readFileSync(join(root, 'docs/local-stack.md'), 'utf8');
    const silent = Object.keys(leftOut).filter((name) => !page.includes(`- **${name}**`));
    assert.deepEqual(silent, []);
});
