-- The schema as the specification and the house rules want it, read from the catalogue.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(50);

select tables_are('echoroom', array['sessions', 'participants', 'chat_messages', 'message_reactions', 'persona', 'removed_participants', 'conversations'],
    'echoroom has the five tables of the specification, one for who was removed and one for avatars');

select columns_are('echoroom', 'sessions', array[
    'id', 'category', 'description', 'is_active', 'max_participants', 'current_participants', 'epoch', 'last_seq', 'created_by', 'created_at', 'updated_at'
], 'sessions has its columns');
select columns_are('echoroom', 'participants', array[
    'user_id', 'session_id', 'user_name', 'avatar', 'mood', 'is_speaking', 'is_muted', 'joined_at', 'last_seen_at'
], 'participants has its columns');
select columns_are('echoroom', 'chat_messages', array[
    'id', 'session_id', 'user_id', 'sender_name', 'content', 'message_type', 'reply_to', 'is_edited', 'edited_at', 'deleted_at',
    'seq', 'client_id', 'created_at', 'updated_at'
], 'chat_messages has its columns');
select columns_are('echoroom', 'message_reactions', array['id', 'message_id', 'session_id', 'user_id', 'emoji', 'created_at'], 'message_reactions has its columns');
select columns_are('echoroom', 'persona', array['id', 'persona_id', 'mood', 'created_at', 'updated_at'], 'persona has its columns');
select columns_are('echoroom', 'removed_participants', array['session_id', 'user_id', 'user_name', 'removed_at'], 'removed_participants has its columns');

select col_is_pk('echoroom', 'participants', array['user_id', 'session_id'], 'one seat a person and room');
select col_is_pk('echoroom', 'removed_participants', array['session_id', 'user_id'], 'a person is removed once from a room');
select col_is_unique('echoroom', 'message_reactions', array['message_id', 'user_id', 'emoji'], 'one reaction a message, person and emoji');
select col_is_unique('echoroom', 'chat_messages', array['session_id', 'user_id', 'client_id'], 'one message a room, person and client_id');
select col_is_unique('echoroom', 'chat_messages', array['session_id', 'seq'], 'a number is taken once a room');

select is_indexed('echoroom', 'sessions', 'category', 'sessions are indexed by category');
select has_index('echoroom', 'sessions', 'sessions_mood_free_idx', 'rooms of a mood with a free seat are indexed by people');
select is_indexed('echoroom', 'participants', array['session_id', 'joined_at'], 'participants are indexed by session and time');
select has_index('echoroom', 'chat_messages', 'chat_messages_session_id_created_at_seq_idx', 'messages are indexed by session and time');
select is_indexed('echoroom', 'chat_messages', 'user_id', 'messages are indexed by author');
select is_empty(
    $$
        select i.indexrelid::regclass
        from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
        where i.indrelid = 'echoroom.chat_messages'::regclass
            and a.attname in ('content', 'is_edited', 'edited_at', 'deleted_at', 'updated_at')
    $$,
    'no index of a message has what an edit changes'
);
select is_indexed('echoroom', 'message_reactions', 'user_id', 'reactions are indexed by person');
select is_indexed('echoroom', 'persona', 'persona_id', 'personas are indexed by persona_id');
select has_index('echoroom', 'persona', 'persona_created_at_idx', 'personas are indexed by time');

