// Changes of tables (postgres_changes), under the rights of whoever listens.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { Ear, eventually, listen, versions } from './channels.mjs';
import { rows } from './database.mjs';
import { ok, person, roomWith, service, visitor } from './people.mjs';

// EchoRoom publishes no table by itself: its events are broadcasts.
const publish = rows('alter publication supabase_realtime add table echoroom.chat_messages, echoroom.sessions');
after(() => rows('alter publication supabase_realtime drop table echoroom.chat_messages, echoroom.sessions'));

const messages = { event: '*', schema: 'echoroom', table: 'chat_messages' };
const texts = (ear) => ear.changes.map((change) => change.new.content);

/** Follows changes and waits until the stream runs. */
async function follow(who, ...changes) {
    await publish;
    const ear = await listen(who, `changes ${Math.random()}`, { private: false, changes });
    await eventually(() => ear.systems.some(({ extension, status }) => extension === 'postgres_changes' && status === 'ok'), () => JSON.stringify(ear.systems));
    return ear;
}

for (const vsn of versions) {
    test(`${vsn}: a member hears what is written to the room, a stranger and a visitor hear nothing`, async () => {
        const [member, stranger] = [await person({ vsn }), await person({ vsn })];
        const [room, other] = [await roomWith([member]), await roomWith([stranger])];
        const inside = await follow(member, messages);
        const outside = await follow(stranger, messages);
        const nobody = await follow(visitor(), messages);
        const everything = await follow(service(), messages);
        const sent = await ok(member.rpc('send_message', { session_id: room.id, content: 'for members' }));
        await ok(member.rpc('edit_message', { message_id: sent.id, content: 'for members, edited' }));
        await ok(stranger.rpc('send_message', { session_id: other.id, content: 'elsewhere' }));
        const mine = () => inside.changes.filter((change) => change.new.session_id === room.id);
        await eventually(() => mine().length === 2, () => JSON.stringify(inside.changes));
        assert.deepEqual(mine().map(({ eventType }) => eventType), ['INSERT', 'UPDATE']);
        const [insert, update] = mine();
        assert.equal(insert.schema, 'echoroom');
        assert.equal(insert.table, 'chat_messages');
        assert.match(insert.commit_timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
        assert.equal(insert.new.content, 'for members');
        assert.equal(insert.new.seq, sent.seq);
        assert.equal(update.new.content, 'for members, edited');
        assert.deepEqual(update.old, { id: sent.id });
        await eventually(() => texts(outside).includes('elsewhere'), () => JSON.stringify(outside.changes));
        await eventually(() => texts(everything).includes('elsewhere'), () => JSON.stringify(everything.changes));
        assert.ok(texts(everything).includes('for members'));
        assert.ok(!texts(outside).some((text) => text?.startsWith('for members')));
        assert.ok(!texts(inside).includes('elsewhere'));
        // Who may not even read the key is told so, for each change.
        assert.ok(nobody.changes.every((change) => change.errors[0] === 'Error 401: Unauthorized'));
        assert.deepEqual(nobody.changes.map((change) => ({ ...change.new, ...change.old })), nobody.changes.map(() => ({})));
    });
}

test('a deletion says which row it was, and nothing of what stood there', async () => {
    const member = await person();
    const room = await roomWith([member]);
    const sent = await ok(member.rpc('send_message', { session_id: room.id, content: 'a secret' }));
    const ear = await follow(await person(), { ...messages, event: 'DELETE' });
    await rows('delete from echoroom.chat_messages where id = $1', [sent.id]);
    const gone = await eventually(() => ear.changes.find(({ old }) => old.id === sent.id), () => JSON.stringify(ear.changes));
    assert.deepEqual(gone.old, { id: sent.id });
    assert.deepEqual(gone.new, {});
});

test('a filter lets through what it names', async () => {
    const member = await person();
    const [one, two] = [await roomWith([member]), await roomWith([member])];
    const ear = await follow(member, { ...messages, event: 'INSERT', filter: `session_id=eq.${one.id}` });
    const both = await follow(member, { ...messages, event: 'INSERT', filter: `session_id=in.(${one.id},${two.id})` });
    await ok(member.rpc('send_message', { session_id: two.id, content: 'two' }));
    await ok(member.rpc('send_message', { session_id: one.id, content: 'one' }));
    await eventually(() => texts(ear).includes('one'), () => JSON.stringify(ear.changes));
    await eventually(() => both.changes.length === 2, () => JSON.stringify(both.changes));
    assert.deepEqual(texts(ear), ['one']);
    assert.deepEqual(texts(both), ['two', 'one']);
});

test('one channel follows several tables, each listener gets its own', async () => {
    const member = await person();
    const ear = await follow(member, { ...messages, event: 'INSERT' }, { event: 'INSERT', schema: 'echoroom', table: 'sessions' });
    const room = await roomWith([member]);
    await ok(member.rpc('send_message', { session_id: room.id, content: 'both' }));
    await eventually(() => texts(ear).includes('both'), () => JSON.stringify(ear.changes));
    assert.ok(ear.changes.some(({ table, new: row }) => table === 'sessions' && row.id === room.id));
});

test('a stored generated column is told, as the table has it, and can be filtered by', async () => {
    const schema = `generated_${randomUUID().replaceAll('-', '')}`;
    await publish;
    await rows(`create schema ${schema};
        grant usage on schema ${schema} to authenticated;
        create table ${schema}.notes (
            id bigint primary key, body text not null, words integer generated always as (cardinality(string_to_array(body, ' '))) stored,
            search tsvector generated always as (to_tsvector('english', body)) stored
        );
        grant select on ${schema}.notes to authenticated;
        alter publication supabase_realtime add table ${schema}.notes;`);
    try {
        const ear = await follow(await person(), { event: '*', schema, table: 'notes', filter: 'words=gt.1' });
        await rows(`insert into ${schema}.notes (id, body) values (1, 'one'), (2, 'two gardens')`);
        await rows(`update ${schema}.notes set body = 'and three gardens' where id = 2`);
        await eventually(() => ear.changes.length === 2, () => JSON.stringify(ear.changes));
        assert.deepEqual(ear.changes.map((change) => change.new), [
            { id: 2, body: 'two gardens', words: 2, search: "'garden':2 'two':1" },
            { id: 2, body: 'and three gardens', words: 3, search: "'garden':3 'three':2" },
        ]);
    } finally {
        await rows(`drop schema ${schema} cascade`);
    }
});

test('what does not exist or cannot be filtered is refused in words', async () => {
    await publish;
    const member = await person();
    const bad = [
        [{ ...messages, filter: 'no_such_column=eq.1' }, /no_such_column/],
        [{ ...messages, filter: 'session_id=around.1' }, /around|filter|operator/i],
        [{ ...messages, filter: 'nonsense' }, /filter|nonsense/i],
    ];
    for (const [change, words] of bad) {
        const ear = new Ear(member.client, `bad changes ${Math.random()}`, { private: false, changes: [change] }).subscribe();
        const said = await eventually(
            () => ear.systems.find(({ status }) => status === 'error')?.message ?? ear.statuses.find((status) => status.startsWith('CHANNEL_ERROR')),
            () => JSON.stringify([ear.systems, ear.statuses]),
        );
        assert.match(said, words);
    }
});
