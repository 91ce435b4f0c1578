// EchoRoom: messages, their numbering, history, catch-up and idempotency.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { row, rows } from './database.mjs';
import { ok, people, person, refused, roomWith, service } from './people.mjs';

const send = (who, session, content, more = {}) => ok(who.rpc('send_message', { session_id: session.id, content, ...more }));

/** A row with its moments as microseconds: the same moment may be spelled with or without trailing zeros. */
function comparable(row) {
    const micros = (text) => Date.parse(text) * 1000 + Number((text.match(/\.(\d+)/)?.[1] ?? '').padEnd(6, '0').slice(3));
    return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, /_at$/.test(name) && value ? micros(value) : value]));
}

test('a message carries its sender\'s name, its type and the next number', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    await ok(someone.rpc('update_participant', { session_id: session.id, user_name: 'Ada' }));
    const first = await send(someone, session, '  hello  ');
    const second = await send(someone, session, 'how do you feel?', { message_type: 'mood-check', reply_to: first.id });
    assert.deepEqual([first.sender_name, first.user_id, first.content, first.message_type, first.seq], ['Ada', someone.id, 'hello', 'text', 1]);
    assert.deepEqual([first.is_edited, first.edited_at, first.deleted_at, first.reactions], [false, null, null, []]);
    assert.deepEqual([second.message_type, second.reply_to, second.seq], ['mood-check', first.id, 2]);
});

test('4,000 characters go through, counted as a reader counts them; one more does not', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    assert.equal((await send(someone, session, '🌻'.repeat(4000))).content, '🌻'.repeat(4000));
    await refused(
        someone.rpc('send_message', { session_id: session.id, content: 'x'.repeat(4001) }), 'PT422', 'invalid_content', /4,?000/,
    );
});

test('text of every script, quotes and backslashes come back as they went in', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    for (const content of ['"quoted" \\back\\ \'single\'', '日本語 العربية עברית', '{"json": [1, 2]}', 'tab\tand\nline', '👩‍👩‍👧‍👦🏳️‍🌈', '$1 %s ; drop table', 'ﷺ\u200bz']) {
        const { id } = await send(someone, session, content);
        const [{ content: read }] = await ok(someone.echoroom.from('chat_messages').select('content').eq('id', id));
        assert.equal(read, content);
    }
});

test('an edit changes the text, says so, and is a change of the stream', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    const sent = await send(someone, session, 'helo');
    const edited = await ok(someone.rpc('edit_message', { message_id: sent.id, content: 'hello' }));
    assert.deepEqual([edited.content, edited.is_edited, edited.seq, edited.changed_seq], ['hello', true, sent.seq, sent.seq + 1]);
    assert.ok(edited.edited_at);
    const same = await ok(someone.rpc('edit_message', { message_id: sent.id, content: 'hello' }));
    assert.equal(same.changed_seq, edited.changed_seq, 'the same text again changes nothing');
});

test('a deleted message leaves a tombstone without its text, once', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    const sent = await send(someone, session, 'regret');
    await ok(someone.rpc('add_reaction', { message_id: sent.id, emoji: '😬' }));
    const deleted = await ok(someone.rpc('delete_message', { message_id: sent.id }));
    assert.equal(deleted.content, '');
    assert.ok(deleted.deleted_at);
    assert.deepEqual(deleted.reactions, []);
    const again = await ok(someone.rpc('delete_message', { message_id: sent.id }));
    assert.deepEqual([again.deleted_at, again.changed_seq], [deleted.deleted_at, deleted.changed_seq]);
    await refused(someone.rpc('edit_message', { message_id: sent.id, content: 'no regret' }), 'PT404', 'message_not_found');
    const [tombstone] = await ok(someone.echoroom.from('chat_messages').select().eq('id', sent.id));
    assert.equal(tombstone.content, '');
});

test('a member can change only messages of their own', async () => {
    const [author, other] = await people(2);
    const session = await roomWith([author, other]);
    const sent = await send(author, session, 'mine');
    await refused(other.rpc('edit_message', { message_id: sent.id, content: 'yours' }), 'PT403', 'not_your_message');
    await refused(other.rpc('delete_message', { message_id: sent.id }), 'PT403', 'not_your_message');
    const { content, is_edited, deleted_at } = await row('select * from echoroom.chat_messages where id = $1', [sent.id]);
    assert.deepEqual([content, is_edited, deleted_at], ['mine', false, null]);
});

test('pages of history go from new to old, without overlap and without a hole', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    const sent = [];
    for (let number = 0; number < 12; number += 1) {
        sent.unshift((await send(someone, session, `message ${number}`)).id);
    }
    const page = async (args) => (await ok(someone.rpc('get_messages', { session_id: session.id, ...args }))).map(({ id }) => id);
    assert.deepEqual(await page({}), sent);
    const pages = [];
    for (let page_offset = 0; page_offset < 12; page_offset += 5) {
        pages.push(await page({ page_limit: 5, page_offset }));
    }
    assert.deepEqual(pages.map(({ length }) => length), [5, 5, 2]);
    assert.deepEqual(pages.flat(), sent);

    const seen = [];
    let before_timestamp = null;
    for (;;) {
        const some = await ok(someone.rpc('get_messages', { session_id: session.id, page_limit: 5, before_timestamp }));
        if (some.length === 0) {
            break;
        }
        seen.push(...some.map(({ id }) => id));
        before_timestamp = some.at(-1).created_at;
    }
    assert.deepEqual(seen, sent);
});

