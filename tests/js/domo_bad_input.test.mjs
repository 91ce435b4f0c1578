// Domo: what is wrong is refused with a status, a code and a sentence, nothing half-done stays, and nothing makes the server fail.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { row } from './database.mjs';
import { callOf, demoOf, embedding, eventOf, receive, restKnowledge } from './demos.mjs';
import { ok, person, refused, service, tokenOf } from './people.mjs';
import { stack } from './stack.mjs';

await restKnowledge();

let owner;
let demo;
let archived;
let call;

before(async () => {
    owner = await person();
    demo = await demoOf(owner);
    archived = await demoOf(owner, { status: 'archived', tavus_persona_id: 'p' });
    await ok(owner.domo.from('demo_videos').insert({ demo_id: demo.id, title: 'Tour', storage_url: `${demo.id}/tour.mp4`, order_index: 0 }));
    await ok(owner.domo.from('knowledge_chunks').insert({ demo_id: demo.id, content: 'untouched', vector_embedding: embedding(1) }));
    call = await callOf(demo.id);
    await receive(call, eventOf(call, 'system.replica_joined', { replica_id: 'r' }));
});

/** All that the owner has, as one value. */
async function everything() {
    return row(
        `select
            (select jsonb_agg(to_jsonb(d) order by d.id) from domo.demos d where d.user_id = $1) as demos,
            (select jsonb_agg(to_jsonb(v) order by v.id) from domo.demo_videos v join domo.demos d on d.id = v.demo_id where d.user_id = $1) as videos,
            (select jsonb_agg(md5(k::text) order by k.id) from domo.knowledge_chunks k join domo.demos d on d.id = k.demo_id where d.user_id = $1) as chunks,
            (select jsonb_agg(to_jsonb(c) order by c.id) from domo.conversations c join domo.demos d on d.id = c.demo_id where d.user_id = $1) as calls,
            (select count(*) from domo.audit_logs a where a.owner_id = $1) as trail,
            (select jsonb_agg(to_jsonb(s) order by s.demo_id) from domo.demo_stats s where s.user_id = $1) as stats`,
        [owner.id],
    );
}

