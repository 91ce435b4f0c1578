// Domo, as its users meet it: a demo from the first idea to the numbers after its calls, through an unmodified supabase-js.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { row, rows } from './database.mjs';
import { callOf, demoOf, embedding, eventOf, receive, restKnowledge } from './demos.mjs';
import { ok, person, personWithEmail, refused, service, visitor } from './people.mjs';

await restKnowledge();

describe('an owner', () => {
    let owner;
    let demo;
    const demos = () => owner.domo.from('demos');
    const chunks = () => owner.domo.from('knowledge_chunks');
    const stats = async () => (await ok(owner.domo.rpc('get_demo_stats', { demo_uuid: demo.id })))[0];

    before(async () => {
        owner = await personWithEmail();
        demo = await demoOf(owner, { name: 'Our product', metadata: { industry: 'gardening' } });
    });

    test('makes a demo with a name, and the rest is there', () => {
        const { user_id, status, agent_name, agent_greeting, video_storage_path, metadata } = demo;
        assert.deepEqual([user_id, status, agent_name, video_storage_path, metadata], [owner.id, 'draft', 'Demo Agent', '', { industry: 'gardening' }]);
        assert.match(agent_greeting, /Hello!/);
    });

    test('changes it, and finds it again by what is in its metadata', async () => {
        const [changed] = await ok(demos().update({ agent_name: 'Ada', cta_text: 'Talk to us', cta_link: 'https://example.com' }).eq('id', demo.id).select());
        assert.equal(changed.agent_name, 'Ada');
        assert.notEqual(changed.updated_at, demo.updated_at);
        const found = await ok(demos().select('id').contains('metadata', { industry: 'gardening' }));
        assert.deepEqual(found, [{ id: demo.id }]);
    });

    test('sends a whole row back as an upsert', async () => {
        const [sent] = await ok(demos().upsert({ id: demo.id, user_id: owner.id, name: 'Our product, again', status: 'draft' }).select());
        assert.deepEqual([sent.name, sent.agent_name], ['Our product, again', 'Ada']);
    });

    test('adds videos, of which the server says how processing goes', async () => {
        const videos = owner.domo.from('demo_videos');
        const added = await ok(
            videos
                .insert([1, 2].map((n) => ({ demo_id: demo.id, title: `Part ${n}`, storage_url: `${demo.id}/part-${n}.mp4`, order_index: n, duration_seconds: 60 * n })))
                .select(),
        );
        assert.deepEqual(added.map(({ processing_status }) => processing_status), ['pending', 'pending']);
        await refused(videos.update({ processing_status: 'completed' }).eq('id', added[0].id).select(), 'PT403', 'reserved_status');
        await refused(owner.domo.rpc('publish_demo', { demo_id: demo.id }), 'PT409', 'videos_not_ready');
        await ok(service().domo.from('demo_videos').update({ processing_status: 'completed', transcript: 'Welcome.' }).eq('demo_id', demo.id));
        const [read] = await ok(videos.select('title, transcript').eq('demo_id', demo.id).order('order_index').limit(1));
        assert.deepEqual(read, { title: 'Part 1', transcript: 'Welcome.' });
    });

    test('adds knowledge, with an embedding as a list of numbers or for the server to make', async () => {
        const inserted = await ok(
            chunks()
                .insert([
                    { demo_id: demo.id, content: 'It waters itself.', source: 'Handbook', vector_embedding: embedding(1), embedding_model: 'mine' },
                    { demo_id: demo.id, content: 'It needs sun.', source: 'Handbook', vector_embedding: null, embedding_model: null },
                ])
                .select(),
        );
        assert.deepEqual(JSON.parse(inserted[0].vector_embedding), embedding(1));
        assert.ok(inserted[0].embedded_at);
        assert.deepEqual([inserted[1].vector_embedding, inserted[1].embedded_at], [null, null]);
        const added = await ok(owner.domo.rpc('add_knowledge', { demo_id: demo.id, content: 'It floats.', question: 'Does it float?' }));
        assert.deepEqual([added.content, added.is_embedded, added.is_new], ['It floats.', false, true]);
        const again = await ok(owner.domo.rpc('add_knowledge', { demo_id: demo.id, content: 'It floats.', question: 'Does it float?' }));
        assert.deepEqual([again.id, again.is_new], [added.id, false]);
    });

    test('edits a piece, whose embedding goes, since it was of another text', async () => {
        const piece = () => chunks().select('vector_embedding').eq('content', 'It waters itself.').eq('demo_id', demo.id);
        assert.ok((await ok(piece().single())).vector_embedding);
        const [edited] = await ok(chunks().update({ content: 'It waters itself at night.' }).eq('content', 'It waters itself.').eq('demo_id', demo.id).select());
        assert.equal(edited.vector_embedding, null);
        const [embedded] = await ok(chunks().update({ vector_embedding: JSON.stringify(embedding(2)) }).eq('id', edited.id).select());
        assert.deepEqual(JSON.parse(embedded.vector_embedding), embedding(2));
    });

    test('publishes, and takes it back', async () => {
        assert.equal((await ok(owner.domo.rpc('publish_demo', { demo_id: demo.id }))).status, 'published');
        const [back] = await ok(demos().update({ status: 'draft' }).eq('id', demo.id).select());
        assert.ok(back.published_at, 'it says when it was published last');
        assert.equal((await ok(owner.domo.rpc('publish_demo', { demo_id: demo.id }))).status, 'published');
    });

    test('reads the counts, and the dashboard', async () => {
        assert.deepEqual(await stats(), { video_count: 2, knowledge_chunk_count: 3, total_video_duration: 180, last_conversation_at: null });
        await demoOf(owner, { name: 'Another' });
        const dashboard = await ok(owner.domo.rpc('demo_dashboard'));
        assert.deepEqual(
            dashboard.map(({ name, video_count, knowledge_count, pending_count }) => [name, video_count, knowledge_count, pending_count]),
            [['Another', 0, 0, 0], ['Our product, again', 2, 3, 2]],
        );
        const [filtered] = await ok(owner.domo.rpc('demo_dashboard').eq('status', 'published').select('id, total_video_duration'));
        assert.deepEqual(filtered, { id: demo.id, total_video_duration: 180 });
    });

    test('asks for a call, once however often the request is sent', async () => {
        // A demo of its own: how this call ends is the worker's to say, and the next test counts ends.
        const asked = await demoOf(owner);
        await refused(owner.domo.rpc('start_conversation', { demo_id: asked.id }), 'PT422', 'persona_missing');
        await ok(demos().update({ tavus_persona_id: 'p-1' }).eq('id', asked.id));
        const client_id = randomUUID();
        const [first, second] = await Promise.all([1, 2].map(() => ok(owner.domo.rpc('start_conversation', { demo_id: asked.id, client_id }))));
        assert.equal(first.id, second.id);
        assert.deepEqual([first.is_new, second.is_new].sort(), [false, true]);
        // A worker, if one runs, may have found by now that Tavus does not know this persona.
        const ended = await ok(owner.domo.rpc('end_conversation', { conversation_id: first.id }));
        assert.ok(ended.end_requested_at || ended.status === 'failed', JSON.stringify(ended));
    });

    test('reads what was said in a call, and what calls were like', async () => {
        const call = await callOf(demo.id, { created_at: new Date(Date.now() - 60_000) });
        const transcript = [
            { role: 'system', content: 'You are a secret.' },
            { role: 'user', content: 'Does it float?', timestamp: Date.now() / 1000 },
            { role: 'assistant', content: 'It does.', timestamp: new Date().toISOString() },
        ];
        assert.equal(await receive(call, eventOf(call, 'application.transcription_ready', { transcript })), 'new');
        assert.equal(await receive(call, eventOf(call, 'application.transcription_ready', { transcript })), 'duplicate');
        assert.equal(await receive(call, eventOf(call, 'system.shutdown', { shutdown_reason: 'participant_left_timeout reached' })), 'new');
        const messages = await ok(owner.domo.from('conversation_messages').select('role, content, content_length').eq('conversation_id', call.conversation_id).order('position'));
        assert.deepEqual(messages, [
            { role: 'user', content: 'Does it float?', content_length: 14 },
            { role: 'assistant', content: 'It does.', content_length: 8 },
        ]);
        const events = await ok(owner.domo.from('processed_webhook_events').select('event_type, event_data').eq('conversation_id', call.conversation_id).order('processed_at'));
        assert.deepEqual(events.map(({ event_type }) => event_type), ['application.transcription_ready', 'system.shutdown']);
        assert.ok(!JSON.stringify(events).match(/secret/));
        assert.ok((await stats()).last_conversation_at);
        const analytics = await ok(owner.domo.rpc('conversation_analytics', { demo_id: demo.id }));
        assert.equal(analytics.conversations.ended, 1);
        assert.deepEqual([analytics.messages.user, analytics.messages.assistant], [1, 1]);
        assert.deepEqual(analytics.shutdown_reasons, [{ reason: 'participant_left_timeout', count: 1 }]);
        assert.ok(analytics.durations.total_seconds >= 50 && analytics.durations.total_seconds < 3600);
        assert.ok(analytics.per_day.some(({ conversations, messages }) => conversations > 0 && messages === 2));
    });

    test('finds every change in the audit trail', async () => {
        const trail = await ok(owner.domo.from('audit_logs').select('action, table_name, user_id, new_values').eq('demo_id', demo.id).order('created_at'));
        assert.deepEqual([trail[0].action, trail[0].table_name, trail[0].user_id], ['insert', 'demos', owner.id]);
        assert.ok(trail.some(({ action, table_name, new_values }) => action === 'update' && table_name === 'demos' && new_values.status === 'published'));
        assert.ok(trail.some(({ table_name, user_id }) => table_name === 'demo_videos' && user_id === null), 'what the server did says so');
    });

    test('deletes a demo, restores it, and erases it', async () => {
        const [deleted] = await ok(demos().update({ deleted_at: new Date().toISOString() }).eq('id', demo.id).select());
        assert.ok(deleted.deleted_at);
        await refused(owner.domo.rpc('get_demo_stats', { demo_uuid: demo.id }), 'PT404', 'demo_not_found');
        await ok(demos().update({ deleted_at: null }).eq('id', demo.id));
        assert.equal((await stats()).video_count, 2);
        await rows('delete from domo.conversations where demo_id = $1', [demo.id]);
        assert.equal((await ok(demos().delete().eq('id', demo.id).select())).length, 1);
        const { left } = await row('select count(*)::integer as left from domo.knowledge_chunks where demo_id = $1', [demo.id]);
        assert.equal(left, 0);
    });
});