select is_empty(
    $$
        select c.conrelid::regclass, c.conname
        from pg_constraint c
        where c.contype = 'f' and c.connamespace = 'echoroom'::regnamespace
            and not exists (
                select from pg_index i
                where i.indrelid = c.conrelid and i.indisvalid
                    and (i.indkey::smallint[])[0:cardinality(c.conkey) - 1] = c.conkey
            )
    $$,
    'every foreign key is indexed'
);
select is_empty(
    $$
        select i.indexrelid::regclass, j.indexrelid::regclass
        from pg_index i
        join pg_index j on j.indrelid = i.indrelid and j.indexrelid > i.indexrelid
            and j.indkey = i.indkey and j.indoption = i.indoption
            and j.indpred is not distinct from i.indpred and j.indexprs is not distinct from i.indexprs
        where i.indrelid in (select oid from pg_class where relnamespace = 'echoroom'::regnamespace)
    $$,
    'no index says what another one says'
);
select is_empty(
    $$
        select i.indexrelid::regclass
        from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
        where (i.indrelid = 'echoroom.participants'::regclass and a.attname = 'last_seen_at')
            or (i.indrelid = 'echoroom.sessions'::regclass and a.attname in ('last_seq', 'updated_at'))
    $$,
    'no hot column is indexed, so heartbeats and numbers are heap-only updates'
);
select is_empty(
    $$
        select c.oid::regclass
        from pg_class c
        where c.relkind in ('r', 'p') and c.relnamespace in ('echoroom'::regnamespace, 'echoroom_private'::regnamespace)
            and not c.relrowsecurity
    $$,
    'row level security is on for every table'
);
select is_empty(
    $$
        select tablename, cmd, role
        from pg_policies, unnest(roles) as role
        where schemaname = 'echoroom' and permissive = 'PERMISSIVE'
        group by tablename, cmd, role
        having count(*) > 1
    $$,
    'no role and command has two permissive policies'
);
select is_empty(
    $$select policyname from pg_policies where schemaname = 'echoroom' and cmd <> 'SELECT'$$,
    'no policy lets a client write a table'
);
select is_empty(
    $$select policyname from pg_policies where schemaname = 'echoroom' and roles && array['public']::name[]$$,
    'every policy names its roles'
);
select is_empty(
    $$
        select a.attrelid::regclass, a.attname
        from pg_attribute a
        join pg_class c on c.oid = a.attrelid and c.relkind = 'r' and c.relnamespace = 'echoroom'::regnamespace
        where a.attnum > 0 and a.atttypid = 'timestamp'::regtype
    $$,
    'every time has a time zone'
);
select is_empty(
    $$
        select a.attrelid::regclass, a.attname
        from pg_attribute a
        join pg_class c on c.oid = a.attrelid and c.relkind = 'r'
            and c.relnamespace in ('echoroom'::regnamespace, 'echoroom_private'::regnamespace)
        where a.attnum > 0 and a.atttypid = 'text'::regtype
            and not exists (
                select from pg_constraint k where k.conrelid = a.attrelid and k.contype = 'c' and a.attnum = any (k.conkey)
            )
    $$,
    'every text is checked'
);

select set_eq(
    $$select proname || '(' || pg_get_function_arguments(oid) || ')' from pg_proc where pronamespace = 'echoroom'::regnamespace$$,
    array[
        'create_session(category text, description text DEFAULT NULL::text, max_participants integer DEFAULT 6)',
        'find_room(mood text)',
        'join_room(session_id uuid, user_name text DEFAULT NULL::text, mood text DEFAULT ''calm''::text, avatar text DEFAULT NULL::text)',
        'leave_room(session_id uuid)',
        'heartbeat(session_id uuid)',
        'remove_participant(session_id uuid, user_id uuid)',
        'readmit_participant(session_id uuid, user_id uuid)',
        'start_conversation(session_id uuid, mood text DEFAULT NULL::text)',
        'end_conversation(conversation_id text)',
        'set_voice_status(session_id uuid, is_speaking boolean DEFAULT NULL::boolean, is_muted boolean DEFAULT NULL::boolean)',
        'update_participant(session_id uuid, user_name text DEFAULT NULL::text, avatar text DEFAULT NULL::text, mood text DEFAULT NULL::text)',
        'send_message(session_id uuid, content text, message_type text DEFAULT ''text''::text, reply_to uuid DEFAULT NULL::uuid, client_id uuid DEFAULT NULL::uuid)',
        'edit_message(message_id uuid, content text)',
        'delete_message(message_id uuid)',
        'add_reaction(message_id uuid, emoji text)',
        'remove_reaction(message_id uuid, emoji text)',
        'get_messages(session_id uuid, page_limit integer DEFAULT 50, page_offset integer DEFAULT 0, before_timestamp timestamp with time zone DEFAULT NULL::timestamp with time zone, before_seq bigint DEFAULT NULL::bigint)',
        'messages_since(session_id uuid, after_seq bigint)',
        'room_state(session_id uuid)',
        'list_sessions()',
        'persona_by_mood(mood text)'
    ],
    'the RPCs are those of docs/echoroom.md, with the argument names and defaults of the specification'
);
select is_empty(
    $$
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace in ('echoroom'::regnamespace, 'echoroom_private'::regnamespace)
            and (p.proconfig is null or not p.proconfig @> array['search_path=""'])
    $$,
    'every function has an empty search_path'
);
select is_empty(
    $$select oid::regprocedure from pg_proc where pronamespace = 'echoroom'::regnamespace and prosecdef$$,
    'no exposed function runs with its owner''s rights'
);
select is_empty(
    $$
        select p.oid::regprocedure
        from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as granted
        where p.pronamespace in ('echoroom'::regnamespace, 'echoroom_private'::regnamespace) and granted.grantee = 0
    $$,
    'no function is granted to everybody'
);
select set_eq(
    $$
        select p.proname::text
        from pg_proc p
        where p.pronamespace = 'echoroom'::regnamespace and has_function_privilege('anon', p.oid, 'execute')
    $$,
    array['list_sessions', 'persona_by_mood'],
    'a visitor who is not signed in may list rooms and ask for a persona, nothing else'
);
select is_empty(
    $$
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace = 'echoroom_private'::regnamespace and p.prorettype = 'trigger'::regtype
            and (has_function_privilege('authenticated', p.oid, 'execute') or has_function_privilege('service_role', p.oid, 'execute'))
    $$,
    'nobody may call a trigger function'
);
select is_empty(
    $$
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace in ('echoroom'::regnamespace, 'echoroom_private'::regnamespace)
            and obj_description(p.oid, 'pg_proc') is null
    $$,
    'every function has a comment'
);
select is(
    (select provolatile from pg_proc where oid = 'echoroom.messages_since(uuid, bigint)'::regprocedure),
    's'::"char",
    'catch-up reads one snapshot'
);

