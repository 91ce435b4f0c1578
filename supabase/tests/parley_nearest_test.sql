-- nearest: rows, order and errors against brute force, on whichever kernel runs; the copies follow every kind of write.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(75);

create schema shop;
create table shop.pieces (id uuid primary key default gen_random_uuid(), tenant uuid, is_gone boolean not null default false, v extensions.vector(48));
create index on shop.pieces (tenant);
-- A thousand tenants; nearly all have nine rows, the first has three hundred. Forty topics that all tenants share.
select setseed(0.5);
create temp table topics as
select n, array_agg(random() - 0.5 order by d)::real[]::extensions.vector as v
from generate_series(1, 40) as n, generate_series(1, 48) as d
group by n;
create temp table noise as
select n, array_agg((random() - 0.5) * 0.6 order by d)::real[]::extensions.vector as v
from generate_series(1, 500) as n, generate_series(1, 48) as d
group by n;
create function pg_temp.tenant(number integer) returns uuid language sql immutable as $$ select md5('tenant' || number)::uuid $$;
insert into shop.pieces (id, tenant, v)
select md5(format('%s %s', t, i))::uuid, pg_temp.tenant(t), topics.v operator(extensions.+) noise.v
from generate_series(1, 1000) as t
cross join lateral generate_series(1, case when t = 1 then 300 else 9 end) as i
join topics on topics.n = 1 + (t * 7 + i * 3) % 40
join noise on noise.n = 1 + (t * 131 + i * 17) % 500;

analyze shop.pieces;

create function pg_temp.brute(tenant_number integer, query extensions.vector, k integer, above double precision default null, among uuid[] default null) returns jsonb
    language sql stable
    as $$
    select coalesce(jsonb_agg(jsonb_build_object('id', b.id, 'distance', b.d) order by b.d, b.id), '[]')
    from (
        select p.id, p.v operator(extensions.<=>) query as d
        from shop.pieces as p
        where p.tenant = pg_temp.tenant(tenant_number) and not p.is_gone and p.v is not null and (among is null or p.id = any (among))
        order by 2, 1
        limit k
    ) as b
    where above is null or 1 - b.d > above
$$;
create function pg_temp.near(tenant_number integer, query extensions.vector, k integer, above double precision default null, among uuid[] default null, always boolean default false) returns jsonb
    language sql stable
    as $$ select parley.nearest('shop.pieces', pg_temp.tenant(tenant_number), query::real[], k, above, among, always) $$;
create function pg_temp.query(number integer) returns extensions.vector
    language sql stable
    as $$ select t.v operator(extensions.+) n.v from topics as t, noise as n where t.n = 1 + number % 40 and n.n = 1 + number * 37 % 500 $$;

-- Attaching -----------------------------------------------------------------------------------------------------------------------------

select throws_ok($$ select pg_temp.near(1, pg_temp.query(1), 1) $$, '22023', 'No vectors are kept for this table.', 'a table has to be attached');
select throws_ok($$ select parley.maintain_nearest('shop.pieces', 'tenant', 'id', 'id') $$, '22023', null, 'what is searched is a vector');
select throws_ok($$ select parley.maintain_nearest('shop.pieces', 'v', 'id', 'v') $$, '22023', null, 'a tenant is a uuid');
select throws_ok($$ select parley.maintain_nearest('shop.pieces', 'id', 'tenant', 'v') $$, '22023', null, 'an id is unique');
select lives_ok($$ select parley.maintain_nearest('shop.pieces', 'tenant', 'id', 'v', 'not is_gone') $$, 'a table is attached');
select is((select count(*) from parley.nearest_halves as h join parley.nearest_sets as s on s.id = h.set_id where s.source = 'shop.pieces'::regclass), 9291::bigint, 'with the rows that it has');
select is_empty($$ select * from parley.nearest_drift() $$, 'and none differs');

-- Rows ----------------------------------------------------------------------------------------------------------------------------------

