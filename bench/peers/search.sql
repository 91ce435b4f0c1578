-- The table, index, policy and function of Domo's specification, as written, in a schema of their own. The demo's columns that no search
-- reads are left out.
create table bench_search.demos (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id)
);
create table bench_search.knowledge_chunks (
    id uuid primary key default gen_random_uuid(),
    demo_id uuid not null references bench_search.demos (id) on delete cascade,
    content text not null,
    question text,
    answer text,
    source text,
    vector_embedding extensions.vector(1536),
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now()
);
create index idx_knowledge_chunks_demo_id on bench_search.knowledge_chunks (demo_id);
alter table bench_search.demos enable row level security;
alter table bench_search.knowledge_chunks enable row level security;
create policy "Users can view their own demos" on bench_search.demos
    for select using (auth.uid() = user_id);
create policy "Users can select their knowledge chunks" on bench_search.knowledge_chunks
    for select using ((select user_id from bench_search.demos where id = demo_id) = auth.uid());
grant usage on schema bench_search to authenticated;
grant select on bench_search.demos, bench_search.knowledge_chunks to authenticated;

create or replace function bench_search.search_knowledge_chunks(
    query_embedding extensions.vector(1536),
    demo_id uuid,
    match_threshold float default 0.7,
    match_count int default 5
)
returns table (
    id uuid,
    content text,
    question text,
    answer text,
    source text,
    similarity float
)
language sql
set search_path = bench_search, extensions
as $$
    select
        id,
        content,
        question,
        answer,
        source,
        1 - (vector_embedding <=> query_embedding) as similarity
    from knowledge_chunks
    where
        knowledge_chunks.demo_id = search_knowledge_chunks.demo_id
        and 1 - (vector_embedding <=> query_embedding) > match_threshold
    order by vector_embedding <=> query_embedding
    limit match_count;
$$;

-- Exact, without policies: what a function with its owner's rights could do with that table. A plan by the demo's index.
create function bench_search.exact(query_embedding extensions.vector, demo uuid, match_count int)
returns table (id uuid, similarity float)
language plpgsql stable security definer
set search_path = bench_search, extensions
set enable_seqscan = off
as $$
begin
    return query
    select c.id, 1 - (c.vector_embedding <=> query_embedding)
    from knowledge_chunks as c
    where c.demo_id = demo
    order by (c.vector_embedding <=> query_embedding) + 0, c.id
    limit match_count;
end
$$;

-- pgvector's own answer to filters: HNSW, and an iterative scan until enough rows pass. The planner would sort a small demo instead.
create function bench_search.hnsw(query_embedding extensions.vector, demo uuid, match_count int)
returns table (id uuid, content text, question text, answer text, source text, similarity float)
language plpgsql stable security definer
set search_path = bench_search, extensions
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set hnsw.iterative_scan = strict_order
set hnsw.max_scan_tuples = 1000000
as $$
begin
    return query
    select c.id, c.content, c.question, c.answer, c.source, 1 - (c.vector_embedding <=> query_embedding)
    from knowledge_chunks as c
    where c.demo_id = demo
    order by c.vector_embedding <=> query_embedding
    limit match_count;
end
$$;
grant execute on all functions in schema bench_search to authenticated;
