-- Queued jobs: what an enqueueing transaction, a worker, a stale worker and an operator get; and that nobody else gets anything.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(94);

-- A queue of this test alone: a worker may be running.
select parley.create_job_queue('pgtap');

-- As the worker's role, the first column of the first row as text; or the SQLSTATE of its refusal. The role cannot reach pgTAP itself.
create function pg_temp.as_worker(statement text) returns text
    language plpgsql volatile
    as $$
declare
    v_result text;
begin
    perform set_config('role', 'parley_worker', true);
    execute statement into v_result;
    perform set_config('role', 'none', true);
    return v_result;
exception when others then
    return sqlstate;
end
$$;

-- Takes every job that is due: key:attempt, in order.
create function pg_temp.takes(attempts integer default 3) returns text
    language sql volatile
    as $$
    select pg_temp.as_worker(format(
        $q$ select string_agg(format('%%s:%%s', payload ->> 'n', attempt), ' ' order by id) from parley.take_jobs('pgtap', 100, 60, %s) $q$,
        attempts))
$$;
create function pg_temp.enqueue(n text, key text default null, delay integer default 0) returns bigint
    language sql volatile
    as $$ select parley.enqueue_job('pgtap', 'greet', jsonb_build_object('n', n), key, delay) $$;
create function pg_temp.job(n text) returns bigint
    language sql volatile
    as $$ select msg_id from pgmq.q_parley_pgtap where message -> 'payload' ->> 'n' = n $$;
create function pg_temp.lease(n text) returns integer
    language sql volatile
    as $$ select read_ct from pgmq.q_parley_pgtap where message -> 'payload' ->> 'n' = n $$;
-- Calls one of the worker's functions for a job, by default under its present lease.
create function pg_temp.says(what text, n text, more text default '', lease integer default null) returns text
    language sql volatile
    as $$
    select pg_temp.as_worker(format(
        'select parley.%s_job(''pgtap'', %s, %s%s)', what, pg_temp.job(n), coalesce(lease, pg_temp.lease(n)), more))
$$;
create function pg_temp.lets_the_lease_run_out(n text) returns void
    language sql volatile
    as $$ update pgmq.q_parley_pgtap set vt = clock_timestamp() - interval '1 second' where msg_id = pg_temp.job(n) $$;
create function pg_temp.visible_in(n text) returns integer
    language sql volatile
    as $$ select round(extract(epoch from vt - clock_timestamp()))::integer from pgmq.q_parley_pgtap where msg_id = pg_temp.job(n) $$;
create function pg_temp.empties() returns void
    language sql volatile
    as $$
    delete from pgmq.q_parley_pgtap where true;
    delete from parley.jobs where queue = 'pgtap';
    delete from parley.dead_letters where queue = 'pgtap';
    $$;

-- Who may ------------------------------------------------------------------------------------------------------------------------

select is_empty(
    $$
        select r.rolname, p.oid::regprocedure
        from pg_roles r
        cross join pg_proc p
        where r.rolname in ('anon', 'authenticated', 'service_role', 'authenticator') and p.pronamespace = 'parley'::regnamespace
            and has_function_privilege(r.oid, p.oid, 'execute')
            and p.proname not in ('trim_text', 'is_one_line', 'normal_emoji')
    $$,
    'no role of the API may execute anything of the kernel, but for what check constraints of their tables call'
);
select is_empty(
    $$
        select r.rolname, c.oid::regclass, p.privilege
        from pg_roles r
        cross join pg_class c
        cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as p (privilege)
        where r.rolname in ('anon', 'authenticated', 'service_role', 'authenticator', 'parley_worker')
            and (c.oid in ('parley.jobs'::regclass, 'parley.job_queues'::regclass, 'parley.job_schedules'::regclass, 'parley.dead_letters'::regclass, 'parley.job_turns'::regclass)
                or c.relnamespace = 'pgmq'::regnamespace and c.relkind = 'r' and c.relname ~ '^[qa]_parley_')
            and has_table_privilege(r.oid, c.oid, p.privilege)
    $$,
    'no role of the API, and not the worker either, has a right on the tables or on the queues themselves'
);
select is_empty(
    $$
        select c.oid::regclass
        from pg_class c
        where (c.relnamespace = 'parley'::regnamespace or c.relnamespace = 'pgmq'::regnamespace and c.relname ~ '^[qa]_parley_')
            and c.relkind = 'r' and not c.relrowsecurity
    $$,
    'row level security is on for all of them'
);
select set_eq(
    $$
        select p.oid::regprocedure::text
        from pg_proc p
        where p.pronamespace = 'parley'::regnamespace and has_function_privilege('parley_worker', p.oid, 'execute')
    $$,
    array[
        'parley.take_jobs(text,integer,integer,integer)', 'parley.extend_job(text,bigint,integer,integer)',
        'parley.finish_job(text,bigint,integer)', 'parley.retry_job(text,bigint,integer,integer,text)',
        'parley.release_job(text,bigint,integer)', 'parley.bury_job(text,bigint,integer,text)', 'parley.job_stats()',
        'parley.list_dead_letters(text,text,bigint,integer)', 'parley.replay_dead_letters(text,text,bigint)',
        'parley.drop_dead_letters(text,text,bigint)', 'parley.run_due_schedules()', 'parley.applied_migrations()',
        'parley.run_maintenance(text)'
    ],
    'the worker may execute these and nothing else of the kernel'
);
select is(pg_temp.as_worker($$ select parley.enqueue_job('pgtap', 'greet', '{}') $$), '42501', 'so it enqueues nothing by itself');
select is(pg_temp.as_worker('select count(*) from pgmq.q_parley_pgtap'), '42501', 'and does not reach into pgmq');

