// What the functions of the apps answer, and what their channels say, held against the types of clients/js: no field that a type does not have,
// none that is missing, null only where a type says so. All of it comes through the real API.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Types } from './client_schema.mjs';
import { rows } from './database.mjs';
import { callOf, demoOf, embedding, eventOf, receive, restKnowledge } from './demos.mjs';
import { ok, person, roomWith, service, someMood } from './people.mjs';

await restKnowledge();

/** Calls functions of an app for somebody and holds each answer against its type. */
function checked(types, called) {
    return (somebody) => async (name, args) => {
        called.add(name);
        const answer = await ok(somebody[types.app].rpc(name, args));
        types.check(answer, 'Functions', name, 'Returns');
        return answer;
    };
}

/** Every function of an app was called. */
function checkAllCalled(types, called) {
    assert.deepEqual([...called].sort(), Object.keys(types.of('Functions').properties).sort());
}

/** Broadcasts of some topics, held against the payloads of their events; each kind of event was there. */
async function checkBroadcasts(types, pattern) {
    const said = await rows(`select event, payload from realtime.messages where topic ~ $1 and extension = 'broadcast' order by inserted_at`, [pattern]);
    said.forEach(({ event, payload }) => types.check(payload, 'Events', event));
    assert.deepEqual([...new Set(said.map(({ event }) => event))].sort(), Object.keys(types.of('Events').properties).sort());
}

/** The nullable fields of answers that no row of a table has: each was null, and each was a value. */
function checkNullable(types) {
    const tables = types.of('Rows').properties;
    const ofRows = new Set(Object.keys(tables).flatMap((table) => {
        const row = types.resolve(tables[table]);
        return (row.anyOf ?? [row]).flatMap((form) => Object.keys(form.properties));
    }));
    const rest = types.halfSeen().filter((line) => !ofRows.has(line.split(' ')[0].split('.').at(-1)));
    assert.deepEqual(rest, []);
}

