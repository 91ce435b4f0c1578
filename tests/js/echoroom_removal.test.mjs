// EchoRoom: the creator of a room removes somebody, who stays out until they are readmitted.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { row, rows } from './database.mjs';
import { newClient, ok, people, personWithEmail, refused, roomWith, service, signedToken, visitor } from './people.mjs';
import { stack } from './stack.mjs';

const idsOf = (participants) => participants.map(({ user_id }) => user_id).sort();

/** Everything about a room that a removal may change. */
async function stateOf(session_id) {
    return row(
        `select
            s.epoch, s.current_participants as counter,
            (select jsonb_agg(p.user_id order by p.user_id) from echoroom.participants p where p.session_id = s.id) as seats,
            (select jsonb_agg(r.user_id order by r.user_id) from echoroom.removed_participants r where r.session_id = s.id) as removed,
            (select count(*)::integer from realtime.messages m where m.topic like 'echoroom:' || s.id || ':%') as told,
            (select count(*)::integer from echoroom_private.audit_log a where a.session_id = s.id) as logged
        from echoroom.sessions s where s.id = $1`,
        [session_id],
    );
}

/** What was told on a topic, by event. */
async function toldOn(topic) {
    return rows('select event, payload from realtime.messages where topic = $1 and private order by inserted_at', [topic]);
}

test('the creator removes somebody: the seat goes, the topic moves, and the others are told where to', async () => {
    const [host, guest, troll] = await people(3);
    const session = await roomWith([host, guest, troll]);
    assert.equal(await ok(host.rpc('remove_participant', { session_id: session.id, user_id: troll.id })), true);

    const state = await ok(guest.rpc('room_state', { session_id: session.id }));
    assert.deepEqual(idsOf(state.participants), [host.id, guest.id].sort());
    assert.equal(state.session.current_participants, 2);
    assert.equal(state.topic, `echoroom:${session.id}:2`);
    const old = await toldOn(`echoroom:${session.id}:1`);
    const [{ payload: rotated }] = old.filter(({ event }) => event === 'topic-rotated');
    delete rotated.id;
    assert.deepEqual(rotated, { session_id: session.id, topic: state.topic, epoch: 2, seq: 0 });
    const [{ payload: changed }] = old.filter(({ event }) => event === 'room-changed');
    assert.equal(changed.topic_changed, true, 'clients that only know room-changed learn it too');

    // All that is said from now on is said on the new topic.
    await ok(guest.rpc('send_message', { session_id: session.id, content: 'at last' }));
    await ok(guest.rpc('set_voice_status', { session_id: session.id, is_speaking: true }));
    assert.equal((await toldOn(`echoroom:${session.id}:1`)).length, old.length);
    assert.deepEqual((await toldOn(state.topic)).map(({ event }) => event), ['receiveMessage', 'voice-status']);
});

test('somebody who was removed neither comes back, nor reads, nor speaks; a token that is still valid helps nothing', async () => {
    const [host, troll] = await people(2);
    const session = await roomWith([host, troll]);
    const message = await ok(host.rpc('send_message', { session_id: session.id, content: 'between us' }));
    await ok(host.rpc('remove_participant', { session_id: session.id, user_id: troll.id }));

    const before = await stateOf(session.id);
    await refused(troll.rpc('join_room', { session_id: session.id }), 'PT403', 'removed_from_room');
    for (const [name, args] of [
        ['heartbeat', {}], ['room_state', {}], ['get_messages', {}], ['messages_since', { after_seq: 0 }],
        ['set_voice_status', { is_speaking: true }], ['update_participant', { user_name: 'Back' }], ['send_message', { content: 'back' }],
    ]) {
        await refused(troll.rpc(name, { session_id: session.id, ...args }), 'PT403', 'not_a_member');
    }
    await refused(troll.rpc('add_reaction', { message_id: message.id, emoji: '👎' }), 'PT404', 'message_not_found');
    for (const table of ['participants', 'chat_messages', 'message_reactions', 'removed_participants']) {
        assert.deepEqual(await ok(troll.echoroom.from(table).select().eq('session_id', session.id)), [], table);
    }
    await refused(troll.rpc('readmit_participant', { session_id: session.id, user_id: troll.id }), 'PT403', 'not_the_creator');
    assert.deepEqual(await stateOf(session.id), before);

    // The loop of the quick start ends: find_room offers another room.
    const found = await ok(troll.rpc('find_room', { mood: session.category }));
    assert.notEqual(found.id, session.id);
    assert.equal((await ok(host.rpc('find_room', { mood: session.category }))).id, session.id);
});

