-- Knowledge for measuring growth: growth.chunks_from to growth.chunks_to, the first 1,000 of them of demo 1 and the rest one a demo. Run after
-- fill.sql, with triggers on: they keep what searches read.

select set_config('domo.importing', 'on', false);

insert into domo.knowledge_chunks (id, demo_id, content, vector_embedding, content_digest, embedding_model, embedded_at)
select
    growth.id('chunk', i), growth.id('demo', case when i <= 1000 then 1 else i - 1000 end),
    'Chunk ' || i || ' says something of topic' || i % 365 || '.',
    embedding.made, md5(i::text) || md5(i::text), 'growth-1', now()
from growth.numbers('chunks') i
cross join (
    select ('[' || string_agg(round(sin(d * 7.3)::numeric, 3)::text, ',') || ']')::extensions.vector as made
    from generate_series(1, 1536) d
) embedding;

select set_config('domo.importing', '', false);
