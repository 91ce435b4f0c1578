-- The ledger of claimed events, read from the catalogue, and what its functions answer on the kernel that runs.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(44);

select columns_are('parley', 'processed_events', array[
    'first_seen_at', 'last_conflict_at', 'source', 'event_key', 'digest', 'conflicting_digests'
], 'processed_events has its columns');
select col_is_pk('parley', 'processed_events', array['source', 'event_key'], 'an event is claimed once a source and key');
select is_indexed('parley', 'processed_events', 'first_seen_at', 'the oldest events are found by an index');
select is(
    (select count(*) from pg_index where indrelid = 'parley.processed_events'::regclass and not indisprimary),
    1::bigint,
    'a claim writes no other index'
);
select is_empty(
    $$
        select a.attname
        from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
        where i.indrelid = 'parley.processed_events'::regclass and a.attname in ('last_conflict_at', 'conflicting_digests')
    $$,
    'no column that a conflict changes is indexed, so that its update is heap-only'
);
select is(
    (select relpersistence from pg_class where oid = 'parley.processed_events'::regclass),
    'p'::"char",
    'what was claimed survives a crash'
);
select ok((select relrowsecurity from pg_class where oid = 'parley.processed_events'::regclass), 'row level security is on');
select is_empty($$select policyname from pg_policies where schemaname = 'parley' and tablename = 'processed_events'$$, 'and no policy opens the ledger');
select is_empty(
    $$
        select a.attname
        from pg_attribute a
        left join pg_collation c on c.oid = a.attcollation
        where a.attrelid = 'parley.processed_events'::regclass and a.attnum > 0 and a.attcollation <> 0 and c.collname <> 'C'
    $$,
    'keys are compared byte by byte, whatever the operating system thinks of languages'
);
select is_empty(
    $$
        select a.attname
        from pg_attribute a
        where a.attrelid = 'parley.processed_events'::regclass and a.attnum > 0 and col_description(a.attrelid, a.attnum) is null
    $$,
    'every column has a comment'
);
select is_empty(
    $$
        select r.rolname, p.privilege
        from pg_roles r
        cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as p (privilege)
        where r.rolname in ('anon', 'authenticated', 'service_role', 'authenticator')
            and has_table_privilege(r.oid, 'parley.processed_events', p.privilege)
    $$,
    'no role of the API has a right to the ledger'
);
select is_empty(
    $$
        select t.typname, r.rolname
        from pg_type t
        cross join pg_roles r
        where t.typnamespace = 'parley'::regnamespace and t.typtype = 'd' and r.rolname in ('anon', 'authenticated', 'service_role')
            and has_type_privilege(r.oid, t.oid, 'usage')
    $$,
    'nor to its domains'
);

select set_eq(
    $$
        select p.oid::regprocedure::text || ' returns ' || pg_get_function_result(p.oid) || ' ' || p.provolatile::text
        from pg_proc p
        where p.pronamespace = 'parley'::regnamespace and p.proname ~ 'event'
    $$,
    array[
        'parley.claim_event(text,text,text) returns text v',
        'parley.claim_events(text,text[],text[]) returns text[] v',
        'parley.prune_events(interval,integer) returns bigint v',
        'parley.tavus_event_key(jsonb,text) returns text i',
        'parley.tavus_event_digest(jsonb) returns text i'
    ],
    'the functions have their arguments, results and volatility'
);
select is(
    pg_get_function_arguments('parley.prune_events(interval, integer)'::regprocedure),
    'older_than interval DEFAULT ''30 days''::interval, batch integer DEFAULT 10000',
    'events are kept for 30 days unless said otherwise'
);
select is_empty(
    $$
        select p.oid::regprocedure, r.rolname
        from pg_proc p
        cross join pg_roles r
        where p.pronamespace::regnamespace::text in ('parley', 'parley_portable', 'parley_native') and p.proname ~ 'event|tavus'
            and r.rolname in ('anon', 'authenticated', 'service_role', 'authenticator')
            and has_function_privilege(r.oid, p.oid, 'execute')
    $$,
    'no role of the API may call them'
);
select is_empty(
    $$
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace::regnamespace::text in ('parley', 'parley_portable', 'parley_native') and p.proname ~ 'event|tavus|missing|keep'
            and obj_description(p.oid, 'pg_proc') is null
    $$,
    'every function has a comment'
);
select is_empty(
    $$
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace::regnamespace::text in ('parley', 'parley_portable') and p.proname ~ 'event|tavus|missing|keep'
            and p.prosrc !~ '^ select parley_(portable|native)\.'
            and (p.proconfig is null or not p.proconfig @> array['search_path=""'])
    $$,
    'every function but the inlined wrappers has an empty search_path'
);
select is_empty(
    $$select oid::regprocedure from pg_proc where pronamespace::regnamespace::text ~ '^parley' and proname ~ 'event|tavus' and prosecdef$$,
    'none runs with its owner''s rights'
);
select is(
    (select count(distinct substring(prosrc from 'parley_(\w+)\.')) from pg_proc where pronamespace = 'parley'::regnamespace and prosrc ~ '^ select parley_'),
    1::bigint,
    'all of the API calls the same kernel'
);
select is_empty('select parley.missing_in_native() where parley.implementation() = ''native''', 'the native kernel has every function');

