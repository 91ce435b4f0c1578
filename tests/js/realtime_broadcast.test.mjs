// Broadcasts: from clients, from the database, over HTTP; who hears them, who may say them, in which order.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { BareSocket, eventually, joinPayload, listen, refusedToListen, versions } from './channels.mjs';
import { admin, rows } from './database.mjs';
import { newClient, ok, person, roomWith, tokenOf, topicOf, visitor } from './people.mjs';
import { stack } from './stack.mjs';

const fromDatabase = (topic, event, payload = {}, isPrivate = true) =>
    rows('select realtime.send($1::jsonb, $2, $3, $4)', [JSON.stringify(payload), event, topic, isPrivate]);

/** A topic of its own with the given policies for whoever is signed in; they go when the file is done. */
async function topicWith(...commands) {
    const topic = `policed:${randomUUID()}`;
    for (const command of commands) {
        const name = `test ${command} ${topic}`;
        const clause = command === 'insert' ? 'with check' : 'using';
        await rows(`create policy "${name}" on realtime.messages for ${command} to authenticated ${clause} (topic = '${topic}')`);
        after(() => rows(`drop policy "${name}" on realtime.messages`));
    }
    return topic;
}

for (const vsn of versions) {
    test(`${vsn}: what one says the others hear, and oneself only on request`, async () => {
        const people = [await person({ vsn }), await person({ vsn }), await person({ vsn })];
        const room = await roomWith(people);
        const topic = await topicOf(people[0], room.id);
        const [quiet, echoed, third] = [
            await listen(people[0], topic),
            await listen(people[1], topic, { broadcast: { self: true } }),
            await listen(people[2], topic),
        ];
        await quiet.send('typing-start', { user_id: people[0].id, deep: { list: [1, 'two', null, true], text: 'ü "\u0000" 🎉' } });
        // Two sockets have no order between them: the second speaks when it has heard the first.
        await Promise.all([echoed, third].map((ear) => ear.hears('typing-start')));
        await echoed.send('typing-stop', { n: 1 });
        for (const ear of [echoed, third]) {
            await ear.hears('typing-stop');
            assert.deepEqual(ear.events, [
                { event: 'typing-start', payload: { user_id: people[0].id, deep: { list: [1, 'two', null, true], text: 'ü "\u0000" 🎉' } } },
                { event: 'typing-stop', payload: { n: 1 } },
            ]);
        }
        await quiet.hears('typing-stop');
        assert.deepEqual(quiet.events, [{ event: 'typing-stop', payload: { n: 1 } }]);
    });

    test(`${vsn}: an acknowledged broadcast was taken, one that is too large was not`, async () => {
        const somebody = { client: newClient(stack.anonKey, {}, { vsn }) };
        const ear = await listen(somebody, `ack ${randomUUID()}`, { private: false, broadcast: { ack: true, self: true } });
        assert.equal(await ear.send('small', { text: 'x' }), 'ok');
        assert.equal(await ear.send('large', { text: 'x'.repeat(3_200_000) }), 'error');
        assert.equal(await ear.send('after', {}), 'ok');
        await ear.hears('after');
        assert.deepEqual(ear.events.map(({ event }) => event), ['small', 'after']);
    });

    test(`${vsn}: a message from the database comes with its id, to private channels only`, async () => {
        const member = await person({ vsn });
        const room = await roomWith([member]);
        const topic = await topicOf(member, room.id);
        const inside = await listen(member, topic);
        const outside = await listen({ client: newClient(stack.anonKey, {}, { vsn }) }, topic, { private: false });
        await fromDatabase(topic, 'secret', { text: 'for members' });
        await fromDatabase(topic, 'open', { text: 'for all' }, false);
        const secret = await inside.hears('secret');
        assert.equal(secret.type, 'broadcast');
        assert.equal(secret.payload.text, 'for members');
        assert.equal(secret.payload.id, secret.meta.id);
        const [stored] = await rows(`select id from realtime.messages where topic = $1 and event = 'secret'`, [topic]);
        assert.equal(secret.meta.id, stored.id);
        await outside.hears('open');
        // One stream in commit order: what came before was not for the other side.
        await fromDatabase(topic, 'fence');
        await inside.hears('fence');
        assert.deepEqual(inside.events.map(({ event }) => event), ['secret', 'fence']);
        assert.deepEqual(outside.events.map(({ event }) => event), ['open']);
    });
}