test('EchoRoom answers and says what its types say', async (t) => {
    const types = new Types('echoroom');
    const called = new Set();
    const as = checked(types, called);
    const [ada, ben] = [await person(), await person()];
    const [forAda, forBen] = [as(ada), as(ben)];

    // Rooms and seats; what may be left out is null once.
    await forAda('create_session', { category: someMood(), description: null, max_participants: null });
    const session = await forAda('create_session', { category: someMood(), description: 'A room', max_participants: 4 });
    const session_id = session.id;
    await forAda('find_room', { mood: session.category });
    await forAda('list_sessions');
    await forAda('join_room', { session_id, user_name: null, mood: null, avatar: null });
    await forBen('join_room', { session_id, user_name: 'Ben', mood: 'Calm', avatar: '/ben.png' });
    await forBen('room_state', { session_id });
    await forBen('heartbeat', { session_id });
    await forBen('set_voice_status', { session_id, is_speaking: true, is_muted: null });
    await forBen('update_participant', { session_id, user_name: null, avatar: null, mood: 'Hopeful' });
    await forBen('persona_by_mood', { mood: 'hopeful' });
    await ok(service().echoroom.from('sessions').update({ description: 'Another word for it' }).eq('id', session_id));

    // Messages.
    const message = await forAda('send_message', { session_id, content: 'Hello', message_type: null, reply_to: null, client_id: null });
    const message_id = message.id;
    const answer = await forBen('send_message', { session_id, content: 'How are you?', message_type: 'mood-check', reply_to: message_id, client_id: randomUUID() });
    await ok(service().echoroom.rpc('send_message', { session_id, content: 'Welcome', message_type: 'system' }));
    await forBen('add_reaction', { message_id, emoji: '👋' });
    await forAda('add_reaction', { message_id, emoji: '🎉' });
    await forBen('get_messages', { session_id, page_limit: null, page_offset: null, before_timestamp: null, before_seq: null });
    await forBen('remove_reaction', { message_id, emoji: '👋' });
    await forAda('edit_message', { message_id, content: 'Hello there' });
    await forBen('delete_message', { message_id: answer.id });
    await forAda('messages_since', { session_id, after_seq: 0 });

    // An avatar that is asked for, and one that comes, is heard and goes.
    await forAda('start_conversation', { session_id, mood: 'Calm' });
    const [{ id }] = await rows('select id from echoroom.conversations where session_id = $1', [session_id]);
    await forAda('end_conversation', { conversation_id: id });
    const other = await roomWith([ada]);
    const active = async () => (await rows(
        `insert into echoroom.conversations (session_id, persona_id, mood, status, conversation_id, conversation_url)
        values ($1, 'p', 'Calm', 'active', $2, 'https://example.com/call') returning id`,
        [other.id, `c-${randomUUID()}`],
    ))[0].id;
    // A call outlives its room, which goes with the people.
    t.after(() => rows('delete from echoroom.conversations where session_id = any ($1)', [[session_id, other.id]]));
    // One that ends without a reason.
    await rows(`update echoroom.conversations set status = 'ended', ended_at = now() where id = $1`, [await active()]);
    const call = await active();
    await rows(`update echoroom.conversations set replica_joined_at = now(), replica_id = 'r' where id = $1`, [call]);
    const transcript = [
        { role: 'user', content: 'Hello', timestamp: 1 },
        { role: 'replica', content: ['Hi', { text: 'there' }], seconds_from_start: 2.5, duration: 1 },
    ];
    const recordings = [{ timestamp: '2026-11-21T09:00:00Z', properties: { s3_key: 'x' } }, { properties: { s3_key: 'y' } }];
    await rows(
        `update echoroom.conversations set transcript = parley.tavus_transcript($2), recordings = parley.tavus_recordings(null, array(select jsonb_array_elements($3::jsonb))),
            recording = '{"s3_key": "x"}' where id = $1`,
        [call, JSON.stringify(transcript), JSON.stringify(recordings)],
    );
    await forAda('start_conversation', { session_id: other.id, mood: null });
    await rows(`update echoroom.conversations set status = 'ended', ended_at = now(), shutdown_reason = 'x' where id = $1`, [call]);
    types.check(await ok(ada.echoroom.from('conversations').select().eq('id', call).single()), 'Rows', 'conversations');

    // Somebody is removed, let in again, and leaves.
    await forAda('remove_participant', { session_id, user_id: ben.id });
    types.check(await ok(ada.echoroom.from('removed_participants').select().single()), 'Rows', 'removed_participants');
    await forAda('readmit_participant', { session_id, user_id: ben.id });
    await forBen('join_room', { session_id });
    await forBen('leave_room', { session_id });

    // What members read of the tables.
    for (const table of ['sessions', 'participants', 'chat_messages', 'message_reactions', 'persona']) {
        const found = await ok(ada.echoroom.from(table).select().limit(20));
        assert.ok(found.length > 0, table);
        found.forEach((each) => types.check(each, 'Rows', table));
    }
    checkAllCalled(types, called);
    await checkBroadcasts(types, `^echoroom:(${session_id}|${other.id}):`);
    checkNullable(types);
});

