// What EchoRoom promises a newcomer, in one piece, through an unmodified supabase-js.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { row } from './database.mjs';
import { claimsOf, ok, person, refused, someMood } from './people.mjs';
import { expectedKernel } from './stack.mjs';

test('the stack runs the kernel that these tests are meant for', async () => {
    const { implementation } = await row('select parley.implementation()');
    assert.equal(implementation, expectedKernel);
});

test('a client signs in anonymously, finds a room for a mood, joins it, talks, reacts and leaves', async () => {
    const robin = await person();
    const kim = await person();
    const { data } = await robin.client.auth.getSession();
    assert.equal(claimsOf(data.session.access_token).is_anonymous, true);

    // Both look for the same mood and meet.
    const mood = someMood();
    const found = await ok(robin.rpc('find_room', { mood }));
    const entered = await ok(robin.rpc('join_room', { session_id: found.id, user_name: 'Robin', mood }));
    assert.equal(entered.topic, `echoroom:${found.id}:1`);
    assert.deepEqual(entered.participants.map(({ user_name }) => user_name), ['Robin']);
    const met = await ok(kim.rpc('find_room', { mood: mood.toUpperCase() }));
    assert.equal(met.id, found.id);
    const room = await ok(kim.rpc('join_room', { session_id: met.id, user_name: 'Kim' }));
    assert.deepEqual(room.participants.map(({ user_name }) => user_name), ['Robin', 'Kim']);
    assert.equal(room.session.current_participants, 2);

    // They talk and react.
    const hello = await ok(robin.rpc('send_message', { session_id: found.id, content: 'Hello, is anybody here?' }));
    const answer = await ok(kim.rpc('send_message', { session_id: found.id, content: 'I am.', reply_to: hello.id }));
    assert.deepEqual([hello.seq, answer.seq], [room.last_seq + 1, room.last_seq + 2]);
    await ok(robin.rpc('add_reaction', { message_id: answer.id, emoji: '👋' }));
    const history = await ok(kim.rpc('get_messages', { session_id: found.id }));
    assert.deepEqual(
        history.map(({ sender_name, content, reply_to, reactions }) => ({ sender_name, content, reply_to, reactions })),
        [
            { sender_name: 'Kim', content: 'I am.', reply_to: hello.id, reactions: [{ emoji: '👋', count: 1, reacted: false }] },
            { sender_name: 'Robin', content: 'Hello, is anybody here?', reply_to: null, reactions: [] },
        ],
    );

    // Each changes what is their own.
    await ok(kim.rpc('edit_message', { message_id: answer.id, content: 'I am, hello!' }));
    await ok(robin.rpc('remove_reaction', { message_id: answer.id, emoji: '👋' }));
    await ok(robin.rpc('delete_message', { message_id: hello.id }));
    const caughtUp = await ok(kim.rpc('messages_since', { session_id: found.id, after_seq: answer.seq }));
    assert.deepEqual(
        caughtUp.messages.map(({ id, content, is_edited }) => ({ id, content, is_edited })),
        [
            { id: answer.id, content: 'I am, hello!', is_edited: true },
            { id: hello.id, content: '', is_edited: false },
        ],
    );

    // Who leaves is gone, and reads no more.
    assert.equal(await ok(robin.rpc('leave_room', { session_id: found.id })), true);
    await refused(robin.rpc('get_messages', { session_id: found.id }), 'PT403', 'not_a_member');
    assert.deepEqual(await ok(robin.echoroom.from('chat_messages').select().eq('session_id', found.id)), []);
    const left = await ok(kim.rpc('room_state', { session_id: found.id }));
    assert.deepEqual(left.participants.map(({ user_name }) => user_name), ['Kim']);
    assert.equal(left.session.current_participants, 1);
});