test('both protocol versions hear each other', async () => {
    const people = [await person({ vsn: '1.0.0' }), await person({ vsn: '2.0.0' })];
    const room = await roomWith(people);
    const topic = await topicOf(people[0], room.id);
    const [old, young] = await Promise.all(people.map((who) => listen(who, topic)));
    await old.send('from-old', { n: 1 });
    assert.deepEqual((await young.hears('from-old')).payload, { n: 1 });
    await young.send('from-young', { n: 2 });
    assert.deepEqual((await old.hears('from-young')).payload, { n: 2 });
});

test('bytes travel between clients of the second version, and from the database', async () => {
    const people = [await person(), await person(), await person({ vsn: '1.0.0' })];
    const room = await roomWith(people);
    const topic = await topicOf(people[0], room.id);
    const [from, to, old] = await Promise.all(people.map((who) => listen(who, topic)));
    const bytes = Uint8Array.from([0, 1, 127, 128, 254, 255]);
    await from.send('bytes', bytes.buffer);
    assert.deepEqual(new Uint8Array((await to.hears('bytes')).payload), bytes);
    await rows('select realtime.send_binary($1, $2, $3)', [Buffer.from(bytes), 'stored-bytes', topic]);
    assert.deepEqual(new Uint8Array((await to.hears('stored-bytes')).payload), bytes);
    // The first version has no frame for bytes.
    await fromDatabase(topic, 'fence');
    await old.hears('fence');
    assert.deepEqual(old.events.map(({ event }) => event), ['fence']);
});

test('a private and a public channel of the same name are two', async () => {
    const [member, other] = [await person(), await person()];
    const room = await roomWith([member, other]);
    const topic = await topicOf(member, room.id);
    const inside = await listen(member, topic);
    const outside = await listen(visitor(), topic, { private: false });
    await (await listen(other, topic)).send('inside');
    await inside.hears('inside');
    await (await listen({ client: newClient() }, topic, { private: false })).send('outside');
    await outside.hears('outside');
    assert.deepEqual(inside.events.map(({ event }) => event), ['inside']);
    assert.deepEqual(outside.events.map(({ event }) => event), ['outside']);
});

test('who may listen and not speak is not heard, and not told', async () => {
    const topic = await topicWith('select');
    const [speaker, listener] = [await person(), await person()];
    const ear = await listen(listener, topic);
    const mouth = await listen(speaker, topic, { broadcast: { self: true } });
    assert.equal(await mouth.send('forbidden', {}), 'ok');
    await fromDatabase(topic, 'fence');
    await Promise.all([ear.hears('fence'), mouth.hears('fence')]);
    assert.deepEqual(ear.events.map(({ event }) => event), ['fence']);
    assert.deepEqual(mouth.events.map(({ event }) => event), ['fence']);
});

test('who may speak and not listen does not join', async () => {
    const topic = await topicWith('insert');
    assert.match(await refusedToListen(await person(), topic), /^Unauthorized: /);
});

test('a policy that raises lets nobody in', async () => {
    const topic = `policed:${randomUUID()}`;
    const name = `test raising ${topic}`;
    await rows(`create policy "${name}" on realtime.messages for select to authenticated using (topic = '${topic}' and 1 / (length(topic) - length(topic)) = 1)`);
    after(() => rows(`drop policy "${name}" on realtime.messages`));
    assert.match(await refusedToListen(await person(), topic), /Unauthorized/);
    await rows(`drop policy "${name}" on realtime.messages`);
    await rows(`create policy "${name}" on realtime.messages for select to authenticated using (topic = '${topic}')`);
    await listen(await person(), topic);
});

