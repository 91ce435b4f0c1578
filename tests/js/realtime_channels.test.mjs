// Who may join a Realtime channel, and how long: through realtime-js in both protocol versions.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BareSocket, Ear, eventually, joinPayload, listen, refusedToListen, versions } from './channels.mjs';
import { claimsOf, newClient, ok, person, roomWith, service, signedToken, tokenOf, topicOf, visitor } from './people.mjs';
import { stack } from './stack.mjs';


/** A token of the same person that differs from the one they have. */
const anotherToken = async (who, changes = {}) => signedToken({ ...claimsOf(await tokenOf(who)), nonce: Math.random(), ...changes });

for (const vsn of versions) {
    test(`${vsn}: a public channel is joined by anybody and left again`, async () => {
        const somebody = { client: newClient(stack.anonKey, {}, { vsn }) };
        const ear = await listen(somebody, `lobby ${Math.random()}`, { private: false });
        assert.equal(await ear.channel.unsubscribe(), 'ok');
        await ear.status('CLOSED');
    });

    test(`${vsn}: a member joins the room's channel, a stranger and a visitor do not`, async () => {
        const [member, stranger] = [await person({ vsn }), await person({ vsn })];
        const room = await roomWith([member]);
        const topic = await topicOf(member, room.id);
        await listen(member, topic);
        for (const other of [stranger, { client: newClient(stack.anonKey, {}, { vsn }) }]) {
            const refusal = await refusedToListen(other, topic);
            assert.match(refusal, /Unauthorized: You do not have permissions to read from this Channel topic/);
            assert.ok(refusal.includes(topic));
        }
    });

    test(`${vsn}: a new token is looked at again, and a lost right closes the channel`, async () => {
        const [member, host] = [await person({ vsn }), await person()];
        const room = await roomWith([host, member]);
        const topic = await topicOf(member, room.id);
        const ear = await listen(member, topic);
        await member.client.realtime.setAuth(await anotherToken(member));
        await host.client.realtime.setAuth();
        const hostEar = await listen(host, topic);
        await hostEar.send('typing-start', { user_id: host.id });
        await ear.hears('typing-start');

        await ok(member.rpc('leave_room', { session_id: room.id }));
        await member.client.realtime.setAuth(await anotherToken(member));
        await ear.status('CLOSED');
        assert.ok(ear.systems.some(({ message }) => message === `You no longer have permission to read from this Channel topic: ${topic}`), JSON.stringify(ear.systems));
        // Nothing reaches it from now on.
        const heard = ear.heard.length;
        await hostEar.send('typing-stop', { user_id: host.id });
        const fence = await listen(member, `fence ${Math.random()}`, { private: false, broadcast: { self: true } });
        await fence.send('fence');
        await fence.hears('fence');
        assert.equal(ear.heard.length, heard);
    });

    test(`${vsn}: a token that runs out closes the channel, and says so`, async () => {
        const member = await person({ vsn });
        const room = await roomWith([member]);
        const soon = Math.floor(Date.now() / 1000) + 2;
        await member.client.realtime.setAuth(await anotherToken(member, { exp: soon }));
        const ear = await listen(member, await topicOf(member, room.id));
        await ear.status('CLOSED');
        assert.ok(ear.systems.some(({ message }) => /^Token has expired \d+ seconds ago$/.test(message)), JSON.stringify(ear.systems));
    });
}

test('an expired, a forged, a maimed and an incomplete token do not join', async () => {
    const member = await person();
    const claims = claimsOf(await tokenOf(member));
    const room = await roomWith([member]);
    const topic = `realtime:${await topicOf(member, room.id)}`;
    const bad = [
        [signedToken({ ...claims, exp: Math.floor(Date.now() / 1000) - 60 }), /^InvalidJWT(Token|Expiration): Token has expired \d+ seconds ago$/],
        [signedToken(claims, 'not the secret of this project, but long enough'), /^JwtSignatureError: /],
        ['not.a.token', /^MalformedJWT: /],
        ['nonsense', /^MalformedJWT: /],
        [signedToken({ sub: claims.sub, role: claims.role }), /Fields `role` and `exp` are required in JWT/],
        [signedToken({ sub: claims.sub, exp: claims.exp }), /Fields `role` and `exp` are required in JWT/],
    ];
    const socket = await new BareSocket().opened;
    for (const [index, [access_token, reason]] of bad.entries()) {
        const { status, response } = await socket.ask(topic, 'phx_join', joinPayload({ private: true, access_token }), `${index}`);
        assert.equal(status, 'error');
        assert.match(response.reason, reason);
    }
    // `none` is no signature.
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const unsigned = `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`;
    const { status } = await socket.ask(topic, 'phx_join', joinPayload({ private: true, access_token: unsigned }), 'none');
    assert.equal(status, 'error');
    // The same socket still joins with the right one.
    const joined = await socket.ask(topic, 'phx_join', joinPayload({ private: true, access_token: await tokenOf(member) }), 'good');
    assert.equal(joined.status, 'ok');
});

