// Presence: who is on a channel right now.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { BareSocket, eventually, joinPayload, listen, versions } from './channels.mjs';
import { newClient, ok, person, roomWith } from './people.mjs';

const present = (ear) =>
    Object.entries(ear.channel.presenceState())
        .map(([key, metas]) => [key, metas.map(({ presence_ref, ...meta }) => meta)])
        .sort();
const sees = (ear, expected) =>
    eventually(() => JSON.stringify(present(ear)) === JSON.stringify(expected), () => `${JSON.stringify(expected)}, seen: ${JSON.stringify(present(ear))}`);
const somebody = () => ({ client: newClient() });
const listenWith = (who, topic, key) => listen(who, topic, { private: false, presence: key });

for (const vsn of versions) {
    test(`${vsn}: members see each other come and go`, async () => {
        const [robin, kim] = [await person({ vsn }), await person({ vsn })];
        const room = await roomWith([robin, kim]);
        const { topic } = await ok(robin.rpc('room_state', { session_id: room.id }));
        const first = await listen(robin, topic, { presence: true });
        assert.equal(await first.channel.track({ name: 'Robin' }), 'ok');
        await eventually(() => present(first).length === 1, 'oneself');
        const second = await listen(kim, topic, { presence: true });
        // Who comes later is told who is there.
        await eventually(() => present(second).length === 1, 'the other');
        assert.equal(await second.channel.track({ name: 'Kim' }), 'ok');
        const names = (ear) => present(ear).flatMap(([, metas]) => metas.map(({ name }) => name)).sort().join();
        await eventually(() => names(first) === 'Kim,Robin' && names(second) === 'Kim,Robin', () => `${names(first)} / ${names(second)}`);

        await second.channel.untrack();
        await eventually(() => names(first) === 'Robin' && names(second) === 'Robin', () => `${names(first)} / ${names(second)}`);
        assert.ok(first.presences.some(({ event, leftPresences }) => event === 'leave' && leftPresences.some(({ name }) => name === 'Kim')));
    });
}

test('who loses the socket is gone, and so is who leaves the channel', async () => {
    const topic = `presence ${randomUUID()}`;
    const [watcher, cut, leaver] = [somebody(), somebody(), somebody()];
    const watch = await listenWith(watcher, topic, 'watcher');
    await (await listenWith(cut, topic, 'cut')).channel.track({ n: 1 });
    const left = await listenWith(leaver, topic, 'leaver');
    await left.channel.track({ n: 2 });
    await sees(watch, [['cut', [{ n: 1 }]], ['leaver', [{ n: 2 }]]]);
    cut.client.realtime.disconnect();
    await sees(watch, [['leaver', [{ n: 2 }]]]);
    await left.channel.unsubscribe();
    await sees(watch, []);
});

test('two connections of one key are two presences under it', async () => {
    const topic = `presence ${randomUUID()}`;
    const [one, two] = [await listenWith(somebody(), topic, 'me'), await listenWith(somebody(), topic, 'me')];
    await one.channel.track({ device: 'phone' });
    await two.channel.track({ device: 'desk' });
    await eventually(() => present(one)[0]?.[1].length === 2, () => JSON.stringify(present(one)));
    assert.deepEqual(present(one).map(([key]) => key), ['me']);
    await two.channel.untrack();
    await sees(one, [['me', [{ device: 'phone' }]]]);
});

test('a presence that changes leaves and joins in one step', async () => {
    const topic = `realtime:presence ${randomUUID()}`;
    const socket = await new BareSocket().opened;
    await socket.ask(topic, 'phx_join', joinPayload({ presence: { key: 'k', enabled: true } }), '1');
    await socket.gets((frame) => frame.event === 'presence_state');
    for (const state of ['away', 'here', 'here']) {
        await socket.ask(topic, 'presence', { type: 'presence', event: 'track', payload: { state } }, `track ${Math.random()}`, '1');
    }
    const change = await socket.gets((frame) => frame.event === 'presence_diff' && frame.payload.joins.k?.metas[0].state === 'here');
    const [left] = change.payload.leaves.k.metas;
    assert.equal(left.state, 'away');
    assert.equal(change.payload.joins.k.metas[0].phx_ref_prev, left.phx_ref);
});

test('a channel that did not ask for presence is not told who is there', async () => {
    const topic = `realtime:presence ${randomUUID()}`;
    const [asking, other] = [await new BareSocket().opened, await new BareSocket().opened];
    await asking.ask(topic, 'phx_join', joinPayload({ presence: { key: 'k', enabled: true } }), '1');
    await asking.gets((frame) => frame.event === 'presence_state');
    await asking.ask(topic, 'presence', { type: 'presence', event: 'track', payload: { n: 1 } }, '2', '1');
    const diff = await asking.gets((frame) => frame.event === 'presence_diff');
    assert.equal(diff.payload.joins.k.metas[0].n, 1);
    assert.equal(typeof diff.payload.joins.k.metas[0].phx_ref, 'string');
    await other.ask(topic, 'phx_join', joinPayload({ broadcast: { ack: true, self: false } }), '1');
    await other.ask(topic, 'broadcast', { type: 'broadcast', event: 'fence', payload: {} }, '2', '1');
    assert.ok(!other.frames.some((frame) => frame.event === 'presence_state'));
});

test('a client that tracks without end is stopped, the others are not', async () => {
    const topic = `realtime:presence ${randomUUID()}`;
    const socket = await new BareSocket().opened;
    const calm = await new BareSocket().opened;
    for (const one of [socket, calm]) {
        await one.ask(topic, 'phx_join', joinPayload({ presence: { key: 'k', enabled: true } }), '1');
    }
    for (let n = 0; n < 10; n += 1) {
        socket.push(topic, 'presence', { type: 'presence', event: 'track', payload: { n } }, `t${n}`, '1');
    }
    await socket.gets((frame) => frame.event === 'system' && frame.payload.message === 'Client presence rate limit exceeded');
    assert.ok(await calm.isAnswered());
    assert.ok(!calm.frames.some((frame) => frame.event === 'phx_close'));
});
