-- EchoRoom, conversations: who sees an avatar; what the worker notes of it; what Tavus' events do, in whatever order and however often they come.

begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(43);
\ir echoroom_fixture.psql

create temporary table places (name text primary key, id uuid not null, conversation uuid);
grant all on places to public;
select pg_temp.act_as(1);
insert into places values ('room', (echoroom.create_session('Calm') ->> 'id')::uuid), ('other', (echoroom.create_session('Calm') ->> 'id')::uuid);
select echoroom.join_room((select id from places where name = 'room'));
select pg_temp.act_as(2);
select echoroom.join_room((select id from places where name = 'room'));

select pg_temp.act_as_owner();
create function pg_temp.room() returns uuid language sql stable as $$ select id from places where name = 'room' $$;
create function pg_temp.conversation() returns uuid language sql stable as $$ select conversation from places where name = 'room' $$;
create function pg_temp.now_is() returns echoroom.conversations language sql volatile security definer
    as $$ select c from echoroom.conversations c where c.id = pg_temp.conversation() $$;

-- What one statement gives the worker, as text, or the SQLSTATE of its refusal. The worker's role cannot reach pgTAP itself.
create function pg_temp.as_worker(statement text) returns text
    language plpgsql volatile
    as $$
declare
    v_result text;
begin
    perform set_config('role', 'parley_worker', true), set_config('request.jwt.claims', '', true);
    execute statement into v_result;
    perform set_config('role', 'none', true);
    return v_result;
exception when others then
    -- The role is back by itself: what a block sets is undone with it.
    return sqlstate;
end
$$;

-- The worker's role ---------------------------------------------------------------------------------------------------------

select results_eq(
    $$ select rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication from pg_roles where rolname = 'parley_worker' $$,
    $$ values (true, false, false, false, false, false) $$,
    'the worker logs in, and may do nothing else by itself'
);
select is_empty(
    $$ select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname ~ '^(echoroom|parley)' and c.relkind in ('r', 'p', 'v')
         and has_table_privilege('parley_worker', c.oid, 'select, insert, update, delete') $$,
    'the worker has no right on any table'
);

-- Reading -------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as_owner();
create function pg_temp.asks_for_an_avatar() returns void language sql volatile security definer as $$
    with asked as (
        insert into echoroom.conversations (session_id, persona_id, mood, started_by)
        values (pg_temp.room(), 'default_calm_persona', 'Calm', pg_temp.person(1))
        returning id
    )
    update places set conversation = (select id from asked) where name = 'room'
$$;
select pg_temp.asks_for_an_avatar();
select throws_ok('select pg_temp.asks_for_an_avatar()', '23505', null, 'a room has one avatar at a time');
select pg_temp.act_as(2);
select is((select count(*) from echoroom.conversations where session_id = pg_temp.room()), 1::bigint, 'a member sees it');
select throws_ok('update echoroom.conversations set status = ''ended'' where true', '42501', null, 'and changes nothing');
select pg_temp.act_as(3);
select is_empty('select from echoroom.conversations', 'a stranger sees none');
select pg_temp.act_as_visitor();
select throws_ok('select from echoroom.conversations', '42501', null, 'a visitor may not even look');

-- The worker takes it on ------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
select throws_ok('select echoroom_private.tavus_claim(pg_temp.conversation())', '42501', null, 'a member does not do the worker''s work');
select throws_ok('select echoroom_private.tavus_receive(pg_temp.conversation(), ''{}'')', '42501', null, 'nor bring events');
select pg_temp.act_as_owner();
select is(pg_temp.as_worker('select id from echoroom.conversations'), '42501', 'the worker reads no table');
select is(pg_temp.as_worker('select id from echoroom_private.tavus_to_start()'), pg_temp.conversation()::text, 'a conversation that was asked for waits for a worker');
select is(
    pg_temp.as_worker(format('select echoroom_private.tavus_claim(%L) ->> ''status''', pg_temp.conversation())), 'starting',
    'one worker takes it on'
);
select is(pg_temp.as_worker(format('select echoroom_private.tavus_claim(%L)', pg_temp.conversation())), null, 'no second one does');
select is(pg_temp.as_worker('select id from echoroom_private.tavus_to_start()'), null, 'nor is it offered');
select pg_temp.as_worker(format('select echoroom_private.tavus_started(%L, %L, %L)', pg_temp.conversation(), 'c-one', 'https://tavus.daily.co/c-one'));
select results_eq(
    'select status, conversation_id, conversation_url, claimed_until from pg_temp.now_is()',
    $$ values ('active', 'c-one', 'https://tavus.daily.co/c-one', null::timestamptz) $$,
    'the call exists'
);

