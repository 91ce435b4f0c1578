// EchoRoom's avatars through supabase-js, with the worker and the simulator of Tavus that run along with the stack.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAtTavus, callsAtTavus, conversation, conversationsOf, endAtTavus, hopelessMood, isDue, isOver, isThere, sayInCall } from './avatar.mjs';
import { eventually, listen } from './channels.mjs';
import { rows } from './database.mjs';
import { ok, people, person, refused, roomWith, service, tokenOf, topicOf, visitor } from './people.mjs';
import { stack } from './stack.mjs';

// Rooms have moods of their own, so that nobody of another test walks in; the persona is chosen by a mood that has one.
const start = (someone, session, mood = 'Calm') => ok(someone.rpc('start_conversation', { session_id: session.id, mood }));

test('a member brings an avatar, and the room hears it come, hears it go, and reads what was said', async () => {
    const [ada, ben] = await people(2);
    // Full, so that nobody else walks in.
    const session = await roomWith([ada, ben], { category: 'Calm', max_participants: 2 });
    const ear = await listen(ben, await topicOf(ben, session.id));

    const asked = await start(ada, session, null);
    assert.equal(asked.is_new, true);
    assert.equal(asked.status, 'starting');
    const starting = await ear.hears('avatar-starting');
    assert.equal(starting.payload.id, asked.id);
    assert.equal(starting.payload.user_id, ada.id);
    const started = await ear.hears('avatar-started');
    const there = await conversation(ben, session.id, isThere);
    assert.equal(there.id, asked.id);
    assert.equal(there.mood, 'Calm');
    const { conversation_id, conversation_url } = there;
    assert.deepEqual(
        [started.payload.conversation_id, started.payload.conversation_url, started.payload.persona_id],
        [conversation_id, conversation_url, 'default_calm_persona'],
    );
    assert.equal((await callAtTavus(conversation_id)).is_active, true);

    await sayInCall(conversation_url, 'How was your day?');
    const ended = await ok(ben.rpc('end_conversation', { conversation_id }));
    assert.notEqual(ended.end_requested_at, null);
    const left = await ear.hears('avatar-ended');
    assert.deepEqual([left.payload.conversation_id, left.payload.failed], [conversation_id, false]);
    const written = await ear.hears('avatar-transcript');
    assert.deepEqual([written.payload.conversation_id, written.payload.entries], [conversation_id, 3]);
    const over = await conversation(ada, session.id, isOver);
    assert.deepEqual(
        over.transcript.map(({ role, content }) => [role, content]),
        [
            ['assistant', 'Hello, good to see you.'],
            ['user', 'How was your day?'],
            ['assistant', 'You said: How was your day?'],
        ],
        'all that was said, and not the prompt',
    );
    assert.equal((await callAtTavus(conversation_id)).is_active, false);
    for (const event of ['avatar-starting', 'avatar-started', 'avatar-ended', 'avatar-transcript']) {
        assert.equal(ear.events.filter((heard) => heard.event === event).length, 1, event);
    }
    // Twice is once, also afterwards.
    const again = await ok(ada.rpc('end_conversation', { conversation_id: over.id }));
    assert.equal(again.end_requested_at, ended.end_requested_at);
});

test('whoever asks for a second avatar gets the first, also in the same moment', async () => {
    const members = await people(4);
    const session = await roomWith(members);
    const asked = await Promise.all(members.map((member) => start(member, session)));
    assert.equal(new Set(asked.map(({ id }) => id)).size, 1);
    assert.equal(asked.filter(({ is_new }) => is_new).length, 1);
    const there = await conversation(members[3], session.id, isThere);
    const second = await start(members[1], session, 'Joyful');
    assert.deepEqual([second.id, second.is_new, second.mood, second.conversation_url], [there.id, false, 'Calm', there.conversation_url]);
    assert.equal((await callsAtTavus(there.id)).length, 1, 'a call costs money');

    // When it is over there may be another one.
    await ok(members[0].rpc('end_conversation', { conversation_id: there.conversation_id }));
    await conversation(members[0], session.id, isOver);
    const next = await start(members[2], session, 'Joyful');
    assert.notEqual(next.id, there.id);
    assert.deepEqual([next.is_new, next.mood], [true, 'Joyful']);
    await eventually(async () => isThere((await conversationsOf(members[2], session.id))[1]), 'the second avatar');
});