test('the number of a message is a cursor that loses nothing, where a time in milliseconds does', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    const sent = [];
    for (let number = 0; number < 12; number += 1) {
        sent.unshift((await ok(someone.rpc('send_message', { session_id: session.id, content: `note ${number}` }))).id);
    }
    // As fast as a machine writes: all of them within one millisecond.
    await rows(
        `update echoroom.chat_messages set created_at = timestamptz '2026-01-01 12:00:00.5Z' + seq * interval '10 microseconds' where session_id = $1`,
        [session.id],
    );
    const pagesBy = async (next) => {
        const seen = [];
        for (let cursor = {}; seen.length < 50; ) {
            const some = await ok(someone.rpc('get_messages', { session_id: session.id, page_limit: 5, ...cursor }));
            if (some.length === 0) {
                break;
            }
            seen.push(...some.map(({ id }) => id));
            cursor = next(some.at(-1));
        }
        return seen;
    };
    assert.deepEqual(await pagesBy(({ seq }) => ({ before_seq: seq })), sent);
    const rounded = await pagesBy(({ created_at }) => ({ before_timestamp: new Date(created_at).toISOString() }));
    assert.ok(rounded.length < sent.length, 'which is why the number is documented first');
    assert.deepEqual(await ok(someone.rpc('get_messages', { session_id: session.id, before_seq: 1 })), []);
});

test('who was removed does not get a message again by its client_id, and a retry has the rate of a request', async () => {
    const [creator, removed] = await people(2);
    const session = await roomWith([creator, removed]);
    const message = { session_id: session.id, content: 'mine', client_id: randomUUID() };
    const sent = await ok(removed.rpc('send_message', message));
    assert.equal((await ok(removed.rpc('send_message', message))).id, sent.id);
    await ok(creator.rpc('remove_participant', { session_id: session.id, user_id: removed.id }));
    await refused(removed.rpc('send_message', message), 'PT403', 'not_a_member');

    const again = { session_id: session.id, content: 'again', client_id: randomUUID() };
    const retries = await Promise.all(Array.from({ length: 60 }, () => creator.rpc('send_message', again)));
    assert.equal(new Set(retries.filter(({ error }) => !error).map(({ data }) => data.id)).size, 1);
    const slowed = retries.filter(({ error }) => error);
    assert.ok(slowed.length > 0);
    await refused(slowed[0], 'PT429', 'rate_limited', /\d+ s/);
});

test('fifty messages are a page when nothing is said', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    for (let number = 0; number < 60; number += 1) {
        await ok(service().rpc('send_message', { session_id: session.id, content: `note ${number}`, message_type: 'system' }));
    }
    assert.equal((await ok(someone.rpc('get_messages', { session_id: session.id }))).length, 50);
    assert.equal((await ok(someone.rpc('get_messages', { session_id: session.id, page_limit: null, page_offset: null }))).length, 50);
    assert.equal((await ok(someone.rpc('get_messages', { session_id: session.id, page_limit: 100 }))).length, 60);
});