test('Domo answers and says what its types say', async () => {
    const types = new Types('domo');
    const called = new Set();
    const ada = await person();
    const forAda = checked(types, called)(ada);
    const demo = await demoOf(ada, { tavus_persona_id: 'default_calm_persona', cta_text: 'Buy', cta_link: 'https://example.com' });
    const demo_id = demo.id;

    // A demo that is empty.
    await forAda('get_demo_stats', { demo_uuid: demo_id });
    await forAda('demo_dashboard');
    await forAda('conversation_analytics', { demo_id, since: null });
    await forAda('search_quality', { demo_id });
    await forAda('events_since', { demo_id, after_seq: null, page_limit: null });

    // Knowledge, with and without all that it may have.
    await forAda('add_knowledge', { demo_id, content: 'The can holds 9 litres.', question: null, answer: null, source: null });
    await forAda('add_knowledge', { demo_id, content: 'It waters 20 pots.', question: 'How many pots?', answer: '20', source: 'Handbook' });
    const chunk = { demo_id, source: 'Film', embedding_model: 'test' };
    const [video] = await ok(ada.domo.from('demo_videos').insert({ demo_id, title: 'Film', storage_url: `${demo_id}/film.mp4`, order_index: 0 }).select());
    await rows(
        `insert into domo.knowledge_chunks (demo_id, content, source, video_id, chunk_index, start_seconds, end_seconds, vector_embedding, embedding_model)
        select $1, 'The can, part ' || n, 'Film', $2, n, n, n + 1, $3::extensions.vector, 'test' from generate_series(1, 3) n`,
        [demo_id, video.id, JSON.stringify(embedding(1))],
    );
    await ok(ada.domo.from('knowledge_chunks').insert({ ...chunk, content: 'Of two litres.', embedding_model: undefined, vector_embedding: embedding(2) }));
    await forAda('search_knowledge_chunks', { query_embedding: embedding(1), demo_id, match_threshold: null, match_count: null });
    await forAda('search_knowledge_chunks', { query_embedding: JSON.stringify(embedding(1)), demo_id, match_threshold: 0.1, match_count: 3 });
    await forAda('search_knowledge', { demo_id, query_text: 'litres pots', query_embedding: null, match_count: null, source: null, neighbours: null });
    await forAda('search_knowledge', { demo_id, query_text: 'can', query_embedding: embedding(1), match_count: 20, neighbours: 1 });
    await forAda('search_quality', { demo_id });

    // Files and their fate.
    const [document] = await ok(ada.domo.from('demo_documents').insert({ demo_id, title: 'Text', storage_url: `${demo_id}/text.txt` }).select());
    const server = service().domo;
    await ok(server.from('demo_videos').update({ processing_status: 'completed', duration_seconds: 12 }).eq('id', video.id));
    await ok(server.from('demo_documents').update({ processing_status: 'failed', failure: 'No.' }).eq('id', document.id));
    await forAda('publish_demo', { demo_id });
    await ok(ada.domo.from('demo_documents').delete().eq('id', document.id));

    // Calls: one that is asked for, and one that was had.
    const started = await forAda('start_conversation', { demo_id, client_id: null });
    await forAda('start_conversation', { demo_id, client_id: randomUUID() });
    await forAda('end_conversation', { conversation_id: started.id });
    const call = await callOf(demo_id);
    const minute = (n) => new Date(Date.now() + n * 60_000).toISOString();
    await receive(call, eventOf(call, 'system.replica_joined', { replica_id: 'r' }, minute(0)));
    await receive(call, eventOf(call, 'application.transcription_ready', { transcript: [{ role: 'user', content: 'Hello' }, { role: 'assistant', content: 'Hi' }] }, minute(1)));
    await receive(call, eventOf(call, 'application.recording_ready', { s3_key: 'x' }, minute(1)));
    await receive(call, { ...eventOf(call, 'application.recording_ready', { s3_key: 'y' }), timestamp: undefined });
    await receive(call, eventOf(call, 'system.shutdown', { shutdown_reason: 'participant_left_timeout' }, minute(2)));
    await forAda('conversation_analytics', { demo_id, since: '2026-01-01T00:00:00Z' });
    await forAda('get_demo_stats', { demo_uuid: demo_id });
    await forAda('demo_dashboard');

    // The stream, the export, the end.
    await rows('select domo_private.rotate_topic($1)', [demo_id]);
    await ok(ada.domo.from('demo_videos').delete().eq('id', video.id));
    await forAda('archive_demo', { demo_id });
    await forAda('events_since', { demo_id, after_seq: 0, page_limit: 1000 });
    await forAda('export_demo_data', { demo_id: null, after_line: null, page_limit: null });
    await forAda('export_demo_data', { demo_id, after_line: 'header', page_limit: 2 });
    for (const table of Object.keys(types.of('Rows').properties)) {
        const found = await ok(ada.domo.from(table).select().limit(50));
        found.forEach((each) => types.check(each, 'Rows', table));
        const [{ count }] = await rows(`select count(*)::integer from domo.${table} where ${table === 'demos' ? 'id' : 'demo_id'} = $1`, [demo_id]);
        assert.equal(found.length > 0, count > 0, table);
    }
    checkAllCalled(types, called);
    await checkBroadcasts(types, `^domo:${demo_id}:`);
    checkNullable(types);
});
