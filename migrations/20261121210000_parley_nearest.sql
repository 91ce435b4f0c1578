-- nearest: the rows of one tenant whose vectors are nearest to a query, exact for small tenants and bounded for large ones.
--
-- What an app keeps in a column of type vector is large (6 kB at 1,536 dimensions, out of line), so most of a search's time goes into
-- fetching it. The kernel keeps two narrower copies of each row beside the app's table, as rows of their own: what a snapshot sees of the
-- one it sees of the other, so a search meets no stale index, under concurrent writes, rollbacks and restores alike.
--
--   nearest_codes   one bit a dimension, its sign: 192 bytes, 33 rows a page. In how many signs two vectors differ tells the angle between
--                   them: of D signs, angle / pi * D on average, and rarely more than a few times sqrt(D) / 2 off (Charikar, STOC 2002).
--                   So the k best by code give a similarity to reach, and rows whose codes are further away than that similarity
--                   and parley.nearest_doubt() standard deviations allow are left out.
--   nearest_halves  the unit vector as halfvec, stored PLAIN: 3 kB, read without TOAST. A half differs from the number it stands for by
--                   at most 2^-11 of it, so the cosine of halves differs from the true one by at most parley.nearest_error(): rows
--                   further than twice that behind the k-th best cannot be among the k best. The few others are compared by the
--                   vectors themselves. The answer is that of float32 brute force, to the last bit.
--
-- Signs say little about a vector that is nearly all in a few of its dimensions (few words, hashed; a model with one dimension that
-- outweighs the others): such a row has no code and is always compared, such a query is compared with all rows. By doubt of 5.5 a row of
-- the k best would be left out once in 5 * 10^7; who wants none asks with always_exact.
--
-- Measured on 2 cores, PostgreSQL 15, pgvector 0.8.0, 1,536 dimensions, each search a transaction of its own about another of 20 demos of 500
-- rows, so that little of it is in the processor's caches (milliseconds, less the round trip): all codes 0.20, 32 halves by their ids 0.28,
-- 7 vectors by TOAST 0.20; all of it in the native kernel 0.55, in the portable one 0.97; all halves instead of codes, in the native one, 1.2.
-- So the time goes into finding rows, not into arithmetic.
--
create schema if not exists extensions;
create extension if not exists vector with schema extensions;

create table parley.nearest_sets (
    id integer generated always as identity,
    source regclass not null,
    tenant_column name not null,
    id_column name not null,
    vector_column name not null,
    dimensions integer not null,
    only_when text,
    ranking text,
    constraint nearest_sets_pkey primary key (id),
    constraint nearest_sets_source_key unique (source),
    constraint nearest_sets_dimensions_check check (dimensions between 1 and 2000)
);
comment on table parley.nearest_sets is 'The tables whose vectors parley.nearest searches; by maintain_nearest.';
comment on column parley.nearest_sets.ranking is
    'The last step of a search, the same in both kernels, so that distances are the same to the last bit: $1 the rows that are left, $2 the query, $3 how many, $4 the similarity to exceed or null, $5 whether the answer is exact.';

create table parley.nearest_halves (
    set_id integer not null,
    tenant uuid not null,
    id uuid not null,
    half extensions.halfvec not null,
    constraint nearest_halves_pkey primary key (set_id, tenant, id)
);
alter table parley.nearest_halves alter column half set storage plain;
comment on table parley.nearest_halves is 'The unit vector of each searched row, in half precision. Kept by triggers.';

create table parley.nearest_codes (
    set_id integer not null,
    tenant uuid not null,
    id uuid not null,
    shelf integer not null default 0,
    code bit varying,
    constraint nearest_codes_pkey primary key (set_id, tenant, id)
);
create index nearest_codes_set_id_tenant_shelf_idx on parley.nearest_codes (set_id, tenant, shelf);
alter table parley.nearest_codes alter column code set storage plain;
comment on table parley.nearest_codes is
    'The signs of each searched row''s vector, none where they would say little, and on which shelf of a large tenant it stands. Kept by triggers.';

create table parley.nearest_shelves (
    set_id integer not null,
    tenant uuid not null,
    shelf integer not null,
    center extensions.halfvec not null,
    constraint nearest_shelves_pkey primary key (set_id, tenant, shelf),
    constraint nearest_shelves_shelf_check check (shelf > 0)
);
alter table parley.nearest_shelves alter column center set storage plain;
comment on table parley.nearest_shelves is 'Around which direction the rows of each shelf of a large tenant lie. By shelve_nearest.';

alter table parley.nearest_sets enable row level security;
alter table parley.nearest_halves enable row level security;
alter table parley.nearest_codes enable row level security;
alter table parley.nearest_shelves enable row level security;

create function parley.nearest_crossover() returns integer
    language sql immutable parallel safe
    return 2000;