-- Enqueueing ---------------------------------------------------------------------------------------------------------------------

select throws_ok($$ select parley.enqueue_job('none', 'greet', '{}') $$, '22023', 'There is no such queue of jobs.', 'a queue has to be there');
select throws_ok($$ select parley.enqueue_job(null, 'greet', '{}') $$, '22023', null, 'and named');
select throws_ok(
    format('select parley.enqueue_job(''pgtap'', %L, ''{}'')', kind), '22023',
    'A kind of job has 1 to 63 lower-case letters, digits and _, and begins with a letter.', format('no kind: %L', kind)
) from unnest(array['', 'Greet', '1st', 'a b', repeat('a', 64), null]) as kind;
select throws_ok(
    format('select parley.enqueue_job(''pgtap'', ''greet'', %L)', payload), '22023', 'The payload of a job is a JSON object.', format('no payload: %L', payload)
) from unnest(array['[]', '"a"', 'null', null]) as payload;
select throws_ok(
    $$ select parley.enqueue_job('pgtap', 'greet', jsonb_build_object('a', repeat('x', 65536))) $$,
    '22023', 'The payload of a job has at most 65536 bytes.', 'a payload is small'
);
select lives_ok($$ select parley.enqueue_job('pgtap', 'greet', jsonb_build_object('a', repeat('x', 65526))) $$, 'of 65536 bytes at most');
select throws_ok(
    format('select parley.enqueue_job(''pgtap'', ''greet'', ''{}'', %L)', key), '22023', 'The key of a job has 1 to 200 characters.', 'a key has 1 to 200 characters'
) from unnest(array['', repeat('k', 201)]) as key;
select throws_ok(
    format('select parley.enqueue_job(''pgtap'', ''greet'', ''{}'', null, %L)', delay), '22023', 'The delay of a job is 0 to 2592000 seconds.', 'a delay is none to 30 days'
) from unnest(array[-1, 2592001, null]) as delay;
select pg_temp.empties();

select is(pg_temp.enqueue('one'), pg_temp.job('one'), 'enqueueing returns the job');
select is(pg_temp.enqueue('later', null, 300), pg_temp.job('later'), 'also of one for later');
select is(pg_temp.visible_in('later'), 300, 'which waits that long');
select is(pg_temp.enqueue('two', 'k'), pg_temp.job('two'), 'a key makes no difference');
select is(pg_temp.enqueue('again', 'k'), pg_temp.job('two'), 'until it comes again: then it is the job that waits');
select is(pg_temp.job('again'), null, 'and there is no second one');
select is(pg_temp.enqueue('other', 'K'), pg_temp.job('other'), 'another key is another job');
select is(pg_temp.takes(), 'one:1 two:1 other:1', 'a worker takes what is due, each for the first time');
select is(pg_temp.takes(), null, 'and nothing twice');
select results_eq(
    $$ select ready, delayed, running, dead, oldest_ready_seconds from parley.job_stats() where queue = 'pgtap' $$,
    $$ values (0::bigint, 1::bigint, 3::bigint, 0::bigint, 0::double precision) $$,
    'the counts tell what waits and what is worked on'
);

-- How it went --------------------------------------------------------------------------------------------------------------------

