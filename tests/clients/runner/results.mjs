// Reads what the runners of tests write.

import { readFileSync } from 'node:fs';

const OUTCOMES = { passed: 'passed', failed: 'failed', pending: 'skipped', skipped: 'skipped', todo: 'skipped', disabled: 'skipped' };

/** The JSON of Jest and Vitest. A file that could not be loaded counts as one failed test. */
export function readJest(path, folder) {
    const { testResults } = JSON.parse(readFileSync(path, 'utf8'));
    return testResults.flatMap((file) => {
        const name = file.name.replace(`${folder}/`, '');
        if (file.assertionResults.length === 0 && file.status === 'failed') {
            return [{ name, outcome: 'failed', message: plain(file.message) }];
        }
        return file.assertionResults.map((test) => ({
            name: `${name} > ${[...test.ancestorTitles, test.title].join(' > ')}`,
            outcome: OUTCOMES[test.status] ?? 'failed',
            message: plain((test.failureMessages ?? []).join('\n')),
        }));
    });
}

/** The JUnit XML of pytest: an error while a test is set up or cleaned up fails it. */
export function readJunit(path) {
    const xml = readFileSync(path, 'utf8');
    const cases = xml.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g);
    const results = new Map();
    for (const [, attributes, body = ''] of cases) {
        const name = `${attribute(attributes, 'classname')} > ${attribute(attributes, 'name')}`;
        const problem = body.match(/<(failure|error)\b([^>]*)>/);
        const outcome = problem ? 'failed' : /<skipped\b/.test(body) ? 'skipped' : 'passed';
        // Both the call and the clean-up may have a case.
        if (results.get(name)?.outcome !== 'failed') {
            results.set(name, { name, outcome, message: problem ? attribute(problem[2], 'message') : '' });
        }
    }
    return [...results.values()];
}

function attribute(text, name) {
    const value = text.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1] ?? '';
    return value
        .replace(/&#10;/g, '\n')
        .replace(/&lt;/g, '<')
        .replace(/&gt;/g, '>')
        .replace(/&quot;/g, '"')
        .replace(/&amp;/g, '&');
}

function plain(text) {
    return (text ?? '').replace(/\u001b\[[0-9;]*m/g, '');
}
