-- EchoRoom, jobs: what a wish for an avatar and its end enqueue, and what comes round by itself.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(25);
\ir echoroom_fixture.psql
select pg_temp.forget_ceilings();

create temporary table places (name text primary key, id uuid not null);
grant all on places to public;
select pg_temp.act_as(1);
insert into places
select place, (echoroom.create_session('Calm') ->> 'id')::uuid from unnest(array['room', 'closing', 'gone']) as place;
select echoroom.join_room(id) from places;
select pg_temp.act_as_owner();

create function pg_temp.room(place text) returns uuid language sql stable security definer as $$ select id from places where name = place $$;
create function pg_temp.conversation(place text) returns uuid language sql volatile security definer
    as $$ select id from echoroom.conversations where session_id = pg_temp.room(place) order by created_at desc limit 1 $$;
-- The jobs of a conversation, oldest first.
create function pg_temp.jobs(conversation uuid) returns text
    language sql volatile security definer
    as $$
    select string_agg(concat_ws(' ', message ->> 'kind', message -> 'payload' ->> 'reason'), ', ' order by msg_id)
    from pgmq.q_parley_tavus
    where message -> 'payload' ->> 'conversation' = conversation::text and message -> 'payload' ->> 'app' = 'echoroom'
    $$;
create function pg_temp.forgets_jobs() returns void
    language sql volatile security definer
    as $$ delete from pgmq.q_parley_tavus where message -> 'payload' ->> 'conversation' in (select id::text from echoroom.conversations) $$;
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
    return sqlstate;
end
$$;

-- Asking for an avatar and for its end --------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
select echoroom.start_conversation(pg_temp.room('room'));
select echoroom.start_conversation(pg_temp.room('room'));
select is(pg_temp.jobs(pg_temp.conversation('room')), 'start_conversation', 'an avatar that is asked for is to be started, once');
select echoroom.end_conversation(pg_temp.conversation('room')::text);
select echoroom.end_conversation(pg_temp.conversation('room')::text);
select is(pg_temp.jobs(pg_temp.conversation('room')), 'start_conversation, end_conversation requested', 'and to be ended, once');
select pg_temp.act_as_owner();
savepoint before;
select pg_temp.forgets_jobs();
update echoroom.conversations set status = 'ended', ended_at = now() where id = pg_temp.conversation('room');
update echoroom.conversations set end_requested_at = now() + interval '1 second' where id = pg_temp.conversation('room');
select is(pg_temp.jobs(pg_temp.conversation('room')), null, 'what is over is not ended again');
select pg_temp.act_as(1);
select echoroom.start_conversation(pg_temp.room('room'));
rollback to before;
select is(pg_temp.jobs(pg_temp.conversation('room')), 'start_conversation, end_conversation requested', 'a wish that is rolled back leaves no job');

select pg_temp.act_as(1);
select echoroom.start_conversation(id) from places where name in ('closing', 'gone');
select pg_temp.act_as_service();
update echoroom.sessions set is_active = false where id = pg_temp.room('closing');
select pg_temp.act_as_owner();
select is(pg_temp.jobs(pg_temp.conversation('closing')), 'start_conversation, end_conversation room_closed', 'the avatar of a room that closes is to be ended');
create temporary table gone as select pg_temp.conversation('gone') as id;
delete from echoroom.sessions where id = pg_temp.room('gone');
select is(pg_temp.jobs((select id from gone)), 'start_conversation, end_conversation room_deleted', 'and that of one that is deleted');
update echoroom.conversations set status = 'failed', failure = 'x' where id in (pg_temp.conversation('closing'), (select id from gone));
select pg_temp.forgets_jobs();
update echoroom.sessions set is_active = true where id = pg_temp.room('closing');
update echoroom.sessions set is_active = false where id = pg_temp.room('closing');
select is(pg_temp.jobs(pg_temp.conversation('closing')), null, 'a room that closes without an avatar has nothing to end');

