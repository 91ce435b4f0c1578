// EchoRoom: rooms, seats, leases, voice status and personas.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { row, rows } from './database.mjs';
import { ok, people, person, refused, roomWith, service, someMood, visitor } from './people.mjs';

const expire = (session_id, user_id) =>
    rows(`update echoroom.participants set last_seen_at = now() - interval '61 seconds' where session_id = $1 and user_id = $2`, [
        session_id,
        user_id,
    ]);

async function seatsOf(session_id) {
    const { counter, taken } = await row(
        `select current_participants as counter, (select count(*)::integer from echoroom.participants p where p.session_id = s.id) as taken
        from echoroom.sessions s where id = $1`,
        [session_id],
    );
    assert.equal(counter, taken, 'the counter is the number of seats taken');
    return taken;
}

test('create_session opens a room of six seats that belongs to its opener', async () => {
    const opener = await person();
    const category = someMood();
    const session = await ok(opener.rpc('create_session', { category, description: 'For a test' }));
    assert.equal(session.category, category);
    assert.equal(session.description, 'For a test');
    assert.equal(session.max_participants, 6);
    assert.equal(session.current_participants, 0);
    assert.equal(session.is_active, true);
    assert.equal(session.created_by, opener.id);
});

test('find_room opens a room for a mood that has none, and finds it again for the next person', async () => {
    const [first, second] = await people(2);
    const mood = someMood();
    const opened = await ok(first.rpc('find_room', { mood }));
    assert.equal(opened.category, mood);
    assert.equal(opened.max_participants, 6);
    assert.equal((await ok(second.rpc('find_room', { mood }))).id, opened.id);
    assert.equal((await ok(second.rpc('find_room', { mood: `  ${mood.toUpperCase()} ` }))).id, opened.id);
});

test('find_room prefers the fullest room with a free seat, and opens another like it when all are full', async () => {
    const [a, b, c, d] = await people(4);
    const category = someMood();
    const lonely = await roomWith([a], { category, max_participants: 2 });
    const busy = await roomWith([b, c], { category, max_participants: 3 });
    assert.equal((await ok(d.rpc('find_room', { mood: category }))).id, busy.id);
    await ok(d.rpc('join_room', { session_id: busy.id }));
    assert.equal((await ok(d.rpc('find_room', { mood: category }))).id, lonely.id);
    await ok(d.rpc('join_room', { session_id: lonely.id }));

    const opened = await ok(d.rpc('find_room', { mood: category }));
    assert.ok(![lonely.id, busy.id].includes(opened.id));
    assert.equal(opened.current_participants, 0);
    assert.equal(opened.max_participants, 2, 'a further room is like the first one of its mood');
});

test('find_room passes over closed rooms', async () => {
    const someone = await person();
    const closed = await roomWith([someone]);
    await ok(service().echoroom.from('sessions').update({ is_active: false }).eq('id', closed.id));
    assert.notEqual((await ok(someone.rpc('find_room', { mood: closed.category }))).id, closed.id);
});

test('join_room returns the room, its participants, its topic and its last number', async () => {
    const [host, guest] = await people(2);
    const session = await roomWith([host]);
    await ok(host.rpc('send_message', { session_id: session.id, content: 'first' }));
    const joined = await ok(
        guest.rpc('join_room', { session_id: session.id, user_name: 'Guest', mood: 'curious', avatar: '/avatars/owl.png' }),
    );
    assert.deepEqual(Object.keys(joined).sort(), ['last_seq', 'participants', 'session', 'topic']);
    assert.equal(joined.session.id, session.id);
    assert.equal(joined.session.current_participants, 2);
    assert.equal(joined.topic, `echoroom:${session.id}:${joined.session.epoch}`);
    assert.equal(joined.last_seq, 1);
    const seat = joined.participants.find(({ user_id }) => user_id === guest.id);
    assert.equal(seat.user_name, 'Guest');
    assert.equal(seat.mood, 'curious');
    assert.equal(seat.avatar, '/avatars/owl.png');
    assert.equal(seat.is_speaking, false);
    assert.equal(seat.is_muted, false);
    assert.equal(await seatsOf(session.id), 2);
});

test('join_room makes up a name when none is given, also when it is given as null', async () => {
    const [host, guest] = await people(2);
    const session = await roomWith([host]);
    const joined = await ok(guest.rpc('join_room', { session_id: session.id, user_name: null, avatar: null }));
    for (const { user_name, avatar } of joined.participants) {
        assert.match(user_name, /^\p{Lu}\p{L}+ \p{Lu}\p{L}+/u);
        assert.equal(avatar, '/avatars/default-avatar.png');
    }
    assert.equal(new Set(joined.participants.map(({ user_name }) => user_name)).size, 2);
});