describe('everybody else', () => {
    let owner;
    let stranger;
    let demo;
    let call;

    before(async () => {
        // The stranger has something too: a stranger is not somebody without anything.
        [owner, stranger] = [await person(), await person()];
        demo = await demoOf(owner, { tavus_persona_id: 'p' });
        await demoOf(stranger);
        await ok(owner.domo.from('demo_videos').insert({ demo_id: demo.id, title: 'x', storage_url: `${demo.id}/x.mp4`, order_index: 0 }));
        await ok(owner.domo.from('demo_documents').insert({ demo_id: demo.id, title: 'x', storage_url: `${demo.id}/x.pdf` }));
        await ok(owner.domo.from('knowledge_chunks').insert({ demo_id: demo.id, content: 'ours alone' }));
        call = await callOf(demo.id);
        await receive(call, eventOf(call, 'application.transcription_ready', { transcript: [{ role: 'user', content: 'psst' }] }));
    });

    const tables = [
        'demos', 'demo_videos', 'demo_documents', 'knowledge_chunks', 'conversations', 'processed_webhook_events', 'conversation_messages', 'audit_logs',
        'demo_stats', 'demo_stream',
    ];

    test('an anonymous owner is an owner: each table shows the own rows', async () => {
        for (const table of tables) {
            const read = await ok(owner.domo.from(table).select());
            assert.ok(read.length > 0, table);
        }
    });

    for (const table of tables) {
        test(`a stranger sees nothing of ${table}`, async () => {
            const key = table === 'demos' ? 'id' : 'demo_id';
            assert.deepEqual(await ok(stranger.domo.from(table).select().eq(key, demo.id)), []);
            const { count } = await stranger.domo.from(table).select('*', { count: 'exact', head: true }).eq(key, demo.id);
            assert.equal(count, 0);
            const { error, status } = await visitor().domo.from(table).select();
            assert.deepEqual([status, error.code], [401, '42501'], 'and a visitor may not even look');
        });
    }

    test('cannot tell a demo that exists from one that does not', async () => {
        const answers = async (demo_id) => {
            const calls = [
                ['publish_demo', { demo_id }], ['archive_demo', { demo_id }], ['get_demo_stats', { demo_uuid: demo_id }],
                ['conversation_analytics', { demo_id }], ['export_demo_data', { demo_id }], ['events_since', { demo_id }],
                ['add_knowledge', { demo_id, content: 'x' }], ['start_conversation', { demo_id }],
            ];
            const responses = await Promise.all(calls.map(([name, args]) => stranger.domo.rpc(name, args)));
            return responses.map(({ status, error, data }) => ({ status, data, error: { ...error } }));
        };
        const existing = await answers(demo.id);
        assert.deepEqual(existing, await answers(randomUUID()));
        for (const { status, error } of existing) {
            assert.deepEqual([status, error.code, error.details], [404, 'PT404', 'demo_not_found']);
        }
        await refused(stranger.domo.rpc('end_conversation', { conversation_id: call.id }), 'PT404', 'conversation_not_found');
        await refused(stranger.domo.rpc('end_conversation', { conversation_id: call.conversation_id }), 'PT404', 'conversation_not_found');
        const { status, knowledge } = await row(
            `select d.status, (select count(*)::integer from domo.knowledge_chunks k where k.demo_id = d.id) as knowledge from domo.demos d where d.id = $1`, [demo.id],
        );
        assert.deepEqual([status, knowledge], ['draft', 1]);
    });

    test('writes nothing into a demo of somebody else, nor in somebody else\'s name', async () => {
        const attempts = [
            stranger.domo.from('demos').insert({ name: 'x', user_id: owner.id }),
            stranger.domo.from('demo_videos').insert({ demo_id: demo.id, title: 'x', storage_url: `${demo.id}/y.mp4`, order_index: 0 }),
            stranger.domo.from('knowledge_chunks').insert({ demo_id: demo.id, content: 'x' }),
        ];
        for (const { error, status } of await Promise.all(attempts)) {
            assert.deepEqual([status, error.code], [403, '42501'], error.message);
        }
        for (const [table, change] of [['demos', { name: 'taken' }], ['demo_videos', { title: 'taken' }], ['knowledge_chunks', { content: 'taken' }]]) {
            const key = table === 'demos' ? 'id' : 'demo_id';
            assert.deepEqual(await ok(stranger.domo.from(table).update(change).eq(key, demo.id).select()), []);
            assert.deepEqual(await ok(stranger.domo.from(table).delete().eq(key, demo.id).select()), []);
        }
        const { taken } = await row(
            `select (select count(*) from domo.demos where name = 'taken' and id = $1)::integer + (select count(*) from domo.knowledge_chunks where content = 'taken' and demo_id = $1)::integer as taken`,
            [demo.id],
        );
        assert.equal(taken, 0);
        assert.equal((await ok(owner.domo.from('demo_videos').select().eq('demo_id', demo.id))).length, 1);
    });

    test('a visitor with nothing but the key calls nothing', async () => {
        const calls = [
            ['publish_demo', { demo_id: demo.id }], ['archive_demo', { demo_id: demo.id }], ['get_demo_stats', { demo_uuid: demo.id }], ['demo_dashboard', {}],
            ['conversation_analytics', { demo_id: demo.id }], ['export_demo_data', {}], ['events_since', { demo_id: demo.id }],
            ['add_knowledge', { demo_id: demo.id, content: 'x' }], ['start_conversation', { demo_id: demo.id }], ['end_conversation', { conversation_id: 'c' }],
        ];
        for (const [name, args] of calls) {
            const { data, error, status } = await visitor().domo.rpc(name, args);
            assert.deepEqual([data, status, error.code], [null, 401, '42501'], name);
        }
    });

    test('nobody writes what the server keeps, whatever their rights', async () => {
        for (const who of [owner, stranger, service()]) {
            const attempts = [
                who.domo.from('processed_webhook_events').insert({ demo_id: demo.id, conversation: call.id, conversation_id: 'x', event_type: 'x', event_data: {}, event_hash: 'f'.repeat(64) }),
                who.domo.from('processed_webhook_events').update({ event_type: 'forged' }).eq('demo_id', demo.id),
                who.domo.from('conversation_messages').insert({ demo_id: demo.id, conversation: call.id, conversation_id: 'x', position: 9, role: 'user' }),
                who.domo.from('conversation_messages').update({ content: 'forged' }).eq('demo_id', demo.id),
                who.domo.from('audit_logs').insert({ owner_id: owner.id, demo_id: demo.id, action: 'insert', table_name: 'demos' }),
                who.domo.from('audit_logs').update({ action: 'insert' }).eq('demo_id', demo.id),
                who.domo.from('demo_stats').update({ video_count: 99 }).eq('demo_id', demo.id),
                who.domo.from('demo_stream').insert({ demo_id: demo.id, seq: 999, event: 'x', payload: {} }),
                who.domo.from('conversations').insert({ demo_id: demo.id, persona_id: 'x' }),
            ];
            for (const [position, { error, status }] of (await Promise.all(attempts)).entries()) {
                assert.deepEqual([status, error?.code], [403, '42501'], `${position}: ${error?.message}`);
            }
        }
    });

    test('the server sees every demo, and makes one for whom it says', async () => {
        const server = service();
        assert.equal((await ok(server.domo.from('demos').select().eq('id', demo.id))).length, 1);
        assert.equal((await ok(server.domo.rpc('get_demo_stats', { demo_uuid: demo.id })))[0].video_count, 1);
        const made = await demoOf(server, { user_id: stranger.id });
        assert.equal((await ok(stranger.domo.from('demos').select().eq('id', made.id))).length, 1);
        const { error } = await server.domo.from('demos').insert({ name: 'nobody\'s' });
        assert.equal(error.code, '23502');
    });
});
