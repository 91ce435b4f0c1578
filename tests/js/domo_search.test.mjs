// Domo's search through an unmodified supabase-js: what is found, by whom, while others write.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { rows } from './database.mjs';
import { demoOf, embedding } from './demos.mjs';
import { ok, person, personWithEmail, refused, service, visitor } from './people.mjs';
import { assertPlansCostLess } from './plan_costs.mjs';

let owner;
let stranger;
let demo;

const near = (domo, number, demo_id, more = {}) =>
    domo.rpc('search_knowledge_chunks', { query_embedding: embedding(number), demo_id, match_threshold: -1, ...more });
const chunk = (demo_id, number, more = {}) => ({ demo_id, content: `Piece ${number}`, vector_embedding: embedding(number), ...more });

before(async () => {
    // With an address: more demos than an anonymous person may have.
    [owner, stranger] = [await personWithEmail(), await person()];
    demo = await demoOf(owner);
    await ok(
        owner.domo.from('knowledge_chunks').insert([
            ...Array.from({ length: 8 }, (_, number) => chunk(demo.id, number, { source: 'Tour', chunk_index: number })),
            { demo_id: demo.id, content: 'Our zebras wear helmets.', question: 'What do zebras wear?', source: 'FAQ' },
        ]),
    );
});

describe('a search', () => {
    test('by embedding finds the nearest first, with the columns of the specification', async () => {
        const found = await ok(near(owner.domo, 3, demo.id));
        assert.equal(found.length, 5);
        assert.equal(found[0].content, 'Piece 3');
        assert.ok(Math.abs(found[0].similarity - 1) < 1e-6);
        assert.deepEqual(Object.keys(found[0]).sort(), ['answer', 'content', 'id', 'question', 'similarity', 'source']);
        const strict = await ok(owner.domo.rpc('search_knowledge_chunks', { query_embedding: embedding(3), demo_id: demo.id }));
        assert.deepEqual(strict.map(({ content }) => content), ['Piece 3']);
    });

    test('by words, by both, and with neighbours', async () => {
        const byWords = await ok(owner.domo.rpc('search_knowledge', { demo_id: demo.id, query_text: 'what does a zebra wear?' }));
        assert.deepEqual(byWords.map(({ content, text_rank, vector_rank }) => [content, text_rank, vector_rank]), [['Our zebras wear helmets.', 1, null]]);
        const byBoth = await ok(
            owner.domo.rpc('search_knowledge', { demo_id: demo.id, query_text: 'zebra', query_embedding: embedding(4), match_count: 2, neighbours: 1 }),
        );
        assert.deepEqual(byBoth.map(({ content }) => content).sort(), ['Our zebras wear helmets.', 'Piece 4']);
        const piece = byBoth.find(({ content }) => content === 'Piece 4');
        assert.deepEqual(piece.neighbours.map(({ content }) => content), ['Piece 3', 'Piece 5']);
        const within = await ok(owner.domo.rpc('search_knowledge', { demo_id: demo.id, query_text: 'zebra', query_embedding: embedding(4), source: 'FAQ' }));
        assert.deepEqual(within.map(({ content }) => content), ['Our zebras wear helmets.']);
    });

    test('says how well it works', async () => {
        const quality = await ok(owner.domo.rpc('search_quality', { demo_id: demo.id }));
        assert.deepEqual([quality.rows, quality.method, quality.recall_at_5], [9, 'exact', 1]);
        // Where a worker runs, it may have embedded the ninth already.
        assert.ok(quality.embedded >= 8);
        assert.equal(quality.embedded + quality.waiting, 9);
    });

    test('is refused to a stranger as if there were nothing, and to a visitor', async () => {
        for (const demo_id of [demo.id, randomUUID()]) {
            await refused(near(stranger.domo, 1, demo_id), 'PT404', 'demo_not_found');
            await refused(stranger.domo.rpc('search_knowledge', { demo_id, query_text: 'zebra' }), 'PT404', 'demo_not_found');
            await refused(stranger.domo.rpc('search_quality', { demo_id }), 'PT404', 'demo_not_found');
        }
        const { error, data } = await near(visitor().domo, 1, demo.id);
        assert.equal(data, null);
        assert.equal(error.code, '42501');
        assert.equal((await ok(near(service().domo, 1, demo.id))).length, 5);
    });

    test('for what is none is refused with a sentence', async () => {
        const cases = [
            [[1, 2, 3], 400, /3.*1536/],
            [embedding(1, 1537), 400, /1537.*1536/],
            [Array(1536).fill(0), 400, /zeros/],
            [`[${embedding(1).slice(1).join(',')},NaN]`, 400, /NaN/],
        ];
        for (const [query_embedding, status, message] of cases) {
            const answer = await owner.domo.rpc('search_knowledge_chunks', { query_embedding, demo_id: demo.id });
            assert.equal(answer.status, status);
            assert.equal(answer.error.code, '22000');
            assert.match(answer.error.message, message);
        }
        await refused(near(owner.domo, 1, demo.id, { match_count: 0 }), 'PT422', 'invalid_match_count');
        await refused(near(owner.domo, 1, demo.id, { match_threshold: 2 }), 'PT422', 'invalid_match_threshold');
        await refused(owner.domo.rpc('search_knowledge', { demo_id: demo.id, query_text: ' ' }), 'PT422', 'invalid_query_text');
        await refused(owner.domo.rpc('search_knowledge', { demo_id: demo.id, query_text: 'x', neighbours: -1 }), 'PT422', 'invalid_neighbours');
    });
});

