// Documents, from the bytes to what is found: every word that a reader sees is in the knowledge of the demo, and nothing that no reader sees.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { eventually } from './channels.mjs';
import { rows } from './database.mjs';
import { demoOf } from './demos.mjs';
import { ok, personWithEmail } from './people.mjs';
import { root } from './stack.mjs';

/** What a reader sees, by language: a sentence and the words of it that are looked for. */
const texts = JSON.parse(readFileSync(`${root}/tests/documents/texts.json`, 'utf8'));
const languages = Object.keys(texts);
const sentences = languages.map((language) => texts[language].text);

/** What no reader sees, wherever it stands. */
const SECRET = 'unsichtbar';

let owner;
let demo;
const files = [];

/** A file to read. `seen` are the languages whose words a reader sees in it. */
function file(name, type, bytes, seen = languages) {
    files.push({ name, type, bytes: Buffer.from(bytes), seen });
}

const paragraphs = (around) => sentences.map((sentence, place) => around(sentence, languages[place], place)).join('');
const page = (body, head = '') => `<!doctype html><html><head><meta charset="utf-8"><title>${SECRET}</title>${head}</head><body>${body}</body></html>`;
const hidden = (attributes, name = 'p') => `<${name} ${attributes}>${SECRET}</${name}>`;

