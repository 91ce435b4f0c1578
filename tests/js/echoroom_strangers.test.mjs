// EchoRoom: what somebody without a seat, or without a session, can see and touch. Nothing.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { row, rows } from './database.mjs';
import { ok, people, personWithEmail, roomWith, service, visitor } from './people.mjs';
import { exposedSchemas, stack } from './stack.mjs';

let member;
let stranger;
let permanent;
let session;
let elsewhere;
let message;

before(async () => {
    [member, stranger] = await people(2);
    permanent = await personWithEmail();
    session = await roomWith([member]);
    // A stranger is somebody who sits elsewhere, not somebody who never sat.
    elsewhere = await roomWith([stranger]);
    message = await ok(member.rpc('send_message', { session_id: session.id, content: 'between us' }));
    await ok(member.rpc('add_reaction', { message_id: message.id, emoji: '🤫' }));
});

/** What the test's room has in a table; of a table without rooms, all of it. */
async function contentsOf(table) {
    const where = { 'echoroom.sessions': 'id = $1', 'echoroom.persona': '$1::uuid is not null' }[table] ?? 'session_id = $1';
    return rows(`select to_jsonb(t) as data from ${table} t where ${where} order by t::text`, [session.id]);
}

describe('a signed-in stranger', () => {
    for (const table of ['chat_messages', 'participants', 'message_reactions']) {
        test(`reads no row of ${table} of a room without a seat`, async () => {
            assert.ok((await ok(member.echoroom.from(table).select().eq('session_id', session.id))).length > 0, 'a member reads it');
            for (const who of [stranger, permanent]) {
                assert.deepEqual(await ok(who.echoroom.from(table).select().eq('session_id', session.id)), []);
                const { count } = await who.echoroom.from(table).select('*', { count: 'exact', head: true }).eq('session_id', session.id);
                assert.equal(count, 0, 'nor are they counted');
            }
        });
    }

    test('reads of a room what list_sessions says, and neither who opened it nor how much goes on there', async () => {
        const listed = await ok(stranger.rpc('list_sessions').eq('id', session.id).single());
        assert.deepEqual(Object.keys(listed).filter((name) => ['created_by', 'epoch', 'last_seq'].includes(name)), []);
        for (const who of [stranger, permanent]) {
            assert.deepEqual(await ok(who.echoroom.from('sessions').select().eq('id', session.id)), []);
            assert.deepEqual(await ok(who.echoroom.from('sessions').select('participants(*), chat_messages(*)').eq('id', session.id)), []);
        }
        const { created_by, epoch } = await ok(member.echoroom.from('sessions').select().eq('id', session.id).single());
        assert.deepEqual([typeof created_by, epoch], ['string', 1], 'a member reads all of it');
    });

    test('cannot tell a message that exists from one that does not', async () => {
        const answers = async (message_id) => {
            const calls = [
                ['edit_message', { message_id, content: 'mine now' }],
                ['delete_message', { message_id }],
                ['add_reaction', { message_id, emoji: '👍' }],
                ['remove_reaction', { message_id, emoji: '🤫' }],
            ];
            const responses = await Promise.all(calls.map(([name, args]) => stranger.rpc(name, args)));
            return responses.map(({ status, error, data }) => ({ status, data, error: { ...error } }));
        };
        const existing = await answers(message.id);
        assert.deepEqual(existing, await answers(randomUUID()));
        for (const { status, error } of existing) {
            assert.deepEqual([status, error.code, error.details], [404, 'PT404', 'message_not_found']);
        }
        const { content, deleted_at } = await row('select content, deleted_at from echoroom.chat_messages where id = $1', [message.id]);
        assert.deepEqual([content, deleted_at], ['between us', null]);
        assert.equal((await rows('select from echoroom.message_reactions where message_id = $1', [message.id])).length, 1);
    });

    test('cannot reply to a message of another room, nor learn that it is there', async () => {
        const answer = async (reply_to) => {
            const { status, error } = await stranger.rpc('send_message', { session_id: elsewhere.id, content: 'x', reply_to });
            return { status, error: { ...error } };
        };
        const existing = await answer(message.id);
        assert.deepEqual([existing.status, existing.error.details], [404, 'message_not_found']);
        assert.deepEqual(existing, await answer(randomUUID()));
    });

    test('cannot act as somebody else, whatever is sent along', async () => {
        const { error, status } = await stranger.rpc('send_message', { session_id: session.id, content: 'x', user_id: member.id });
        assert.deepEqual([status, error.code], [404, 'PGRST202']);
    });

    test('cannot tell a closed room from one that there never was', async () => {
        const closed = await roomWith([member]);
        await ok(service().echoroom.from('sessions').update({ is_active: false }).eq('id', closed.id));
        const answers = async (session_id) => {
            const calls = [
                ['room_state', {}], ['get_messages', {}], ['messages_since', { after_seq: 0 }], ['heartbeat', {}], ['leave_room', {}],
                ['set_voice_status', { is_muted: true }], ['update_participant', { user_name: 'x' }], ['send_message', { content: 'x' }],
                ['start_conversation', {}], ['remove_participant', { user_id: member.id }], ['readmit_participant', { user_id: member.id }],
            ];
            const responses = await Promise.all(calls.map(([name, args]) => stranger.rpc(name, { session_id, ...args })));
            return responses.map(({ status, data, error }) => ({ status, data, error: { ...error } }));
        };
        const ofClosed = await answers(closed.id);
        assert.deepEqual(ofClosed, await answers(randomUUID()));
        for (const { status, error } of ofClosed) {
            assert.deepEqual([status, error.code, error.details], [404, 'PT404', 'room_not_found']);
        }
        const { error } = await stranger.rpc('join_room', { session_id: closed.id });
        assert.equal(error.details, 'room_closed', 'who follows a link is told');
    });

    test('loses sight of a room with the seat', async () => {
        const room = await roomWith([member, stranger]);
        const { id } = await ok(member.rpc('send_message', { session_id: room.id, content: 'now you see it' }));
        assert.equal((await ok(stranger.echoroom.from('chat_messages').select().eq('id', id))).length, 1);
        await ok(stranger.rpc('leave_room', { session_id: room.id }));
        assert.deepEqual(await ok(stranger.echoroom.from('chat_messages').select().eq('id', id)), []);
    });

    test('does not see the server\'s log of old texts', async () => {
        const { error, status } = await stranger.client.schema('echoroom_private').from('audit_log').select();
        assert.deepEqual([status, error.code], [406, 'PGRST106']);
    });
});