select is(pg_temp.says('finish', 'one'), 'true', 'a worker finishes a job');
select is(pg_temp.job('one'), null, 'and it is gone');
select is(
    pg_temp.as_worker(format('select parley.finish_job(''pgtap'', %s, 1)', currval('pgmq.q_parley_pgtap_msg_id_seq'))), 'true', 'so is another one'
);
select is_empty($$ select from parley.jobs where queue = 'pgtap' and job_key = 'K' $$, 'with what was kept of it');
select is(pg_temp.enqueue('again', 'K'), pg_temp.job('again'), 'and its key is free');

select is(pg_temp.says('extend', 'two', ', 600'), 'true', 'a worker extends its lease');
select is(pg_temp.visible_in('two'), 600, 'to so many seconds from then on');
select is(pg_temp.says('retry', 'two', ', 42, ''Tavus asks to slow down'''), 'true', 'an attempt that failed is put off');
select is(pg_temp.visible_in('two'), 42, 'for that long');
select results_eq(
    $$ select attempts, is_running, last_error from parley.jobs where job_key = 'k' and queue = 'pgtap' $$,
    $$ values (1, false, 'Tavus asks to slow down') $$,
    'with the reason kept'
);
select is(pg_temp.says(what, 'two', more), 'false', format('who has put it off cannot %s it any more', what))
from (values ('finish', ''), ('extend', ', 60'), ('retry', ', 1, ''x'''), ('release', ''), ('bury', ', ''x''')) as calls (what, more);
select pg_temp.lets_the_lease_run_out('two');
select is(pg_temp.takes(), 'two:2 again:1', 'the next attempt is the second');
select is(pg_temp.says('release', 'two'), 'true', 'a worker that stops gives the job back');
select is(pg_temp.takes(), 'two:2', 'due at once, and its attempt did not count');

-- Somebody else has it -------------------------------------------------------------------------------------------------------------

select pg_temp.empties();
select pg_temp.enqueue('shared', 'shared');
select pg_temp.takes();
select pg_temp.lets_the_lease_run_out('shared');
select is(pg_temp.says('extend', 'shared', ', 60'), 'true', 'a lease that ran out and that nobody noticed goes on');
select pg_temp.lets_the_lease_run_out('shared');
select is(pg_temp.takes(), 'shared:2', 'another worker takes a job whose lease ran out');
select is(pg_temp.says(what, 'shared', more, 1), 'false', format('the first one cannot %s it any more', what))
from (values ('finish', ''), ('extend', ', 60'), ('retry', ', 1, ''x'''), ('release', ''), ('bury', ', ''x''')) as calls (what, more);
select results_eq(
    $$ select attempts, is_running, last_error from parley.jobs where queue = 'pgtap' $$,
    $$ values (2, true, null::text) $$,
    'and changes nothing of it'
);
select is(pg_temp.says('finish', 'shared'), 'true', 'the second one can');
select is(pg_temp.as_worker($$ select parley.finish_job('pgtap', 0, 1) $$), 'false', 'nobody finishes what is not there');

-- Wanted again while it runs -------------------------------------------------------------------------------------------------------

select pg_temp.enqueue('early', 'w');
select pg_temp.enqueue('again', 'w');
select pg_temp.takes();
select is(pg_temp.says('finish', 'early') || pg_temp.takes(), null, 'who asks before it runs has asked once');
select pg_temp.enqueue('twice', 'w');
select pg_temp.takes();
select is(pg_temp.enqueue('again', 'w'), pg_temp.job('twice'), 'who asks while it runs gets the same job');
select is(pg_temp.says('finish', 'twice'), 'true', 'which is finished');
select is(pg_temp.takes(), 'twice:1', 'and runs once more, from the first attempt');
select pg_temp.enqueue('again', 'w');
select is(pg_temp.says('bury', 'twice', ', ''no'''), 'true', 'also where it fails for good');
select is(pg_temp.takes(), 'twice:1', 'it gets that chance');
select is(pg_temp.says('finish', 'twice') || coalesce(pg_temp.takes(), ''), 'true', 'and no other one');

-- Dead letters -------------------------------------------------------------------------------------------------------------------