comment on function parley.nearest_crossover() is 'Up to so many rows of a tenant a search is exact; more are shelved.';

-- 2^-11 for the row, the same for the query, and sums of 2,000 products in single precision at their worst.
create function parley.nearest_error() returns double precision
    language sql immutable parallel safe
    return 0.0013::double precision;
comment on function parley.nearest_error() is 'By how much a cosine of halves may differ from that of the vectors.';

create function parley.nearest_doubt() returns double precision
    language sql immutable parallel safe
    return 5.5::double precision;
comment on function parley.nearest_doubt() is 'How many standard deviations further away a row''s code may be than its angle lets expect.';

create function parley.nearest_probes() returns integer
    language sql immutable parallel safe
    return 6;
comment on function parley.nearest_probes() is 'How many shelves of a large tenant are searched, beside what is on none yet.';

-- Numbers drawn from a normal distribution have a sum of sizes of 0.8 sqrt(D) at length 1, those of one kind of 1.0; a single one, of 1.
create function parley.nearest_code(embedding extensions.vector) returns bit varying
    language sql immutable parallel safe
    return case
        when extensions.l1_distance(embedding, embedding operator(extensions.-) embedding)
            >= 0.7::double precision * sqrt(extensions.vector_dims(embedding)) * extensions.vector_norm(embedding)
        then extensions.binary_quantize(embedding)
    end;
comment on function parley.nearest_code(extensions.vector) is 'The signs of a vector; null where a few of its dimensions outweigh the others.';

create function parley.nearest_reach(similarity double precision, dimensions integer) returns double precision
    language sql immutable parallel safe
    return dimensions * acos(greatest(-1, least(1, similarity))) / pi() + parley.nearest_doubt() * sqrt(dimensions) / 2;
comment on function parley.nearest_reach(double precision, integer) is 'In how many signs a row may differ from a query that it is so similar to.';

create function parley_portable.nearest(
    source regclass,
    tenant uuid,
    query real[],
    k integer,
    min_similarity double precision default null,
    only_ids uuid[] default null,
    always_exact boolean default false
) returns jsonb
    language plpgsql stable
    set search_path = ''
    -- A plan made while the copies were few would read all of them for as long as the session keeps the plan. And in the order of their
    -- pages, not of their ids.
    set enable_seqscan = off
    set enable_indexscan = off
    -- The pages lie side by side, so reading ahead is the operating system's; asking for each costs a tenth of the search.
    set effective_io_concurrency = 0
    set plan_cache_mode = force_generic_plan
    as $$
declare
    v_set parley.nearest_sets;
    v_query extensions.vector;
    v_half extensions.halfvec;
    v_code bit varying;
    v_shelves integer[];
    v_ids uuid[] := only_ids;
    v_is_exact boolean := true;
    v_stands_out boolean;
    v_first constant integer := greatest(32, 4 * k);
    v_taken constant integer := k + 16;
    v_count integer;
    v_bound double precision;
    v_result jsonb;