test('messages from the database come in the order of their commits, and only if committed', async () => {
    const member = await person();
    const room = await roomWith([member]);
    const topic = await topicOf(member, room.id);
    const ear = await listen(member, topic);
    const clients = await Promise.all([admin.connect(), admin.connect()]);
    const send = (client, event) => client.query('select realtime.send($1, $2, $3)', ['{}', event, topic]);
    try {
        const [early, late] = clients;
        await early.query('begin');
        await send(early, 'first sent');
        await late.query('begin');
        await send(late, 'second sent');
        await late.query('commit');
        await send(early, 'third sent');
        await early.query('commit');
        await late.query('begin');
        await send(late, 'never');
        await late.query('rollback');
    } finally {
        clients.forEach((client) => client.release());
    }
    await fromDatabase(topic, 'fence');
    await ear.hears('fence');
    assert.deepEqual(ear.events.map(({ event }) => event), ['second sent', 'first sent', 'third sent', 'fence']);
});

test('a burst of a thousand messages in one transaction arrives whole and in order', async () => {
    const member = await person();
    const room = await roomWith([member]);
    const topic = await topicOf(member, room.id);
    const ear = await listen(member, topic);
    await rows(`select realtime.send(jsonb_build_object('n', n), 'burst', $1) from generate_series(1, 1000) n`, [topic]);
    await eventually(() => ear.heard.length === 1000, () => `${ear.heard.length} of 1000`);
    assert.deepEqual(ear.events.map(({ payload }) => payload.n), Array.from({ length: 1000 }, (_, index) => index + 1));
});

test('a channel can ask for what was said before, 25 messages at most, the newest, oldest first', async () => {
    const member = await person();
    const room = await roomWith([member]);
    const topic = await topicOf(member, room.id);
    const before = Date.now();
    await rows(`select realtime.send(jsonb_build_object('n', n), 'earlier', $1) from generate_series(1, 1) n`, [topic]);
    // One transaction has one moment: only messages of several have an order in time.
    for (let n = 2; n <= 30; n += 1) {
        await fromDatabase(topic, 'earlier', { n });
    }
    await fromDatabase(topic, 'public', {}, false);
    const replay = { since: before - 5000, limit: 100 };
    const ear = await listen(member, topic, { broadcast: { replay } });
    await fromDatabase(topic, 'now');
    await ear.hears('now');
    const replayed = ear.heard.filter(({ meta }) => meta?.replayed);
    assert.deepEqual(replayed.map(({ event, payload }) => [event, payload.n]), Array.from({ length: 25 }, (_, index) => ['earlier', index + 6]));
    assert.ok(replayed.every(({ payload, meta }) => payload.id === meta.id));
    assert.equal(ear.heard.length, 26);
    await member.client.removeChannel(ear.channel);
    const few = await listen(member, topic, { broadcast: { replay: { since: before - 5000, limit: 3 } } });
    await eventually(() => few.heard.length === 3, () => `${few.heard.length} of 3`);
    assert.deepEqual(few.heard.map(({ event }) => event), ['earlier', 'earlier', 'now']);
});

test('a public channel has no past', async () => {
    // realtime-js does not even ask.
    const socket = await new BareSocket().opened;
    const config = { private: false, broadcast: { ack: false, self: false, replay: { since: 0, limit: 5 } } };
    const { status, response } = await socket.ask(`realtime:past ${randomUUID()}`, 'phx_join', joinPayload(config), '1');
    assert.equal(status, 'error');
    assert.match(response.reason, /^UnableToReplayMessages/);
});

test('a channel that asks is told when the stream from the database runs', async () => {
    const member = await person();
    const room = await roomWith([member]);
    const ear = await listen(member, await topicOf(member, room.id), { broadcast: { replication_ready: true } });
    await eventually(() => ear.systems.some(({ status, message }) => status === 'ok' && message === 'Replication connection established'), () => JSON.stringify(ear.systems));
});

// Over HTTP ---------------------------------------------------------------------------------------------------------------