test('joining twice refreshes the one seat', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    const again = await ok(someone.rpc('join_room', { session_id: session.id, user_name: 'Renamed' }));
    assert.deepEqual(again.participants.map(({ user_name }) => user_name), ['Renamed']);
    assert.equal(await seatsOf(session.id), 1);
});

test('a member of a full room may join it again', async () => {
    const someone = await person();
    const session = await roomWith([someone], { max_participants: 1 });
    const again = await ok(someone.rpc('join_room', { session_id: session.id }));
    assert.equal(again.participants.length, 1);
});

test('a full room refuses the next one until somebody leaves', async () => {
    const [a, b, c] = await people(3);
    const session = await roomWith([a, b], { max_participants: 2 });
    await refused(c.rpc('join_room', { session_id: session.id }), 'PT409', 'room_full', /\b2\b/);
    assert.equal(await seatsOf(session.id), 2);
    assert.equal(await ok(a.rpc('leave_room', { session_id: session.id })), true);
    await ok(c.rpc('join_room', { session_id: session.id }));
    assert.equal(await seatsOf(session.id), 2);
});

test('leave_room says whether there was a seat', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    assert.equal(await ok(someone.rpc('leave_room', { session_id: session.id })), true);
    assert.equal(await ok(someone.rpc('leave_room', { session_id: session.id })), false);
    assert.equal(await seatsOf(session.id), 0);
});

test('a heartbeat keeps the seat for another 60 seconds', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    await rows(`update echoroom.participants set last_seen_at = now() - interval '50 seconds' where session_id = $1`, [session.id]);
    const beat = await ok(someone.rpc('heartbeat', { session_id: session.id }));
    assert.equal(beat.topic, `echoroom:${session.id}:1`);
    const { lease, is_fresh } = await row(
        `select extract(epoch from $2::timestamptz - last_seen_at)::integer as lease, last_seen_at > now() - interval '30 seconds' as is_fresh
        from echoroom.participants where session_id = $1`,
        [session.id, beat.expires_at],
    );
    assert.equal(lease, 60);
    assert.equal(is_fresh, true);
});

test('a seat whose lease ran out does not block a full room', async () => {
    const [crashed, guest] = await people(2);
    const session = await roomWith([crashed], { max_participants: 1 });
    await refused(guest.rpc('join_room', { session_id: session.id }), 'PT409', 'room_full');
    await expire(session.id, crashed.id);
    assert.equal((await ok(guest.rpc('find_room', { mood: session.category }))).id, session.id);
    const joined = await ok(guest.rpc('join_room', { session_id: session.id }));
    assert.deepEqual(joined.participants.map(({ user_id }) => user_id), [guest.id]);
    assert.equal(await seatsOf(session.id), 1);
    await refused(crashed.rpc('heartbeat', { session_id: session.id }), 'PT403', 'not_a_member');
});

test('release_expired_seats gives back the seats whose lease ran out, and no other', async () => {
    const [crashed, alive] = await people(2);
    const session = await roomWith([crashed, alive]);
    await expire(session.id, crashed.id);
    await rows('select echoroom_private.release_expired_seats()');
    const seats = await rows('select user_id from echoroom.participants where session_id = $1', [session.id]);
    assert.deepEqual(seats.map(({ user_id }) => user_id), [alive.id]);
    assert.equal(await seatsOf(session.id), 1);
});

test('set_voice_status changes what is given and leaves what is null', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    const speaking = await ok(someone.rpc('set_voice_status', { session_id: session.id, is_speaking: true }));
    assert.deepEqual([speaking.is_speaking, speaking.is_muted], [true, false]);
    const muted = await ok(someone.rpc('set_voice_status', { session_id: session.id, is_speaking: null, is_muted: true }));
    assert.deepEqual([muted.is_speaking, muted.is_muted], [true, true]);
    const silent = await ok(someone.rpc('set_voice_status', { session_id: session.id, is_speaking: false, is_muted: false }));
    assert.deepEqual([silent.is_speaking, silent.is_muted], [false, false]);
});

test('update_participant changes the caller\'s seat and nobody else\'s', async () => {
    const [a, b] = await people(2);
    const session = await roomWith([a]);
    await ok(b.rpc('join_room', { session_id: session.id, user_name: 'Bea', mood: 'calm' }));
    const changed = await ok(
        a.rpc('update_participant', { session_id: session.id, user_name: 'Ada', avatar: '/avatars/fox.png', mood: null }),
    );
    assert.deepEqual([changed.user_id, changed.user_name, changed.avatar, changed.mood], [a.id, 'Ada', '/avatars/fox.png', 'calm']);
    const state = await ok(b.rpc('room_state', { session_id: session.id }));
    assert.deepEqual(state.participants.map(({ user_name }) => user_name).sort(), ['Ada', 'Bea']);
});