select is(
    (select count(*) from generate_series(1, 1000) as t where pg_temp.near(t, pg_temp.query(t), 5) = jsonb_build_object('is_exact', true, 'rows', pg_temp.brute(t, pg_temp.query(t), 5))),
    1000::bigint,
    'for each of a thousand tenants the answer is that of brute force, to the last bit'
);
select is(
    (select count(*) from generate_series(2, 100) as t where jsonb_array_length(pg_temp.near(t, pg_temp.query(t), 20) -> 'rows') = 9), 99::bigint,
    'a tenant that is 0.1 % of the table gets all its rows'
);
select is(
    (select count(*) from generate_series(1, 60) as t where pg_temp.near(1, pg_temp.query(t), 1 + t * 4) -> 'rows' = pg_temp.brute(1, pg_temp.query(t), 1 + t * 4)),
    60::bigint,
    'and more than a few are in order'
);
select is(
    (select count(*) from generate_series(1, 60) as t where pg_temp.near(1, pg_temp.query(t), 50, 0.3) -> 'rows' = pg_temp.brute(1, pg_temp.query(t), 50, 0.3)),
    60::bigint,
    'a threshold leaves out what is not above it'
);
create temp table chosen as select array_agg(p.id) as ids from (select id from shop.pieces where tenant = pg_temp.tenant(1) order by id limit 70) as p;
select is(
    (select count(*) from generate_series(1, 60) as t, chosen where pg_temp.near(1, pg_temp.query(t), 100, null, ids) -> 'rows' = pg_temp.brute(1, pg_temp.query(t), 100, null, ids)),
    60::bigint,
    'a filter leaves min(k, matching rows)'
);
select is(pg_temp.near(2, pg_temp.query(1), 5, null, (select ids from chosen)), '{"is_exact": true, "rows": []}', 'somebody else''s ids find nothing');
select is(pg_temp.near(2, pg_temp.query(1), 5, null, '{}'), '{"is_exact": true, "rows": []}', 'nor does an empty filter');
select is(pg_temp.near(0, pg_temp.query(1), 5), '{"is_exact": true, "rows": []}', 'nor a tenant without rows');
select is(parley.nearest('shop.pieces', null, pg_temp.query(1)::real[], 5), '{"is_exact": true, "rows": []}', 'nor null for one');

-- Ties, many of them: all of a tenant's rows are one and the same.
insert into shop.pieces (tenant, v) select pg_temp.tenant(1001), t.v from topics as t, generate_series(1, 60) where t.n = 1;
insert into shop.pieces (tenant, v) select pg_temp.tenant(1001), t.v operator(extensions.*) array_fill(3::real, array[48])::extensions.vector from topics as t, generate_series(1, 60) where t.n = 1;
select is(pg_temp.near(1001, pg_temp.query(40), 7) -> 'rows', pg_temp.brute(1001, pg_temp.query(40), 7), 'ties are broken by id');

-- Large tenants: the crossover comes down to them, and so does the doubt, for 48 signs say little. ----------------------------------------------

