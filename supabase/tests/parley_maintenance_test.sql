-- Maintenance: what is registered is scheduled and run in batches; what the kernel keeps goes with time.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(20);
\ir domo_fixture.psql


-- The registry ------------------------------------------------------------------------------------------------------------------

select is_empty(
    $$ select m.name from parley.maintenance m left join parley.job_schedules s on s.name = m.name and s.kind = 'run_maintenance' and s.payload = jsonb_build_object('name', m.name) where s.name is null $$,
    'every maintenance has the schedule of its name'
);
select is_empty(
    $$ select s.name from parley.job_schedules s where s.kind = 'run_maintenance' and not exists (select from parley.maintenance m where m.name = s.name) $$,
    'and every such schedule its maintenance'
);
select is(
    (select string_agg(m.name, ', ') from parley.maintenance m where (select count(*) from parley.run_maintenance(m.name)) <> 1), null,
    'each of them runs'
);

create table pg_temp.dust (id integer);
insert into pg_temp.dust select generate_series(1, 25);
create function pg_temp.sweep(batch integer) returns integer
    language plpgsql
    as $$
declare
    swept integer;
begin
    delete from dust where id in (select d.id from dust d limit batch);
    get diagnostics swept = row_count;
    return swept;
end
$$;
select parley.define_maintenance('pgtap_sweep', 'select pg_temp.sweep($1)', 3600, 10);
select is((select array[done::text, has_more::text] from parley.run_maintenance('pgtap_sweep')), array['10', 'true'], 'a full batch is not the last');
select is((select array[done::text, has_more::text] from parley.run_maintenance('pgtap_sweep')), array['10', 'true'], 'nor is the next');
select is((select array[done::text, has_more::text] from parley.run_maintenance('pgtap_sweep')), array['5', 'false'], 'one that is not full is');
select throws_ok($$ select parley.run_maintenance('nothing') $$, '22023', 'There is no maintenance ''nothing''.', 'what is not registered does not run');
select throws_ok($$ select parley.define_maintenance('pgtap_other', 'delete from dust', 60) $$, '23514', null, 'a maintenance is a select');
select parley.request_maintenance('pgtap_sweep');
select is(
    (select count(*) from parley.jobs where queue = 'maintenance' and job_key = 'schedule:pgtap_sweep'), 1::bigint,
    'what is asked for is the job of its schedule'
);
select is(pg_temp.as_worker($$ select done from parley.run_maintenance('pgtap_sweep') $$), '0', 'the worker may run it');
select is(
    pg_temp.as_worker($$ select parley.define_maintenance('pgtap_third', 'select 1', 60) $$), '42501', 'and define none'
);
select pg_temp.act_as(1);
select throws_ok($$ select parley.run_maintenance('prune') $$, '42501', null, 'people may not');
select pg_temp.act_as_owner();

-- Time --------------------------------------------------------------------------------------------------------------------------

select is(parley.retention_days('parley.events', 4), 30, 'a retention is a number of days');
update parley.limits set allowed = 2 where name = 'parley.events';
select is(parley.retention_days('parley.events', 4), 4, 'no less than what it must be');
update parley.limits set allowed = null where name = 'parley.events';
select is(parley.retention_days('parley.events', 4), 36500, 'and a hundred years for ever');

insert into parley.dead_letters (queue, kind, payload, attempts, last_error, enqueued_at, died_at)
select 'tavus', 'pgtap', '{}', 1, 'no', now(), now() - make_interval(days => age) from unnest(array[1, 89, 91, 400]) as age;
select parley.prune_dead_letters(1000);
select is((select count(*) from parley.dead_letters where kind = 'pgtap'), 2::bigint, 'dead letters above 90 days are forgotten');

-- Person 3 has used the account lately, person 4 not for a year; 5 signed in a year ago and refreshes the session; 6 has an address.
update auth.users set created_at = now() - interval '1 year', updated_at = now() - interval '1 year', last_sign_in_at = now() - interval '1 year'
where id in (pg_temp.person(4), pg_temp.person(5), pg_temp.person(6));
update auth.users set created_at = now() - interval '1 year', updated_at = now() - interval '1 year', last_sign_in_at = now() - interval '1 day'
where id = pg_temp.person(3);
update auth.users set is_anonymous = false where id = pg_temp.person(6);
insert into auth.sessions (id, user_id, created_at, updated_at, refreshed_at)
values (gen_random_uuid(), pg_temp.person(5), now() - interval '1 year', now() - interval '1 hour', now() at time zone 'UTC' - interval '1 hour');
update parley.limits set allowed = null where name = 'parley.anonymous_accounts';
select is(parley.prune_anonymous_accounts(100000), 0::bigint, 'without a retention no account goes');
update parley.limits set allowed = 90 where name = 'parley.anonymous_accounts';
select parley.prune_anonymous_accounts(100000);
select is(
    (select array_agg(n order by n) from generate_series(3, 6) n where exists (select from auth.users u where u.id = pg_temp.person(n))), array[3, 5, 6],
    'an anonymous account that nobody used for 90 days goes, and no other'
);
select is(pg_temp.as_worker('select parley.prune_anonymous_accounts(1)'), '42501', 'the worker deletes no account but by maintenance');
select is(parley.is_deferring(), false, 'what follows is deferred no more');

select * from finish();
rollback;