describe('the errors of Domo', () => {
    const cases = [
        ['publishing while videos are processed', 'publish_demo', () => ({ demo_id: demo.id }), 'PT409', 'videos_not_ready', /\b1\b/],
        ['publishing what is archived', 'publish_demo', () => ({ demo_id: archived.id }), 'PT410', 'demo_archived'],
        ['publishing an unknown demo', 'publish_demo', () => ({ demo_id: randomUUID() }), 'PT404', 'demo_not_found'],
        ['archiving an unknown demo', 'archive_demo', () => ({ demo_id: randomUUID() }), 'PT404', 'demo_not_found'],
        ['the counts of an unknown demo', 'get_demo_stats', () => ({ demo_uuid: randomUUID() }), 'PT404', 'demo_not_found'],
        ['the analytics of an unknown demo', 'conversation_analytics', () => ({ demo_id: randomUUID() }), 'PT404', 'demo_not_found'],
        ['the stream of an unknown demo', 'events_since', () => ({ demo_id: randomUUID(), after_seq: 0 }), 'PT404', 'demo_not_found'],
        ['the export of an unknown demo', 'export_demo_data', () => ({ demo_id: randomUUID() }), 'PT404', 'demo_not_found'],
        ['an export that goes on after nonsense', 'export_demo_data', () => ({ after_line: 'the beginning' }), 'PT422', 'invalid_after_line'],
        ['an export that goes on in no table of ours', 'export_demo_data', () => ({ after_line: `users/${randomUUID()}` }), 'PT422', 'invalid_after_line'],
        ['knowledge for an unknown demo', 'add_knowledge', () => ({ demo_id: randomUUID(), content: 'x' }), 'PT404', 'demo_not_found'],
        ['empty knowledge', 'add_knowledge', () => ({ demo_id: demo.id, content: '' }), 'PT422', 'invalid_content', /8,?000/],
        ['knowledge of white space', 'add_knowledge', () => ({ demo_id: demo.id, content: ' \n\u00a0\u200b ' }), 'PT422', 'invalid_content'],
        ...['\u3164', '\u2800', '\u00ad', '\ufe0f\u200d', '\u{e0041}'].map((content) => [
            `knowledge that shows nothing (${escape(content)})`, 'add_knowledge', () => ({ demo_id: demo.id, content }), 'PT422', 'invalid_content',
        ]),
        ['null knowledge', 'add_knowledge', () => ({ demo_id: demo.id, content: null }), 'PT422', 'invalid_content'],
        ['too much knowledge at once', 'add_knowledge', () => ({ demo_id: demo.id, content: 'x'.repeat(8001) }), 'PT422', 'invalid_content', /8,?000/],
        ['an endless question', 'add_knowledge', () => ({ demo_id: demo.id, content: 'x', question: 'x'.repeat(2001) }), 'PT422', 'invalid_question'],
        ['an endless answer', 'add_knowledge', () => ({ demo_id: demo.id, content: 'x', answer: 'x'.repeat(8001) }), 'PT422', 'invalid_answer'],
        ['an endless source', 'add_knowledge', () => ({ demo_id: demo.id, content: 'x', source: 'x'.repeat(501) }), 'PT422', 'invalid_source'],
        ['a call with an unknown demo', 'start_conversation', () => ({ demo_id: randomUUID() }), 'PT404', 'demo_not_found'],
        ['a call with nobody', 'start_conversation', () => ({ demo_id: demo.id }), 'PT422', 'persona_missing'],
        ['a call with an archived demo', 'start_conversation', () => ({ demo_id: archived.id }), 'PT410', 'demo_archived'],
        ['the end of an unknown call', 'end_conversation', () => ({ conversation_id: randomUUID() }), 'PT404', 'conversation_not_found'],
        ['the end of a call by nonsense', 'end_conversation', () => ({ conversation_id: "' or true --" }), 'PT404', 'conversation_not_found'],
    ];
    for (const [name, rpc, args, code, machineCode, message] of cases) {
        test(`${name}: ${code} ${machineCode}, and nothing changes`, async () => {
            const before = await everything();
            await refused(owner.domo.rpc(rpc, args()), code, machineCode, message);
            assert.deepEqual(await everything(), before);
        });
    }

    const writes = [
        ['a published demo that is empty', (domo) => domo.from('demos').insert({ name: 'x', status: 'published' }), 'PT422', 'demo_empty'],
        ['publishing with half a call to action', (domo) => domo.from('demos').insert({ name: 'x', status: 'published', cta_text: 'x' }), 'PT422', 'cta_incomplete'],
        ['giving a demo away', (domo) => domo.from('demos').update({ user_id: randomUUID() }).eq('id', demo.id), 'PT422', 'immutable_key'],
        ['moving a video', (domo) => domo.from('demo_videos').update({ demo_id: archived.id }).eq('demo_id', demo.id), 'PT422', 'immutable_key'],
        ['moving a chunk', (domo) => domo.from('knowledge_chunks').update({ demo_id: archived.id }).eq('demo_id', demo.id), 'PT422', 'immutable_key'],
        ['saying that a video is processed', (domo) => domo.from('demo_videos').update({ processing_status: 'completed' }).eq('demo_id', demo.id), 'PT403', 'reserved_status'],
        ['an embedding of zeros', (domo) => domo.from('knowledge_chunks').insert({ demo_id: demo.id, content: 'x', vector_embedding: Array(1536).fill(0) }), 'PT422', 'zero_vector'],
    ];
    for (const [name, write, code, machineCode] of writes) {
        test(`${name}: ${code} ${machineCode}, and nothing changes`, async () => {
            const before = await everything();
            await refused(write(owner.domo).select(), code, machineCode);
            assert.deepEqual(await everything(), before);
        });
    }
});

