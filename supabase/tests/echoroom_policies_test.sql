-- Who may read what, and that nobody but service_role writes a table.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(68);
\ir echoroom_fixture.psql

-- A room with a member (1), a message and a reaction; a stranger (2); a closed room.
select pg_temp.act_as(1);
select echoroom.create_session('Policy mood') ->> 'id' as room \gset
select count(echoroom.join_room(:'room', 'One')) as joined \gset
select echoroom.send_message(:'room', 'hello') ->> 'id' as message \gset
select count(echoroom.add_reaction(:'message', '👋')) as reacted \gset
select echoroom.create_session('Closed mood') ->> 'id' as closed \gset
select count(echoroom.join_room(:'closed', 'One')) as joined \gset
select pg_temp.act_as_owner();
update echoroom.sessions set is_active = false where id = :'closed';

-- Members
select pg_temp.act_as(1);
select is((select count(*) from echoroom.participants where session_id = :'room'), 1::bigint, 'a member reads the participants of their room');
select is((select count(*) from echoroom.chat_messages where session_id = :'room'), 1::bigint, 'a member reads the messages of their room');
select is((select count(*) from echoroom.message_reactions where session_id = :'room'), 1::bigint, 'a member reads the reactions of their room');
select is((select count(*) from echoroom.sessions where id = :'closed'), 1::bigint, 'a member reads their room after it was closed');
select ok((select count(*) from echoroom.persona) >= 6, 'a member reads personas');

-- Strangers
select pg_temp.act_as(2);
select is_empty('select from echoroom.sessions', 'a stranger reads no row of a room, so neither its creator nor its numbers');
select set_has(
    'select id from echoroom.list_sessions()', format('values (%L::uuid)', :'room'), 'and finds the active ones with list_sessions'
);
select is_empty('select from echoroom.participants', 'a stranger reads no participants');
select is_empty('select from echoroom.chat_messages', 'a stranger reads no messages');
select is_empty('select from echoroom.message_reactions', 'a stranger reads no reactions');

-- Who has left
select pg_temp.act_as(1);
select is(echoroom.leave_room(:'closed'), true, 'the member leaves the closed room');
select is_empty(format('select from echoroom.sessions where id = %L', :'closed'), 'who has left reads a closed room no more');

-- Visitors
select pg_temp.act_as_visitor();
select throws_ok('select from echoroom.sessions', '42501', null, 'a visitor may not read rooms as a table');
select set_has('select id from echoroom.list_sessions()', format('values (%L::uuid)', :'room'), 'and finds the active ones with list_sessions');
select ok((select count(*) from echoroom.persona) >= 6, 'a visitor reads personas');
select throws_ok('select from echoroom.participants', '42501', null, 'a visitor may not read participants');
select throws_ok('select from echoroom.chat_messages', '42501', null, 'a visitor may not read messages');
select throws_ok('select from echoroom.message_reactions', '42501', null, 'a visitor may not read reactions');
select throws_ok(format('select echoroom.join_room(%L)', :'room'), '42501', null, 'a visitor may not join');
select throws_ok(format('select echoroom.get_messages(%L)', :'room'), '42501', null, 'a visitor may not read the history');
select throws_ok($$select echoroom.find_room('Calm')$$, '42501', null, 'a visitor may not look for a room');
select throws_ok('select from echoroom_private.audit_log', '42501', null, 'a visitor may not read the audit log');

-- Nobody writes a table: every table, every verb, as a visitor, a member and a stranger.
create function pg_temp.attempts() returns table (statement text)
    language sql immutable
    as $$
    values
        ('insert into echoroom.sessions (category) values (''Forged'')'),
        ('update echoroom.sessions set last_seq = 99 where true'),
        ('delete from echoroom.sessions where true'),
        ('insert into echoroom.participants (user_id, session_id) values (gen_random_uuid(), gen_random_uuid())'),
        ('update echoroom.participants set user_name = ''Forged'' where true'),
        ('delete from echoroom.participants where true'),
        ('insert into echoroom.chat_messages (session_id, sender_name, content) values (gen_random_uuid(), ''x'', ''x'')'),
        ('update echoroom.chat_messages set content = ''Forged'' where true'),
        ('delete from echoroom.chat_messages where true'),
        ('insert into echoroom.message_reactions (message_id, session_id, user_id, emoji) values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), ''x'')'),
        ('update echoroom.message_reactions set emoji = ''Forged'' where true'),
        ('delete from echoroom.message_reactions where true'),
        ('insert into echoroom.persona (persona_id) values (''Forged'')'),
        ('update echoroom.persona set persona_id = ''Forged'' where true'),
        ('delete from echoroom.persona where true'),
        ('insert into echoroom.removed_participants (session_id, user_id, user_name) values (gen_random_uuid(), gen_random_uuid(), ''x'')'),
        ('update echoroom.removed_participants set user_name = ''Forged'' where true'),
        ('delete from echoroom.removed_participants where true'),
        ('select from echoroom_private.audit_log')
    $$;

select pg_temp.act_as(1);
select throws_ok(statement, '42501', null, 'a member may not: ' || statement) from pg_temp.attempts();
select pg_temp.act_as_visitor();
select throws_ok(statement, '42501', null, 'a visitor may not: ' || statement) from pg_temp.attempts();

select pg_temp.act_as_owner();
select is(
    (select jsonb_build_array(s.last_seq, s.current_participants, m.content, p.user_name)
     from echoroom.sessions s
     join echoroom.chat_messages m on m.session_id = s.id
     join echoroom.participants p on p.session_id = s.id
     where s.id = :'room'),
    '[2, 1, "hello", "One"]',
    'and the data is as it was'
);

-- service_role
select pg_temp.act_as_service();
select ok((select count(*) from echoroom.chat_messages) >= 1, 'service_role reads messages');
select ok((select count(*) from echoroom_private.audit_log) >= 1, 'service_role reads the audit log');
select lives_ok($$insert into echoroom.persona (persona_id, mood) values ('new_persona', 'New mood')$$, 'service_role writes personas');
select lives_ok($$update echoroom.persona set persona_id = 'newer_persona' where mood = 'New mood'$$, 'service_role changes personas');
select lives_ok($$delete from echoroom.persona where mood = 'New mood'$$, 'service_role deletes personas');
select throws_ok($$update echoroom.message_reactions set emoji = 'x' where true$$, '42501', null, 'not even service_role changes a reaction');
select throws_ok($$update echoroom_private.audit_log set action = 'left' where true$$, '42501', null, 'not even service_role rewrites the audit log');

select * from finish();
rollback;
