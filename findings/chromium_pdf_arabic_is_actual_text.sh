#!/usr/bin/env bash
# Chromium's PDFs (156.0.8078.108; the one of this machine is asked): Arabic letters of a font that composes them of parts have no characters but in
# /ActualText, and a reader that goes by /ToUnicode gets U+0000 and letters without their dots.
#
# Noto Sans Arabic draws a beh as a dotless form and a dot. The PDF's table of characters names the form U+066E and the dot U+0000; what the cluster reads as is
# told beside it, as marked content with ActualText. pdf.js (5.4.149), which is not alone in that, does not look there: its text of the page lacks the words that the
# page shows. A reader of documents has to prefer ActualText.
#
# Seen: the page shows ثلاث; ActualText has its first and last letter; pdf.js gives U+066E, U+0000, lam alef, U+0000, a space, U+0000.
# Exits with 0 when it is still so. Needs Chromium, Node, npm and the registry.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund playwright-core@1.65.1 pdfjs-dist@5.4.149 @fontsource/noto-sans-arabic@5.3.0
cat >actual.mjs <<'JS'
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { getDocument } from 'pdfjs-dist/legacy/build/pdf.mjs';
import { chromium } from 'playwright-core';

const executablePath = execFileSync('sh', ['-c', 'command -v chromium || command -v google-chrome'], { encoding: 'utf8' }).trim();
const font = readFileSync('node_modules/@fontsource/noto-sans-arabic/files/noto-sans-arabic-arabic-400-normal.woff2').toString('base64');
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const page = await browser.newPage();
const word = 'ثلاث';
await page.setContent(`<!doctype html><meta charset=utf-8><style>@font-face { font-family: a; src: url(data:font/woff2;base64,${font}) }</style>
    <p dir=rtl lang=ar style="font-family: a">${word}</p>`);
await page.evaluate(() => document.fonts.ready);
const pdf = await page.pdf();
console.log(`Chromium ${browser.version()}`);
await browser.close();

// What is said to be read: every ActualText of the page's content, from the last to the first.
let said = '';
for (let at = pdf.indexOf('stream'); at !== -1; at = pdf.indexOf('stream', at + 6)) {
    if (pdf.subarray(at - 3, at).toString() !== 'end') {
        try {
            const content = inflateSync(pdf.subarray(at + 7), { finishFlush: 2 }).toString('latin1');
            for (const [, hex] of content.matchAll(/ActualText <feff([0-9a-f]+)>/gi)) {
                said = Buffer.from(hex, 'hex').swap16().toString('utf16le') + said;
            }
        } catch {
            // Not packed this way: a font, a picture.
        }
    }
}
const { items } = await (await (await getDocument({ data: new Uint8Array(pdf), verbosity: 0 }).promise).getPage(1)).getTextContent();
const shown = items.map(({ str }) => str).join('').normalize('NFKC');
console.log(`the page shows ${word}; ActualText ${JSON.stringify(said)}; pdf.js ${JSON.stringify(shown)}`);
process.exitCode = said.includes('ث') && !shown.includes(word) ? 0 : 1;
JS
node actual.mjs
