-- Numbers to build embeddings of: topics that all demos share, and noise. Seeded, so each run searches the same rows.
drop schema if exists bench_search cascade;
create schema bench_search;
select setseed(0.42);
create table bench_search.noise as
select n, extensions.l2_normalize(array_agg((sqrt(-2 * ln(1 - random())) * cos(6.283185307179586 * random()))::real)::extensions.vector(1536)) as v
from generate_series(1, 4000) as n, generate_series(1, 1536) as d
group by n;
alter table bench_search.noise add primary key (n);

-- 1,000 topics; two noises give a million variations of each.
create function bench_search.embedding(topic integer, number integer) returns extensions.vector
    language sql stable
    as $$
    select extensions.l2_normalize(t.v operator(extensions.+) (half.v operator(extensions.*) (a.v operator(extensions.+) b.v)))
    from bench_search.noise as t, bench_search.noise as a, bench_search.noise as b,
        (select array_fill(0.6::real, array[1536])::extensions.vector offset 0) as half (v)
    where t.n = 1 + topic % 1000 and a.n = 1001 + number::bigint * 7919 % 1500 and b.n = 2501 + number::bigint * 104729 % 1499
$$;