test('the creator sees who was removed, and readmits them', async () => {
    const [host, guest, troll] = await people(3);
    const session = await roomWith([host, guest]);
    await ok(troll.rpc('join_room', { session_id: session.id, user_name: 'Troll' }));
    await ok(host.rpc('remove_participant', { session_id: session.id, user_id: troll.id }));
    const mine = () => host.echoroom.from('removed_participants').select('user_id, user_name').eq('session_id', session.id);
    assert.deepEqual(await ok(mine()), [{ user_id: troll.id, user_name: 'Troll' }]);
    assert.deepEqual(await ok(guest.echoroom.from('removed_participants').select()), []);

    assert.equal(await ok(host.rpc('readmit_participant', { session_id: session.id, user_id: troll.id })), true);
    assert.equal(await ok(host.rpc('readmit_participant', { session_id: session.id, user_id: troll.id })), false);
    assert.deepEqual(await ok(mine()), []);
    const joined = await ok(troll.rpc('join_room', { session_id: session.id }));
    assert.equal(joined.topic, `echoroom:${session.id}:2`);
});

test('a retry removes nobody a second time, however many arrive at once', async () => {
    const [host, troll] = await people(2);
    const session = await roomWith([host, troll]);
    const removals = Array.from({ length: 10 }, () => ok(host.rpc('remove_participant', { session_id: session.id, user_id: troll.id })));
    assert.equal((await Promise.all(removals)).filter((isFirst) => isFirst).length, 1);
    const { epoch, counter, removed } = await stateOf(session.id);
    assert.deepEqual([epoch, counter, removed], [2, 1, [troll.id]]);
});

test('a person who was removed and joins at the very same time is out', async () => {
    const [host, troll] = await people(2);
    const session = await roomWith([host, troll]);
    const [, ...joins] = await Promise.all([
        ok(host.rpc('remove_participant', { session_id: session.id, user_id: troll.id })),
        ...Array.from({ length: 20 }, () => troll.rpc('join_room', { session_id: session.id })),
    ]);
    for (const join of joins.filter(({ error }) => error !== null)) {
        await refused(join, 'PT403', 'removed_from_room');
    }
    assert.deepEqual((await stateOf(session.id)).seats, [host.id]);
});

test('service_role removes anybody from any room, the creator too, who then has no say', async () => {
    const [host, guest] = await people(2);
    const session = await roomWith([host, guest]);
    assert.equal(await ok(service().rpc('remove_participant', { session_id: session.id, user_id: host.id })), true);
    await refused(host.rpc('readmit_participant', { session_id: session.id, user_id: host.id }), 'PT403', 'removed_from_room');
    await refused(host.rpc('remove_participant', { session_id: session.id, user_id: guest.id }), 'PT403', 'removed_from_room');
    assert.deepEqual((await stateOf(session.id)).seats, [guest.id]);
    assert.equal((await ok(service().echoroom.from('removed_participants').select().eq('session_id', session.id))).length, 1);
    assert.equal(await ok(service().rpc('readmit_participant', { session_id: session.id, user_id: host.id })), true);
    await ok(host.rpc('join_room', { session_id: session.id }));
});

test('nobody but the creator and service_role removes: not a member, a stranger, a visitor or a forged token', async () => {
    const [host, guest, troll, stranger] = await people(4);
    const permanent = await personWithEmail();
    const session = await roomWith([host, guest, troll]);
    const closed = await roomWith([host, guest]);
    await ok(service().echoroom.from('sessions').update({ is_active: false }).eq('id', closed.id));
    const before = await stateOf(session.id);
    const beforeClosed = await stateOf(closed.id);

    for (const name of ['remove_participant', 'readmit_participant']) {
        const args = { session_id: session.id, user_id: troll.id };
        for (const who of [guest, troll, stranger, permanent]) {
            await refused(who.rpc(name, args), 'PT403', 'not_the_creator');
        }
        await refused(guest.rpc(name, { session_id: closed.id, user_id: host.id }), 'PT403', 'not_the_creator');
        await refused(stranger.rpc(name, { session_id: closed.id, user_id: guest.id }), 'PT404', 'room_not_found');
        const { data, error, status } = await visitor().rpc(name, args);
        assert.deepEqual([data, status, error.code], [null, 401, '42501']);

        // The creator's id in a token that nobody signed, and a signed one that names nobody.
        const claims = { role: 'authenticated', aud: 'authenticated', exp: Math.floor(Date.now() / 1000) + 600 };
        const forged = newClient(stack.anonKey, { headers: { authorization: `Bearer ${signedToken({ ...claims, sub: host.id }, 'another secret')}` } });
        assert.equal((await forged.schema('echoroom').rpc(name, args)).status, 401);
        const nobody = newClient(stack.anonKey, { headers: { authorization: `Bearer ${signedToken(claims)}` } });
        await refused(nobody.schema('echoroom').rpc(name, args), 'PT401', 'not_signed_in');
        // A user cannot pass for the service either, whatever is sent along.
        const { error: unknown } = await stranger.rpc(name, { ...args, created_by: stranger.id });
        assert.equal(unknown.code, 'PGRST202');
    }
    assert.deepEqual(await stateOf(session.id), before);
    assert.deepEqual(await stateOf(closed.id), beforeClosed);
});