describe('rows that cannot be', () => {
    const chunk = (values) => owner.domo.from('knowledge_chunks').insert({ demo_id: demo.id, content: 'x', ...values });
    const video = (values) => owner.domo.from('demo_videos').insert({ demo_id: demo.id, title: 'x', storage_url: `${demo.id}/x.mp4`, order_index: 0, ...values });
    const cases = [
        ['an embedding of three numbers', () => chunk({ vector_embedding: [1, 2, 3] }), 400, '22000', /1536.*\b3\b/],
        ['an embedding of 1,537 numbers', () => chunk({ vector_embedding: embedding(1, 1537) }), 400, '22000', /1536.*1537/],
        ['an embedding of no numbers', () => chunk({ vector_embedding: [] }), 400, '22000'],
        ['an embedding with what is no number', () => chunk({ vector_embedding: `[${embedding(1).slice(1).join(',')},NaN]` }), 400, '22000', /NaN/],
        ['an embedding with what is endless', () => chunk({ vector_embedding: `[${embedding(1).slice(1).join(',')},Infinity]` }), 400, '22000'],
        ['an embedding that is a word', () => chunk({ vector_embedding: 'embedding' }), 400, '22P02'],
        ['an embedding that is an object', () => chunk({ vector_embedding: { x: 1 } }), 400, '22P02'],
        ['empty text', () => chunk({ content: '' }), 400, '23514'],
        ['blank text', () => chunk({ content: ' \n ' }), 400, '23514'],
        ['text that shows nothing', () => chunk({ content: '\u3164\u2800' }), 400, '23514'],
        ['no text', () => chunk({ content: null }), 400, '23502'],
        ['text of 8,001 characters', () => chunk({ content: 'x'.repeat(8001) }), 400, '23514'],
        ['a digest of one\'s own', () => chunk({ content_digest: 'a'.repeat(64) }), 403, '42501'],
        ['a chunk of no demo', () => chunk({ demo_id: randomUUID() }), 403, '42501'],
        ['a chunk of a video that is not there', () => chunk({ video_id: randomUUID() }), 409, '23503'],
        ['many chunks of which one is wrong', () => owner.domo.from('knowledge_chunks').insert([{ demo_id: demo.id, content: 'fine' }, { demo_id: demo.id, content: '' }]), 400, '23514'],
        ['the file of another demo', () => video({ storage_url: `${archived.id}/x.mp4` }), 400, '23514'],
        ['a file on another server', () => video({ storage_url: 'https://example.com/x.mp4' }), 400, '23514'],
        ['a file on a detour', () => video({ storage_url: `${demo.id}/../${archived.id}/x.mp4` }), 400, '23514'],
        ['a video before the first', () => video({ order_index: -1 }), 400, '23514'],
        ['a video whose title shows nothing', () => video({ title: '\u3164' }), 400, '23514'],
        ['a video whose title has a direction mark', () => video({ title: 'a\u202eb' }), 400, '23514'],
        ['a document whose title ends its line', () => owner.domo.from('demo_documents').insert({ demo_id: demo.id, title: 'a\u2028b', storage_url: `${demo.id}/x.txt` }), 400, '23514'],
        ['a demo whose name shows nothing', () => owner.domo.from('demos').insert({ name: '\u00ad\u2800' }), 400, '23514'],
        ['a demo whose name has a direction mark', () => owner.domo.from('demos').insert({ name: 'a\u200fb' }), 400, '23514'],
        ['an agent whose name shows nothing', () => owner.domo.from('demos').insert({ name: 'x', agent_name: '\u3164' }), 400, '23514'],
        ['an agent whose name has a paragraph separator', () => owner.domo.from('demos').insert({ name: 'x', agent_name: 'a\u2029b' }), 400, '23514'],
        ['a button that shows nothing', () => owner.domo.from('demos').insert({ name: 'x', cta_text: '\u2800' }), 400, '23514'],
        ['a demo without a name', () => owner.domo.from('demos').insert({ name: '' }), 400, '23514'],
        ['a demo with a status that there is not', () => owner.domo.from('demos').insert({ name: 'x', status: 'live' }), 400, '23514'],
        ['a link that runs something', () => owner.domo.from('demos').insert({ name: 'x', cta_link: 'javascript:alert(1)' }), 400, '23514'],
        ['counts of one\'s own', () => owner.domo.from('demos').insert({ name: 'x', tavus_conversation_id: 'mine' }), 403, '42501'],
    ];
    for (const [name, write, status, code, message = /\S/] of cases) {
        test(`${name}: HTTP ${status}, ${code}, and nothing changes`, async () => {
            const before = await everything();
            const response = await write();
            assert.deepEqual([response.status, response.error?.code], [status, code], response.error?.message);
            assert.match(response.error.message, message);
            assert.deepEqual(await everything(), before);
        });
    }
});

