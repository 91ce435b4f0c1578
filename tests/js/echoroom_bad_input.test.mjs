// EchoRoom: what is wrong is refused with a status, a code and a sentence, nothing half-done stays, and nothing makes the server fail.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { row, rows } from './database.mjs';
import { ok, people, person, refused, roomWith, service } from './people.mjs';
import { stack } from './stack.mjs';

/** All that a room holds, as one value. */
async function contentsOf(session_id) {
    return row(
        `select
            (select to_jsonb(s) from echoroom.sessions s where s.id = $1) as session,
            (select jsonb_agg(to_jsonb(p) order by p.user_id) from echoroom.participants p where p.session_id = $1) as participants,
            (select jsonb_agg(to_jsonb(m) order by m.seq) from echoroom.chat_messages m where m.session_id = $1) as messages,
            (select jsonb_agg(to_jsonb(r) order by r.id) from echoroom.message_reactions r where r.session_id = $1) as reactions,
            (select jsonb_agg(to_jsonb(a) order by a.id) from echoroom_private.audit_log a where a.session_id = $1) as log`,
        [session_id],
    );
}

describe('the errors of EchoRoom', () => {
    let member;
    let other;
    let open;
    let closed;
    let full;
    let message;
    let inClosed;

    before(async () => {
        [member, other] = await people(2);
        open = await roomWith([member]);
        full = await roomWith([other], { max_participants: 1 });
        closed = await roomWith([member]);
        message = await ok(member.rpc('send_message', { session_id: open.id, content: 'untouched' }));
        inClosed = await ok(member.rpc('send_message', { session_id: closed.id, content: 'untouched' }));
        await ok(service().echoroom.from('sessions').update({ is_active: false }).eq('id', closed.id));
    });

    const inRoom = (session, more = {}) => ({ session_id: session.id, ...more });
    const cases = [
        ['joining a full room', 'join_room', () => inRoom(full), 'PT409', 'room_full', /1 seat|\b1\b/],
        ['joining a closed room', 'join_room', () => inRoom(closed), 'PT410', 'room_closed'],
        ['talking in a closed room', 'send_message', () => inRoom(closed, { content: 'hi' }), 'PT410', 'room_closed'],
        ['editing in a closed room', 'edit_message', () => ({ message_id: inClosed.id, content: 'hi' }), 'PT410', 'room_closed'],
        ['reacting in a closed room', 'add_reaction', () => ({ message_id: inClosed.id, emoji: '👍' }), 'PT410', 'room_closed'],
        ['a voice status in a closed room', 'set_voice_status', () => inRoom(closed, { is_muted: true }), 'PT410', 'room_closed'],
        ['talking without a seat', 'send_message', () => inRoom(full, { content: 'hi' }), 'PT403', 'not_a_member'],
        ['reading without a seat', 'get_messages', () => inRoom(full), 'PT403', 'not_a_member'],
        ['catching up without a seat', 'messages_since', () => inRoom(full, { after_seq: 0 }), 'PT403', 'not_a_member'],
        ['the state of a room without a seat', 'room_state', () => inRoom(full), 'PT403', 'not_a_member'],
        ['a heartbeat without a seat', 'heartbeat', () => inRoom(full), 'PT403', 'not_a_member'],
        ['a voice status without a seat', 'set_voice_status', () => inRoom(full, { is_muted: true }), 'PT403', 'not_a_member'],
        ['a new name without a seat', 'update_participant', () => inRoom(full, { user_name: 'x' }), 'PT403', 'not_a_member'],
        ['an avatar in a closed room', 'start_conversation', () => inRoom(closed), 'PT410', 'room_closed'],
        ['an avatar without a seat', 'start_conversation', () => inRoom(full), 'PT403', 'not_a_member'],
        ['an avatar for a mood that has none', 'start_conversation', () => inRoom(open, { mood: 'Bureaucratic' }), 'PT404', 'persona_not_found'],
        ['an avatar for a mood of 65 characters', 'start_conversation', () => inRoom(open, { mood: 'x'.repeat(65) }), 'PT422', 'invalid_mood'],
        ['the end of an avatar that is not there', 'end_conversation', () => ({ conversation_id: randomUUID() }), 'PT404', 'conversation_not_found'],
        ['the end of an avatar by nonsense', 'end_conversation', () => ({ conversation_id: "' or true --" }), 'PT404', 'conversation_not_found'],
        ['an empty message', 'send_message', () => inRoom(open, { content: '' }), 'PT422', 'invalid_content', /4,?000/],
        ['a message of white space', 'send_message', () => inRoom(open, { content: ' \n\t\u00a0 ' }), 'PT422', 'invalid_content', /4,?000/],
        ...['\u3164', '\u2800', '\u00ad', '\uffa0\u115f\u1160', '\ufe0f', '\u200d', '\u200e\u200f', '\u{e0041}\u{e007f}', ' \u2063\n\u00ad '].map((content) => [
            `a message of nothing that shows (${escape(content)})`, 'send_message', () => inRoom(open, { content }), 'PT422', 'invalid_content', /4,?000/,
        ]),
        ['editing to nothing that shows', 'edit_message', () => ({ message_id: message.id, content: '\u3164' }), 'PT422', 'invalid_content', /4,?000/],
        ['a message without text', 'send_message', () => inRoom(open, { content: null }), 'PT422', 'invalid_content', /4,?000/],
        ['a message of 4,001 characters', 'send_message', () => inRoom(open, { content: 'x'.repeat(4001) }), 'PT422', 'invalid_content', /4,?000/],
        ['editing to nothing', 'edit_message', () => ({ message_id: message.id, content: ' ' }), 'PT422', 'invalid_content', /4,?000/],
        ['editing to 4,001 characters', 'edit_message', () => ({ message_id: message.id, content: 'x'.repeat(4001) }), 'PT422', 'invalid_content', /4,?000/],
        ['editing an unknown message', 'edit_message', () => ({ message_id: randomUUID(), content: 'x' }), 'PT404', 'message_not_found'],
        ['deleting an unknown message', 'delete_message', () => ({ message_id: randomUUID() }), 'PT404', 'message_not_found'],
        ['reacting to an unknown message', 'add_reaction', () => ({ message_id: randomUUID(), emoji: '👍' }), 'PT404', 'message_not_found'],
        ['an over-long name', 'update_participant', () => inRoom(open, { user_name: 'x'.repeat(41) }), 'PT422', 'invalid_user_name', /\b40\b/],
        ['a name with control characters', 'join_room', () => inRoom(open, { user_name: 'a\u0007b' }), 'PT422', 'invalid_user_name'],
        ['a name that reverses its neighbours', 'join_room', () => inRoom(open, { user_name: '\u202eevil' }), 'PT422', 'invalid_user_name'],
        ...['\u200e', '\u200f', '\u061c', '\u202a', '\u2066', '\u2069', '\u2028', '\u2029', '\u0085'].map((mark) => [
            `a name with ${escape(mark)} in it`, 'update_participant', () => inRoom(open, { user_name: `a${mark}b` }), 'PT422', 'invalid_user_name',
        ]),
        ['a mood with a direction mark', 'update_participant', () => inRoom(open, { mood: 'a\u200fb' }), 'PT422', 'invalid_mood'],
        ['a room of a mood that shows nothing', 'create_session', () => ({ category: '\u3164\u2800' }), 'PT422', 'invalid_mood'],
        ['a room of a mood in two lines', 'find_room', () => ({ mood: 'a\u2028b' }), 'PT422', 'invalid_mood'],
        ['an avatar that is a script', 'join_room', () => inRoom(open, { avatar: 'javascript:alert(1)' }), 'PT422', 'invalid_avatar'],
        ['an avatar on another site without a scheme', 'join_room', () => inRoom(open, { avatar: '//evil.example/x.png' }), 'PT422', 'invalid_avatar'],
        ['an over-long mood', 'join_room', () => inRoom(open, { mood: 'x'.repeat(65) }), 'PT422', 'invalid_mood', /\b64\b/],
        ['a room for no mood', 'find_room', () => ({ mood: '  ' }), 'PT422', 'invalid_mood'],
        ['a room for a null mood', 'find_room', () => ({ mood: null }), 'PT422', 'invalid_mood'],
        ['a room without a category', 'create_session', () => ({ category: '' }), 'PT422', 'invalid_mood'],
        ['a room without seats', 'create_session', () => ({ category: 'x', max_participants: 0 }), 'PT422', 'invalid_max_participants'],
        ['a room of too many seats', 'create_session', () => ({ category: 'x', max_participants: 101 }), 'PT422', 'invalid_max_participants'],
        ['a room with an endless description', 'create_session', () => ({ category: 'x', description: 'x'.repeat(501) }), 'PT422', 'invalid_description'],
    ];

    for (const [name, rpc, args, code, machineCode, message] of cases) {
        test(`${name}: ${code} ${machineCode}, and nothing changes`, async () => {
            const before = await Promise.all([open, closed, full].map(({ id }) => contentsOf(id)));
            const { opened } = await row('select count(*)::integer as opened from echoroom.sessions where created_by = $1', [member.id]);
            await refused(member.rpc(rpc, args()), code, machineCode, message);
            assert.deepEqual(await Promise.all([open, closed, full].map(({ id }) => contentsOf(id))), before);
            assert.equal(
                (await row('select count(*)::integer as opened from echoroom.sessions where created_by = $1', [member.id])).opened, opened,
            );
        });
    }
});

