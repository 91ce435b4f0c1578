// The types of clients/js against the database, and as a user of TypeScript meets them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { apps } from '../../bin/lib/apps.mjs';
import { Types } from './client_schema.mjs';
import { fileOf, tablesOf } from './client_tables.mjs';
import { rows } from './database.mjs';
import { compile } from './typescript.mjs';

/** A value of each type of argument that there is, and one that is not of it. */
const samples = {
    uuid: ['x', 1],
    text: ['x', 1],
    'timestamp with time zone': ['2026-11-21T09:00:00Z', 1],
    integer: [1, 'x'],
    bigint: [1, 'x'],
    'double precision': [0.5, 'x'],
    boolean: [true, 'x'],
    vector: [[0.5, 1], true],
};

/** The functions of a schema: their arguments with types, in order, and how many of the last ones have a default. */
const functionsOf = (schema) =>
    rows(
        `select p.proname as name, p.pronargdefaults as defaults,
            coalesce((p.proargnames)[1:p.pronargs], '{}') as names, array(select format_type(t, null) from unnest(p.proargtypes::oid[]) t) as types
        from pg_proc p where p.pronamespace = $1::regnamespace order by 1`,
        [schema],
    );

for (const { name: app, schema } of apps) {
    const types = new Types(app);

    test(`${app}: the columns are as the Supabase CLI finds them`, async () => {
        assert.equal(readFileSync(fileOf(app), 'utf8'), await tablesOf(schema), 'make them anew: node tests/js/client_tables.mjs');
    });

    test(`${app}: rows have the columns of their tables, null where the column may be`, async () => {
        const columns = await rows(
            `select c.relname as table, a.attname as column, not a.attnotnull as nullable
            from pg_class c join pg_attribute a on a.attrelid = c.oid
            where c.relnamespace = $1::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped`,
            [schema],
        );
        const typed = types.of('Rows');
        assert.deepEqual(Object.keys(typed.properties).sort(), [...new Set(columns.map(({ table }) => table))].sort());
        const found = [];
        for (const table of Object.keys(typed.properties)) {
            // A row may be of several forms.
            const row = types.resolve(types.of('Rows', table));
            for (const form of row.anyOf ?? [row]) {
                const wanted = columns.filter((each) => each.table === table).map((each) => `${each.column}${each.nullable ? ' or null' : ''}`);
                const here = Object.entries(form.properties).map(([column, type]) => `${column}${types.accepts(type, null) ? ' or null' : ''}`);
                found.push([table, here.sort()]);
                assert.deepEqual(here, wanted.sort(), table);
                assert.deepEqual(form.required.toSorted(), Object.keys(form.properties).sort(), table);
            }
        }
        assert.ok(found.length > 0);
    });

    test(`${app}: every function is typed, with its arguments`, async () => {
        const functions = await functionsOf(schema);
        assert.deepEqual(Object.keys(types.of('Functions').properties).sort(), functions.map(({ name }) => name));
        for (const { name, defaults, names, types: sqlTypes } of functions) {
            const args = types.resolve(types.of('Functions', name, 'Args'));
            assert.deepEqual(Object.keys(args.properties ?? {}).sort(), names.toSorted(), `${name}: names`);
            const needed = names.slice(0, names.length - defaults);
            assert.deepEqual((args.required ?? []).toSorted(), needed.toSorted(), `${name}: what may be left out`);
            names.forEach((argument, index) => {
                const type = types.of('Functions', name, 'Args', argument);
                const [right, wrong] = samples[sqlTypes[index].replace(/^extensions\./, '')] ?? assert.fail(`no sample of ${sqlTypes[index]}`);
                const isEnumeration = types.resolve(type).enum !== undefined || types.resolve(type).anyOf?.some((each) => types.resolve(each).enum);
                assert.ok(isEnumeration || types.accepts(type, right), `${name}: ${argument} takes ${sqlTypes[index]}`);
                assert.ok(!types.accepts(type, wrong), `${name}: ${argument} takes ${sqlTypes[index]} only`);
                assert.equal(types.accepts(type, null), !needed.includes(argument), `${name}: ${argument} may be null as it may be left out`);
            });
        }
    });
}

