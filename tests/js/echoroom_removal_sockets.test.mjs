// A removal that bites: two sockets, one of them no longer welcome.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, listen, refusedToListen } from './channels.mjs';
import { rows } from './database.mjs';
import { ok, person, refused, roomWith } from './people.mjs';

test('who was removed hears nothing that is said afterwards, with a valid token and an open socket', async () => {
    const [host, staying, removed] = [await person(), await person(), await person()];
    const room = await roomWith([host, staying, removed]);
    const session_id = room.id;
    const { topic } = await ok(host.rpc('room_state', { session_id }));
    const [stays, goes] = [await listen(staying, topic), await listen(removed, topic)];
    await ok(host.rpc('send_message', { session_id, content: 'to all three' }));
    await goes.hears('receiveMessage');

    await ok(host.rpc('remove_participant', { session_id, user_id: removed.id }));
    // The members are told where to go, and go there.
    const { payload: rotated } = await stays.hears('topic-rotated');
    assert.equal(rotated.session_id, session_id);
    assert.notEqual(rotated.topic, topic);
    assert.equal(rotated.topic, (await ok(host.rpc('room_state', { session_id }))).topic);
    const moved = await listen(staying, rotated.topic);

    // Everything that a room says, it now says without the removed one.
    const said = await ok(host.rpc('send_message', { session_id, content: 'between us' }));
    await ok(staying.rpc('add_reaction', { message_id: said.id, emoji: '🤫' }));
    await ok(host.rpc('edit_message', { message_id: said.id, content: 'between the two of us' }));
    await ok(host.rpc('set_voice_status', { session_id, is_speaking: true }));
    await ok(host.rpc('delete_message', { message_id: said.id }));
    await moved.hears('message-deleted');
    assert.deepEqual(
        moved.events.map(({ event }) => event).filter((event) => event !== 'user-left'),
        ['receiveMessage', 'message-reaction', 'message-edited', 'voice-status', 'message-deleted'],
    );

    // The removed one's socket is open, and the stream from the database has passed all of that: it carries a message for them alone.
    await rows('select realtime.send($1, $2, $3)', ['{}', 'fence', topic]);
    await goes.hears('fence');
    const heard = goes.events.map(({ event }) => event);
    assert.ok(!goes.events.some(({ payload }) => /between/.test(JSON.stringify(payload))));
    assert.deepEqual(heard.filter((event) => !['receiveMessage', 'user-left', 'room-changed', 'topic-rotated', 'fence'].includes(event)), []);
    assert.equal(heard.filter((event) => event === 'receiveMessage').length, 1);
    assert.deepEqual(goes.statuses, ['SUBSCRIBED']);

    // Nor by asking: not the new channel, not the tables, not the functions.
    assert.match(await refusedToListen(removed, rotated.topic), /^Unauthorized/);
    assert.deepEqual(await ok(removed.echoroom.from('chat_messages').select().eq('session_id', session_id)), []);
    await refused(removed.rpc('messages_since', { session_id, after_seq: 0 }), 'PT403', 'not_a_member');
    await refused(removed.rpc('send_message', { session_id, content: 'hello?' }), 'PT403', 'not_a_member');
});

test('removals in a row move everybody on, and nobody misses a message', async () => {
    const [host, member, ...others] = await Promise.all(Array.from({ length: 5 }, () => person()));
    const room = await roomWith([host, member, ...others]);
    const session_id = room.id;
    let { topic } = await ok(member.rpc('room_state', { session_id }));
    let ear = await listen(member, topic);
    const have = new Set();
    let seq = 0;
    const catchUp = async () => {
        const page = await ok(member.rpc('messages_since', { session_id, after_seq: seq }));
        page.messages.forEach(({ content }) => have.add(content));
        seq = page.last_seq;
    };
    for (const [index, other] of others.entries()) {
        await ok(host.rpc('send_message', { session_id, content: `before ${index}` }));
        await ok(host.rpc('remove_participant', { session_id, user_id: other.id }));
        await ok(host.rpc('send_message', { session_id, content: `after ${index}` }));
        const { payload } = await ear.hears('topic-rotated');
        topic = payload.topic;
        ear = await listen(member, topic);
        await catchUp();
    }
    await eventually(() => have.size === 6, () => [...have].join());
    assert.deepEqual([...have], ['before 0', 'after 0', 'before 1', 'after 1', 'before 2', 'after 2']);
});
