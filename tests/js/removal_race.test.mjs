// EchoRoom: when a removal has committed, nothing more is committed for the old topic, whatever runs at the same time; and nobody waits in a
// circle. Realtime delivers in the order of commits, so this reads the order of commits: from the write-ahead log, by logical decoding.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import pg from 'pg';
import { row, rows } from './database.mjs';
import { ok, people, refused, roomWith } from './people.mjs';
import { stack } from './stack.mjs';

/** A connection of its own, closed when the file is done. */
async function connect(connectionString) {
    const client = new pg.Client({ connectionString });
    await client.connect();
    client.pid = (await client.query('select pg_backend_pid() as pid')).rows[0].pid;
    opened.push(client);
    return client;
}
const opened = [];
after(() => Promise.all(opened.map((client) => client.end())));

// One slot for all tests: it ends with its connection, and a server has few.
let decoder;
before(async () => {
    decoder = await connect(stack.adminDbUrl);
    decoder.slot = `removal_race_${decoder.pid}`;
    await decoder.query(`select pg_create_logical_replication_slot($1, 'test_decoding', true)`, [decoder.slot]);
});

/** The events since the last call that Realtime would deliver to these rooms, in its order: [{ topic, event, transaction }]. */
async function heardIn(...sessions) {
    const { rows: changes } = await decoder.query(`select data from pg_logical_slot_get_changes($1, null, null, 'skip-empty-xacts', '1')`, [decoder.slot]);
    const heard = [];
    let transaction = 0;
    for (const { data } of changes) {
        if (data.startsWith('BEGIN')) {
            transaction += 1;
        }
        const topic = data.match(/^table realtime\.messages_\w+: INSERT: topic\[text\]:'(echoroom:[^']+)'/)?.[1];
        if (topic && sessions.some(({ id }) => topic.startsWith(`echoroom:${id}:`))) {
            heard.push({ topic, event: data.match(/ event\[text\]:'([^']+)'/)[1], transaction });
        }
    }
    return heard;
}

/** Asserts that a topic ends with the removal that moved it, and returns how often it did. */
function assertTopicsEnd(heard) {
    const ends = heard.filter(({ event }) => event === 'topic-rotated');
    for (const end of ends) {
        const said = heard.filter(({ topic }) => topic === end.topic);
        assert.equal(said.at(-1), end, `on ${end.topic}, after it was left: ${JSON.stringify(said.slice(said.indexOf(end)))}`);
    }
    return ends.length;
}

// One step at a time ---------------------------------------------------------------------------------------------------------------