select set_has(
    'select id, category, description, is_active, max_participants from echoroom.sessions',
    $$
        values
            ('3c0baaf2-45d5-4986-8a56-e205ad9e1c4f'::uuid, 'Motivated', 'Ready to take on challenges', true, 6),
            ('9dcaa32f-b371-4ebf-9153-8747a16e19b2'::uuid, 'Hopeful', 'Looking forward with optimism', true, 6),
            ('ad209c8b-dde1-44e7-8642-7da4e1f8cfe3'::uuid, 'Lonely', 'Seeking connection and understanding', true, 6),
            ('cd90792e-bb54-4a5b-b1b9-59fb27fbc49f'::uuid, 'Joyful', 'Filled with happiness and gratitude', true, 6),
            ('647161c4-0bfc-4142-9f7a-fc6eefb17325'::uuid, 'Calm', 'Finding peace in the moment', true, 6),
            ('5b169685-1790-493e-a569-3aeec7b60b33'::uuid, 'Loving', 'Embracing warmth and compassion', true, 6)
    $$,
    'the six rooms of the specification come with the migration'
);
select set_has(
    'select persona_id, mood from echoroom.persona',
    $$
        values
            ('default_hopeful_persona', 'Hopeful'), ('default_lonely_persona', 'Lonely'), ('default_motivated_persona', 'Motivated'),
            ('default_calm_persona', 'Calm'), ('default_loving_persona', 'Loving'), ('default_joyful_persona', 'Joyful')
    $$,
    'so do its six personas, each with its mood'
);
select is_empty(
    $$select * from parley.counter_drift() where parent = 'echoroom.sessions'::regclass$$,
    'current_participants is what a recount says'
);
select is(
    (select capacity::text from parley.aggregates where parent = 'echoroom.sessions'::regclass and target = 'current_participants'),
    'max_participants',
    'the kernel enforces the capacity of a room'
);

select has_trigger('echoroom', 'sessions', 'sessions_move_topic', 'a room moves to its next topic under a lock');
select has_trigger('auth', 'users', 'echoroom_lock_rooms', 'deleting an account locks its rooms in order, before anything else');

select throws_ok(
    $$insert into echoroom.sessions (category) values (repeat('x', 65))$$, '23514', null, 'a category of 65 characters is refused'
);
select throws_ok(
    $$insert into echoroom.sessions (category, max_participants) values ('x', 0)$$, '23514', null, 'a room without seats is refused'
);
select throws_ok(
    $$insert into echoroom.chat_messages (session_id, sender_name, content) values ('647161c4-0bfc-4142-9f7a-fc6eefb17325', 'x', repeat('x', 4001))$$,
    '23514', null, 'a text of 4001 characters is refused by the table too'
);
select throws_ok(
    $$insert into echoroom.chat_messages (session_id, sender_name, content, message_type) values ('647161c4-0bfc-4142-9f7a-fc6eefb17325', 'x', 'x', 'shout')$$,
    '23514', null, 'an unknown message type is refused by the table too'
);
select throws_ok(
    $$insert into echoroom.persona (persona_id, mood) values ('another', 'CALM')$$, '23505', null, 'a mood has one persona'
);
select throws_ok(
    $$update echoroom.sessions set last_seq = -1 where id = '647161c4-0bfc-4142-9f7a-fc6eefb17325'$$, '23514', null, 'a number below zero is refused'
);

select * from finish();
rollback;