describe('by words, what a reader sees is found', () => {
    let own;
    before(async () => {
        own = await demoOf(owner);
    });
    /** What a query finds among these texts. */
    const findsIn = async (contents, query_text) => {
        const source = randomUUID();
        await ok(owner.domo.from('knowledge_chunks').insert(contents.map((content) => ({ demo_id: own.id, content, source }))));
        const found = await ok(owner.domo.rpc('search_knowledge', { demo_id: own.id, query_text, source }));
        // The stored text is what it was.
        for (const { content } of found) {
            assert.ok(contents.includes(content), content);
        }
        return found.map(({ content }) => content);
    };
    const cases = [
        ['ligatures of a PDF', 'The con\ufb01guration of e\ufb03ciency', ['configuration', 'efficiency', 'con\ufb01guration']],
        ['a letter with its mark beside it', 'Cafe\u0301 Olé', ['Café', 'cafe\u0301', 'CAFÉ']],
        ['one letter with a mark', 'Café', ['Cafe\u0301']],
        ['a soft hyphen and a zero-width space', 'Coop\u00aderation by tele\u200bphone', ['cooperation', 'telephone', 'co\u00adoperation']],
        ['full-width letters', 'ＡＣＭＥ １２３', ['acme', '123']],
        ['a sharp s', 'Lange Straße', ['STRASSE', 'strasse', 'straße']],
        ['two s', 'LANGE STRASSE', ['Straße']],
        ['a final sigma', 'ΣΊΣΥΦΟΣ', ['σίσυφος']],
        ['a stretched Arabic word', 'مـــرحبا', ['مرحبا']],
        ['words around a slash', 'Runs on iOS/Android', ['Android', 'ios', 'iOS/Android', 'Android app']],
        ['the words of a pair', 'An Android app', ['iOS/Android']],
        ['the parts of a host', 'Write to acme.com', ['acme', 'acme.com', 'the site acme.com?']],
        ['a file', 'See report.pdf', ['report', 'report.pdf', 'pdf']],
        ['what is in a URL', 'https://docs.acme.com/guide/setup_page.html?tab=linux', ['guide', 'setup', 'linux', 'docs.acme.com', 'acme']],
        ['an e-mail address', 'bob@acme.com', ['bob', 'acme', 'bob@acme.com']],
        ['a version and a number with a sign', 'v1.2.3 at -5 degrees', ['1.2.3', '5', 'v1.2.3']],
        ['a word without a space in Chinese', '支持docker部署', ['docker', '部署', '支持', '支', '支持docker部署']],
        ['words of Chinese', '我们的数据库在上海。', ['数据', '数据库', '上海', '库', '数据库在哪里']],
        ['words of Japanese', '月額の料金は東京タワーで払います', ['料金', '東京', 'タワー', 'ﾀﾜｰ']],
        ['words of Korean with their particles', '서버에서 데이터베이스를 설치합니다', ['서버', '설치', '데이터베이스', '베이스']],
        ['words of Thai', 'ราคาเดือนละสี่สิบเก้ายูโร', ['ราคา', 'เดือน', 'ยูโร', 'ละ']],
        ['words of Hindi', 'यह हिन्दी में है', ['हिन्दी']],
    ];
    for (const [what, content, queries] of cases) {
        test(what, async () => {
            for (const query of queries) {
                assert.deepEqual(await findsIn([content, 'Unrelated: nothing of it'], query), [content], query);
            }
        });
    }

    test('but not what only shares a part of a word', async () => {
        assert.deepEqual(await findsIn(['category'], 'cat'), []);
        assert.deepEqual(await findsIn(['数学与根据'], '数据'), []);
    });

    test('and of several characters, what holds them in a row comes first', async () => {
        const whole = `${'说明文字很长的一段话，讲的是别的事情。'.repeat(20)}数据库连接在这里。`;
        const found = await findsIn(['数据', '连接', '据库数据', whole], '数据库连接');
        assert.equal(found[0], whole);
        assert.ok(found.length > 1);
        const name = `${'Many other words about something else. '.repeat(3)}See acme.com today.`;
        assert.equal((await findsIn([name, 'A com port of another acme'], 'acme.com'))[0], name);
    });

    test('words that English text is full of are not looked for', async () => {
        assert.deepEqual(await findsIn(['The zebra is in the zoo'], 'what is the'), []);
        assert.deepEqual(await findsIn(['The zebra is in the zoo', 'The price is high'], 'the zebras'), ['The zebra is in the zoo']);
    });
});