test('a name that shows nothing is no name, and emoji stay whole in names and messages', async () => {
    const member = await person();
    const session = await roomWith([member]);
    const named = await ok(member.rpc('update_participant', { session_id: session.id, user_name: 'Ada' }));
    assert.equal(named.user_name, 'Ada');
    for (const user_name of ['\u3164', '\u2800', '\u00ad', '\ufe0f\u200d', '\u{e0041}']) {
        assert.equal((await ok(member.rpc('update_participant', { session_id: session.id, user_name }))).user_name, 'Ada');
    }
    for (const text of ['👩‍👩‍👧 ❤️', '❤️', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', 'نام', 'क्‍ष']) {
        assert.equal((await ok(member.rpc('update_participant', { session_id: session.id, user_name: ` ${text}\u3164` }))).user_name, text);
        assert.equal((await ok(member.rpc('send_message', { session_id: session.id, content: `\u2800${text} ` }))).content, text);
    }
    const mixed = 'שלום\u200f (hello)\u200e\u2028next line';
    assert.equal((await ok(member.rpc('send_message', { session_id: session.id, content: mixed }))).content, mixed, 'messages may mix directions');
});

describe('arguments that are no arguments', () => {
    let member;
    let session;
    let message_id;
    let token;

    before(async () => {
        member = await person();
        session = await roomWith([member]);
        ({ id: message_id } = await ok(member.rpc('send_message', { session_id: session.id, content: 'untouched' })));
        token = (await member.client.auth.getSession()).data.session.access_token;
    });

    async function call(name, body, { method = 'POST', headers = {} } = {}) {
        const response = await fetch(`${stack.url}/rest/v1/rpc/${name}`, {
            method,
            headers: {
                apikey: stack.anonKey,
                authorization: `Bearer ${token}`,
                [method === 'GET' ? 'accept-profile' : 'content-profile']: 'echoroom',
                'content-type': 'application/json',
                ...headers,
            },
            body: method === 'GET' ? undefined : body,
        });
        return { status: response.status, text: await response.text() };
    }

    const s = () => JSON.stringify(session.id);
    const m = () => JSON.stringify(message_id);
    const bodies = [
        ['a session id that is no uuid', 'join_room', () => '{"session_id": "not-a-uuid"}'],
        ['an empty session id', 'join_room', () => '{"session_id": ""}'],
        ['a null session id', 'join_room', () => '{"session_id": null}'],
        ['a number as session id', 'join_room', () => '{"session_id": 42}'],
        ['an object as session id', 'join_room', () => '{"session_id": {"a": 1}}'],
        ['a list as session id', 'join_room', () => '{"session_id": ["a", "b"]}'],
        ['a null message id', 'edit_message', () => '{"message_id": null, "content": "x"}'],
        ['a null message id to delete', 'delete_message', () => '{"message_id": null}'],
        ['a null message id to react to', 'add_reaction', () => '{"message_id": null, "emoji": "👍"}'],
        ['a null emoji', 'add_reaction', () => `{"message_id": ${m()}, "emoji": null}`],
        ['a NUL character in a message', 'send_message', () => `{"session_id": ${s()}, "content": "a\\u0000b"}`],
        ['a NUL character in an emoji', 'add_reaction', () => `{"message_id": ${m()}, "emoji": "\\u0000"}`],
        ['half a surrogate pair', 'send_message', () => `{"session_id": ${s()}, "content": "\\ud83d"}`],
        ['half a megabyte of message', 'send_message', () => `{"session_id": ${s()}, "content": "${'x'.repeat(500_000)}"}`],
        ['a message id that is no uuid', 'delete_message', () => '{"message_id": "1; drop table echoroom.sessions"}'],
        ['a client_id that is no uuid', 'send_message', () => `{"session_id": ${s()}, "content": "x", "client_id": "abc"}`],
        ['a page limit that is a word', 'get_messages', () => `{"session_id": ${s()}, "page_limit": "many"}`],
        ['a page limit beyond any integer', 'get_messages', () => `{"session_id": ${s()}, "page_limit": 1e30}`],
        ['a page limit with a fraction', 'get_messages', () => `{"session_id": ${s()}, "page_limit": "1.5"}`],
        ['a time that is none', 'get_messages', () => `{"session_id": ${s()}, "before_timestamp": "the day after tomorrow"}`],
        ['a number of changes beyond any integer', 'messages_since', () => `{"session_id": ${s()}, "after_seq": 99999999999999999999}`],
        ['a voice status that is a word', 'set_voice_status', () => `{"session_id": ${s()}, "is_muted": "maybe"}`],
        ['seats as a word', 'create_session', () => '{"category": "x", "max_participants": "six"}'],
        ['seats beyond any integer', 'create_session', () => '{"category": "x", "max_participants": 99999999999}'],
        ['a missing argument', 'send_message', () => `{"session_id": ${s()}}`],
        ['an unknown argument', 'join_room', () => `{"session_id": ${s()}, "user_id": "${randomUUID()}"}`],
        ['no argument at all', 'join_room', () => '{}'],
        ['a body that is no JSON', 'join_room', () => '{"session_id": '],
        ['a body that is a list', 'join_room', () => '[1, 2, 3]'],
        ['a body that is a word', 'join_room', () => '"join"'],
        ['bytes that are no text', 'join_room', () => Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
        ['a function that does not exist', 'destroy_room', () => '{}'],
        ['a helper of the private schema', 'release_expired_seats', () => '{}'],
        ['a function name with a quote', 'join_room%22;--', () => '{}'],
    ];

    for (const [name, rpc, body] of bodies) {
        test(`${name} is the caller's mistake, not the server's`, async () => {
            const before = await contentsOf(session.id);
            const { status, text } = await call(rpc, body());
            assert.ok(status >= 400 && status < 500, `HTTP ${status}: ${text}`);
            const error = JSON.parse(text);
            assert.ok(error.code && error.message, text);
            assert.deepEqual(await contentsOf(session.id), before);
        });
    }

    test('a function that writes cannot be called by GET', async () => {
        const before = await contentsOf(session.id);
        const { status, text } = await call(`leave_room?session_id=${session.id}`, undefined, { method: 'GET' });
        assert.ok(status >= 400 && status < 500, `HTTP ${status}: ${text}`);
        assert.deepEqual(await contentsOf(session.id), before);
    });

    test('a function cannot be called by PUT', async () => {
        const { status } = await call('leave_room', `{"session_id": ${s()}}`, { method: 'PUT' });
        assert.ok(status >= 400 && status < 500, `HTTP ${status}`);
    });

    test('a schema that is not exposed is refused', async () => {
        const { status, text } = await call('join_room', '{}', { headers: { 'content-profile': 'echoroom_private' } });
        assert.equal(status, 406, text);
        assert.equal(JSON.parse(text).code, 'PGRST106');
    });

    test('limits and offsets out of range are put right, but for an offset that would read too much', async () => {
        for (const [page_limit, page_offset] of [[-1, -1], [0, 0], [1_000_000, 0], [null, null], [10, 10_000]]) {
            const page = await ok(member.rpc('get_messages', { session_id: session.id, page_limit, page_offset }));
            assert.ok(Array.isArray(page) && page.length <= 1);
        }
        await refused(member.rpc('get_messages', { session_id: session.id, page_offset: 10_001 }), 'PT422', 'invalid_page_offset');
        const { messages } = await ok(member.rpc('messages_since', { session_id: session.id, after_seq: -5 }));
        assert.equal(messages.length, 1);
    });

    test('the kernel counts right after all of this', async () => {
        assert.deepEqual(await rows(`select * from parley.counter_drift() where key = $1`, [session.id]), []);
    });
});
