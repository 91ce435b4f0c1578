#!/usr/bin/env bash
# Node's test runner (20.20.2, 22.22.0, 24.11.1): two `before` hooks at the top level of a file run at the same time; inside of a `describe` the second waits for the first.
#
# A helper that registers a hook of its own, and a file that then registers another which relies on it, work as long as the first is quick. On a busy
# machine the second begins before the first has done its work. What must be done first is awaited at the top of the file instead.
#
# Seen in a file: first begins, second begins, first ends. Seen in a suite: first begins, first ends, second begins.
# Exits with 0 when it is still so. Needs npm and the registry.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >hooks.test.mjs <<'JS'
import { before, describe, test } from 'node:test';

const pause = () => new Promise((resolve) => setTimeout(resolve, 300));
function hooks(order) {
    before(async () => {
        order.push('first begins');
        await pause();
        order.push('first ends');
    });
    before(() => {
        order.push('second begins');
    });
}
const inFile = [];
hooks(inFile);
test('of the file', () => console.log(`FILE ${inFile.join(', ')}`));
describe('a suite', () => {
    const inSuite = [];
    hooks(inSuite);
    test('of the suite', () => console.log(`SUITE ${inSuite.join(', ')}`));
});
JS
for version in 20.20.2 22.22.0 24.11.1; do
    mkdir "$version"
    (cd "$version" && npm init -y >/dev/null && npm install --silent --no-audit --no-fund "node@$version")
    said=$("$version/node_modules/node/bin/node" hooks.test.mjs | grep -oE '(FILE|SUITE) .*')
    printf '%s\n%s\n' "$version" "$said"
    [[ $said == *"FILE first begins, second begins"* && $said == *"SUITE first begins, first ends, second begins"* ]]
done