describe('arguments that are no arguments', () => {
    const d = () => JSON.stringify(demo.id);
    const bodies = [
        ['a demo id that is no uuid', 'publish_demo', () => '{"demo_id": "not-a-uuid"}'],
        ['an empty demo id', 'publish_demo', () => '{"demo_id": ""}'],
        ['a null demo id', 'publish_demo', () => '{"demo_id": null}'],
        ['a number as demo id', 'archive_demo', () => '{"demo_id": 42}'],
        ['an object as demo id', 'add_knowledge', () => '{"demo_id": {"a": 1}, "content": "x"}'],
        ['a NUL character in knowledge', 'add_knowledge', () => `{"demo_id": ${d()}, "content": "a\\u0000b"}`],
        ['half a surrogate pair', 'add_knowledge', () => `{"demo_id": ${d()}, "content": "\\ud83d"}`],
        ['half a megabyte of knowledge', 'add_knowledge', () => `{"demo_id": ${d()}, "content": "${'x'.repeat(500_000)}"}`],
        ['a missing content', 'add_knowledge', () => `{"demo_id": ${d()}}`],
        ['an unknown argument', 'add_knowledge', () => `{"demo_id": ${d()}, "content": "x", "user_id": "${randomUUID()}"}`],
        ['a client_id that is no uuid', 'start_conversation', () => `{"demo_id": ${d()}, "client_id": "abc"}`],
        ['a moment that is none', 'conversation_analytics', () => `{"demo_id": ${d()}, "since": "the day before yesterday"}`],
        ['a number beyond any integer', 'events_since', () => `{"demo_id": ${d()}, "after_seq": 99999999999999999999}`],
        ['a page limit that is a word', 'events_since', () => `{"demo_id": ${d()}, "page_limit": "many"}`],
        ['a page limit with a fraction', 'export_demo_data', () => '{"page_limit": "1.5"}'],
        ['a body that is no JSON', 'publish_demo', () => '{"demo_id": '],
        ['a body that is a list', 'publish_demo', () => '[1, 2]'],
        ['bytes that are no text', 'publish_demo', () => Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
        ['a helper of the private schema', 'tavus_receive', () => '{}'],
        ['an operator\'s function', 'import_demo_data', () => '{}'],
    ];
    for (const [name, rpc, body] of bodies) {
        test(`${name} is the caller's mistake, not the server's`, async () => {
            const before = await everything();
            const response = await fetch(`${stack.url}/rest/v1/rpc/${rpc}`, {
                method: 'POST',
                headers: {
                    apikey: stack.anonKey, authorization: `Bearer ${await tokenOf(owner)}`, 'content-profile': 'domo', 'content-type': 'application/json',
                },
                body: body(),
            });
            const text = await response.text();
            assert.ok(response.status >= 400 && response.status < 500, `HTTP ${response.status}: ${text}`);
            const error = JSON.parse(text);
            assert.ok(error.code && error.message, text);
            assert.deepEqual(await everything(), before);
        });
    }

    test('limits out of range are put right, not refused', async () => {
        for (const page_limit of [-1, 0, 1_000_000, null]) {
            assert.ok((await ok(owner.domo.rpc('events_since', { demo_id: demo.id, after_seq: 0, page_limit }))).events.length > 0);
            assert.ok((await ok(owner.domo.rpc('export_demo_data', { demo_id: demo.id, page_limit }))).length > 0);
        }
        assert.equal((await ok(owner.domo.rpc('events_since', { demo_id: demo.id, after_seq: -5 }))).is_complete, false, 'there never was a change before the first');
    });

    test('a function that writes cannot be called by GET', async () => {
        const before = await everything();
        const { status, error } = await owner.domo.rpc('archive_demo', { demo_id: demo.id }, { get: true });
        assert.ok(status >= 400 && status < 500, `HTTP ${status}: ${error.message}`);
        assert.deepEqual(await everything(), before);
    });

    test('the server is bound by the rules of the rows as well', async () => {
        const { error } = await service().domo.from('knowledge_chunks').insert({ demo_id: demo.id, content: 'x', vector_embedding: Array(1536).fill(0) });
        assert.equal(error.details, 'zero_vector');
        const moved = await service().domo.from('demo_videos').update({ demo_id: archived.id }).eq('demo_id', demo.id);
        assert.equal(moved.error.details, 'immutable_key');
    });
});

describe('events that are none', () => {
    const cases = [
        ['no object', () => [1]],
        ['no type', () => ({ conversation_id: call.conversation_id })],
        ['a type that is a number', () => ({ event_type: 7, conversation_id: call.conversation_id })],
        ['an endless type', () => ({ event_type: 'x'.repeat(101), conversation_id: call.conversation_id })],
        ['nothing', () => ({})],
    ];
    for (const [name, event] of cases) {
        test(`${name}: 22023 or unknown, and nothing is kept`, async () => {
            const before = await everything();
            const answer = await receive(call, JSON.stringify(event())).catch(({ code }) => code);
            assert.ok(['22023', 'unknown'].includes(answer), answer);
            assert.deepEqual(await everything(), before);
        });
    }

    test('odd contents of a real event are kept, and do no harm', async () => {
        const events = [
            ['application.transcription_ready', { transcript: 'text' }],
            ['system.shutdown', 'text'],
            ['application.perception_analysis', { analysis: { deep: 1 } }],
            ['application.recording_ready', null],
            ['x'.repeat(100), { a: 1 }],
        ];
        for (const [type, properties] of events) {
            const other = await callOf(demo.id);
            assert.equal(await receive(other, eventOf(other, type, properties, [])), 'new', type);
        }
        const analytics = await ok(owner.domo.rpc('conversation_analytics', { demo_id: demo.id }));
        assert.equal(analytics.conversations.ended, 1);
    });
});