describe('step by step', () => {
    let host;
    let guest;
    let troll;
    let session;
    let message;
    let first;
    let second;

    before(async () => {
        [host, guest, troll] = await people(3);
        session = await roomWith([host, guest]);
        message = await ok(host.rpc('send_message', { session_id: session.id, content: 'hello' }));
        [first, second] = await Promise.all([connect(stack.dbUrl), connect(stack.dbUrl)]);
    });

    // A test that fails midway must not leave locks to the next one.
    afterEach(() => Promise.all([first, second].map((client) => client.query('rollback'))));

    /** From here on the transaction acts for a person, as PostgREST has it; or for `service_role`, or for the `owner` of the tables. */
    async function actAs(client, who) {
        const role = { service_role: 'service_role', owner: 'none' }[who] ?? 'authenticated';
        const claims = JSON.stringify({ role, sub: who.id });
        await client.query(`select set_config('request.jwt.claims', $1, true), set_config('role', $2, true)`, [claims, role]);
    }
    async function begin(client, who) {
        await client.query('begin');
        await actAs(client, who);
    }

    /** The statement's outcome, once `first` commits, for which it must be waiting; `first` may do something more while it waits. */
    async function afterFirst(pending, meanwhile = () => {}) {
        let outcome;
        const settled = pending.then((result) => { outcome = { result }; }, (error) => { outcome = { error }; });
        for (;;) {
            const { is_waiting } = await row('select $1 = any (pg_blocking_pids($2)) as is_waiting', [first.pid, second.pid]);
            assert.equal(outcome, undefined, `it did not wait: ${JSON.stringify(outcome)} ${outcome?.error?.message ?? ''}`);
            if (is_waiting) {
                break;
            }
        }
        await meanwhile();
        await first.query('commit');
        await settled;
        return outcome;
    }

    const epochOf = async () => (await row('select epoch from echoroom.sessions where id = $1', [session.id])).epoch;
    const topicOf = (epoch) => `echoroom:${session.id}:${epoch}`;
    const remove = (client) => client.query('select echoroom.remove_participant($1, $2)', [session.id, troll.id]);
    const unseat = (client, who) => client.query('delete from echoroom.participants where session_id = $1 and user_id = $2', [session.id, who.id]);
    const erase = (client, who) => client.query('delete from auth.users where id = $1', [who.id]);
    /** Everybody sits: a troll who was removed is readmitted, one whose account is gone is somebody new. */
    const seatTroll = async () => {
        // On a fast machine the tests of this suite are more than a person may do in 10 seconds.
        await rows(`delete from parley.rate_limits where bucket like 'echoroom.%' and bucket like any ($1)`, [[host, guest, troll].map(({ id }) => `%:${id}`)]);
        if (!(await row('select from auth.users where id = $1', [troll.id]))) {
            [troll] = await people(1);
        }
        await ok(host.rpc('readmit_participant', { session_id: session.id, user_id: troll.id }));
        for (const who of [guest, troll]) {
            await ok(who.rpc('join_room', { session_id: session.id }));
        }
    };

    let reactions = 0;
    // The RPCs that tell a room something: the first two hold a seat, the others the room.
    const speeches = {
        // Each changes something, or nothing would be told.
        set_voice_status: (client, who) => client.query(
            `select echoroom.set_voice_status($1, not p.is_speaking) from echoroom.participants p where p.session_id = $1 and p.user_id = $2`,
            [session.id, who.id],
        ),
        update_participant: (client) => client.query(`select echoroom.update_participant($1, 'Name ' || left(gen_random_uuid()::text, 8))`, [session.id]),
        send_message: (client) => client.query(`select echoroom.send_message($1, 'hello')`, [session.id]),
        add_reaction: (client) => client.query('select echoroom.add_reaction($1, chr($2))', [message.id, 0x1f600 + reactions++]),
    };

    for (const [name, speak] of Object.entries(speeches)) {
        test(`a removal waits for ${name} that has begun, which is still heard on the old topic`, async () => {
            await seatTroll();
            const epoch = await epochOf();
            await heardIn(session);
            await begin(first, guest);
            await speak(first, guest);
            await begin(second, host);
            const { error } = await afterFirst(remove(second));
            assert.equal(error, undefined, error?.message);
            await second.query('commit');
            const said = await heardIn(session);
            assert.equal(assertTopicsEnd(said), 1);
            assert.deepEqual([...new Set(said.map(({ topic }) => topic))], [topicOf(epoch)]);
            assert.deepEqual(said.slice(-3).map(({ event }) => event), ['user-left', 'room-changed', 'topic-rotated']);
            assert.ok(said.length > 3);
        });

        test(`${name} that meets a removal waits for it and is heard on the new topic`, async () => {
            await seatTroll();
            const epoch = await epochOf();
            await heardIn(session);
            await begin(first, host);
            await remove(first);
            await begin(second, guest);
            const { error } = await afterFirst(speak(second, guest));
            assert.equal(error, undefined, error?.message);
            await second.query('commit');
            const said = await heardIn(session);
            assert.equal(assertTopicsEnd(said), 1);
            assert.deepEqual(said.slice(3).map(({ topic }) => topic), [topicOf(epoch + 1)]);
        });

        test(`${name} of the very person who is being removed comes too late, and nobody is ended with a deadlock`, async () => {
            await seatTroll();
            await heardIn(session);
            await begin(first, host);
            await remove(first);
            await begin(second, troll);
            const { error } = await afterFirst(speak(second, troll));
            assert.ok(['PT403', 'PT404'].includes(error?.code), `${error?.code} ${error?.message}`);
            await second.query('rollback');
            assert.deepEqual((await heardIn(session)).map(({ event }) => event), ['user-left', 'room-changed', 'topic-rotated']);
        });

        test(`nor when ${name} of that person came first`, async () => {
            await seatTroll();
            await heardIn(session);
            await begin(first, troll);
            await speak(first, troll);
            await begin(second, host);
            const { error } = await afterFirst(remove(second));
            assert.equal(error, undefined, error?.message);
            await second.query('commit');
            assert.equal(assertTopicsEnd(await heardIn(session)), 1);
        });
    }

    test('voice statuses of several people do not wait for each other, nor for a message', async () => {
        await begin(first, guest);
        await speeches.set_voice_status(first, guest);
        await begin(second, host);
        await second.query(`set local lock_timeout = '1s'`);
        await speeches.set_voice_status(second, host);
        await speeches.send_message(second);
        await second.query('commit');
        await first.query('commit');
    });

    test('two seats that service_role deletes at the same moment move the room twice', async () => {
        await seatTroll();
        const epoch = await epochOf();
        await heardIn(session);
        await begin(first, 'service_role');
        await unseat(first, troll);
        await begin(second, 'service_role');
        const { error } = await afterFirst(unseat(second, guest));
        assert.equal(error, undefined, error?.message);
        await second.query('commit');
        assert.equal(await epochOf(), epoch + 2);
        assert.equal(assertTopicsEnd(await heardIn(session)), 2);
    });

    // What waits to move a room must not hold yet what those who hold its topic go on to take.
    const moves = {
        'a removal': { as: () => host, move: (client) => remove(client), then: () => troll, act: (client) => speeches.set_voice_status(client, troll), count: 1 },
        'an account that is deleted': { as: () => 'owner', move: (client) => erase(client, troll), then: () => troll, act: (client) => speeches.set_voice_status(client, troll), count: 1 },
        'a deleted seat': { as: () => 'service_role', move: (client) => unseat(client, guest), then: () => 'service_role', act: (client) => unseat(client, troll), count: 2 },
    };
    for (const [name, { as, move, then, act, count }] of Object.entries(moves)) {
        test(`whoever holds the topic finishes while ${name} waits for it`, async () => {
            await seatTroll();
            await heardIn(session);
            await begin(first, 'owner');
            await first.query('select echoroom_private.hold_topic($1)', [session.id]);
            await begin(second, as());
            const { error } = await afterFirst(move(second), async () => {
                await actAs(first, then());
                await act(first);
            });
            assert.equal(error, undefined, error?.message);
            await second.query('commit');
            assert.equal(assertTopicsEnd(await heardIn(session)), count);
        });
    }

    test('an account that is deleted waits for what its person says, and what they say meanwhile comes too late', async () => {
        const [one, other] = await people(2);
        await ok(one.rpc('join_room', { session_id: session.id }));
        await ok(other.rpc('join_room', { session_id: session.id }));
        await heardIn(session);

        await begin(first, one);
        await speeches.set_voice_status(first, one);
        await begin(second, 'owner');
        const { error } = await afterFirst(erase(second, one));
        assert.equal(error, undefined, error?.message);
        await second.query('commit');

        await begin(first, 'owner');
        await erase(first, other);
        await begin(second, other);
        const late = await afterFirst(speeches.set_voice_status(second, other));
        assert.equal(late.error?.code, 'PT403', late.error?.message);
        await second.query('rollback');
        assert.equal(assertTopicsEnd(await heardIn(session)), 2);
    });
});