test('strangers see nothing of an avatar, and neither start nor end one', async () => {
    const [ada, eve] = await people(2);
    const session = await roomWith([ada]);
    await refused(eve.rpc('start_conversation', { session_id: session.id }), 'PT403', 'not_a_member');
    await start(ada, session);
    const { id, conversation_id } = await conversation(ada, session.id, isThere);
    assert.deepEqual(await conversationsOf(eve, session.id), []);
    for (const name of [id, conversation_id]) {
        await refused(eve.rpc('end_conversation', { conversation_id: name }), 'PT404', 'conversation_not_found');
    }
    const nobody = visitor();
    const read = await nobody.echoroom.from('conversations').select('*').eq('session_id', session.id);
    assert.ok(read.error || read.data.length === 0);
    assert.notEqual((await nobody.rpc('start_conversation', { session_id: session.id })).error, null);
    assert.notEqual((await nobody.rpc('end_conversation', { conversation_id })).error, null);
    const still = await conversation(ada, session.id, isThere);
    assert.equal(still.end_requested_at, null);
    assert.equal((await callAtTavus(conversation_id)).is_active, true);
});

test('an avatar that Tavus ends by itself leaves the room, with the reason', async () => {
    const ada = await person();
    const session = await roomWith([ada]);
    const ear = await listen(ada, await topicOf(ada, session.id));
    await start(ada, session);
    const { conversation_id } = await conversation(ada, session.id, isThere);
    await endAtTavus(conversation_id, 'max_call_duration reached');
    const left = await ear.hears('avatar-ended');
    assert.equal(left.payload.reason, 'max_call_duration reached');
    assert.equal((await conversation(ada, session.id, isOver)).shutdown_reason, 'max_call_duration reached');
});

test('an avatar that cannot come says why, and the room may try another', async () => {
    const ada = await person();
    const session = await roomWith([ada]);
    const ear = await listen(ada, await topicOf(ada, session.id));
    const mood = await hopelessMood();
    await start(ada, session, mood);
    const { payload } = await ear.hears('avatar-ended');
    assert.equal(payload.failed, true);
    const failed = await conversation(ada, session.id, ({ status }) => status === 'failed');
    assert.match(failed.failure, /^[A-Z].*\.$/);
    assert.equal(payload.reason, failed.failure);
    assert.deepEqual(await callsAtTavus(failed.id), []);
    assert.equal((await start(ada, session)).is_new, true);
    await eventually(async () => (await conversationsOf(ada, session.id)).some(isThere), 'the next one');
});

test('a room that everybody left, or whose people are gone without a word, keeps no call', async () => {
    const [ada, ben, cleo] = await people(3);
    const [left, silent, sat] = await Promise.all([ada, ben, cleo].map((someone) => roomWith([someone])));
    const calls = [];
    for (const [someone, session] of [
        [ada, left],
        [ben, silent],
        [cleo, sat],
    ]) {
        await start(someone, session);
        calls.push(await conversation(someone, session.id, isThere));
    }
    await ok(ada.rpc('leave_room', { session_id: left.id }));
    await rows(`update echoroom.participants set last_seen_at = now() - interval '10 minutes' where session_id = $1`, [silent.id]);
    await isDue('echoroom_keep_orphans');
    const [of_left, of_silent, of_sat] = calls.map(({ id }) => id);
    await eventually(
        async () => (await rows(`select from echoroom.conversations where id = any ($1) and status = 'ended'`, [[of_left, of_silent]])).length === 2,
        'the ends of both',
    );
    for (const { conversation_id } of calls.slice(0, 2)) {
        assert.equal((await callAtTavus(conversation_id)).is_active, false);
    }
    assert.equal((await callAtTavus(calls[2].conversation_id)).is_active, true, 'somebody sits here');
    assert.equal((await rows(`select from echoroom.conversations where id = $1 and status = 'active'`, [of_sat])).length, 1);
});