select pg_temp.empties();
select pg_temp.enqueue('dies', 'd');
select pg_temp.takes();
select is(pg_temp.says('bury', 'dies', ', ''Tavus does not know this id'''), 'true', 'a job that cannot succeed is buried');
select is(pg_temp.job('dies'), null, 'it is in the queue no more');
select results_eq(
    $$ select kind, payload, job_key, deaths, attempts, last_error from parley.dead_letters where queue = 'pgtap' $$,
    $$ values ('greet', '{"n": "dies"}'::jsonb, 'd' collate "C", 1, 1, 'Tavus does not know this id') $$,
    'but among the dead letters, with everything'
);
select pg_temp.enqueue('dies', 'd');
select is(pg_temp.takes(1), 'dies:1', 'its key is free for another one');
select pg_temp.lets_the_lease_run_out('dies');
select is(pg_temp.takes(1), null, 'a job of which the last attempt ended without a word is not tried again');
select results_eq(
    $$ select deaths, attempts, last_error from parley.dead_letters where queue = 'pgtap' $$,
    $$ values (2, 2, 'The last worker that took it never came back.') $$,
    'but buried, in the same row'
);
select is(
    pg_temp.as_worker($$ select parley.replay_dead_letters('pgtap', 'other') $$) is null
        and pg_temp.as_worker($$ select parley.replay_dead_letters('tavus', null, (select max(id) from parley.list_dead_letters('pgtap'))) $$) is null,
    true, 'filters that do not match replay nothing'
);
select is(
    pg_temp.as_worker($$ select job from parley.replay_dead_letters('pgtap', 'greet', (select id from parley.list_dead_letters('pgtap'))) $$),
    pg_temp.job('dies')::text, 'those that do make jobs'
);
select is(pg_temp.takes(), 'dies:1', 'which begin anew');
select pg_temp.says('bury', 'dies', ', ''again''');
select pg_temp.enqueue('dies', 'd');
select pg_temp.takes();
select pg_temp.says('finish', 'dies');
select is_empty($$ select from parley.dead_letters where queue = 'pgtap' $$, 'a job that succeeds takes the dead one with its key along');

select pgmq.send('parley_pgtap', '"nonsense"'::jsonb, 0);
select is(pg_temp.as_worker($$ select kind || '|' || payload::text from parley.take_jobs('pgtap', 1, 60, 3) $$), '|null', 'a message that is no job is taken too');
select is(
    pg_temp.as_worker(format('select parley.bury_job(''pgtap'', %s, 1, %L)', currval('pgmq.q_parley_pgtap_msg_id_seq'), repeat('x', 3000))),
    'true', 'and buried, however long the reason is'
);
select is(pg_temp.as_worker($$ select count(*) from parley.replay_dead_letters('pgtap') $$), '0', 'but not replayed');
select is(pg_temp.as_worker($$ select payload::text || length(last_error) from parley.list_dead_letters('pgtap') $$), '"nonsense"2000', 'it stays as it came');
select is(pg_temp.as_worker($$ select parley.drop_dead_letters('pgtap', 'greet') $$), '0', 'nothing is dropped that does not match');
select is(pg_temp.as_worker($$ select parley.drop_dead_letters('pgtap') $$), '1', 'an operator drops it');

-- Schedules ----------------------------------------------------------------------------------------------------------------------

select pg_temp.empties();
update parley.job_schedules set is_enabled = false where true;
insert into parley.job_schedules (name, queue, kind, payload, every_seconds, next_run_at)
values ('pgtap', 'pgtap', 'greet', '{"n": "round"}', 60, clock_timestamp() - interval '10 hours 30 seconds');
select is(round(pg_temp.as_worker('select parley.run_due_schedules()')::numeric), 30::numeric, 'a schedule that was missed 600 times moves on to its next moment');
select is(pg_temp.takes(), 'round:1', 'and makes one job');
select is((select count(*)::integer from pgmq.q_parley_pgtap), 1, 'one');
update parley.job_schedules set next_run_at = clock_timestamp() where name = 'pgtap';
select pg_temp.as_worker('select parley.run_due_schedules()');
select is(pg_temp.says('finish', 'round') || coalesce(pg_temp.takes(), ''), 'true', 'a run that is not over stands for the next one, and is not repeated');
update parley.job_schedules set next_run_at = clock_timestamp() where name = 'pgtap';
select pg_temp.as_worker('select parley.run_due_schedules()');
select is(pg_temp.takes(), 'round:1', 'then it comes round again');
update parley.job_schedules set next_run_at = clock_timestamp() where name = 'pgtap';
delete from pgmq.q_parley_pgtap where true;
select pg_temp.as_worker('select parley.run_due_schedules()');
select is(pg_temp.takes(), 'round:1', 'also where somebody has emptied the queue by hand');
update parley.job_schedules set is_enabled = false where name = 'pgtap';
select is(pg_temp.as_worker('select parley.run_due_schedules()'), null, 'without schedules nothing is due');
delete from pgmq.q_parley_pgtap where true;
select pg_temp.as_worker('select done from parley.run_maintenance(''prune'')');
select is_empty($$ select from parley.jobs where queue = 'pgtap' $$, 'what is left of jobs that were deleted by hand is pruned');

select * from finish();
rollback;