-- Orphans ------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
select throws_ok('select echoroom_private.keep_orphans()', '42501', null, 'nobody keeps orphans but the worker');
select pg_temp.act_as_owner();
delete from pgmq.q_parley_tavus where true;
delete from parley.jobs where true;
select matches(pg_temp.by_maintenance('select echoroom_private.keep_orphans()'), '^\([1-9]\d*,\d+\)$', 'the worker finds wishes whose job was lost');
select is(pg_temp.jobs(pg_temp.conversation('room')), 'start_conversation', 'and enqueues it');
select pg_temp.by_maintenance('select echoroom_private.keep_orphans()');
select is(pg_temp.jobs(pg_temp.conversation('room')), 'start_conversation', 'not a second time while it is in the queue');
update echoroom.conversations set end_requested_at = null where id = pg_temp.conversation('room');
select echoroom_private.tavus_started(pg_temp.conversation('room'), 'c-jobs', 'https://tavus.daily.co/c-jobs');
select pg_temp.forgets_jobs();
select pg_temp.by_maintenance('select echoroom_private.keep_orphans()');
select is(pg_temp.jobs(pg_temp.conversation('room')), null, 'a call with people goes on');
update echoroom.participants set last_seen_at = now() - interval '3 minutes' where session_id = pg_temp.room('room');
select matches(pg_temp.by_maintenance('select echoroom_private.keep_orphans()'), '^\(\d+,[1-9]\d*\)$', 'one without is found');
select is(pg_temp.jobs(pg_temp.conversation('room')), 'end_conversation room_empty', 'and is to be ended');

-- Seats and events -----------------------------------------------------------------------------------------------------------------

select cmp_ok(pg_temp.by_maintenance('select echoroom_private.release_expired_seats()')::integer, '>=', 1, 'the worker gives expired seats back');
select is_empty(format('select from echoroom.participants where session_id = %L', pg_temp.room('room')), 'this one too');

insert into echoroom_private.conversation_events (conversation, event_type, event_key, body, received_at)
select pg_temp.conversation('room'), 'x', 'key ' || age, '{}', now() - make_interval(days => age)
from unnest(array[1, 89, 91, 95, 1000]) as age;
select is(pg_temp.by_maintenance('select echoroom_private.prune_conversation_events(p_days => 90, p_batch => 2)'), '2', 'old events are forgotten in batches');
select is(pg_temp.by_maintenance('select echoroom_private.prune_conversation_events()'), '1', 'until none is older than 90 days');
select results_eq(
    format('select event_key from echoroom_private.conversation_events where conversation = %L order by id', pg_temp.conversation('room')),
    $$ values ('key 1'), ('key 89') $$,
    'younger ones stay'
);
select is(pg_temp.by_maintenance('select echoroom_private.prune_conversation_events(3)'), '22023', 'events are kept 4 days at least');
select is(pg_temp.by_maintenance('select echoroom_private.prune_conversation_events(90, 0)'), '22023', 'a batch has at least one');
select pg_temp.act_as(1);
select throws_ok('select echoroom_private.prune_conversation_events()', '42501', null, 'nobody prunes but the worker');

select pg_temp.act_as_owner();
select results_eq(
    $$
        select kind, queue, payload
        from parley.job_schedules
        where name in ('echoroom_expire_seats', 'echoroom_keep_orphans', 'echoroom_prune', 'echoroom_reconcile')
        order by name
    $$,
    $$ values
        ('run_maintenance', 'maintenance' collate "C", '{"name": "echoroom_expire_seats"}'::jsonb),
        ('run_maintenance', 'maintenance', '{"name": "echoroom_keep_orphans"}'),
        ('run_maintenance', 'maintenance', '{"name": "echoroom_prune"}'), ('reconcile', 'tavus', '{"app": "echoroom"}') $$,
    'all of it is scheduled'
);
select is_empty(
    $$
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace = 'echoroom_private'::regnamespace and p.proname ~ '^(enqueue_|keep_orphans|prune_)'
            and (has_function_privilege('anon', p.oid, 'execute') or has_function_privilege('authenticated', p.oid, 'execute')
                or has_function_privilege('service_role', p.oid, 'execute'))
    $$,
    'no role of the API may do any of it'
);
select is(pg_temp.as_worker(format('select echoroom_private.enqueue_start(%L)', pg_temp.room('room'))), '42501', 'and the worker does not enqueue what it likes');

select * from finish();
rollback;
