// README.md and the pages below docs/ and clients/, and the blocks of code in them.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './stack.mjs';

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

/** The pages of a folder of the repository. */
export const pagesIn = (folder) => readdirSync(join(root, folder)).filter((name) => name.endsWith('.md')).map((name) => join(root, folder, name));

/** The pages whose code is tested. */
export const pages = [join(root, 'README.md'), ...['docs', 'docs/specifications', 'clients/js'].flatMap(pagesIn)];

/** Every fenced block of them. */
export const everyBlock = pages.flatMap(blocksOf);