test('room_state returns to a member what join_room returned', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    const joined = await ok(someone.rpc('join_room', { session_id: session.id }));
    const state = await ok(someone.rpc('room_state', { session_id: session.id }));
    assert.deepEqual(state, joined);
});

test('list_sessions shows active rooms with their free seats, to visitors as well', async () => {
    const [a, b] = await people(2);
    const open = await roomWith([a, b], { max_participants: 5 });
    const closed = await roomWith([a]);
    await ok(service().echoroom.from('sessions').update({ is_active: false }).eq('id', closed.id));
    for (const reader of [a, visitor()]) {
        const everything = await ok(reader.rpc('list_sessions'));
        const listed = everything.find(({ id }) => id === open.id);
        assert.equal(listed.current_participants, 2);
        assert.equal(listed.free_seats, 3);
        assert.equal(listed.category, open.category);
        assert.ok(everything.every(({ id }) => id !== closed.id));
    }
});

test('a member reads rooms and their participants as tables, one embedded in the other', async () => {
    const [a, b] = await people(2);
    const session = await roomWith([a, b]);
    const read = await ok(a.echoroom.from('sessions').select('id, category, participants(user_id)').eq('id', session.id).single());
    assert.equal(read.category, session.category);
    assert.deepEqual(read.participants.map(({ user_id }) => user_id).sort(), [a.id, b.id].sort());
});

test('persona_by_mood finds the persona that the server wrote for a mood, in any case of letters', async (t) => {
    const mood = someMood();
    const [written] = await ok(service().echoroom.from('persona').insert([{ persona_id: 'p1', mood }]).select());
    t.after(() => rows('delete from echoroom.persona where id = $1', [written.id]));
    assert.equal(written.persona_id, 'p1');
    for (const reader of [await person(), visitor()]) {
        const persona = await ok(reader.rpc('persona_by_mood', { mood: mood.toUpperCase() }));
        assert.deepEqual([persona.id, persona.persona_id, persona.mood], [written.id, 'p1', mood]);
    }
    await refused(visitor().rpc('persona_by_mood', { mood: someMood() }), 'PT404', 'persona_not_found');
});

test('the seed\'s rooms are there', async () => {
    const listed = await ok(visitor().rpc('list_sessions'));
    assert.ok(listed.length > 0);
    for (const { max_participants, free_seats, current_participants } of listed) {
        assert.equal(free_seats, Math.max(0, max_participants - current_participants));
    }
});

test('deleting an account gives its seats back and leaves its messages under its name', async () => {
    const [leaver, stayer] = await people(2);
    const session = await roomWith([stayer, leaver]);
    await ok(leaver.rpc('update_participant', { session_id: session.id, user_name: 'Leaver' }));
    const message = await ok(leaver.rpc('send_message', { session_id: session.id, content: 'I was here' }));
    await ok(leaver.rpc('add_reaction', { message_id: message.id, emoji: '👍' }));
    await rows('delete from auth.users where id = $1', [leaver.id]);
    assert.equal(await seatsOf(session.id), 1);
    const [left] = await ok(stayer.rpc('get_messages', { session_id: session.id }));
    assert.deepEqual([left.id, left.user_id, left.sender_name, left.content], [message.id, null, 'Leaver', 'I was here']);
    assert.deepEqual(left.reactions, []);
    await refused(leaver.rpc('join_room', { session_id: session.id }), 'PT401', 'not_signed_in');
});

test('removing somebody moves the room to a new topic', async () => {
    const [host, removed] = await people(2);
    const session = await roomWith([host, removed]);
    await ok(service().echoroom.from('participants').delete().eq('session_id', session.id).eq('user_id', removed.id));
    const { topic } = await ok(host.rpc('room_state', { session_id: session.id }));
    assert.equal(topic, `echoroom:${session.id}:2`);
    assert.equal(await seatsOf(session.id), 1);
});

test('an unknown room is not there for anybody', async () => {
    const someone = await person();
    const session_id = randomUUID();
    for (const [name, args] of [
        ['join_room', {}], ['leave_room', {}], ['heartbeat', {}], ['room_state', {}], ['get_messages', {}],
        ['messages_since', { after_seq: 0 }], ['set_voice_status', { is_muted: true }], ['update_participant', { mood: 'calm' }],
        ['send_message', { content: 'hello' }], ['remove_participant', { user_id: someone.id }], ['readmit_participant', { user_id: someone.id }],
        ['start_conversation', {}],
    ]) {
        await refused(someone.rpc(name, { session_id, ...args }), 'PT404', 'room_not_found');
    }
});