// All at once ----------------------------------------------------------------------------------------------------------------------

/** In a random order, so that the removal is now among the first and now among the last. */
function shuffled(list) {
    return list.map((value) => [Math.random(), value]).sort(([a], [b]) => a - b).map(([, value]) => value);
}

/** One round in a room: everybody talks, reacts and switches their voice while the host removes the troll. */
async function round({ host, guests, troll, passer }, session_id, message_id, turn) {
    const speak = (who) => [
        () => who.rpc('set_voice_status', { session_id, is_speaking: turn % 2 === 0 }),
        () => who.rpc('set_voice_status', { session_id, is_muted: turn % 2 === 0 }),
        () => who.rpc('update_participant', { session_id, user_name: `Turn ${turn}` }),
        () => who.rpc('send_message', { session_id, content: `turn ${turn}` }),
        () => who.rpc(turn % 2 === 0 ? 'add_reaction' : 'remove_reaction', { message_id, emoji: '🔥' }),
        () => who.rpc('heartbeat', { session_id }),
    ];
    const others = [...guests.flatMap(speak), () => passer.rpc(turn % 2 === 0 ? 'join_room' : 'leave_room', { session_id })];
    const removal = async () => assert.equal(await ok(host.rpc('remove_participant', { session_id, user_id: troll.id })), true);
    const own = speak(troll).map((call) => async () => {
        const response = await call();
        if (response.error !== null && response.error.details !== 'message_not_found') {
            await refused(response, 'PT403', 'not_a_member');
        }
    });
    await Promise.all(shuffled([removal, ...own, ...others.map((call) => () => ok(call()))]).map((act) => act()));

    const { seats, epoch } = await row(
        `select epoch, (select array_agg(p.user_id) from echoroom.participants p where p.session_id = s.id) as seats
        from echoroom.sessions s where s.id = $1`,
        [session_id],
    );
    assert.ok(!seats.includes(troll.id), 'the seat is gone');
    assert.equal(epoch, turn + 2);
    assert.equal(await ok(host.rpc('readmit_participant', { session_id, user_id: troll.id })), true);
    await ok(troll.rpc('join_room', { session_id }));
}