const post = (path, token, body, type = 'application/json') =>
    fetch(`${stack.url}/realtime/v1/api/broadcast${path}`, {
        method: 'POST',
        headers: { apikey: stack.anonKey, authorization: `Bearer ${token}`, 'content-type': type },
        body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
    });

test('a list of messages is posted; those of a stranger are dropped without a word', async () => {
    const [member, stranger] = [await person(), await person()];
    const room = await roomWith([member]);
    const topic = await topicOf(member, room.id);
    const ear = await listen(member, topic);
    const open = await listen(visitor(), topic, { private: false });
    const message = (event, isPrivate) => ({ topic, event, payload: { event }, private: isPrivate });
    const forbidden = await post('', await tokenOf(stranger), { messages: [message('forged', true), message('public-one', false)] });
    assert.equal(forbidden.status, 202);
    assert.equal(await forbidden.text(), '');
    assert.equal((await post('', await tokenOf(member), { messages: [message('mine', true)] })).status, 202);
    assert.equal((await post('', stack.serviceRoleKey, { messages: [message('from-server', true)] })).status, 202);
    await ear.hears('from-server');
    await open.hears('public-one');
    assert.deepEqual(ear.events, [{ event: 'mine', payload: { event: 'mine' } }, { event: 'from-server', payload: { event: 'from-server' } }]);
    assert.equal(open.heard.length, 1);
});

test('one message is posted by its address; a stranger\'s is refused', async () => {
    const [member, stranger] = [await person(), await person()];
    const room = await roomWith([member]);
    const topic = await topicOf(member, room.id);
    const ear = await listen(member, topic);
    const path = (event) => `/${encodeURIComponent(topic)}/events/${event}?private=true`;
    assert.equal((await post(path('forged'), await tokenOf(stranger), { n: 1 })).status, 403);
    assert.equal((await post(path('mine'), await tokenOf(member), { n: 2 })).status, 202);
    assert.equal((await post(path('bytes'), await tokenOf(member), Uint8Array.from([1, 2, 255]), 'application/octet-stream')).status, 202);
    assert.equal((await post(path('text'), await tokenOf(member), 'hello', 'text/plain')).status, 415);
    await ear.hears('bytes');
    assert.deepEqual(ear.events.map(({ event }) => event), ['mine', 'bytes']);
});

test('a post that cannot be read, is too large or shows a bad token is refused', async () => {
    const token = await tokenOf(await person());
    const bad = [
        ['not json', 400, 422],
        [{}, 422],
        [{ messages: 'x' }, 422],
        [{ messages: [{ topic: 't', event: 'e' }] }, 422],
        [{ messages: [{ topic: 't', event: 'e', payload: 'text' }] }, 422],
        [{ messages: [{ event: 'e', payload: {} }] }, 422],
        [{ messages: [{ topic: 't', payload: {} }] }, 422],
        [{ messages: [{ topic: 't', event: 'e', payload: { text: 'x'.repeat(3_200_000) } }] }, 422, 413],
    ];
    for (const [body, ...statuses] of bad) {
        const answer = await post('', token, body);
        assert.ok(statuses.includes(answer.status), `${JSON.stringify(body).slice(0, 80)}: ${answer.status}`);
        assert.equal(typeof (await answer.json()), 'object');
    }
    const forged = await post('', `${token.slice(0, -4)}AAAA`, { messages: [{ topic: 't', event: 'e', payload: {} }] });
    assert.equal(forged.status, 401);
    assert.deepEqual(await forged.json(), { message: 'Unauthorized' });
});

test('realtime-js sends over HTTP when its channel is not joined', async () => {
    const [member, other] = [await person(), await person()];
    const room = await roomWith([member, other]);
    const topic = await topicOf(member, room.id);
    const ear = await listen(member, topic);
    await other.client.realtime.setAuth();
    const channel = other.client.channel(topic, { config: { private: true } });
    const { success } = await channel.httpSend('by-http', { n: 1 });
    assert.equal(success, true);
    assert.deepEqual((await ear.hears('by-http')).payload, { n: 1 });
});
