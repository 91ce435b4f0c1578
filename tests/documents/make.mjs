// PDFs by three writers for JavaScript: see `make`.

import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import fontkit from '@pdf-lib/fontkit';
import { PDFDocument, StandardFonts } from 'pdf-lib';
import PdfKit from 'pdfkit';
import { chromium } from 'playwright-core';

const texts = JSON.parse(readFileSync('texts.json', 'utf8'));
const names = {
    en: 'noto-sans/files/noto-sans-latin',
    de: 'noto-sans/files/noto-sans-latin',
    fr: 'noto-sans/files/noto-sans-latin',
    el: 'noto-sans/files/noto-sans-greek',
    zh: 'noto-sans-sc/files/noto-sans-sc-chinese-simplified',
    ja: 'noto-sans-jp/files/noto-sans-jp-japanese',
    ko: 'noto-sans-kr/files/noto-sans-kr-korean',
    th: 'noto-sans-thai/files/noto-sans-thai-thai',
    ar: 'noto-sans-arabic/files/noto-sans-arabic-arabic',
};
const font = (language, kind) => readFileSync(`node_modules/@fontsource/${names[language]}-400-normal.${kind}`);
const languages = Object.keys(texts);
// What fontkit makes of Arabic letters has no characters in the file.
const withCharacters = languages.filter((language) => language !== 'ar');

// Chromium: a heading that is set wide, two columns with divided words and ligatures, a table.
const faces = languages.map((language) => `@font-face { font-family: ${language}; src: url(data:font/woff2;base64,${font(language, 'woff2').toString('base64')}) }`);
const paragraph = (language) => `<p lang=${language}${language === 'ar' ? ' dir=rtl' : ''} style="font-family: ${language}, en">${texts[language].text}</p>`;
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const page = await browser.newPage();
await page.setContent(`<!doctype html><meta charset=utf-8><style>${faces.join('\n')}
    body { font-family: en } h1 { letter-spacing: 0.1em } .two { columns: 2; hyphens: auto; text-align: justify; width: 14cm }
    :lang(ko) { word-break: keep-all }</style>
    <h1>Warranty and delivery</h1>
    <div class=two>${languages.map(paragraph).join('')}</div>
    <table>${languages.map((language) => `<tr><td>${language}</td><td style="font-family: ${language}, en">${texts[language].words[0]}</td></tr>`).join('')}</table>`);
await page.evaluate(() => document.fonts.ready);
await page.pdf({ path: 'chromium.pdf', printBackground: false });
await browser.close();

// pdfkit: two columns, a word outside of the page.
const kit = new PdfKit({ size: 'A4', info: { CreationDate: new Date(0) } });
const written = finished(kit.pipe(createWriteStream('pdfkit.pdf')));
for (const language of withCharacters) {
    kit.font(['en', 'de', 'fr'].includes(language) ? 'Times-Roman' : font(language, 'woff'));
    kit.text(language === 'zh' ? texts.zh.text.replace('docker', '') : texts[language].text, { width: 300, columns: 2, columnGap: 20, align: 'justify' });
    kit.moveDown();
}
kit.font('Helvetica').text('docker').text('outside', -400, 300);
kit.end();
await written;

// pdf-lib: each line at its place, each text in a font of its own.
const lib = await PDFDocument.create();
lib.registerFontkit(fontkit);
const sheet = lib.addPage();
let y = 780;
for (const language of withCharacters) {
    const drawn = ['en', 'de', 'fr'].includes(language)
        ? await lib.embedFont(StandardFonts.Helvetica)
        : await lib.embedFont(font(language, 'woff'), { subset: true });
    // A font of one script has no letters of another one.
    const pieces = texts[language].text.split(/(docker)/);
    let x = 50;
    for (const piece of pieces) {
        const used = piece === 'docker' ? await lib.embedFont(StandardFonts.Helvetica) : drawn;
        sheet.drawText(piece, { x, y, size: 11, font: used });
        x += used.widthOfTextAtSize(piece, 11);
    }
    y -= 30;
}
lib.setCreationDate(new Date(0));
lib.setModificationDate(new Date(0));
writeFileSync('pdf-lib.pdf', await lib.save());