test('a call ends when somebody is removed, for whoever has its address gets in; who stays starts another', async () => {
    const [host, troll] = await people(2);
    const session = await roomWith([host, troll]);
    await start(troll, session);
    const { id, conversation_id, conversation_url } = await conversation(troll, session.id, isThere);
    await ok(host.rpc('remove_participant', { session_id: session.id, user_id: troll.id }));
    const ended = await conversation(host, session.id, isOver);
    assert.deepEqual([ended.id, (await callAtTavus(conversation_id)).is_active], [id, false]);
    // Whatever the removed person sends to the address that they know.
    await assert.rejects(sayInCall(conversation_url, 'I am still here.'));
    const { is_new } = await start(host, session);
    assert.equal(is_new, true);
    await eventually(
        async () => (await conversationsOf(host, session.id)).some((call) => call.id !== id && isThere(call)),
        () => 'another call of those who stay',
    );
    assert.deepEqual(await conversationsOf(troll, session.id), [], 'whose address the removed person does not learn');
});

test('the avatar of a room that is closed or deleted goes at once', async () => {
    const [ada, ben] = await people(2);
    const [closed, deleted] = await Promise.all([roomWith([ada]), roomWith([ben])]);
    await start(ada, closed);
    await start(ben, deleted);
    const one = await conversation(ada, closed.id, isThere);
    const two = await conversation(ben, deleted.id, isThere);
    await ok(service().echoroom.from('sessions').update({ is_active: false }).eq('id', closed.id));
    await ok(service().echoroom.from('sessions').delete().eq('id', deleted.id));
    assert.equal((await conversation(ada, closed.id, isOver)).id, one.id);
    await eventually(async () => !(await callAtTavus(two.conversation_id)).is_active, 'the end of the call of nobody');
    await refused(ada.rpc('start_conversation', { session_id: closed.id }), 'PT410', 'room_closed');
});

/** A request to the worker's routes as somebody, through the gateway. */
async function api(someone, path, body) {
    const answer = await fetch(`${stack.url}/api/${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { 'content-type': 'application/json', ...(someone.id ? { authorization: `Bearer ${await tokenOf(someone)}` } : {}) },
        body: body && JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json() };
}

test('the REST routes do the same for who shows their token to the gateway', async () => {
    const [ada, eve] = await people(2);
    const made = await api(ada, 'sessions', { category: 'Hopeful', description: 'By REST', max_participants: 2 });
    assert.equal(made.status, 201);
    const session_id = made.body.id;
    await ok(ada.rpc('join_room', { session_id }));
    const listed = await api(ada, 'sessions');
    assert.ok(listed.body.some(({ id }) => id === session_id));

    const asked = { mood: 'Hopeful', session_id };
    const created = await api(ada, 'tavus/create-conversation', asked);
    assert.equal(created.status, 201, JSON.stringify(created.body));
    assert.deepEqual(Object.keys(created.body).sort(), ['conversation_id', 'conversation_url', 'persona_id', 'status']);
    assert.equal(created.body.persona_id, 'default_hopeful_persona');
    const { conversation_id, conversation_url } = created.body;
    assert.deepEqual(await api(ada, 'tavus/create-conversation', asked), { status: 200, body: created.body });
    assert.deepEqual(await api(ada, 'tavus/get-daily-room', { conversation_id }), { status: 200, body: { room_url: conversation_url } });
    await conversation(ada, session_id, isThere);

    const stranger = await api(eve, 'tavus/create-conversation', asked);
    assert.deepEqual([stranger.status, stranger.body.details], [403, 'not_a_member']);
    assert.equal((await api(eve, 'tavus/get-daily-room', { conversation_id })).status, 404);
    assert.equal((await api(eve, 'tavus/end-conversation', { conversation_id })).status, 404);
    assert.equal((await api(visitor(), 'sessions')).status, 401);
    assert.equal((await callAtTavus(conversation_id)).is_active, true);

    const done = await api(ada, 'tavus/end-conversation', { conversation_id });
    assert.deepEqual(done, { status: 200, body: { success: true } });
    await conversation(ada, session_id, isOver);
    assert.equal((await callAtTavus(conversation_id)).is_active, false);
});

test('supabase-js reaches them as functions, with the token that it has anyway', async () => {
    const ada = await person();
    const session = await roomWith([ada]);
    const { data, error } = await ada.client.functions.invoke('api/sessions', { method: 'GET' });
    assert.equal(error, null);
    assert.ok(data.some(({ id }) => id === session.id));
    const refusal = await visitor().client.functions.invoke('webhooks/tavus/nobody-s', { body: { event_type: 'system.shutdown' } });
    assert.equal(refusal.error.context.status, 401);
    assert.match(refusal.error.context.headers.get('x-request-id'), /\S/);
});