create or replace function parley.nearest_crossover() returns integer language sql immutable parallel safe return 200;
create or replace function parley.nearest_doubt() returns double precision language sql immutable parallel safe return 1::double precision;
-- Plans hold what immutable functions returned.
discard plans;
select is(pg_temp.near(1, pg_temp.query(1), 5) -> 'is_exact', 'true', 'a large tenant without shelves is searched as a whole');
select is(parley.shelve_nearest(100), 100, 'a batch of its rows is put on shelves');
select is(
    (select count(*) from generate_series(1, 40) as t where jsonb_array_length(pg_temp.near(1, pg_temp.query(t), 5) -> 'rows') = 5), 40::bigint, 'those on none are still found'
);
select is(parley.shelve_nearest() + parley.shelve_nearest(), 200, 'then the others');
select is(parley.shelve_nearest(), 0, 'and then there is nothing to do');
select results_eq(
    $$ select count(*) between 12 and 17, min(n.shelf), count(distinct n.tenant) from parley.nearest_shelves as n join parley.nearest_sets as s on s.id = n.set_id where s.source = 'shop.pieces'::regclass $$,
    $$ values (true, 1, 1::bigint) $$,
    'the root of its rows is how many shelves there are, less those that stayed empty, and no other tenant has any'
);
select is_empty($$ select from parley.nearest_codes as c where c.tenant = pg_temp.tenant(1) and c.shelf = 0 $$, 'no row is left over');
select cmp_ok(
    (select count(*) from generate_series(1, 40) as t where pg_temp.near(1, pg_temp.query(t), 5) -> 'is_exact' = 'false'), '>', 0::bigint, 'with shelves no exactness is promised'
);
select is(
    (select count(*) from generate_series(1, 40) as t where jsonb_array_length(pg_temp.near(1, pg_temp.query(t), 5) -> 'rows') = 5), 40::bigint, 'yet the rows are'
);
select cmp_ok(
    (
        select count(*)
        from generate_series(1, 40) as t,
            jsonb_array_elements(pg_temp.near(1, pg_temp.query(t), 5) -> 'rows') as found
        where pg_temp.brute(1, pg_temp.query(t), 5) @> jsonb_build_array(found)
    ), '>=', 190::bigint, 'and nearly all of the best'
);
select is(
    (select count(*) from generate_series(1, 40) as t where pg_temp.near(1, pg_temp.query(t), 5, always => true) = jsonb_build_object('is_exact', true, 'rows', pg_temp.brute(1, pg_temp.query(t), 5))),
    40::bigint, 'who asks for exactness gets it'
);
select is(
    (select count(*) from generate_series(1, 40) as t, chosen where pg_temp.near(1, pg_temp.query(t), 20, null, ids) = jsonb_build_object('is_exact', true, 'rows', pg_temp.brute(1, pg_temp.query(t), 20, null, ids))),
    40::bigint, 'and who filters down to few'
);
create temp table others as
select array_agg(p.id) as ids from shop.pieces as p, chosen where p.tenant = pg_temp.tenant(1) and p.id <> all (chosen.ids);
select is(
    (select count(*) from generate_series(1, 40) as t, others where pg_temp.near(1, pg_temp.query(t), 20, null, others.ids) = jsonb_build_object('is_exact', true, 'rows', pg_temp.brute(1, pg_temp.query(t), 20, null, others.ids))),
    40::bigint, 'or down to many'
);
insert into shop.pieces (id, tenant, v) values ('00000000-0000-4000-8000-000000000001', pg_temp.tenant(1), pg_temp.query(300));
select is(pg_temp.near(1, pg_temp.query(300), 1) #>> '{rows,0,id}', '00000000-0000-4000-8000-000000000001', 'what was written since is found at once');
update shop.pieces set v = pg_temp.query(301) where id = '00000000-0000-4000-8000-000000000001';
select is(pg_temp.near(1, pg_temp.query(301), 1) #>> '{rows,0,id}', '00000000-0000-4000-8000-000000000001', 'and where it is now');
delete from shop.pieces where id = '00000000-0000-4000-8000-000000000001';
insert into shop.pieces (tenant, v) select pg_temp.tenant(1), p.v operator(extensions.+) p.v from shop.pieces as p where p.tenant = pg_temp.tenant(1) union all select pg_temp.tenant(1), v from shop.pieces where tenant = pg_temp.tenant(1);
insert into shop.pieces (tenant, v) select pg_temp.tenant(1), n.v from noise as n union all select pg_temp.tenant(1), n.v from noise as n;
select is(parley.shelve_nearest(), 1900, 'a tenant that has grown is shelved anew');
select results_eq(
    $$ select count(*) between 30 and 44, min(n.shelf) > 17 from parley.nearest_shelves as n where n.tenant = pg_temp.tenant(1) $$, $$ values (true, true) $$, 'on more shelves, and the old ones are gone'
);
delete from shop.pieces as p where p.tenant = pg_temp.tenant(1) and p.id not in (select md5(format('%s %s', 1, i))::uuid from generate_series(1, 90) as i);
select is(parley.shelve_nearest(), 90, 'one that has shrunk loses its shelves');
select is(pg_temp.near(1, pg_temp.query(3), 5), jsonb_build_object('is_exact', true, 'rows', pg_temp.brute(1, pg_temp.query(3), 5)), 'and is searched exactly');
select is_empty($$ select from parley.nearest_shelves as n where n.tenant = pg_temp.tenant(1) $$, 'they are gone');
select throws_ok('select parley.shelve_nearest(0)', '22023', null, 'a batch has at least one row');
insert into parley.nearest_shelves select s.id, pg_temp.tenant(1), 1, (select h.half from parley.nearest_halves as h where h.set_id = s.id limit 1) from parley.nearest_sets as s where s.source = 'shop.pieces'::regclass;
update parley.nearest_codes set shelf = 2 where tenant = pg_temp.tenant(1);
select results_eq('select missing, stale, extra from parley.nearest_drift()', 'values (0::bigint, 90::bigint, 0::bigint)', 'a row on a shelf that is not there shows as drift');
select is(parley.repair_nearest(), 90::bigint, 'and is repaired');
create or replace function parley.nearest_crossover() returns integer language sql immutable parallel safe return 2000;
create or replace function parley.nearest_doubt() returns double precision language sql immutable parallel safe return 5.5::double precision;
discard plans;

-- What the signs say: little of a vector whose length is nearly all in a few dimensions. --------------------------------------------------------

select is(parley.nearest_code('[1,1,-1,1]'), B'1101'::bit varying, 'a code is the signs');
select is(parley.nearest_code('[1,0.01,0.01,-0.01]'), null::bit varying, 'of a vector with one large number there is none');
select is(parley.nearest_code((array_fill(1::real, array[20]) || array_fill(0::real, array[28]))::extensions.vector), null::bit varying, 'nor of one that is nearly all zeros');
select is(parley.nearest_reach(1, 1600), parley.nearest_doubt() * 20, 'the same direction differs by doubt alone');
select is(parley.nearest_reach(0, 1600), 800 + parley.nearest_doubt() * 20, 'a right angle by half of the signs');
insert into shop.pieces (tenant, v)
select pg_temp.tenant(1002), array(select case when d = i % 48 then 1 else 0.001 * ((i * 7 + d) % 5 - 2) end from generate_series(0, 47) as d)::real[]::extensions.vector
from generate_series(1, 200) as i;
select is(
    (select count(*) from generate_series(1, 40) as t where pg_temp.near(1002, pg_temp.query(t), 5) -> 'rows' = pg_temp.brute(1002, pg_temp.query(t), 5)), 40::bigint,
    'rows without a code are compared'
);
select is(
    (select count(*) from shop.pieces as p where p.tenant = pg_temp.tenant(1002) and pg_temp.near(1002, p.v, 5) -> 'rows' = pg_temp.brute(1002, p.v, 5)), 200::bigint,
    'and queries without one compare all'
);

-- Errors ----------------------------------------------------------------------------------------------------------------------------------

select throws_ok(format('select parley.nearest(''shop.pieces'', pg_temp.tenant(1), %s, %s)', query, k), code, message, label)
from (
    values
        ('array_fill(1::real, array[47])', '5', '22000', 'different dimensions: the query has 47, the vectors have 48', 'another dimension is refused with both numbers'),
        ('''{}''', '5', '22000', 'different dimensions: the query has 0, the vectors have 48', 'an empty query too'),
        ('null', '5', '22000', 'different dimensions: the query has 0, the vectors have 48', 'or null'),
        ('array_fill(''NaN''::real, array[48])', '5', '22000', 'NaN not allowed in vector', 'NaN is refused'),
        ('array_fill(''-inf''::real, array[48])', '5', '22000', 'infinite value not allowed in vector', 'infinity is refused'),
        ('array_fill(null::real, array[48])', '5', '22004', 'array must not contain nulls', 'nulls are refused'),
        ('array_fill(1::real, array[6, 8])', '5', '22000', 'array must be 1-D', 'a table is refused'),
        ('array_fill(0::real, array[48])', '5', '22000', 'The query is all zeros, or its numbers are too small or too large to have a direction.', 'zeros are refused'),
        ('array_fill(1e-30::real, array[48])', '5', '22000', 'The query is all zeros, or its numbers are too small or too large to have a direction.', 'as is what vanishes'),
        ('array_fill(1e30::real, array[48])', '5', '22000', 'The query is all zeros, or its numbers are too small or too large to have a direction.', 'or overflows'),
        ('array_fill(1::real, array[48])', '0', '22023', 'k must be 1 to 1000.', 'k of none is refused'),
        ('array_fill(1::real, array[48])', '1001', '22023', 'k must be 1 to 1000.', 'and of too many'),
        ('array_fill(1::real, array[48])', 'null', '22023', 'k must be 1 to 1000.', 'and null')
) as cases (query, k, code, message, label);

-- Writes ------------------------------------------------------------------------------------------------------------------------------------

create function pg_temp.is_right() returns bigint
    language sql stable
    as $$
    select count(*) from generate_series(1, 12) as t
    where pg_temp.near(t, pg_temp.query(t), 20) -> 'rows' = pg_temp.brute(t, pg_temp.query(t), 20)
$$;
update shop.pieces set is_gone = true where tenant = pg_temp.tenant(2);
select is(pg_temp.near(2, pg_temp.query(1), 5) -> 'rows', '[]', 'what is soft-deleted is not found');
update shop.pieces set is_gone = false where tenant = pg_temp.tenant(2);
select is(pg_temp.is_right(), 12::bigint, 'until it is back');
update shop.pieces set v = pg_temp.query(77) where id = (select id from shop.pieces where tenant = pg_temp.tenant(3) order by id limit 1);
select is(pg_temp.is_right(), 12::bigint, 'a new vector is found at once');
update shop.pieces set v = null where id = (select id from shop.pieces where tenant = pg_temp.tenant(4) order by id limit 1);
select is(pg_temp.is_right(), 12::bigint, 'one that is gone is not');
update shop.pieces set tenant = pg_temp.tenant(6) where tenant = pg_temp.tenant(5);
select is(pg_temp.is_right(), 12::bigint, 'rows that move are with their new tenant');
update shop.pieces set id = gen_random_uuid() where tenant = pg_temp.tenant(7);
select is(pg_temp.is_right(), 12::bigint, 'ids that change are found by the new ones');
delete from shop.pieces where tenant = pg_temp.tenant(8);
select is(pg_temp.is_right(), 12::bigint, 'what is deleted is gone');
savepoint before;
update shop.pieces set v = pg_temp.query(5);
delete from shop.pieces where tenant = pg_temp.tenant(9);
rollback to before;
select is(pg_temp.is_right(), 12::bigint, 'what is rolled back has not been');
insert into shop.pieces (tenant, v) values (pg_temp.tenant(10), array_fill(0::real, array[48])::extensions.vector);
select is(jsonb_array_length(pg_temp.near(10, pg_temp.query(1), 20) -> 'rows'), 9, 'what has no direction is not searched');
delete from shop.pieces where v = array_fill(0::real, array[48])::extensions.vector;
select is_empty($$ select * from parley.nearest_drift() $$, 'after all that no copy differs');

alter table shop.pieces disable trigger user;
delete from shop.pieces where tenant = pg_temp.tenant(11);
insert into shop.pieces (tenant, v) values (pg_temp.tenant(12), pg_temp.query(1));
update shop.pieces set v = pg_temp.query(2) where id = (select id from shop.pieces where tenant = pg_temp.tenant(3) order by id limit 1);
alter table shop.pieces enable trigger user;
select results_eq($$ select missing, stale, extra from parley.nearest_drift() $$, $$ values (1::bigint, 1::bigint, 9::bigint) $$, 'a write with triggers off shows as drift');
select is(parley.repair_nearest(), 11::bigint, 'and is repaired');
select is(pg_temp.is_right(), 12::bigint, 'for good');
truncate shop.pieces;
select is(pg_temp.near(1, pg_temp.query(1), 5) -> 'rows', '[]', 'truncate leaves nothing');

select parley.stop_nearest('shop.pieces');
select is_empty(
    $$ select tgname from pg_trigger where tgrelid = 'shop.pieces'::regclass union all select proname from pg_proc where proname ~ '^nearest_\d+_' and prosrc ~ 'is_gone' $$,
    'stopped, it leaves nothing behind'
);

select * from finish();
rollback;
