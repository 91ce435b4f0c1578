-- Turns between the owners of queued jobs: who has one small job waits for no crowd, and nobody is starved.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(21);

-- A queue of this test alone: a worker may be running.
select parley.create_job_queue('pgtap');

create function pg_temp.person(name text) returns uuid
    language sql immutable
    as $$ select md5(name)::uuid $$;
-- Jobs are called by their owner and a number; those of nobody by a word of their own.
create function pg_temp.enqueues(name text, job text default '', delay integer default 0, owned boolean default true) returns bigint
    language sql volatile
    as $$ select parley.enqueue_job('pgtap', 'greet', jsonb_build_object('n', name || job), null, delay, case when owned then pg_temp.person(name) end) $$;
-- Takes so many jobs, and says which, in the order in which they stood in the line.
create function pg_temp.takes(most integer default 1, seconds integer default 60) returns text
    language plpgsql volatile
    as $$
declare
    v_names text[] := '{}';
    v_name text;
begin
    for number in 1..most loop
        select payload ->> 'n' into v_name from parley.take_jobs('pgtap', 1, seconds, 3);
        exit when not found;
        v_names := v_names || v_name;
    end loop;
    return array_to_string(v_names, ' ');
end
$$;
create function pg_temp.lease_of(name text) returns integer
    language sql volatile
    as $$ select read_ct from pgmq.q_parley_pgtap where message -> 'payload' ->> 'n' = name $$;
create function pg_temp.job(name text) returns bigint
    language sql volatile
    as $$ select msg_id from pgmq.q_parley_pgtap where message -> 'payload' ->> 'n' = name $$;
create function pg_temp.passes(name text) returns void
    language sql volatile
    as $$
    update pgmq.q_parley_pgtap set vt = clock_timestamp() where msg_id = pg_temp.job(name);
    update parley.jobs set due_at = clock_timestamp() where queue = 'pgtap' and message_id = pg_temp.job(name) and due_at is not null;
    $$;

-- A crowd -------------------------------------------------------------------------------------------------------------------------

select count(pg_temp.enqueues('crowd', number::text)) as sent from generate_series(1, 16) as number \gset
select is(pg_temp.takes(2), 'crowd1 crowd2', 'alone, an owner''s jobs are taken one after the other');
select pg_temp.enqueues('small') as sent \gset
select is(pg_temp.takes(), 'small', 'the next slot that is free has the job of somebody else: it waits for one job of the crowd at most');
select is(pg_temp.takes(2), 'crowd3 crowd4', 'then the crowd goes on');

select count(pg_temp.enqueues(name, number::text)) as sent from (values ('ann'), ('ben')) as people (name), generate_series(1, 3) as number \gset
select is(pg_temp.takes(6), 'ann1 ben1 crowd5 ann2 ben2 crowd6', 'owners take turns, and of each the oldest job comes first');
select is(pg_temp.takes(3), 'ann3 ben3 crowd7', 'until they have no more');

-- Who always has just one more job does not keep the others out.
select pg_temp.enqueues('feeder', '1') as sent \gset
select pg_temp.takes() as first \gset
select pg_temp.enqueues('feeder', '2') as sent \gset
select pg_temp.takes() as second \gset
select pg_temp.enqueues('feeder', '3') as sent \gset
select pg_temp.takes() as third \gset
select ok(
    'crowd8' in (:'first', :'second', :'third') and 'feeder1' in (:'first', :'second'), 'one job after the other is no way around the turns'
);

select pg_temp.enqueues('end of a call', owned => false) as sent \gset
select is(pg_temp.takes(), 'end of a call', 'a job of nobody waits behind nobody''s crowd');

-- Many at once take what the line says, too.
select is(
    (select string_agg(split_part(payload ->> 'n', '1', 1), ' ' order by payload ->> 'n') from parley.take_jobs('pgtap', 3, 60, 3)) ~ 'crowd', true,
    'several at once are taken from the same line'
);

-- Hidden jobs ---------------------------------------------------------------------------------------------------------------------

delete from pgmq.q_parley_pgtap where true;
delete from parley.jobs where queue = 'pgtap';
select count(pg_temp.enqueues('crowd', number::text)) as sent from generate_series(1, 3) as number \gset
select pg_temp.enqueues('late', delay => 60) as sent \gset
select is(pg_temp.takes(), 'crowd1', 'a delayed job has no place yet');
select pg_temp.passes('late');
select is(pg_temp.takes(), 'late', 'and gets one when its time has come');
select ok(
    (select bool_and(place is null and due_at > clock_timestamp()) from parley.jobs where queue = 'pgtap' and is_running),
    'what a worker has stands in no line'
);
select ok(parley.retry_job('pgtap', pg_temp.job('crowd1'), pg_temp.lease_of('crowd1'), 30, 'no'), 'an attempt fails');
select is(pg_temp.takes(), 'crowd2', 'what waits for its next attempt lets others pass');
select pg_temp.passes('crowd1');
select is(pg_temp.takes(2), 'crowd3 crowd1', 'and then goes behind those of its owner');
select ok(parley.release_job('pgtap', pg_temp.job('crowd3'), pg_temp.lease_of('crowd3')), 'a worker that stops gives its job back');
select pg_temp.enqueues('crowd', '4') as sent \gset
select is(pg_temp.takes(), 'crowd3', 'which keeps its turn');
select pg_temp.passes('late');
select is(pg_temp.takes(), 'late', 'what a dead worker had is in the line again, before the crowd');

-- What somebody did by hand --------------------------------------------------------------------------------------------------------

select is(pg_temp.takes(), 'crowd4', 'the line is empty');
select pgmq.send('parley_pgtap', '{"kind": "greet", "payload": {"n": "by hand"}}') as sent \gset
select is(pg_temp.takes(), 'by hand', 'a message that was sent around enqueue_job is taken all the same');
update pgmq.q_parley_pgtap set vt = clock_timestamp() where msg_id = pg_temp.job('crowd4');
select is(pg_temp.takes(), 'crowd4', 'and so is one whose time somebody moved in the queue alone');

-- Nothing of the owners is kept ----------------------------------------------------------------------------------------------------

select parley.prune() as pruned \gset
select is(
    (select count(*) from parley.job_turns where queue = 'pgtap'), 
    (select count(*) from parley.job_turns as turn where queue = 'pgtap' and last_place = (select max(last_place) from parley.job_turns where queue = 'pgtap')),
    'whoever is no longer ahead is forgotten'
);

select * from finish();
rollback;
