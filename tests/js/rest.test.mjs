// What supabase-js users expect of the data API itself, on EchoRoom's tables and functions.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rows } from './database.mjs';
import { newClient, ok, person, roomWith, service, someMood, visitor } from './people.mjs';
import { stack } from './stack.mjs';

let member;
let session;
const names = ['a', 'b', 'c', 'd', 'e'];
const mark = someMood();

before(async () => {
    member = await person();
    session = await roomWith([member]);
    for (const content of names) {
        await ok(member.rpc('send_message', { session_id: session.id, content }));
    }
});

after(() => rows('delete from echoroom.persona where persona_id = $1', [mark]));

const messages = () => member.echoroom.from('chat_messages');

test('reads are filtered, ordered and cut', async () => {
    const contents = async (query) => (await ok(query.eq('session_id', session.id))).map(({ content }) => content);
    assert.deepEqual(await contents(messages().select('content').order('seq', { ascending: false }).limit(2)), ['e', 'd']);
    assert.deepEqual(await contents(messages().select('content').in('content', ['a', 'c', 'x']).order('seq')), ['a', 'c']);
    assert.deepEqual(await contents(messages().select('content').or('content.eq.b,seq.gte.5').order('seq')), ['b', 'e']);
    assert.deepEqual(await contents(messages().select('content').not('content', 'in', '(a,b)').gt('seq', 3).order('seq')), ['d', 'e']);
    assert.deepEqual(await contents(messages().select('content').ilike('content', 'A%').is('deleted_at', null)), ['a']);
});

test('a page knows how many rows there are', async () => {
    const { data, count, status } = await messages().select('seq', { count: 'exact' }).eq('session_id', session.id).order('seq').range(1, 2);
    assert.deepEqual([data, count, status], [[{ seq: 2 }, { seq: 3 }], 5, 206]);
    const counted = await messages().select('*', { count: 'exact', head: true }).eq('session_id', session.id);
    assert.deepEqual([counted.data, counted.count], [null, 5]);
});

test('single wants exactly one row, maybeSingle at most one', async () => {
    const one = () => messages().select('content').eq('session_id', session.id).eq('seq', 1);
    assert.deepEqual(await ok(one().single()), { content: 'a' });
    const none = await messages().select().eq('session_id', session.id).eq('seq', 99).single();
    assert.deepEqual([none.data, none.status, none.error.code], [null, 406, 'PGRST116']);
    assert.equal(await ok(messages().select().eq('session_id', session.id).eq('seq', 99).maybeSingle()), null);
});

test('columns are renamed, cast and embedded', async () => {
    const [read] = await ok(messages().select('text:content, number:seq::text, room:sessions(category)').eq('session_id', session.id).eq('seq', 1));
    assert.deepEqual(read, { text: 'a', number: '1', room: { category: session.category } });
});

test('what a function returns as rows is filtered, ordered and cut like a table', async () => {
    const [listed] = await ok(visitor().rpc('list_sessions').eq('id', session.id).select('id, free_seats'));
    assert.deepEqual(listed, { id: session.id, free_seats: 5 });
    const cut = await ok(visitor().rpc('list_sessions').order('created_at', { ascending: false }).limit(2));
    assert.equal(cut.length, 2);
    assert.ok(cut[0].created_at >= cut[1].created_at);
});

test('a function that only reads can be called by GET', async () => {
    const page = await ok(member.echoroom.rpc('get_messages', { session_id: session.id, page_limit: 2 }, { get: true }));
    assert.deepEqual(page.map(({ content }) => content), ['e', 'd']);
});

test('the server inserts many rows at once, with defaults for what a row leaves out', async () => {
    const moods = [someMood(), someMood()];
    const persona = () => service().echoroom.from('persona');
    const inserted = await ok(persona().insert([{ persona_id: mark, mood: moods[0] }, { persona_id: mark }], { defaultToNull: false }).select());
    assert.deepEqual(inserted.map(({ mood }) => mood), [moods[0], null]);
    const [updated] = await ok(persona().update({ mood: moods[1] }).eq('id', inserted[1].id).select('mood'));
    assert.equal(updated.mood, moods[1]);
    const twice = await persona().insert({ persona_id: mark, mood: moods[0].toUpperCase() });
    assert.deepEqual([twice.status, twice.error.code], [409, '23505']);
    const deleted = await ok(persona().delete().eq('persona_id', mark).select('id'));
    assert.deepEqual(deleted.map(({ id }) => id).sort(), inserted.map(({ id }) => id).sort());
});

test('a broken constraint is the caller\'s mistake', async () => {
    const { error, status } = await service().echoroom.from('sessions').insert({ category: '' });
    assert.deepEqual([status, error.code], [400, '23514']);
});

test('what does not exist is not found', async () => {
    const table = await member.echoroom.from('no_such_table').select();
    assert.deepEqual([table.status, table.error.code], [404, 'PGRST205']);
    const rpc = await member.rpc('no_such_function', {});
    assert.deepEqual([rpc.status, rpc.error.code], [404, 'PGRST202']);
    const column = await messages().select('no_such_column');
    assert.equal(column.status, 400);
    const schema = await newClient().schema('no_such_schema').from('sessions').select();
    assert.deepEqual([schema.status, schema.error.code], [406, 'PGRST106']);
});

test('a browser on another site may call the API', async () => {
    const response = await fetch(`${stack.url}/rest/v1/rpc/list_sessions`, {
        method: 'OPTIONS',
        headers: {
            origin: 'https://example.com',
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'apikey,authorization,content-profile,content-type,x-client-info',
        },
    });
    assert.ok(response.ok);
    assert.ok(['*', 'https://example.com'].includes(response.headers.get('access-control-allow-origin')));
    const allowed = response.headers.get('access-control-allow-headers').toLowerCase();
    assert.ok(allowed === '*' || ['apikey', 'content-profile', 'x-client-info'].every((name) => allowed.includes(name)), allowed);
});
