// The blocks of code in README.md and docs/ that a reader would paste are run as they stand: `js` as a module, `sql` as role postgres in a
// transaction that is rolled back, `sh` from the root of the repository. A fence that says `no-run` is left out; what says `default-ports` is run by
// commands.test.mjs. What says `hello` is one story: the first steps of a newcomer, in a folder of their own. client_examples.test.mjs compiles them.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { after, test } from 'node:test';
import { schemas } from '../../bin/lib/apps.mjs';
import { inRolledBackTransaction, rows } from './database.mjs';
import { everyBlock, pages, pagesIn } from './pages.mjs';
import { exposedSchemas, root, stackVariables } from './stack.mjs';

const languages = ['js', 'sql', 'sh'];
// Other names of the same languages would slip through.
const otherNames = ['bash', 'console', 'javascript', 'mjs', 'pgsql', 'plpgsql', 'postgres', 'postgresql', 'psql', 'shell', 'zsh'];
// Below node_modules, so that an import finds the packages and git does not see it.
const scratch = join(import.meta.dirname, 'node_modules', `.docs-${process.pid}`);

const blocks = everyBlock.filter(({ language }) => languages.includes(language));
const pasted = blocks.filter(({ words }) => words.length === 0);
const story = everyBlock.filter(({ words }) => words.includes('hello'));

/** Runs a command with the stack's variables and returns what it printed; what it said on failing is the error. */
async function run(command, words, options = { cwd: root, env: { ...process.env, ...stackVariables } }) {
    const { stdout } = await promisify(execFile)(command, words, { timeout: 120_000, ...options }).catch(({ stdout, stderr, signal, code }) => {
        throw new Error(`it ended with ${signal ?? code}:\n${stdout}${stderr}`);
    });
    return stdout;
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

test('the first steps of the README work in an empty folder, and print what it says', async () => {
    const beside = mkdtempSync(join(tmpdir(), 'parley-docs-'));
    const hello = join(beside, 'hello');
    mkdirSync(hello);
    mkdirSync(join(beside, 'parley/.parley'), { recursive: true });
    writeFileSync(join(beside, 'parley/.parley/stack.env'), Object.entries(stackVariables).map(([name, value]) => `${name}=${value}\n`).join(''));
    // Only stack.env may say where the stack is. npm takes what its cache has.
    const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('SUPABASE_'));
    const env = { ...Object.fromEntries(kept), npm_config_prefer_offline: 'true', npm_config_audit: 'false' };
    let printed = '';
    try {
        for (const { language, text } of story) {
            if (language === 'js') {
                writeFileSync(join(hello, 'hello.mjs'), text);
            } else if (language === 'sh') {
                printed = await run('bash', ['-euo', 'pipefail', '-c', text], { cwd: hello, env });
            } else {
                assert.equal(language, 'text');
                assert.equal(printed, text);
            }
        }
    } finally {
        rmSync(beside, { recursive: true, force: true });
    }
    assert.deepEqual(story.map(({ path, language }) => `${path} ${language}`), ['sh', 'js', 'sh', 'text'].map((language) => `README.md ${language}`));
});

test('the README shows code that runs, and so do the pages about SQL', (t) => {
    const count = (language) => pasted.filter((block) => block.language === language).length;
    t.diagnostic(`${count('js')} js, ${count('sql')} sql and ${count('sh')} sh blocks ran; ${blocks.length - pasted.length} are marked otherwise`);
    assert.ok(count('js') > 0 && count('sql') > 0);
});

test('what is left out says so in words that this test knows', () => {
    const unknown = everyBlock.filter(
        ({ language, words }) => otherNames.includes(language) || words.some((word) => !['no-run', 'hello', 'default-ports'].includes(word)) || words.length > 1,
    );
    assert.deepEqual(unknown.map(({ path, line }) => `${path}, line ${line}`), []);
});

/** The anchors of a page's headings, as GitHub makes them. */
const anchorsOf = (path) =>
    [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading.toLowerCase().replace(/[^\w\s-]/g, '').replaceAll(' ', '-'));

test('every link to a file or a heading leads somewhere', () => {
    const all = [...pages, ...pagesIn('.'), ...pagesIn('bench')];
    const links = all.flatMap((page) => {
        const text = readFileSync(page, 'utf8').replace(/^```[^]*?^```/gm, '').replace(/`[^`]*`/g, '');
        return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => ({ page, target })).filter(({ target }) => !/^[a-z]+:/.test(target));
    });
    const broken = links.filter(({ page, target }) => {
        const [file, anchor] = target.split('#');
        const path = file === '' ? page : join(page, '..', file);
        return !existsSync(path) || (anchor && !anchorsOf(path).includes(anchor));
    });
    assert.deepEqual(broken.map(({ page, target }) => `${relative(root, page)}: ${target}`), []);
    assert.ok(links.length > 50);
});

test("the README's table names every folder", async () => {
    const files = (await run('git', ['ls-files'], { cwd: root })).trim().split('\n');
    const folders = new Set(files.filter((file) => file.includes('/') && !file.startsWith('.')).map((file) => file.split('/', 1)[0]));
    const named = [...sectionOf('README.md', 'Where things are').matchAll(/^\| `(\w+)\/(?:\w+\/)?` \|/gm)].map(([, folder]) => folder);
    assert.deepEqual(named.sort(), [...folders].sort());
});

/** The section of a page under a heading. */
const sectionOf = (page, heading) => readFileSync(join(root, page), 'utf8').split(/^## /m).find((section) => section.startsWith(`${heading}\n`));

test('docs/errors.md lists every error that our functions raise, and no other', async () => {
    const sources = await rows(
        `select p.prosrc from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname ~ '^(parley|${schemas.join('|')})'`,
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

test('docs/limits.md has every limit with its numbers, and no other', async () => {
    const seconds = { '10 seconds': 10, minute: 60, hour: 3600, day: 86400 };
    const linesOf = (heading) =>
        [...sectionOf('docs/limits.md', heading).matchAll(/^\| `([a-z_.]+)` \| (.+) \|$/gm)].map(([, name, rest]) => [name, ...rest.split(' | ')]);
    const number = (text) => (text === 'none' ? null : text);
    const listed = [
        ...linesOf('Rates').map(([name, allowed, anonymous, window, counts]) => [name, 'rate', number(allowed), number(anonymous), seconds[window], counts]),
        ...linesOf('Ceilings').map(([name, allowed, anonymous, counts]) => [name, 'ceiling', number(allowed), number(anonymous), null, counts]),
        ...linesOf('Retention').map(([name, days, counts]) => [name, 'retention', number(days), null, null, counts]),
    ];
    const limits = await rows('select name, kind, allowed, allowed_anonymous, window_seconds, description from parley.limits order by name');
    const known = limits.map((row) => [row.name, row.kind, row.allowed, row.allowed_anonymous, row.window_seconds, row.description]);
    assert.deepEqual(listed.sort(), known.sort());
    assert.ok(known.length > 20);
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