select is(parley.claim_event('test', 'k', repeat('a', 64)), 'new', 'the first claim is new');
select is(parley.claim_event('test', 'k', repeat('a', 64)), 'duplicate', 'the second is a duplicate');
select is(parley.claim_event('test', 'k', repeat('b', 64)), 'conflicting', 'another digest is conflicting');
select is(parley.claim_event('test', 'k', repeat('b', 64)), 'conflicting', 'as often as it comes');
select is(parley.claim_event('test', 'l', repeat('b', 64)), 'new', 'another key is new');
select is(parley.claim_event('other', 'k', repeat('b', 64)), 'new', 'so is the key of another source');
select results_eq(
    $$select digest::text collate "default", conflicting_digests::text[] collate "default", last_conflict_at from parley.processed_events where source = 'test' and event_key = 'k'$$,
    $$values (repeat('a', 64), array[repeat('b', 64)], now())$$,
    'the first digest is kept, the other recorded'
);
savepoint claimed;
select is(parley.claim_event('test', 'm', repeat('a', 64)), 'new', 'a claim inside a savepoint');
rollback to claimed;
select is(parley.claim_event('test', 'm', repeat('b', 64)), 'new', 'is gone with it');

select throws_ok($$select parley.claim_event('', 'k', repeat('a', 64))$$, '22023', 'The source must have 1 to 64 characters.', 'no source');
select throws_ok($$select parley.claim_event('s', null, repeat('a', 64))$$, '22023', 'The event key must have 1 to 400 characters.', 'no key');
select throws_ok($$select parley.claim_event('s', 'k', 'abc')$$, '22023', 'The digest must have 64 lower-case hex digits.', 'no digest');
select throws_ok($$insert into parley.processed_events values (now(), null, repeat('s', 65), 'k', repeat('a', 64))$$, '23514', null, 'the ledger refuses a long source too');
select throws_ok($$insert into parley.processed_events values (now(), null, 's', repeat('k', 401), repeat('a', 64))$$, '23514', null, 'and a long key');
select throws_ok($$insert into parley.processed_events values (now(), null, 's', 'k', 'a')$$, '23514', null, 'and what is no digest');

select throws_ok($$select parley.prune_events('3 days')$$, '22023', 'Events are kept for at least 4 days, and at most 100 years.', 'what a sender may repeat is not forgotten');
update parley.processed_events set first_seen_at = now() - interval '31 days' where source = 'test' and event_key = 'l';
select is(parley.prune_events(), 1::bigint, 'what is old is');

-- Several at once ---------------------------------------------------------------------------------------------------------------

select is(
    parley.claim_events('many', array['b', 'a', null, 'b', 'b', 'a'], array[repeat('a', 64), repeat('a', 64), null, repeat('a', 64), repeat('b', 64), repeat('a', 64)]),
    '{new,new,null,duplicate,conflicting,duplicate}', 'the answers are in the order of the events, and the first of a key is the one that counts'
);
select throws_ok($$select parley.claim_events('many', array['c', ''], array[repeat('a', 64), repeat('a', 64)])$$, '22023', 'The event key must have 1 to 400 characters.', 'no key');
select throws_ok($$select parley.claim_events('many', array['c', 'd'], array[repeat('a', 64), 'abc'])$$, '22023', 'The digest must have 64 lower-case hex digits.', 'no digest');
select throws_ok($$select parley.claim_events('many', array['c', 'd'], array[repeat('a', 64)])$$, '22023', 'There must be as many digests as event keys.', 'too few digests');
select is(parley.claim_events('many', '{}', '{}'), '{}', 'none is nothing');
-- The same events one by one under one source, and in batches of up to seven under another.
create temporary table given as
    select place, 'key ' || trunc(random() * 60) as event_key, repeat(to_hex(trunc(random() * random() * 16)::integer), 64) as digest, (place / 7)::integer as batch
    from (select setseed(0.5)) as seeded, generate_series(1, 600) as place;
create function pg_temp.answers(in_batches boolean) returns text[] language plpgsql volatile as $$
declare
    answers text[] := '{}';
    batch record;
begin
    for batch in
        select array_agg(g.event_key order by g.place) as keys, array_agg(g.digest order by g.place) as digests
        from given g
        group by case when in_batches then g.batch else g.place end
        order by min(g.place)
    loop
        answers := answers || case
            when in_batches then parley.claim_events('batches', batch.keys, batch.digests)
            else array[parley.claim_event('singles', batch.keys[1], batch.digests[1])]
        end;
    end loop;
    return answers;
end
$$;
select is(pg_temp.answers(true), pg_temp.answers(false), 'events that are claimed in batches get the answers of such that are claimed one by one');
select set_eq(
    $$ select event_key::text, digest::text, (select array_agg(d order by d) from unnest(conflicting_digests) d) from parley.processed_events where source = 'batches' $$,
    $$ select event_key::text, digest::text, (select array_agg(d order by d) from unnest(conflicting_digests) d) from parley.processed_events where source = 'singles' $$,
    'and leave the same in the ledger'
);

select * from finish();
rollback;