describe('direct writes to tables', async () => {
    const tables = await rows(
        `select n.nspname as schema, c.relname as name, jsonb_agg(a.attname order by a.attnum) as columns
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname = any ($1)
            and a.attnum > 0 and not a.attisdropped and a.attidentity = '' and a.attgenerated = ''
        group by 1, 2 order by 1, 2`,
        // What people may write of Domo's tables is in the matrix.
        [exposedSchemas().filter((schema) => schema !== 'domo')],
    );

    test('are tried on every table there is', () => {
        assert.ok(tables.length >= 5);
    });

    for (const { schema, name, columns } of tables) {
        test(`${schema}.${name} takes none from a member, a stranger or a visitor`, async () => {
            const before = await contentsOf(`${schema}.${name}`);
            for (const [who, expected] of [[member, 403], [stranger, 403], [permanent, 403], [visitor(), 401]]) {
                const table = () => who.client.schema(schema).from(name);
                const attempts = [
                    table().insert({ [columns[0]]: null }),
                    table().insert([{ [columns[0]]: null }, { [columns[0]]: null }]),
                    table().upsert({ [columns[0]]: null }),
                    table().update({ [columns.at(-1)]: null }).not(columns[0], 'is', null),
                    table().delete().not(columns[0], 'is', null),
                ];
                for (const { error, status } of await Promise.all(attempts)) {
                    assert.deepEqual([status, error?.code], [expected, '42501'], error?.message);
                }
            }
            assert.deepEqual(await contentsOf(`${schema}.${name}`), before);
        });
    }
});

describe('the publishable key without a session', () => {
    test('reads rooms and personas, and nothing else', async () => {
        const { echoroom } = visitor();
        assert.equal((await ok(echoroom.rpc('list_sessions').eq('id', session.id))).length, 1);
        assert.ok(Array.isArray(await ok(echoroom.from('persona').select())));
        for (const table of ['sessions', 'participants', 'chat_messages', 'message_reactions', 'removed_participants']) {
            const { data, error, status } = await echoroom.from(table).select();
            assert.deepEqual([data, status, error.code], [null, 401, '42501']);
        }
    });

    test('does not show it closed rooms', async () => {
        const closed = await roomWith([member]);
        await ok(service().echoroom.from('sessions').update({ is_active: false }).eq('id', closed.id));
        assert.deepEqual(await ok(visitor().rpc('list_sessions').eq('id', closed.id)), []);
        assert.deepEqual(await ok(stranger.rpc('list_sessions').eq('id', closed.id)), []);
        assert.deepEqual(await ok(stranger.echoroom.from('sessions').select().eq('id', closed.id)), []);
        assert.equal((await ok(member.echoroom.from('sessions').select().eq('id', closed.id))).length, 1);
    });

    test('calls no function that needs a person', async () => {
        const calls = {
            create_session: { category: 'x' }, find_room: { mood: 'x' }, join_room: { session_id: session.id },
            leave_room: { session_id: session.id }, heartbeat: { session_id: session.id }, set_voice_status: { session_id: session.id },
            update_participant: { session_id: session.id }, send_message: { session_id: session.id, content: 'x' },
            edit_message: { message_id: message.id, content: 'x' }, delete_message: { message_id: message.id },
            add_reaction: { message_id: message.id, emoji: '👍' }, remove_reaction: { message_id: message.id, emoji: '👍' },
            get_messages: { session_id: session.id }, messages_since: { session_id: session.id, after_seq: 0 },
            room_state: { session_id: session.id },
            remove_participant: { session_id: session.id, user_id: member.id }, readmit_participant: { session_id: session.id, user_id: member.id },
            start_conversation: { session_id: session.id }, end_conversation: { conversation_id: 'c-any' },
        };
        for (const [name, args] of Object.entries(calls)) {
            const { data, error, status } = await visitor().rpc(name, args);
            assert.deepEqual([data, status, error.code], [null, 401, '42501'], name);
        }
    });

    test('is needed: without any key the gateway lets nobody through', async () => {
        const response = await fetch(`${stack.url}/rest/v1/sessions`, { headers: { 'accept-profile': 'echoroom' } });
        assert.equal(response.status, 401);
    });
});