test('a forged token in mid-channel closes that channel and no other', async () => {
    const member = await person();
    const room = await roomWith([member]);
    const topic = `realtime:${await topicOf(member, room.id)}`;
    const socket = await new BareSocket().opened;
    const access_token = await tokenOf(member);
    await socket.ask(topic, 'phx_join', joinPayload({ private: true, access_token }), '1');
    await socket.ask('realtime:other', 'phx_join', joinPayload(), '2');
    socket.push(topic, 'access_token', { access_token: signedToken(claimsOf(access_token), 'another secret that is long enough, too') }, '3', '1');
    await socket.gets((frame) => frame.topic === topic && frame.event === 'system' && frame.payload.status === 'error');
    await socket.gets((frame) => frame.topic === topic && frame.event === 'phx_close');
    assert.ok(!socket.frames.some((frame) => frame.topic === 'realtime:other' && frame.event === 'phx_close'));
    assert.ok(await socket.isAnswered());
});

test('a key of Supabase\'s new form in place of a token changes nothing', async () => {
    const member = await person();
    const room = await roomWith([member]);
    const topic = `realtime:${await topicOf(member, room.id)}`;
    const socket = await new BareSocket().opened;
    await socket.ask(topic, 'phx_join', joinPayload({ private: true, access_token: await tokenOf(member) }), '1');
    socket.push(topic, 'access_token', { access_token: 'sb_publishable_nothing' }, '2', '1');
    assert.ok(await socket.isAnswered());
    assert.ok(!socket.frames.some((frame) => frame.event === 'phx_close'));
});

test('the secret key listens to every room', async () => {
    const member = await person();
    const room = await roomWith([member]);
    const ear = await listen(service(), await topicOf(member, room.id));
    await ok(member.rpc('send_message', { session_id: room.id, content: 'hello' }));
    assert.equal((await ear.hears('receiveMessage')).payload.text, 'hello');
});

test('a socket without a key, or with a wrong one, is not opened', async () => {
    for (const key of ['', 'nonsense', signedToken({ role: 'anon', exp: 1 }), signedToken({ role: 'service_role', exp: 4_000_000_000 }, 'x'.repeat(40))]) {
        const refusal = await new BareSocket({ key }).opened.then(() => null, (error) => error);
        assert.equal(refusal?.status, 401, key);
        assert.equal(typeof JSON.parse(refusal.body), 'object');
    }
});

test('a second join of a topic on one socket takes the first one\'s place', async () => {
    const socket = await new BareSocket({ vsn: '1.0.0' }).opened;
    const topic = `realtime:twice ${Math.random()}`;
    await socket.ask(topic, 'phx_join', joinPayload({ broadcast: { self: true, ack: false } }), '1');
    await socket.ask(topic, 'phx_join', joinPayload({ broadcast: { self: true, ack: false } }), '2');
    await socket.gets((frame) => frame.event === 'phx_close' && frame.ref === '1');
    for (const event of ['once', 'fence']) {
        socket.push(topic, 'broadcast', { type: 'broadcast', event, payload: {} }, event, '2');
    }
    const echoes = (event) => socket.frames.filter((frame) => frame.event === 'broadcast' && frame.payload.event === event);
    await socket.gets(() => echoes('fence').length > 0);
    assert.equal(echoes('once').length, 1);
});

test('a channel that a member left is silent, the socket\'s others are not', async () => {
    const member = await person();
    const [one, two] = [await roomWith([member]), await roomWith([member])];
    const [first, second] = [await listen(member, await topicOf(member, one.id)), await listen(member, await topicOf(member, two.id))];
    await first.channel.unsubscribe();
    await ok(member.rpc('send_message', { session_id: one.id, content: 'to nobody' }));
    await ok(member.rpc('send_message', { session_id: two.id, content: 'to me' }));
    await second.hears('receiveMessage');
    assert.deepEqual(first.heard, []);
});

test('a channel that was left is joined again', async () => {
    const member = await person();
    const room = await roomWith([member]);
    const topic = await topicOf(member, room.id);
    for (let round = 0; round < 3; round += 1) {
        const ear = await listen(member, topic);
        await ok(member.rpc('send_message', { session_id: room.id, content: `round ${round}` }));
        await ear.hears('receiveMessage', ({ text }) => text === `round ${round}`);
        await member.client.removeChannel(ear.channel);
    }
});

test('a visitor\'s client recovers after its socket was cut', async () => {
    const client = newClient(stack.anonKey, {}, { reconnectAfterMs: () => 50 });
    const topic = `cut ${Math.random()}`;
    const ear = new Ear(client, topic, { private: false, broadcast: { self: true } }).subscribe();
    await ear.status('SUBSCRIBED');
    client.realtime.socketAdapter.socket.conn.terminate();
    await eventually(() => ear.statuses.filter((status) => status === 'SUBSCRIBED').length === 2, () => `${ear.statuses}`);
    await ear.send('back');
    await ear.hears('back');
    assert.equal(visitor().id, null);
});