describe('a removal that is none', () => {
    let host;
    let stranger;
    let session;
    let token;

    before(async () => {
        [host, stranger] = await people(2);
        session = await roomWith([host]);
        token = (await host.client.auth.getSession()).data.session.access_token;
    });

    const cases = [
        ['of oneself', () => ({ session_id: session.id, user_id: host.id }), 'PT422', 'cannot_remove_yourself'],
        ['of somebody who never was there', () => ({ session_id: session.id, user_id: stranger.id }), 'PT404', 'participant_not_found'],
        ['of somebody unknown', () => ({ session_id: session.id, user_id: randomUUID() }), 'PT404', 'participant_not_found'],
        ['of nobody', () => ({ session_id: session.id, user_id: null }), 'PT404', 'participant_not_found'],
        ['from an unknown room', () => ({ session_id: randomUUID(), user_id: stranger.id }), 'PT404', 'room_not_found'],
        ['from no room', () => ({ session_id: null, user_id: stranger.id }), 'PT404', 'room_not_found'],
    ];
    for (const [name, args, code, machineCode] of cases) {
        test(`${name}: ${code} ${machineCode}, and nothing changes`, async () => {
            const before = await stateOf(session.id);
            await refused(host.rpc('remove_participant', args()), code, machineCode);
            assert.deepEqual(await stateOf(session.id), before);
        });
    }

    const bodies = [
        ['a room that is no uuid', () => `{"session_id": "here", "user_id": "${stranger.id}"}`],
        ['a person that is no uuid', () => `{"session_id": "${session.id}", "user_id": "*"}`],
        ['a list of people', () => `{"session_id": "${session.id}", "user_id": ["${stranger.id}"]}`],
        ['a person that is SQL', () => `{"session_id": "${session.id}", "user_id": "1' or true --"}`],
        ['a missing person', () => `{"session_id": "${session.id}"}`],
        ['a missing room', () => `{"user_id": "${stranger.id}"}`],
        ['an argument too many', () => `{"session_id": "${session.id}", "user_id": "${stranger.id}", "force": true}`],
        ['no JSON', () => `{"session_id": `],
    ];
    for (const name of ['remove_participant', 'readmit_participant']) {
        for (const [what, body] of bodies) {
            test(`${name} with ${what} is the caller's mistake`, async () => {
                const before = await stateOf(session.id);
                const response = await fetch(`${stack.url}/rest/v1/rpc/${name}`, {
                    method: 'POST',
                    headers: {
                        apikey: stack.anonKey, authorization: `Bearer ${token}`, 'content-profile': 'echoroom', 'content-type': 'application/json',
                    },
                    body: body(),
                });
                assert.ok(response.status >= 400 && response.status < 500, `HTTP ${response.status}`);
                const { code, message } = await response.json();
                assert.ok(code && message);
                assert.deepEqual(await stateOf(session.id), before);
            });
        }

        test(`${name} is not called by GET`, async () => {
            const before = await stateOf(session.id);
            const response = await fetch(`${stack.url}/rest/v1/rpc/${name}?session_id=${session.id}&user_id=${stranger.id}`, {
                headers: { apikey: stack.anonKey, authorization: `Bearer ${token}`, 'accept-profile': 'echoroom' },
            });
            assert.ok(response.status >= 400 && response.status < 500, `HTTP ${response.status}`);
            assert.deepEqual(await stateOf(session.id), before);
        });
    }
});