begin
    select s.* into v_set from parley.nearest_sets as s where s.source = nearest.source;
    if not found then
        raise exception using
            errcode = '22023',
            message = 'No vectors are kept for this table.',
            hint = 'Call parley.maintain_nearest first.';
    end if;
    if k is null or k not between 1 and 1000 then
        raise exception using errcode = '22023', message = 'k must be 1 to 1000.';
    end if;
    if query is null or cardinality(query) <> v_set.dimensions then
        raise exception using
            errcode = '22000',
            message = format('different dimensions: the query has %s, the vectors have %s', coalesce(cardinality(query), 0), v_set.dimensions);
    end if;
    -- Refuses nulls, NaN and infinity.
    v_query := query::extensions.vector;
    if v_query operator(extensions.<=>) v_query = 'NaN' then
        raise exception using errcode = '22000', message = 'The query is all zeros, or its numbers are too small or too large to have a direction.';
    end if;
    v_half := extensions.l2_normalize(v_query)::extensions.halfvec;

    if v_ids is null and not coalesce(always_exact, false) then
        v_code := parley.nearest_code(v_query);
    end if;
    if v_code is not null then
        v_shelves := 0 || array(
            select s.shelf
            from parley.nearest_shelves as s
            where s.set_id = v_set.id and s.tenant = nearest.tenant
            order by s.center operator(extensions.<#>) v_half, s.shelf
            limit parley.nearest_probes()
        );
        v_is_exact := cardinality(v_shelves) = 1;
        -- Most often the first few hold all that are within reach.
        with codes as materialized (
            select c.id, coalesce(c.code operator(extensions.<~>) v_code, 0) as away
            from parley.nearest_codes as c
            where v_is_exact and c.set_id = v_set.id and c.tenant = nearest.tenant
            union all
            select c.id, coalesce(c.code operator(extensions.<~>) v_code, 0)
            from parley.nearest_codes as c
            where not v_is_exact and c.set_id = v_set.id and c.tenant = nearest.tenant and c.shelf = any (v_shelves)
        ),
        first_codes as materialized (select c.id, c.away from codes as c order by c.away, c.id limit v_first),
        first as materialized (
            select h.id, h.half operator(extensions.<#>) v_half as distance
            from parley.nearest_halves as h
            where h.set_id = v_set.id and h.tenant = nearest.tenant and h.id = any (array(select c.id from first_codes as c))
        ),
        reach as (
            select case
                when count(*) = k
                then parley.nearest_reach(greatest(-max(b.distance) - parley.nearest_error(), min_similarity), v_set.dimensions)
                else 'Infinity'
            end as away
            from (select f.distance from first as f order by 1 limit k) as b
        ),
        others as (
            select h.id, h.half operator(extensions.<#>) v_half as distance
            from parley.nearest_halves as h
            where h.set_id = v_set.id and h.tenant = nearest.tenant
                and h.id = any (array(
                    select c.id
                    from codes as c
                    where c.away <= (select r.away from reach as r)
                        and (c.away, c.id) > (select f.away, f.id from first_codes as f order by f.away desc, f.id desc limit 1)
                ))
        ),
        near as materialized (
            select f.* from first as f
            union all
            select o.* from others as o
        ),
        bound as (
            select max(b.distance) + 2 * parley.nearest_error() as distance
            from (select n.distance from near as n order by 1 limit k) as b
        )
        select coalesce(array_agg(n.id) filter (where n.distance <= b.distance), '{}'), (select 3 * count(*) filter (where c.away <= (select r.away from reach as r)) < count(*) from codes as c)
        into v_ids, v_stands_out
        from near as n
        cross join bound as b;
        if not v_is_exact and not v_stands_out and k <= 20 then
            -- What is within reach may be on any shelf.
            v_ids := null;
            v_is_exact := true;
        end if;
    end if;

    if v_ids is null then
        with near as materialized (
            select h.id, h.half operator(extensions.<#>) v_half as distance
            from parley.nearest_halves as h
            where h.set_id = v_set.id and h.tenant = nearest.tenant
            order by 2
            limit v_taken
        ),
        bound as (
            select max(b.distance) + 2 * parley.nearest_error() as distance
            from (select n.distance from near as n order by 1 limit k) as b
        )
        select array_agg(n.id), count(*), max(b.distance)
        into v_ids, v_count, v_bound
        from near as n
        cross join bound as b
        where n.distance <= b.distance;
        if v_count = v_taken then
            -- There may be more within the bound: many that are nearly the same.
            v_ids := array(
                select h.id
                from parley.nearest_halves as h
                where h.set_id = v_set.id and h.tenant = nearest.tenant
                    and h.half operator(extensions.<#>) v_half <= v_bound
            );
        end if;
    elsif only_ids is not null then
        with near as materialized (
            select h.id, h.half operator(extensions.<#>) v_half as distance
            from parley.nearest_halves as h
            where h.set_id = v_set.id and h.tenant = nearest.tenant and h.id = any (only_ids)
        ),
        bound as (
            select max(b.distance) + 2 * parley.nearest_error() as distance
            from (select n.distance from near as n order by 1 limit k) as b
        )
        select array_agg(n.id)
        into v_ids
        from near as n
        cross join bound as b
        where n.distance <= b.distance;
    end if;

    -- A function of its own, whose plan is kept; this text is planned each time.
    execute format('select parley_portable.nearest_%s_rank($1, $2, $3, $4, $5)', v_set.id) into v_result using coalesce(v_ids, '{}'), query, k, min_similarity, v_is_exact;
    return v_result;
end
$$;
comment on function parley_portable.nearest(regclass, uuid, real[], integer, double precision, uuid[], boolean) is
    'The k rows of a tenant nearest to a query by cosine distance, as {is_exact, rows: [{id, distance}]}.';

create function parley.nearest(
    source regclass,
    tenant uuid,
    query real[],
    k integer,
    min_similarity double precision default null,
    only_ids uuid[] default null,
    always_exact boolean default false
) returns jsonb
    language sql stable
    as $$ select parley_portable.nearest(source, tenant, query, k, min_similarity, only_ids, always_exact) $$;
comment on function parley.nearest(regclass, uuid, real[], integer, double precision, uuid[], boolean) is
    'The k rows of a tenant nearest to a query by cosine distance, nearest first, ties by id: {is_exact, rows: [{id, distance}]}. Always min(k, matching rows) of them. min_similarity: only rows with 1 - distance above it; only_ids: only among these; always_exact: compared with all of them. 22000 for another dimension, NaN, infinity and no direction; 22023 for a table that is not kept and for k outside 1 to 1000.';

revoke execute on all functions in schema parley, parley_portable from public;