const shapes = {
    sections: paragraphs((text) => `<section>${text}</section>`),
    'headings and paragraphs': paragraphs((text, lang) => `<h2>${lang}</h2><p lang=${lang}>${text}`),
    'lines ended by br': paragraphs((text) => `${text}<br>`),
    table: `<table>${paragraphs((text, lang) => `<tr><td>${lang}<td>${text}`)}</table>`,
    'cells side by side': `<table><tr>${paragraphs((text) => `<td>${text}</td>`)}</tr></table>`,
    'struck and marked words': paragraphs((text) => `<p><s>${text}</s> <mark>${SECRET.slice(0, 2)}</mark>`),
    'words in pieces': paragraphs((text) => `<p>${text.replace(/(\p{L})(\p{L})/gu, '$1<!-- x --><b>$2</b><wbr>')}</p>`),
    'hidden attribute': hidden('hidden') + paragraphs((text) => `<p>${text}${hidden('hidden', 'span')}</p>`),
    'display none': paragraphs((text) => `<p>${text}${hidden('style="display:none"', 'span')}`),
    'visibility hidden': `<div style="visibility:hidden">${SECRET}${paragraphs((text) => `<p style="visibility:visible">${text}</p>`)}</div>`,
    'rules of a style sheet': `<style>.gone, #gone { display: none } @media print { p { display: none } }</style>${hidden('class=gone')}${hidden('id=gone')}${paragraphs((text) => `<p>${text}</p>`)}`,
    'templates, scripts and noscript': `<template>${SECRET}</template><script>"${SECRET}"</script><noscript>${SECRET}</noscript>${paragraphs((text) => `<div>${text}</div>`)}`,
    'closed details': paragraphs((text, lang) => `<details><summary>${lang}</summary>${text}</details>`),
    'options of a list': `<select>${paragraphs((text) => `<option value=${SECRET}>${text}`)}</select>`,
    'fields of a form': paragraphs((text, lang) => `<label>${lang} <input value="${text}"></label><input type=hidden value=${SECRET}>`),
    'definitions and lists': `<dl>${paragraphs((text, lang) => `<dt>${lang}<dd><ol><li>${text}</ol>`)}</dl>`,
    'preformatted lines': `<pre>${paragraphs((text) => `${text}\n`)}</pre>`,
    'entities and soft hyphens': paragraphs((text) => `<p>${[...text].map((sign, at) => (/\p{L}/u.test(sign) ? `&#${sign.codePointAt(0)};${at % 3 ? '' : '&shy;'}` : sign)).join('')}</p>`),
    'flexible boxes': `<div style="display:flex">${paragraphs((text) => `<span>${text}</span>`)}</div>`,
    'words for screen readers': paragraphs((text) => `<a aria-label=${SECRET} title=${SECRET}>${text}</a><span style="position:absolute;clip:rect(0,0,0,0)">${SECRET}</span><img alt=${SECRET} src=x> `),
    'a dialog and a drawing': `<dialog>${SECRET}</dialog><svg><title>${SECRET}</title>${paragraphs((text) => `<text>${text}</text>`)}</svg>`,
    'tags that are not closed': paragraphs((text) => `<div><b><p>${text}</b><table><tr>`),
};

for (const [name, body] of Object.entries(shapes)) {
    file(`${name}.html`, 'text/html', page(body));
}
file('an old page.html', 'text/html', Buffer.from(`<meta charset="iso-8859-1"><p>${texts.de.text}<p>${texts.fr.text.replace('œ', '&oelig;')}`, 'latin1'), ['de', 'fr']);
file('markdown.md', 'text/markdown', languages.map((language) => `# ${language}\n\n* **${texts[language].text}**\n`).join('\n'));
const utf16 = (text) => Buffer.from(`\ufeff${text}`, 'utf16le');
for (const [name, end] of Object.entries({ LF: '\n', CRLF: '\r\n', CR: '\r', VT: '\v', FF: '\f', NEL: '\u0085', LS: '\u2028', PS: '\u2029', FS: '\u001c' })) {
    // Each word on a line of its own where words are written apart: what drops the end of a line makes one word of two.
    const text = sentences.map((sentence) => sentence.replaceAll(' ', end)).join(end);
    file(`lines ended by ${name}.txt`, 'text/plain', text);
    file(`lines ended by ${name}, with a mark.txt`, 'text/plain', `\ufeff${text}`);
}
file('UTF-16.txt', 'text/plain', utf16(sentences.join('\r\n')));
file('UTF-16, the other way.txt', 'text/plain', utf16(sentences.join('\n')).swap16());
// What fontkit writes of Arabic names no characters, and ReportLab was given five of the languages.
for (const [writer, seen] of Object.entries({
    chromium: languages,
    pdfkit: languages.filter((language) => language !== 'ar'),
    'pdf-lib': languages.filter((language) => language !== 'ar'),
    reportlab: ['en', 'de', 'zh', 'ja', 'ko'],
})) {
    file(`${writer}.pdf`, 'application/pdf', readFileSync(`${root}/tests/documents/${writer}.pdf`), seen);
}

const titleOf = (place) => `${place} ${files[place].name}`;
const plain = (text) => text.normalize('NFKC').toLowerCase();

before(async () => {
    owner = await personWithEmail();
    demo = await demoOf(owner);
    const bucket = owner.client.storage.from('demo-documents');
    for (const [place, { type, bytes }] of files.entries()) {
        const path = `${demo.id}/${place}.${files[place].name.split('.').at(-1)}`;
        const { error } = await bucket.upload(path, bytes, { contentType: type });
        assert.equal(error, null, `${titleOf(place)}: ${error?.message}`);
        await ok(owner.domo.from('demo_documents').insert({ demo_id: demo.id, title: titleOf(place), storage_url: path }));
    }
    await eventually(
        async () => {
            // Other files put the jobs of all off for an hour while they watch what their own changes do.
            await rows(
                `update pgmq.q_parley_knowledge q set vt = clock_timestamp() from domo.demo_documents d
                where d.demo_id = $1 and q.message::text like '%' || d.id || '%' and q.vt > clock_timestamp() + interval '10 minutes'`,
                [demo.id],
            );
            const waiting = await ok(owner.domo.from('demo_documents').select('title').eq('demo_id', demo.id).in('processing_status', ['pending', 'processing']));
            return waiting.length === 0;
        },
        'the documents to be read',
        120_000,
    );
});

describe('of a document', () => {
    for (const [place, { name, seen }] of files.entries()) {
        test(`"${name}" is stored what a reader sees`, async () => {
            const [{ processing_status, failure }] = await ok(owner.domo.from('demo_documents').select().eq('demo_id', demo.id).eq('title', titleOf(place)));
            assert.equal(processing_status, 'completed', failure);
            const source = `Document: ${titleOf(place)}`;
            const chunks = await ok(owner.domo.from('knowledge_chunks').select('content').eq('demo_id', demo.id).eq('source', source).order('chunk_index'));
            const stored = plain(chunks.map(({ content }) => content).join('\n'));
            for (const language of seen) {
                for (const word of texts[language].words) {
                    assert.ok(stored.includes(plain(word)), `${language}: ${word} is not in ${stored}`);
                }
            }
            assert.ok(!stored.includes(SECRET) && !/outside|[<>]/.test(stored), stored);
            // Words that are written apart are apart: none is longer than the longest of what was written.
            const longest = Math.max(...seen.filter((language) => !['zh', 'ja', 'th'].includes(language)).flatMap((language) => texts[language].text.split(' ')).map((word) => word.length));
            const welded = stored.match(/[\p{Script=Latin}\p{Script=Greek}\p{Script=Hangul}\p{Script=Arabic}]+/gu).filter((word) => word.length > longest);
            assert.deepEqual(welded, []);
        });
    }
});

describe('a search', () => {
    const search = async (query_text) => {
        const found = await ok(owner.domo.rpc('search_knowledge', { demo_id: demo.id, query_text, match_count: 100 }));
        return new Set(found.filter(({ text_rank }) => text_rank !== null).map(({ source }) => source));
    };
    for (const language of languages) {
        test(`for each word in "${language}" finds every document that shows it`, async () => {
            const shown = [...files.keys()].filter((place) => files[place].seen.includes(language));
            for (const word of texts[language].words) {
                const found = await search(word);
                const missing = shown.map(titleOf).filter((title) => !found.has(`Document: ${title}`));
                assert.deepEqual(missing, [], word);
            }
        });
    }

    test('finds the words on both sides of any end of a line in knowledge that is written', async () => {
        for (const [place, end] of ['\r', '\v', '\f', '\u0085', '\u2028', '\u2029', '\u001c', '\u0007'].entries()) {
            await ok(owner.domo.rpc('add_knowledge', { demo_id: demo.id, content: `before${place}${end}behind${place}`, source: `end ${place}` }));
            for (const word of [`before${place}`, `behind${place}`]) {
                assert.deepEqual([...(await search(word))], [`end ${place}`], word);
            }
        }
    });

    test('for what no reader sees finds nothing', async () => {
        assert.equal((await search(SECRET)).size, 0);
        assert.equal((await search('outside')).size, 0);
    });
});