-- Events --------------------------------------------------------------------------------------------------------------------

create function pg_temp.event(type text, properties jsonb, at text default '2026-11-21T10:00:00.000000Z', id text default 'c-one') returns jsonb
    language sql stable as $$ select jsonb_build_object(
        'event_type', type, 'message_type', split_part(type, '.', 1), 'conversation_id', id, 'timestamp', at,
        'webhook_url', 'https://example.com/a-secret-token', 'properties', properties) $$;
create function pg_temp.brings(type text, properties jsonb, at text default '2026-11-21T10:00:00.000000Z', id text default 'c-one') returns text
    language sql volatile as $$ select pg_temp.as_worker(format('select echoroom_private.tavus_receive(%L, %L)', pg_temp.conversation(), pg_temp.event(type, properties, at, id))) $$;

select is(pg_temp.brings('system.replica_joined', '{"replica_id": "r1"}'), 'new', 'the replica joined');
select is(pg_temp.brings('system.replica_joined', '{"replica_id": "r1"}', '2026-11-21T10:00:09Z'), 'duplicate', 'once, whatever the time of the second delivery');
select is(pg_temp.brings('system.pal_joined', '{"face_id": "r1"}'), 'duplicate', 'and whatever Tavus calls it this year');
select is(pg_temp.brings('system.replica_joined', '{"replica_id": "r2"}'), 'conflicting', 'another replica under the same key is noticed');
select is((select replica_id from pg_temp.now_is()), 'r1', 'and the first is kept');
select is(pg_temp.brings('system.shutdown', '{}', id => 'c-two'), 'unknown', 'an event of another conversation is not this one''s');
select is(pg_temp.as_worker(format('select echoroom_private.tavus_receive(gen_random_uuid(), %L)', pg_temp.event('system.shutdown', '{}'))), 'unknown', 'nor one of a conversation that is not there');
select is(
    pg_temp.as_worker(format('select echoroom_private.tavus_receive(%L, %L)', pg_temp.conversation(), '{"event_type": 7, "conversation_id": "c-one"}')), '22023',
    'what is no event is refused'
);
select is(pg_temp.brings('application.dance', '{"step": 1}'), 'new', 'a type that nobody knows is kept');
select is(pg_temp.brings('application.transcription_ready', '{"transcript": [{"role": "system", "content": "You are"}, {"role": "user", "content": "Hi", "timestamp": 1779475657.84}, 7, {"role": "assistant", "content": "Hello", "extra": {}}]}'), 'new', 'a transcript comes');
select is((select transcript from pg_temp.now_is()), '[{"role": "user", "content": "Hi", "timestamp": 1779475657.84}, {"role": "assistant", "content": "Hello"}]', 'without the system prompt');
select is(pg_temp.brings('system.shutdown', '{"shutdown_reason": "participant_left_timeout reached"}', 'yesterday-ish'), 'new', 'the call ends, at a time that cannot be read');
select is((select status || ', ' || shutdown_reason from pg_temp.now_is()), 'ended, participant_left_timeout reached', 'and says why');
select ok((select ended_at is not null from pg_temp.now_is()), 'and when, as far as known');
select pg_temp.act_as_owner();
select is((select count(*) from echoroom_private.conversation_events e where e.conversation = pg_temp.conversation()), 5::bigint, 'each event is kept once, and what conflicts beside it');
select is_empty('select from echoroom_private.conversation_events e where e.body::text ~ ''a-secret-token''', 'without the address that they came to');
select set_eq(
    $$ select event from pg_temp.heard(pg_temp.room()) where event like 'avatar-%' $$,
    $$ values ('avatar-starting'), ('avatar-started'), ('avatar-ended'), ('avatar-transcript') $$,
    'the room hears of it'
);
select is((select count(*) from pg_temp.heard(pg_temp.room()) where event = 'avatar-started'), 1::bigint, 'once');

-- In any order ----------------------------------------------------------------------------------------------------------------

create function pg_temp.final_state(events jsonb[]) returns text
    language plpgsql volatile security definer as $$
declare
    v_conversation uuid;
    v_state text;
    v_event jsonb;