const uses = `
import { createClient } from '@supabase/supabase-js';
import type { Database, WithApps } from '@parley/client';
import type { Database as EchoroomAlone, Events, Message } from '@parley/client/echoroom';
import type { Database as DomoAlone, Demo, FoundChunk } from '@parley/client/domo';

const client = createClient<Database>('http://localhost', 'key');
const echoroom = client.schema('echoroom');
const domo = client.schema('domo');

// Answers have their fields, and no others.
const { data: room } = await echoroom.rpc('join_room', { session_id: 'x' }).throwOnError();
export const topic: string = room.topic;
export const mood: string | null = room.participants[0].mood;
// @ts-expect-error a room has no such field
room.subject;
// @ts-expect-error mood may be null
export const wrong: string = room.participants[0].mood;
const { data: messages } = await echoroom.rpc('get_messages', { session_id: 'x' }).throwOnError();
export const last: Message = messages[0];
const { data: hits } = await domo.rpc('search_knowledge', { demo_id: 'x', query_text: 'x', query_embedding: [0.1, 0.2] }).throwOnError();
export const hit: FoundChunk = hits[0];
const { data: seats } = await echoroom.rpc('leave_room', { session_id: 'x' }).throwOnError();
export const wasSeated: boolean = seats;

// Without throwOnError there is an answer or an error.
const { data, error } = await echoroom.rpc('find_room', { mood: 'Calm' });
export const found: string = error ? error.details : data.category;

// What may be left out may be null; what may not, may not, and of another type is nothing.
echoroom.rpc('join_room', { session_id: 'x', user_name: null, mood: null, avatar: null });
echoroom.rpc('get_messages', { session_id: 'x', page_limit: null, page_offset: null, before_timestamp: null, before_seq: null });
domo.rpc('events_since', { demo_id: 'x', after_seq: null, page_limit: null });
domo.rpc('search_knowledge', { demo_id: 'x', query_text: 'x', query_embedding: '[0.1]', source: null });
echoroom.rpc('list_sessions');
// @ts-expect-error
echoroom.rpc('join_room', { session_id: null });
// @ts-expect-error
echoroom.rpc('join_room', { session_id: 'x', user_name: 1 });
// @ts-expect-error
echoroom.rpc('send_message', { session_id: 'x', content: 'x', message_type: 'shout' });
// @ts-expect-error there is no such function
echoroom.rpc('join_rooms', { session_id: 'x' });

// Tables: narrower than the CLI has them, and what may be written.
const { data: demos } = await domo.from('demos').select().throwOnError();
export const status: 'draft' | 'published' | 'archived' = demos[0].status;
export const demo: Demo = demos[0];
const { data: names } = await domo.from('demos').select('name, demo_videos(title)').throwOnError();
export const title: string = names[0].demo_videos[0].title;
domo.from('demos').insert({ name: 'x', description: null });
domo.from('knowledge_chunks').update({ vector_embedding: [0.1, 0.2] });
// @ts-expect-error
domo.from('demos').update({ status: 'gone' });
// @ts-expect-error
domo.from('demos').insert({ description: 'A demo has a name' });
// @ts-expect-error only the database writes it
echoroom.from('persona').insert({ id: 1, persona_id: 'x' });

// Events, by name.
client
    .channel(topic, { config: { private: true } })
    .on<Events['receiveMessage']>('broadcast', { event: 'receiveMessage' }, ({ payload }) => console.log(payload.text.length, payload.seq + 1));
const { data: page } = await domo.rpc('events_since', { demo_id: 'x' }).throwOnError();
for (const event of page.events) {
    if (event.event === 'topic-rotated') {
        event.payload.epoch.toFixed();
    }
}
const { data: lines } = await domo.rpc('export_demo_data').throwOnError();
for (const line of lines) {
    if ('table' in line && line.table === 'demos') {
        line.row.agent_name.length;
    }
}

// A project of one's own, with one app or all.
type Own = { public: { Tables: { notes: { Row: { id: number }; Insert: { id: number }; Update: { id?: number }; Relationships: [] } }; Views: {}; Functions: {} } };
const own = createClient<WithApps<Own>>('http://localhost', 'key');
export const id: number = (await own.from('notes').select().single().throwOnError()).data.id;
own.schema('domo').rpc('demo_dashboard');
const one = createClient<WithApps<Own, 'echoroom'>>('http://localhost', 'key');
one.schema('echoroom').rpc('list_sessions');
// @ts-expect-error Domo is not in it
one.schema('domo');
createClient<EchoroomAlone>('http://localhost', 'key').schema('echoroom').rpc('list_sessions');
createClient<DomoAlone>('http://localhost', 'key').schema('domo').rpc('demo_dashboard');
`;

const ways = {
    'as modules of Node': {},
    'for a bundler, with what `tsc --init` switches on': { module: 'esnext', moduleResolution: 'bundler', exactOptionalPropertyTypes: true, verbatimModuleSyntax: true },
    'with our own files checked': { skipLibCheck: false },
};

for (const [way, options] of Object.entries(ways)) {
    test(`TypeScript knows rows, arguments, answers and events: ${way}`, async () => {
        assert.equal(await compile({ 'uses.mts': uses }, options), '');
    });
}
