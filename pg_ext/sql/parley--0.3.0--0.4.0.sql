-- Released; never edited. 0.4.0 adds nearest.
\echo Use "alter extension parley update" to load this file. \quit

create function nearest(
    source regclass,
    tenant uuid,
    query real[],
    k integer,
    min_similarity double precision default null,
    only_ids uuid[] default null,
    always_exact boolean default false
) returns jsonb
    language c stable
    as 'MODULE_PATHNAME', 'parley_nearest';
comment on function nearest(regclass, uuid, real[], integer, double precision, uuid[], boolean) is
    'The k rows of a tenant nearest to a query by cosine distance, as {is_exact, rows: [{id, distance}]}.';

revoke all on function nearest(regclass, uuid, real[], integer, double precision, uuid[], boolean) from public;
grant execute on function nearest(regclass, uuid, real[], integer, double precision, uuid[], boolean) to @extowner@;

comment on extension parley is 'Parley native kernel: counters, digests, events, nearest neighbours, rate limits and broadcasts in Rust';