begin
    begin
        insert into echoroom.conversations (session_id, persona_id, mood) values ((select id from places where name = 'other'), 'p', 'Calm') returning id into v_conversation;
        foreach v_event in array events loop
            if v_event ? 'started' then
                perform echoroom_private.tavus_started(v_conversation, 'c-any', 'https://tavus.daily.co/c-any');
            elsif v_event ? 'ended' then
                perform echoroom_private.tavus_ended(v_conversation, 'by us');
            else
                perform echoroom_private.tavus_receive(v_conversation, v_event);
            end if;
        end loop;
        select (to_jsonb(c) - 'id' - 'created_at' - 'updated_at')::text into v_state from echoroom.conversations c where c.id = v_conversation;
        raise exception using errcode = 'PT000', message = v_state;
    exception when sqlstate 'PT000' then
        return sqlerrm;
    end;
end
$$;

create function pg_temp.orders(things jsonb[]) returns setof jsonb[]
    language sql immutable as $$
    with recursive walk (taken, places) as (
        select array[things[n]], array[n] from generate_series(1, cardinality(things)) n
        union all
        select walk.taken || things[n], walk.places || n
        from walk, generate_series(1, cardinality(things)) n
        where n <> all (walk.places)
    )
    select taken from walk where cardinality(taken) = cardinality(things)
$$;

select results_eq(
    $$ select count(distinct state)::int, count(*)::int from (
        select pg_temp.final_state(sequence) as state
        from pg_temp.orders(array[
            '{"started": true}'::jsonb,
            pg_temp.event('system.replica_joined', '{"replica_id": "r1"}', '2026-11-21T10:00:00Z', 'c-any'),
            pg_temp.event('system.pal_joined', '{"face_id": "r1"}', '2026-11-21T10:00:00Z', 'c-any'),
            pg_temp.event('system.shutdown', '{"reason": "max_call_duration reached"}', '2026-11-21T10:05:00Z', 'c-any'),
            pg_temp.event('application.transcription_ready', '{"transcript": []}', '2026-11-21T10:05:01Z', 'c-any')
        ]) as sequence
    ) as runs $$,
    $$ values (1, 120) $$,
    'the answer and four events end in the same state in all of their 120 orders'
);
select results_eq(
    $$ select count(distinct state)::int from (
        select pg_temp.final_state(array['{"started": true}'::jsonb] || sequence) as state
        from pg_temp.orders(array[
            '{"ended": true}'::jsonb,
            pg_temp.event('system.shutdown', '{"shutdown_reason": "end_conversation_endpoint_hit"}', '2026-11-21T10:05:00Z', 'c-any')
        ]) as sequence
    ) as runs $$,
    $$ values (1) $$,
    'so do our own note of the end and Tavus'' event'
);

-- Ending --------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as_owner();
select pg_temp.asks_for_an_avatar();
select echoroom_private.tavus_started(pg_temp.conversation(), 'c-three', 'https://tavus.daily.co/c-three');
select is(pg_temp.as_worker('select id from echoroom_private.tavus_to_end()'), null, 'a call in a room with people goes on');
update echoroom.conversations set end_requested_at = now() where id = pg_temp.conversation();
select is(pg_temp.as_worker('select conversation_id || '' '' || reason from echoroom_private.tavus_to_end()'), 'c-three requested', 'one that somebody asked to end is named to the worker');
select pg_temp.as_worker(format('select echoroom_private.tavus_ended(%L, ''requested'')', pg_temp.conversation()));
select is((select status from pg_temp.now_is()), 'ended', 'which notes the end');
select pg_temp.asks_for_an_avatar();
select is(
    pg_temp.as_worker(format('select echoroom_private.tavus_failed(%L, ''No credits are left.'')', pg_temp.conversation())), 'true',
    'a call that cannot be started has failed'
);
select is((select status || ': ' || failure from pg_temp.now_is()), 'failed: No credits are left.', 'and says why');
select pg_temp.asks_for_an_avatar();
select echoroom_private.tavus_started(pg_temp.conversation(), 'c-four', 'https://tavus.daily.co/c-four');
update echoroom.participants set last_seen_at = now() - interval '3 minutes' where session_id = pg_temp.room();
select is(pg_temp.as_worker('select conversation_id || '' '' || reason from echoroom_private.tavus_to_end()'), 'c-four room_empty', 'a call without people is to end');
delete from echoroom.sessions where id = pg_temp.room();
select is(pg_temp.as_worker('select conversation_id || '' '' || reason from echoroom_private.tavus_to_end()'), 'c-four room_deleted', 'a call outlives its room until it is ended');
select is(
    pg_temp.as_worker('select string_agg(conversation_id, '' '' order by created_at) from echoroom_private.tavus_open()'), 'c-four',
    'what is open is looked after; nobody misses the transcript of a room that is gone'
);

select * from finish();
rollback;