test('in a storm of 5 rooms with 10 removals each, no topic is spoken on after it was left, and nobody meets a deadlock', async (t) => {
    const rounds = 10;
    const rooms = await Promise.all(Array.from({ length: 5 }, async () => {
        const [host, troll, passer, ...guests] = await people(6);
        const session = await roomWith([host, troll, ...guests], { max_participants: 8 });
        const message = await ok(host.rpc('send_message', { session_id: session.id, content: 'hello' }));
        return { cast: { host, troll, passer, guests }, session, message };
    }));
    await heardIn();
    await Promise.all(rooms.map(async ({ cast, session, message }) => {
        for (let turn = 0; turn < rounds; turn += 1) {
            await round(cast, session.id, message.id, turn);
        }
    }));

    const said = await heardIn(...rooms.map(({ session }) => session));
    assert.equal(assertTopicsEnd(said), rooms.length * rounds);
    // It says something only if there was something to overtake: events of each kind in the moments before and after a removal.
    const count = (event) => said.filter((one) => one.event === event).length;
    for (const event of ['voice-status', 'user-updated', 'receiveMessage', 'message-reaction', 'user-joined', 'user-left']) {
        assert.ok(count(event) >= rounds, `${event}: ${count(event)}`);
    }
    t.diagnostic(`${said.length} events in ${new Set(said.map(({ transaction }) => transaction)).size} transactions, ${count('topic-rotated')} removals`);
    const drift = await rows('select * from parley.counter_drift() where key = any ($1)', [rooms.map(({ session }) => session.id)]);
    assert.deepEqual(drift, []);
});

test('40 accounts that are deleted while they write meet no deadlock, and leave no trace of their ids', async () => {
    const host = await people(1).then(([one]) => one);
    const session = await roomWith([host], { max_participants: 100 });
    const session_id = session.id;
    const { id: message_id } = await ok(host.rpc('send_message', { session_id, content: 'hello' }));
    const leavers = await people(40);
    for (const leaver of leavers) {
        await ok(leaver.rpc('join_room', { session_id }));
        await ok(leaver.rpc('send_message', { session_id, content: 'before' }));
        const acts = [
            ...Array.from({ length: 4 }, (_, n) => () => leaver.rpc('send_message', { session_id, content: `meanwhile ${n}` })),
            () => leaver.rpc('add_reaction', { message_id, emoji: '🔥' }),
            () => leaver.rpc('join_room', { session_id }),
            () => leaver.rpc('set_voice_status', { session_id, is_speaking: true }),
            () => host.rpc('remove_participant', { session_id, user_id: leaver.id }),
        ].map((call) => async () => {
            const { error } = await call();
            assert.match(error?.code ?? 'PT000', /^PT/, `${error?.code} ${error?.message}`);
        });
        const deletion = () => rows('delete from auth.users where id = $1', [leaver.id]);
        await Promise.all(shuffled([deletion, ...acts]).map((act) => act()));
    }
    const ids = leavers.map(({ id }) => id);
    const left = await rows(
        `select 'seat' as what from echoroom.participants where user_id = any ($1)
        union all select 'message' from echoroom.chat_messages where user_id = any ($1)
        union all select 'reaction' from echoroom.message_reactions where user_id = any ($1)`,
        [ids],
    );
    assert.deepEqual(left, []);
    assert.deepEqual(await rows('select * from parley.counter_drift() where key = $1', [session_id]), []);
});
