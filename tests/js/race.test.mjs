// Many clients at once, over HTTP.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { row, rows } from './database.mjs';
import { ok, people, refused, someMood } from './people.mjs';

const crowdSize = 100;
let crowd;

before(async () => {
    crowd = await people(crowdSize);
});

async function seatsOf(sessionIds) {
    return rows(
        `select s.id, s.max_participants as capacity, s.current_participants as counter,
            (select count(*)::integer from echoroom.participants p where p.session_id = s.id) as taken
        from echoroom.sessions s where s.id = any ($1) order by taken desc`,
        [sessionIds],
    );
}

/** Every answer is a seat or a refusal that was meant; returns who got in. */
async function whoGotIn(responses) {
    const inside = [];
    for (const [position, response] of responses.entries()) {
        if (response.error === null) {
            inside.push(position);
        } else {
            await refused(response, 'PT409', 'room_full');
        }
    }
    return inside;
}

for (const round of [1, 2, 3]) {
    test(`100 clients race for a room of 6 seats and exactly 6 get in (round ${round})`, async () => {
        const session = await ok(crowd[round].rpc('create_session', { category: someMood() }));
        const inside = await whoGotIn(await Promise.all(crowd.map((one) => one.rpc('join_room', { session_id: session.id }))));
        assert.equal(inside.length, 6);
        const [{ counter, taken }] = await seatsOf([session.id]);
        assert.deepEqual([counter, taken], [6, 6]);
        const { participants } = await ok(crowd[inside[0]].rpc('room_state', { session_id: session.id }));
        assert.deepEqual(participants.map(({ user_id }) => user_id).sort(), inside.map((position) => crowd[position].id).sort());
    });
}

test('100 clients race for the last seat and one gets it', async () => {
    const session = await ok(crowd[0].rpc('create_session', { category: someMood() }));
    for (const one of crowd.slice(0, 5)) {
        await ok(one.rpc('join_room', { session_id: session.id }));
    }
    const inside = await whoGotIn(await Promise.all(crowd.slice(5).map((one) => one.rpc('join_room', { session_id: session.id }))));
    assert.equal(inside.length, 1);
    const [{ counter, taken }] = await seatsOf([session.id]);
    assert.deepEqual([counter, taken], [6, 6]);
});

test('50 clients look for one mood and join: everybody finds a seat, no room overflows, none is opened needlessly', async () => {
    const mood = someMood();
    const seekers = crowd.slice(0, 50);
    const opened = new Set();
    const settle = async (one) => {
        // A room may fill between find_room and join_room: then one looks again, as the hint says.
        for (let attempt = 0; attempt < seekers.length; attempt += 1) {
            const { id: session_id } = await ok(one.rpc('find_room', { mood }));
            opened.add(session_id);
            const response = await one.rpc('join_room', { session_id });
            if (response.error === null) {
                return session_id;
            }
            await refused(response, 'PT409', 'room_full');
        }
        return assert.fail('no seat after as many tries as there are people');
    };
    const found = await Promise.all(seekers.map(settle));

    const { count } = await row('select count(*)::integer as count from echoroom.sessions where category = $1', [mood]);
    assert.equal(count, opened.size);
    const rooms = await seatsOf([...opened]);
    assert.equal(rooms.reduce((sum, { taken }) => sum + taken, 0), 50);
    for (const { capacity, counter, taken } of rooms) {
        assert.equal(counter, taken);
        assert.ok(taken <= capacity, `${taken} in a room of ${capacity}`);
    }
    // A room is opened only when all others are full, so nobody opens a tenth: that would take 54 people.
    assert.equal(rooms.length, 9);
    assert.equal(new Set(found).size, rooms.filter(({ taken }) => taken > 0).length);
});

test('joining and leaving in a storm leaves every counter right', async () => {
    const storm = crowd.slice(0, 40);
    const sessions = await Promise.all([0, 1, 2].map(() => ok(crowd[50].rpc('create_session', { category: someMood(), max_participants: 10 }))));
    await Promise.all(storm.map(async (one, position) => {
        for (let turn = 0; turn < 6; turn += 1) {
            const session_id = sessions[(position + turn) % sessions.length].id;
            const joined = await one.rpc('join_room', { session_id });
            if (joined.error !== null) {
                await refused(joined, 'PT409', 'room_full');
            } else if ((position + turn) % 4 !== 0) {
                assert.equal(await ok(one.rpc('leave_room', { session_id })), true);
            }
        }
    }));
    for (const { capacity, counter, taken } of await seatsOf(sessions.map(({ id }) => id))) {
        assert.equal(counter, taken);
        assert.ok(taken <= capacity);
    }
    const keys = sessions.map(({ id }) => id);
    assert.deepEqual(await rows('select * from parley.counter_drift() where key = any ($1)', [keys]), []);
});

test('a room that everybody talks in at once numbers every message once, without a gap', async () => {
    const talkers = crowd.slice(60, 80);
    const session = await ok(talkers[0].rpc('create_session', { category: someMood(), max_participants: 20 }));
    await Promise.all(talkers.map((one) => ok(one.rpc('join_room', { session_id: session.id }))));
    const sent = await Promise.all(
        talkers.flatMap((one) => [1, 2, 3, 4, 5].map((number) => ok(one.rpc('send_message', { session_id: session.id, content: `${number}` })))),
    );
    assert.deepEqual(sent.map(({ seq }) => seq).sort((a, b) => a - b), Array.from({ length: 100 }, (_, index) => index + 1));
});
