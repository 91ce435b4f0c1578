// What came of a suite, against the list of what is known to fail.

/**
 * A result is {name, outcome: 'passed' | 'failed' | 'skipped', message}. The list has, for every reason, the names of the tests that fail
 * for it. A name that ends in * stands for all that begin so.
 */
export function compare(results, reasons) {
    const entries = Object.entries(reasons).flatMap(([reason, names]) => names.map((name) => ({ name, reason, count: 0 })));
    const verdict = { passed: 0, skipped: 0, leftOut: new Map(), failures: [], passing: [], missing: [] };
    for (const result of results) {
        const entry = entries.find(({ name }) => isNamed(name, result.name));
        if (entry) {
            entry.count += 1;
        }
        if (result.outcome === 'skipped') {
            verdict.skipped += 1;
        } else if (result.outcome === 'passed') {
            verdict.passed += 1;
            if (entry) {
                verdict.passing.push(result.name);
            }
        } else if (entry) {
            verdict.leftOut.set(entry.reason, (verdict.leftOut.get(entry.reason) ?? 0) + 1);
        } else {
            verdict.failures.push(result);
        }
    }
    verdict.missing = entries.filter(({ count }) => count === 0).map(({ name }) => name);
    verdict.isGood =
        verdict.passed > 0 &&
        verdict.failures.length === 0 &&
        verdict.passing.length === 0 &&
        verdict.missing.length === 0;
    return verdict;
}

function isNamed(pattern, name) {
    return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/** Says it to a person. */
export function report({ passed, skipped, leftOut, failures, passing, missing }) {
    const known = [...leftOut.values()].reduce((sum, count) => sum + count, 0);
    console.log(`${passed} passed, ${failures.length} failed, ${known} left out, ${skipped} skipped by the suite itself`);
    for (const [reason, count] of leftOut) {
        console.log(`  left out, ${count}: ${reason}`);
    }
    for (const { name, message } of failures) {
        console.log(`  FAILED: ${name}\n${indent(message)}`);
    }
    for (const name of passing) {
        console.log(`  PASSES, though it is listed as left out: ${name}`);
    }
    for (const name of missing) {
        console.log(`  NOT THERE, though it is listed as left out: ${name}`);
    }
}

function indent(message) {
    const lines = (message ?? '').split('\n').filter((line) => line.trim() !== '');
    return lines.slice(0, 6).map((line) => `      ${line.slice(0, 160)}`).join('\n');
}
