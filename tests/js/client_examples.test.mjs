// The examples of README.md and the pages as TypeScript: in strict mode, with the types that a user of clients/js gets.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyBlock } from './pages.mjs';
import { compile } from './typescript.mjs';

test('every js block compiles as TypeScript in strict mode, with the types that a user gets', async () => {
    // A block without imports goes on where the one before it on its page ended.
    const modules = [];
    for (const { path, line, language, text } of everyBlock) {
        if (language === 'js' && /^import /m.test(text)) {
            modules.push({ path, name: `${path.replace(/\W/g, '_')}_${line}`, text });
        } else if (language === 'js') {
            assert.equal(modules.at(-1)?.path, path, `${path}, line ${line}: nothing is imported`);
            modules.at(-1).text += text;
        }
    }
    // What clients/js asks of a user of TypeScript.
    const typed = modules.map(({ name, text }) => [
        `${name}.mts`,
        `import type { Database } from '@parley/client';\n${text.replaceAll('createClient(', 'createClient<Database>(')}`,
    ]);
    assert.ok(typed.length >= 3 && typed.every(([, text]) => text.includes('createClient<Database>(')));
    // The stricter checks are those that `tsc --init` switches on.
    assert.equal(await compile(Object.fromEntries(typed), { noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true }), '');
});

test('every ts block compiles in strict mode', async () => {
    const snippets = everyBlock.filter(({ language }) => language === 'ts').map(({ path, line, text }) => [`${path.replace(/\W/g, '_')}_${line}.ts`, text]);
    assert.ok(snippets.length > 0);
    const files = {
        ...Object.fromEntries(snippets),
        'given.d.ts': 'declare const url: string; declare const key: string;',
        'database.types.ts': 'export type Database = { public: { Tables: {}; Views: {}; Functions: {} } };',
    };
    assert.equal(await compile(files, { module: 'esnext', moduleResolution: 'bundler' }), '');
});