describe('in a large database', () => {
    const many = { 'domo.knowledge_chunks': 1e7, 'domo_private.chunk_words': 1e7, 'domo.demos': 1e5, 'parley.nearest_halves': 1e7, 'parley.nearest_codes': 1e7 };

    test('no statement of a search has a plan of an absurd cost, which JIT would compile at every call', async () => {
        const claims = { sub: owner.id, role: 'authenticated' };
        const vector = `(select array_agg(case when i = 3 then 1 else 0.001 end)::real[]::extensions.vector from generate_series(1, 1536) as i)`;
        const words = `domo.search_knowledge('${demo.id}', 'what do zebras wear'`;
        for (const call of [
            `select * from ${words})`,
            `select * from ${words}, ${vector}, match_count => 100, neighbours => 5)`,
            `select * from ${words}, ${vector}, source => 'Tour')`,
            `select * from domo.search_knowledge_chunks(${vector}, '${demo.id}')`,
        ]) {
            // Plans made anew, and those that a session keeps.
            for (const mode of ['auto', 'force_generic_plan', 'force_custom_plan']) {
                await assertPlansCostLess(1e9, `set local plan_cache_mode = ${mode}; ${call}`, { rows: many, claims });
            }
        }
        await assertPlansCostLess(1e9, `select domo_private.search_conversation(gen_random_uuid(), 'zebra')`, { rows: many });
    });
});

describe('neighbours', () => {
    test('are at most as many on each side as were asked for, however many share an index', async () => {
        const own = await demoOf(owner);
        const video = await ok(
            owner.domo.from('demo_videos').insert({ demo_id: own.id, title: 'Tour', storage_url: `${own.id}/tour.mp4`, order_index: 1 }).select('id').single(),
        );
        await ok(
            owner.domo.from('knowledge_chunks').insert([
                ...Array.from({ length: 40 }, () => ({ demo_id: own.id, content: 'the same place', source: 'Tour', chunk_index: 3 })),
                { demo_id: own.id, content: 'zebra of the source', source: 'Tour', chunk_index: 3 },
                ...Array.from({ length: 40 }, () => ({ demo_id: own.id, content: 'the same moment', video_id: video.id, chunk_index: 3 })),
                { demo_id: own.id, content: 'zebra of the video', video_id: video.id, chunk_index: 3 },
            ]),
        );
        const found = await ok(owner.domo.rpc('search_knowledge', { demo_id: own.id, query_text: 'zebra', neighbours: 5 }));
        assert.equal(found.length, 2);
        for (const { content, neighbours } of found) {
            assert.ok(neighbours.length >= 5 && neighbours.length <= 10, `${neighbours.length}`);
            const expected = content.endsWith('video') ? 'the same moment' : 'the same place';
            assert.deepEqual(new Set(neighbours.map((neighbour) => neighbour.content)), new Set([expected]));
        }
    });
});

describe('while others write', () => {
    test('a search is never wrong: each sees all of a batch or none of it', async () => {
        const own = await demoOf(owner);
        await ok(owner.domo.from('knowledge_chunks').insert(Array.from({ length: 10 }, (_, n) => chunk(own.id, n))));
        let isWriting = true;
        const writers = Promise.all(
            [0, 1, 2].map(async (writer) => {
                for (let round = 0; round < 6; round += 1) {
                    const batch = Array.from({ length: 10 }, (_, n) => chunk(own.id, 100 + n, { source: `batch ${writer} ${round}` }));
                    await ok(owner.domo.from('knowledge_chunks').insert(batch));
                    await ok(owner.domo.from('knowledge_chunks').update({ vector_embedding: embedding(100 + writer) }).eq('demo_id', own.id).eq('source', `batch ${writer} ${round}`));
                    await ok(owner.domo.from('knowledge_chunks').delete().eq('demo_id', own.id).eq('source', `batch ${writer} ${round}`));
                }
            }),
        ).finally(() => {
            isWriting = false;
        });
        const searchers = [1, 2].map(async () => {
            let searches = 0;
            while (isWriting || searches === 0) {
                const found = await ok(near(owner.domo, 5, own.id, { match_count: 100 }));
                assert.equal(found[0].content, 'Piece 5');
                const batches = found.filter(({ source }) => source);
                assert.equal(batches.length % 10, 0, 'a batch is there or it is not');
                assert.equal(new Set(found.map(({ id }) => id)).size, found.length);
                searches += 1;
            }
            return searches;
        });
        await writers;
        for (const searches of await Promise.all(searchers)) {
            assert.ok(searches > 0);
        }
        assert.equal((await ok(near(owner.domo, 5, own.id, { match_count: 100 }))).length, 10);
        assert.deepEqual(await rows('select * from parley.nearest_drift()'), []);
    });
});
