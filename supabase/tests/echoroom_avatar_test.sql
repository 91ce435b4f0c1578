-- Asking for an avatar and for its end: who may, what it writes, what the room hears.

begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(17);
\ir echoroom_fixture.psql

create temporary table places (name text primary key, id uuid not null);
grant all on places to public;
select pg_temp.act_as(1);
insert into places values ('room', (echoroom.create_session('Calm') ->> 'id')::uuid), ('odd', (echoroom.create_session('Bureaucratic') ->> 'id')::uuid);
select echoroom.join_room(id) from places;
select pg_temp.act_as(2);
select echoroom.join_room((select id from places where name = 'room'));
select id as room from places where name = 'room' \gset
select id as odd from places where name = 'odd' \gset

select pg_temp.act_as(3);
select pg_temp.refuses(format('select echoroom.start_conversation(%L)', :'room'), 'PT403', 'not_a_member', 'who has no seat brings no avatar');
select pg_temp.refuses(format('select echoroom.start_conversation(%L)', gen_random_uuid()), 'PT404', 'room_not_found', 'nobody brings one to no room');

select pg_temp.act_as(1);
select pg_temp.refuses(format('select echoroom.start_conversation(%L)', :'odd'), 'PT404', 'persona_not_found', 'a room whose mood has no persona has to be told one');
select results_eq(
    format('select c ->> ''status'', c ->> ''mood'', c ->> ''persona_id'', (c ->> ''is_new'')::boolean from echoroom.start_conversation(%L, ''JOYFUL'') c', :'odd'),
    $$ values ('starting', 'Joyful', 'default_joyful_persona', true) $$,
    'and then has it, whatever the case'
);
select echoroom.start_conversation(:'room') ->> 'id' as conversation \gset
select results_eq(
    format('select c.mood, c.started_by from echoroom.conversations c where c.id = %L', :'conversation'),
    $$ values ('Calm', pg_temp.person(1)) $$,
    'without a mood it is the room''s; and it is known who asked'
);
select pg_temp.act_as(2);
select results_eq(
    format('select c ->> ''id'', (c ->> ''is_new'')::boolean from echoroom.start_conversation(%L, ''Lonely'') c', :'room'),
    format('values (%L, false)', :'conversation'),
    'who asks for a second one gets the first'
);

select pg_temp.act_as(3);
select pg_temp.refuses(format('select echoroom.end_conversation(%L)', :'conversation'), 'PT404', 'conversation_not_found', 'to a stranger it is not there');
select pg_temp.act_as(2);
select pg_temp.refuses('select echoroom.end_conversation(null)', 'PT404', 'conversation_not_found', 'nor is none');
select ok(echoroom.end_conversation(:'conversation') ->> 'end_requested_at' is not null, 'any member asks for its end');
select is(
    echoroom.end_conversation(upper(:'conversation')) ->> 'end_requested_at', echoroom.end_conversation(:'conversation') ->> 'end_requested_at',
    'twice is once'
);

select pg_temp.act_as_owner();
update echoroom.conversations set status = 'active', conversation_id = 'c-odd' where session_id = :'odd';
select pg_temp.act_as(1);
select is(echoroom.end_conversation('c-odd') ->> 'conversation_id', 'c-odd', 'Tavus'' id is as good');
select pg_temp.act_as_owner();
update echoroom.conversations set status = 'ended', end_requested_at = null where session_id = :'odd';
select pg_temp.act_as(1);
select is(echoroom.end_conversation('c-odd') ->> 'end_requested_at', null, 'what is over is not asked to end');
select is((echoroom.start_conversation(:'odd', 'Joyful') ->> 'is_new')::boolean, true, 'and another one may come');

select pg_temp.act_as_owner();
update echoroom.sessions set is_active = false where id = :'room';
select pg_temp.act_as(1);
select pg_temp.refuses(format('select echoroom.start_conversation(%L)', :'room'), 'PT410', 'room_closed', 'no avatar comes to a closed room');
select pg_temp.act_as_visitor();
select throws_ok(format('select echoroom.start_conversation(%L)', :'room'), '42501', null, 'a visitor may not ask');

select pg_temp.act_as_owner();
select is(
    (select count(*) from pg_temp.heard(:'room') where event = 'avatar-starting'), 1::bigint,
    'the room hears of it once'
);
select results_eq(
    format('select payload ->> ''user_id'', payload ->> ''mood'' from pg_temp.heard(%L) where event = ''avatar-starting''', :'room'),
    $$ values (pg_temp.person(1)::text, 'Calm') $$,
    'and from whom'
);

select * from finish();
rollback;
