// A minute of talk: 200 sockets in 40 rooms, two messages a second a room. Every member gets every message once and in order, and what
// a late member catches up to equals the table.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { listen, eventually } from './channels.mjs';
import { rows } from './database.mjs';
import { ok, people, roomWith } from './people.mjs';

const rooms = 40;
const membersPerRoom = 5;
const messagesPerSecond = 2;
const seconds = Number(process.env.PARLEY_SOAK_SECONDS ?? 60);

/** As a client does: a server that is busy (5xx) is asked again, and the client_id keeps that from being a second message. */
async function surely(call) {
    for (let tries = 0; ; tries += 1) {
        const { data, error, status } = await call();
        if (error === null) {
            return data;
        }
        assert.ok(status >= 500 && tries < 10, `HTTP ${status}: ${error.code} ${error.message}`);
    }
}

test(`${rooms * membersPerRoom} sockets in ${rooms} rooms hear ${seconds} seconds of talk, each message once and in order`, { timeout: 280_000 }, async () => {
    const everybody = await people(rooms * membersPerRoom);
    const places = [];
    for (let n = 0; n < rooms; n += 1) {
        const members = everybody.slice(n * membersPerRoom, (n + 1) * membersPerRoom);
        const session = await roomWith(members);
        const { topic } = await ok(members[0].rpc('room_state', { session_id: session.id }));
        places.push({ session_id: session.id, members, topic, sent: 0 });
    }
    for (const place of places) {
        place.ears = await Promise.all(place.members.map((member) => listen(member, place.topic)));
    }

    const started = Date.now();
    const total = seconds * messagesPerSecond;
    await Promise.all(
        places.map(async (place, index) => {
            for (let n = 0; n < total; n += 1) {
                const due = started + ((n + index / rooms) * 1000) / messagesPerSecond;
                await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
                const member = place.members[n % membersPerRoom];
                // Seats are leases.
                if (n % 20 < membersPerRoom) {
                    await surely(() => member.rpc('heartbeat', { session_id: place.session_id }));
                }
                const client_id = randomUUID();
                await surely(() => member.rpc('send_message', { session_id: place.session_id, content: `message ${n}`, client_id }));
                place.sent += 1;
            }
        }),
    );

    for (const place of places) {
        assert.equal(place.sent, total);
        const stored = await rows('select id, seq::int, content from echoroom.chat_messages where session_id = $1 order by seq', [place.session_id]);
        assert.equal(stored.length, total);
        for (const ear of place.ears) {
            const got = () => ear.heard.filter(({ event }) => event === 'receiveMessage');
            await eventually(() => got().length >= total, () => `${got().length} of ${total} on ${place.topic}`);
            assert.deepEqual(got().map(({ payload }) => ({ id: payload.id, seq: payload.seq, content: payload.text })), stored);
            assert.deepEqual(ear.statuses, ['SUBSCRIBED']);
        }
        const caughtUp = [];
        let page = { last_seq: 0, has_more: true };
        while (page.has_more) {
            page = await ok(place.members[0].rpc('messages_since', { session_id: place.session_id, after_seq: page.last_seq }));
            caughtUp.push(...page.messages.map(({ id, seq, content }) => ({ id, seq, content })));
        }
        assert.deepEqual(caughtUp, stored);
    }
});
