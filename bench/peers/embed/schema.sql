-- The peer of the suite embed: the tables, indexes, policies and triggers of Domo's specification that an ingest meets, as written, and of
-- the demo the columns that it reads. The benchmark sets the schema that they go to, bench_embed.

create table demos (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id)
);

create table demo_videos (
    id uuid primary key default gen_random_uuid(),
    demo_id uuid not null references demos (id) on delete cascade,
    title text not null,
    storage_url text not null,
    order_index integer not null,
    duration_seconds integer,
    processing_status text default 'pending',
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now(),
    transcript text
);
create index idx_demo_videos_demo_id on demo_videos (demo_id);
create index idx_demo_videos_order on demo_videos (demo_id, order_index);
create index idx_demo_videos_status on demo_videos (processing_status);
create index idx_videos_processing on demo_videos (demo_id) where processing_status = 'pending';

create table knowledge_chunks (
    id uuid primary key default gen_random_uuid(),
    demo_id uuid not null references demos (id) on delete cascade,
    content text not null,
    question text,
    answer text,
    source text,
    vector_embedding extensions.vector(1536),
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now(),
    constraint knowledge_chunks_content_length_check check (char_length(content) >= 1)
);
create index idx_knowledge_chunks_demo_id on knowledge_chunks (demo_id);
create index idx_chunks_demo_source on knowledge_chunks (demo_id, source);
create index knowledge_chunks_vector_embedding_idx on knowledge_chunks
    using ivfflat (vector_embedding extensions.vector_cosine_ops) with (lists = 100);

create function update_updated_at_column()
returns trigger as $$
begin
    new.updated_at = now();
    return new;
end;
$$ language plpgsql;

create trigger update_demo_videos_updated_at
    before update on demo_videos
    for each row execute function update_updated_at_column();
create trigger update_knowledge_chunks_updated_at
    before update on knowledge_chunks
    for each row execute function update_updated_at_column();

-- The floor: text and vector, and a key to find them by.
create table floor_chunks (
    id uuid primary key default gen_random_uuid(),
    demo_id uuid not null,
    content text not null,
    vector_embedding extensions.vector(1536) not null
);
