// The blocks of code in README.md and docs/ that a reader would paste are run as they stand: `js` as a module, `sql` as role postgres in a
// transaction that is rolled back, `sh` from the root of the repository. A fence that says `no-run` is left out; what says
// `default-ports` is run by commands.test.mjs.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { after, test } from 'node:test';
import { inRolledBackTransaction, rows } from './database.mjs';
import { exposedSchemas, root, stackVariables } from './stack.mjs';

const languages = ['js', 'sql', 'sh'];
// Other names of the same languages would slip through.
const otherNames = ['bash', 'console', 'javascript', 'mjs', 'pgsql', 'plpgsql', 'postgres', 'postgresql', 'psql', 'shell', 'zsh'];
// Below node_modules, so that an import finds the packages and git does not see it.
const scratch = join(import.meta.dirname, 'node_modules', `.docs-${process.pid}`);

/** The fenced blocks of a page: language, further words of the fence, text, and the line where it begins. */
function blocksOf(path) {
    const blocks = [];
    let open = null;
    readFileSync(path, 'utf8').split('\n').forEach((line, index) => {
        const fence = line.match(/^\s*```+(.*)$/);
        if (fence && open) {
            blocks.push(open);
            open = null;
        } else if (fence) {
            const [language, ...words] = fence[1].trim().split(/\s+/);
            open = { path: relative(root, path), line: index + 1, language, words, text: '' };
        } else if (open) {
            open.text += `${line}\n`;
        }
    });
    assert.equal(open, null, `${path}: a fence is not closed`);
    return blocks;
}

const pages = [join(root, 'README.md'), ...readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => join(root, 'docs', name))];
const everyBlock = pages.flatMap(blocksOf);
const blocks = everyBlock.filter(({ language }) => languages.includes(language));
const pasted = blocks.filter(({ words }) => words.length === 0);

/** Runs a command with the stack's variables; what it said on failing is the error. */
async function run(command, words) {
    const options = { env: { ...process.env, ...stackVariables }, cwd: root, timeout: 120_000 };
    await promisify(execFile)(command, words, options).catch(({ stdout, stderr, signal, code }) => {
        throw new Error(`it ended with ${signal ?? code}:\n${stdout}${stderr}`);
    });
}

// A page may tell users of an old Node to give this flag; then they and we do.
const websocketFlag = '--experimental-websocket';

const runners = {
    async js({ path, line, text }) {
        mkdirSync(scratch, { recursive: true });
        const file = join(scratch, `${path.replace(/\W/g, '_')}_${line}.mjs`);
        writeFileSync(file, text);
        const isAskedFor = readFileSync(join(root, path), 'utf8').includes(websocketFlag) && typeof WebSocket === 'undefined';
        await run(process.execPath, [...(isAskedFor ? [websocketFlag] : []), file]);
    },
    async sql({ text }) {
        await inRolledBackTransaction((client) => client.query(text));
    },
    async sh({ text }) {
        await run('bash', ['-euo', 'pipefail', '-c', text]);
    },
};

after(() => rmSync(scratch, { recursive: true, force: true }));

for (const block of pasted) {
    test(`${block.path}, line ${block.line}: the ${block.language} block runs`, () => runners[block.language](block));
}

test('the README shows code that runs, and so do the pages about SQL', (t) => {
    const count = (language) => pasted.filter((block) => block.language === language).length;
    t.diagnostic(`${count('js')} js, ${count('sql')} sql and ${count('sh')} sh blocks ran; ${blocks.length - pasted.length} are marked otherwise`);
    assert.ok(pasted.some(({ path, language }) => path === 'README.md' && language === 'js'));
    assert.ok(count('sql') > 0);
});

test('what is left out says so in words that this test knows', () => {
    const unknown = everyBlock.filter(
        ({ language, words }) => otherNames.includes(language) || (languages.includes(language) && words.some((word) => word !== 'no-run' && word !== 'default-ports')),
    );
    assert.deepEqual(unknown.map(({ path, line }) => `${path}, line ${line}`), []);
});

/** The section of a page under a heading. */
const sectionOf = (page, heading) => readFileSync(join(root, page), 'utf8').split(/^## /m).find((section) => section.startsWith(`${heading}\n`));

test('docs/errors.md lists every error that our functions raise, and no other', async () => {
    const sources = await rows(
        `select p.prosrc from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname ~ '^(parley|echoroom|domo)'`,
    );
    const raised = sources.flatMap(({ prosrc }) => [
        ...prosrc.matchAll(/'(PT\d{3})',\s*'([a-z_]+)'/g),
        ...prosrc.matchAll(/errcode = '(PT\d{3})'[^;]*?detail = '([a-z_]+)'/g),
    ].map(([, code, detail]) => `${code} ${detail}`));
    const listed = [...sectionOf('docs/errors.md', 'Codes').matchAll(/^\| `(PT\d{3})` \| `([a-z_]+)` \|/gm)].map(([, code, detail]) => `${code} ${detail}`);
    assert.deepEqual([...new Set(listed)].sort(), [...new Set(raised)].sort());
    assert.ok(raised.length > 0);
    assert.equal(new Set(listed).size, listed.length, 'one line for each');
});

test('docs/errors.md lists no error of the worker that it does not have', () => {
    const frozen = readFileSync(join(root, 'edge_worker/src/error.rs'), 'utf8');
    const known = [...frozen.matchAll(/"(PT\d{3})",\s*"([a-z_]+)"/g)].map(([, code, detail]) => `${code} ${detail}`);
    const lines = [...sectionOf('docs/errors.md', 'What the worker says').matchAll(/^\| `(PT\d{3})` \| ([^|]+) \|/gm)];
    const listed = lines.flatMap(([, code, details]) => [...details.matchAll(/`([a-z_]+)`/g)].map(([, detail]) => `${code} ${detail}`));
    assert.ok(listed.length > 0);
    assert.deepEqual(listed.filter((each) => !known.includes(each)), []);
});

test('every function that clients may call is on the page of its app', async () => {
    const exposed = await rows(
        `select distinct n.nspname as app, p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = any ($1)`,
        [exposedSchemas()],
    );
    assert.ok(exposed.length > 0);
    const missing = exposed.filter(({ app, name }) => !readFileSync(join(root, `docs/${app}.md`), 'utf8').includes(name));
    assert.deepEqual(missing, []);
});
