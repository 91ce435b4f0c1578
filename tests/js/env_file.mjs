// The form of stack.env.

import { readFileSync } from 'node:fs';

/** Reads a file of NAME=value lines; quotes around a value are dropped. */
export function readEnvFile(path) {
    const lines = readFileSync(path, 'utf8').split('\n');
    const pairs = lines.map((line) => line.match(/^(?:export )?([A-Z_]+)=(.*)$/)).filter(Boolean);
    return Object.fromEntries(pairs.map(([, name, value]) => [name, value.replace(/^(['"])(.*)\1$/, '$2')]));
}
