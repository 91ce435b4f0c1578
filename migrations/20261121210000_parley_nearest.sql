-- nearest: the rows of one tenant whose vectors are nearest to a query, exact for small tenants and bounded for large ones.
--
-- What an app keeps in a column of type vector is large (6 kB at 1,536 dimensions, out of line), so most of a search's time goes into
-- fetching it. The kernel keeps two narrower copies of each row beside the app's table, as rows of their own: what a snapshot sees of the
-- one it sees of the other, so a search meets no stale index, under concurrent writes, rollbacks and restores alike.
--
--   nearest_halves  the unit vector as halfvec, stored PLAIN: 3 kB, read without TOAST. A half differs from the number it stands for by
--                   at most 2^-11 of it, so the cosine of halves differs from the true one by at most parley.nearest_error(): rows
--                   further than twice that behind the k-th best cannot be among the k best. The few others are compared by the
--                   vectors themselves. The answer is that of float32 brute force, to the last bit.
--   nearest_codes   one bit a dimension: 192 bytes, 33 rows a page. Above parley.nearest_crossover() rows the best by Hamming distance are
--                   chosen first, and only those are compared by halves and by vectors.
--
-- Measured on a shared machine with 2 cores, PostgreSQL 15, pgvector 0.8.0, 1,536 dimensions, clustered, top 5, portable kernel, no round trip:
--
--   rows of the tenant   vectors by TOAST   halves    codes, best 40 by halves   codes, best 400 by halves
--   500                  2.9 ms             0.64 ms   0.46 ms
--   20,000               102 ms             53 ms     9.1 ms                     14.6 ms
--
-- So exactness costs little up to about 2,000 rows (2.6 ms against 1.3 ms), which is the crossover. Above it recall@5 was 1.0 for queries of a
-- topic that the tenant has (20,000 rows, 200 topics), and 0.63 for queries of none, whose best rows are hardly better than the others.
-- An HNSW index over all rows answers the former in 0.9 ms, so for large tenants it is faster than codes; it took 48 s to build for
-- 110,000 rows and costs every insert milliseconds. The copies cost an insert of 500 rows a third more (82 ms, with them 108 ms).
--
-- The triggers are statement-level over transition tables: one statement for all rows, with the owner's rights.
-- Locks: every object is new. maintain_nearest takes SHARE ROW EXCLUSIVE on the app's table.

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
    constraint nearest_sets_pkey primary key (id),
    constraint nearest_sets_source_key unique (source),
    constraint nearest_sets_dimensions_check check (dimensions between 1 and 2000)
);
comment on table parley.nearest_sets is 'The tables whose vectors parley.nearest searches; by maintain_nearest.';

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
    code bit varying not null,
    constraint nearest_codes_pkey primary key (set_id, tenant, id)
);
alter table parley.nearest_codes alter column code set storage plain;
comment on table parley.nearest_codes is 'The signs of each searched row''s vector. Kept by triggers.';

alter table parley.nearest_sets enable row level security;
alter table parley.nearest_halves enable row level security;
alter table parley.nearest_codes enable row level security;

create function parley.nearest_crossover() returns integer
    language sql immutable parallel safe
    return 2000;
comment on function parley.nearest_crossover() is 'Up to so many rows of a tenant a search is exact.';

-- 2^-11 for the row, the same for the query, and sums of 2,000 products in single precision at their worst.
create function parley.nearest_error() returns double precision
    language sql immutable parallel safe
    return 0.0013::double precision;
comment on function parley.nearest_error() is 'By how much a cosine of halves may differ from that of the vectors.';

create function parley.nearest_codes_taken(k integer) returns integer
    language sql immutable parallel safe
    return greatest(200, 20 * k);
comment on function parley.nearest_codes_taken(integer) is 'How many rows, best by their codes, are compared by more: above the crossover.';

-- The last step of a search is the same in both kernels, so that distances are the same to the last bit: $1 the rows that are left, $2 the
-- query, $3 how many, $4 the similarity to exceed or null, $5 whether the answer is exact.
create view parley.nearest_plans with (security_invoker = true) as
select
    s.id,
    s.source,
    s.dimensions,
    format(
        'select jsonb_build_object(''is_exact'', $5, ''rows'', coalesce(jsonb_agg(jsonb_build_object(''id'', r.id, ''distance'', r.distance) order by r.distance, r.id), ''[]''))'
        ' from (select t.%I as id, t.%I operator(extensions.<=>) q.query as distance'
        ' from %s as t cross join (select $2::extensions.vector as query offset 0) as q'
        ' where t.%I = any ($1) order by 2, 1 limit $3) as r'
        ' where $4 is null or 1 - r.distance > $4',
        s.id_column, s.vector_column, c.name, s.id_column
    ) as ranking
from parley.nearest_sets as s
cross join lateral (
    select format('%I.%I', n.nspname, r.relname)
    from pg_catalog.pg_class as r
    join pg_catalog.pg_namespace as n on n.oid = r.relnamespace
    where r.oid = s.source
) as c (name);
comment on view parley.nearest_plans is 'How the rows that are left of a search are compared by their vectors.';

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
    as $$
declare
    v_set parley.nearest_plans;
    v_query extensions.vector;
    v_half extensions.halfvec;
    v_code bit varying;
    v_ids uuid[] := only_ids;
    v_is_exact boolean := true;
    v_taken constant integer := k + 16;
    v_count integer;
    v_bound double precision;
    v_result jsonb;
begin
    select p.* into v_set from parley.nearest_plans as p where p.source = nearest.source;
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

    if not coalesce(always_exact, false) and coalesce(cardinality(only_ids) > parley.nearest_crossover(), true) then
        perform from parley.nearest_codes as c
        where c.set_id = v_set.id and c.tenant = nearest.tenant
        offset parley.nearest_crossover()
        limit 1;
        v_is_exact := not found;
    end if;
    if not v_is_exact then
        v_code := extensions.binary_quantize(v_query);
        if only_ids is null then
            v_ids := array(
                select c.id
                from parley.nearest_codes as c
                where c.set_id = v_set.id and c.tenant = nearest.tenant
                order by c.code operator(extensions.<~>) v_code, c.id
                limit parley.nearest_codes_taken(k)
            );
        else
            v_ids := array(
                select c.id
                from parley.nearest_codes as c
                where c.set_id = v_set.id and c.tenant = nearest.tenant and c.id = any (only_ids)
                order by c.code operator(extensions.<~>) v_code, c.id
                limit parley.nearest_codes_taken(k)
            );
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
    else
        with near as materialized (
            select h.id, h.half operator(extensions.<#>) v_half as distance
            from parley.nearest_halves as h
            where h.set_id = v_set.id and h.tenant = nearest.tenant and h.id = any (v_ids)
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

    execute v_set.ranking into v_result using coalesce(v_ids, '{}'), query, k, min_similarity, v_is_exact;
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
    'The k rows of a tenant nearest to a query by cosine distance, nearest first, ties by id: {is_exact, rows: [{id, distance}]}. Always min(k, matching rows) of them. min_similarity: only rows with 1 - distance above it; only_ids: only among these; always_exact: also above the crossover. 22000 for another dimension, NaN, infinity and no direction; 22023 for a table that is not kept and for k outside 1 to 1000.';

revoke execute on all functions in schema parley, parley_portable from public;
