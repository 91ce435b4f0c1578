// What no well-behaved client sends. The server answers in the documented shape or closes that one socket; everybody else notices nothing.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { BareSocket, joinPayload, listen, versions } from './channels.mjs';
import { ok, person, roomWith } from './people.mjs';

/** Somebody in a room who must hear a message sent after `work`, on the socket that was open before it. */
async function undisturbed(work) {
    const member = await person();
    const room = await roomWith([member]);
    const { topic } = await ok(member.rpc('room_state', { session_id: room.id }));
    const ear = await listen(member, topic);
    await work(topic);
    await ok(member.rpc('send_message', { session_id: room.id, content: 'still here' }));
    await ear.hears('receiveMessage', ({ text }) => text === 'still here');
    assert.deepEqual(ear.statuses, ['SUBSCRIBED']);
}

const garbage = [
    'not json',
    '',
    '{',
    'null',
    '42',
    '"text"',
    '[]',
    '[1,2,3,4,5]',
    '[null,null,null,null,null]',
    '["1","1","realtime:x"]',
    '["1","1","realtime:x","phx_join",{},"more"]',
    '{"topic":"realtime:x"}',
    '{"topic":1,"event":2,"payload":3,"ref":4}',
    '{"topic":"realtime:x","event":"phx_join","payload":"text","ref":"1"}',
    `${'['.repeat(100_000)}`,
    `["1","1","realtime:x","phx_join",${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}]`,
    '["1","1","realtime:\\ud800","phx_join",{}]',
];
const binary = [
    [],
    [3],
    [0],
    [255, 255, 255],
    [3, 255, 255, 255, 255, 255, 1],
    [3, 1, 1, 10, 1, 0, 1, 49, 49],
    [3, 0, 0, 0, 0, 0, 1],
    [4, 1, 1, 1, 1, 97, 98, 99],
    [3, 1, 1, 1, 1, 0, 1, 0xff, 0xfe, 0xfd, 0xfc, 0xfb],
];

for (const vsn of versions) {
    test(`${vsn}: frames that are none close at most their own socket`, async () => {
        await undisturbed(async () => {
            for (const frame of garbage) {
                const socket = await new BareSocket({ vsn }).opened;
                socket.socket.send(frame);
                await Promise.race([socket.closed, socket.isAnswered()]);
            }
            for (const frame of binary) {
                const socket = await new BareSocket({ vsn }).opened;
                socket.socket.send(Uint8Array.from(frame));
                await Promise.race([socket.closed, socket.isAnswered()]);
            }
        });
    });

    test(`${vsn}: unknown topics and events are answered with an error`, async () => {
        await undisturbed(async () => {
            const socket = await new BareSocket({ vsn }).opened;
            for (const [topic, event] of [['nowhere', 'phx_join'], ['realtime:', 'phx_join'], ['realtime:never joined', 'broadcast'], ['phoenix', 'dance'], ['realtime:never joined', 'phx_leave']]) {
                socket.push(topic, event, {}, `${topic} ${event}`);
            }
            const refusal = await socket.gets((frame) => frame.ref === 'nowhere phx_join');
            assert.equal(refusal.event, 'phx_reply');
            assert.equal(refusal.payload.status, 'error');
            assert.equal(typeof refusal.payload.response.reason, 'string');
            const unnamed = await socket.gets((frame) => frame.ref === 'realtime: phx_join');
            assert.match(unnamed.payload.response.reason, /^TopicNameRequired/);
            assert.ok(await socket.isAnswered());
            await socket.ask('realtime:joined', 'phx_join', joinPayload(), 'j');
            for (const [event, payload] of [['dance', {}], ['broadcast', 'text'], ['broadcast', {}], ['presence', 7], ['presence', { type: 'presence', event: 'dance' }], ['access_token', {}], ['access_token', { access_token: 7 }]]) {
                socket.push('realtime:joined', event, payload, `x ${event}`, 'j');
            }
            assert.ok(await socket.isAnswered());
        });
    });

    test(`${vsn}: a join with a config of the wrong shape is refused or read leniently, and the socket lives`, async () => {
        await undisturbed(async () => {
            const socket = await new BareSocket({ vsn }).opened;
            const shapes = [null, [], 'text', {}, { config: null }, { config: [] }, { config: { broadcast: 7, presence: 'x', postgres_changes: {}, private: 'yes' } }, { config: { postgres_changes: [1, null, { event: 7 }] } }, { config: { broadcast: { replay: { since: 'x', limit: {} } }, private: true } }];
            for (const [index, shape] of shapes.entries()) {
                const reply = await socket.ask(`realtime:shape ${index}`, 'phx_join', shape, `s${index}`);
                assert.ok(['ok', 'error'].includes(reply.status));
                if (reply.status === 'error') {
                    assert.match(reply.response.reason, /\w/);
                }
            }
            assert.ok(await socket.isAnswered());
        });
    });
}

test('a frame over five million bytes closes its socket and no other', async () => {
    await undisturbed(async () => {
        const socket = await new BareSocket().opened;
        socket.socket.send(JSON.stringify(['1', '1', 'realtime:x', 'phx_join', { text: 'x'.repeat(5_000_001) }]));
        await socket.closed;
    });
});

test('a hundred channels fit on a socket, the next is refused', async () => {
    await undisturbed(async () => {
        const socket = await new BareSocket().opened;
        const name = randomUUID();
        const replies = await Promise.all(Array.from({ length: 120 }, (_, n) => socket.ask(`realtime:${name}:${n}`, 'phx_join', joinPayload(), `${n}`)));
        assert.equal(replies.filter(({ status }) => status === 'ok').length, 100);
        for (const { status, response } of replies.filter((reply) => reply.status !== 'ok')) {
            assert.equal(status, 'error');
            assert.match(response.reason, /^ChannelRateLimitReached: /);
        }
        assert.ok(await socket.isAnswered());
    });
});

test('a storm of joins on one socket does not delay the others', async () => {
    await undisturbed(async (topic) => {
        const socket = await new BareSocket().opened;
        for (let n = 0; n < 2000; n += 1) {
            socket.push(`realtime:${topic}`, 'phx_join', joinPayload({ private: true, access_token: 'not.a.token' }), `${n}`, `${n}`);
        }
        await Promise.race([socket.closed, socket.gets((frame) => frame.event === 'phx_reply' && frame.payload.status === 'error')]);
    });
});

test('a socket that never reads is dropped, and whoever talks to it does not wait', async () => {
    const topic = `realtime:deaf ${randomUUID()}`;
    const [deaf, talker, hearer] = [await new BareSocket().opened, await new BareSocket().opened, await new BareSocket().opened];
    for (const socket of [deaf, talker, hearer]) {
        await socket.ask(topic, 'phx_join', joinPayload({ broadcast: { ack: true, self: false } }), '1');
    }
    deaf.socket._socket.pause();
    const text = 'x'.repeat(500_000);
    // Far more than the buffers of the operating system and the server's queue hold.
    for (let n = 0; n < 150; n += 1) {
        const { status } = await talker.ask(topic, 'broadcast', { type: 'broadcast', event: `e${n}`, payload: { text } }, `b${n}`, '1');
        assert.equal(status, 'ok');
    }
    const count = () => hearer.frames.filter((frame) => Buffer.isBuffer(frame) || frame.event === 'broadcast').length;
    await hearer.gets(() => count() === 150);
    deaf.socket._socket.resume();
    await deaf.closed;
    assert.ok(deaf.frames.length < 150);
});