test('catching up from any number leads to what the table holds, and the numbers have no gap', async () => {
    const members = await people(3);
    const session = await roomWith(members);
    const [a, b, c] = members;
    let changes = 0;
    const counted = async (pending) => {
        const data = await ok(pending);
        changes += 1;
        return data;
    };
    // Everybody talks, edits, deletes and reacts at the same time.
    await Promise.all(members.map(async (member, position) => {
        for (let number = 0; number < 5; number += 1) {
            const { id } = await counted(member.rpc('send_message', { session_id: session.id, content: `${position} says ${number}` }));
            await counted(member.rpc('add_reaction', { message_id: id, emoji: '👍' }));
            if (number % 2 === 0) {
                await counted(member.rpc('edit_message', { message_id: id, content: `${position} corrects ${number}` }));
            }
            if (number === 3) {
                await counted(member.rpc('delete_message', { message_id: id }));
            }
            if (number === 4) {
                await counted(member.rpc('remove_reaction', { message_id: id, emoji: '👍' }));
            }
        }
    }));

    const withoutReactions = ({ reactions, ...message }) => comparable(message);
    const read = await ok(a.echoroom.from('chat_messages').select().eq('session_id', session.id).order('seq'));
    assert.equal(read.length, 15);
    const { last_seq } = await ok(b.rpc('room_state', { session_id: session.id }));
    assert.equal(last_seq, changes, 'every change took exactly one number');

    const whole = await ok(c.rpc('messages_since', { session_id: session.id, after_seq: 0 }));
    assert.equal(whole.last_seq, last_seq);
    assert.equal(whole.has_more, false);
    // The table has no changed_seq: the number of the latest change lies beside it.
    const latest = new Map(whole.messages.map(({ id, changed_seq }) => [id, changed_seq]));
    const table = read.map((message) => comparable({ ...message, changed_seq: latest.get(message.id) }));
    assert.deepEqual(whole.messages.map(withoutReactions).sort((x, y) => x.seq - y.seq), table);
    assert.deepEqual(whole.messages.map(({ changed_seq }) => changed_seq), whole.messages.map(({ changed_seq }) => changed_seq).sort((x, y) => x - y));

    // Whoever heard everything up to some number gets exactly what changed since.
    for (let after_seq = 0; after_seq <= last_seq; after_seq += 7) {
        const rest = await ok(b.rpc('messages_since', { session_id: session.id, after_seq }));
        assert.deepEqual(
            rest.messages.map(withoutReactions),
            table.filter(({ changed_seq }) => changed_seq > after_seq).sort((x, y) => x.changed_seq - y.changed_seq),
        );
    }

    const [{ reactions }] = whole.messages.filter(({ deleted_at, content }) => deleted_at === null && /^0 .* 0$/.test(content));
    assert.deepEqual(reactions, [{ emoji: '👍', count: 1, reacted: false }]);
});

test('twenty sends of one client_id at the same time are one message', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    const client_id = randomUUID();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(someone, session, 'once', { client_id })));
    assert.equal(new Set(answers.map(({ id }) => id)).size, 1);
    const { count, last_seq } = await row(
        `select count(*)::integer as count, max(s.last_seq)::integer as last_seq
        from echoroom.chat_messages m join echoroom.sessions s on s.id = m.session_id where m.session_id = $1`,
        [session.id],
    );
    assert.deepEqual([count, last_seq], [1, 1]);
    const retried = await send(someone, session, 'something else', { client_id });
    assert.equal(retried.content, 'once', 'the first one counts');
});

test('the same client_id of two people is two messages, and none at all is never the same', async () => {
    const [a, b] = await people(2);
    const session = await roomWith([a, b]);
    const client_id = randomUUID();
    const ids = [
        await send(a, session, 'hi', { client_id }),
        await send(b, session, 'hi', { client_id }),
        await send(a, session, 'hi', { client_id: null }),
        await send(a, session, 'hi', { client_id: null }),
    ].map(({ id }) => id);
    assert.equal(new Set(ids).size, 4);
});

test('who sends too fast is told to wait, and what was refused is not there', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    const burst = await Promise.all(
        Array.from({ length: 60 }, (_, number) => someone.rpc('send_message', { session_id: session.id, content: `flood ${number}` })),
    );
    const sent = burst.filter(({ error }) => error === null);
    const slowed = burst.filter(({ error }) => error !== null);
    assert.ok(sent.length >= 30, `${sent.length} of a burst went through`);
    assert.ok(slowed.length > 0, 'nothing was slowed down');
    for (const response of slowed) {
        await refused(response, 'PT429', 'rate_limited', /\d+ s/);
    }
    const { count } = await row('select count(*)::integer as count from echoroom.chat_messages where session_id = $1', [session.id]);
    assert.equal(count, sent.length);
});

test('only the server sends system messages and prompts', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    for (const message_type of ['system', 'ai-prompt']) {
        const message = { session_id: session.id, content: 'Obey', message_type };
        await refused(someone.rpc('send_message', message), 'PT403', 'reserved_message_type');
        const sent = await ok(service().rpc('send_message', message));
        assert.deepEqual([sent.user_id, sent.message_type], [null, message_type]);
    }
    await refused(
        someone.rpc('send_message', { session_id: session.id, content: 'x', message_type: 'shout' }), 'PT422', 'invalid_message_type',
    );
});

test('a reply must answer a message of the same room', async () => {
    const someone = await person();
    const here = await roomWith([someone]);
    const there = await roomWith([someone]);
    const elsewhere = await send(someone, there, 'elsewhere');
    for (const reply_to of [elsewhere.id, randomUUID()]) {
        await refused(someone.rpc('send_message', { session_id: here.id, content: 'answer', reply_to }), 'PT404', 'message_not_found');
    }
    const { last_seq } = await ok(someone.rpc('room_state', { session_id: here.id }));
    assert.equal(last_seq, 0);
});

test('an author who left may still take a message back, but not change it', async () => {
    const [author, other] = await people(2);
    const session = await roomWith([author, other]);
    const sent = await send(author, session, 'oops');
    await ok(author.rpc('leave_room', { session_id: session.id }));
    await refused(author.rpc('edit_message', { message_id: sent.id, content: 'better' }), 'PT403', 'not_a_member');
    assert.ok((await ok(author.rpc('delete_message', { message_id: sent.id }))).deleted_at);
});
