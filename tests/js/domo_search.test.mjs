// Domo's search through an unmodified supabase-js: what is found, by whom, while others write.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { rows } from './database.mjs';
import { demoOf, embedding } from './demos.mjs';
import { ok, person, refused, service, visitor } from './people.mjs';

let owner;
let stranger;
let demo;

const near = (domo, number, demo_id, more = {}) =>
    domo.rpc('search_knowledge_chunks', { query_embedding: embedding(number), demo_id, match_threshold: -1, ...more });
const chunk = (demo_id, number, more = {}) => ({ demo_id, content: `Piece ${number}`, vector_embedding: embedding(number), ...more });

before(async () => {
    [owner, stranger] = [await person(), await person()];
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
