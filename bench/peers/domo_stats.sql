-- The tables of Domo's specification that its statistics read, and the statistics, as written there: tables, indexes, function. Two things are
-- mended, since it would not run otherwise: the sum of integers is cast to the declared type, and the function's tables are found in the
-- schema that comes first in the search path.
create table demos (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    description text,
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now(),
    user_id uuid not null,
    status text default 'draft',
    metadata jsonb default '{}'
);

create index idx_demos_user_id on demos (user_id);

create table demo_videos (
    id uuid primary key default gen_random_uuid(),
    demo_id uuid not null references demos (id) on delete cascade,
    title text not null,
    storage_url text not null,
    order_index integer not null,
    duration_seconds integer,
    processing_status text default 'pending'
);

create index idx_demo_videos_demo_id on demo_videos (demo_id);

create table knowledge_chunks (
    id uuid primary key default gen_random_uuid(),
    demo_id uuid not null references demos (id) on delete cascade,
    content text not null,
    source text
);

create index idx_knowledge_chunks_demo_id on knowledge_chunks (demo_id);

create table processed_webhook_events (
    id uuid primary key default gen_random_uuid(),
    conversation_id text not null,
    event_type text not null,
    event_data jsonb not null,
    processed_at timestamp with time zone default now(),
    processing_duration_ms integer,
    event_hash text unique
);

create index idx_webhook_events_conversation_id on processed_webhook_events (conversation_id);
create index idx_webhook_events_type on processed_webhook_events (event_type);
create index idx_webhook_events_processed_at on processed_webhook_events (processed_at);
create unique index idx_webhook_events_hash on processed_webhook_events (event_hash);

create function get_demo_stats(demo_uuid uuid)
returns table (
    video_count bigint,
    knowledge_chunk_count bigint,
    total_video_duration integer,
    last_conversation_at timestamp with time zone
)
language sql
as $$
    select
        (select count(*) from demo_videos where demo_id = demo_uuid) as video_count,
        (select count(*) from knowledge_chunks where demo_id = demo_uuid) as knowledge_chunk_count,
        (select coalesce(sum(duration_seconds), 0)::integer from demo_videos where demo_id = demo_uuid) as total_video_duration,
        (select max(processed_at) from processed_webhook_events
         where event_data ->> 'demo_id' = demo_uuid::text) as last_conversation_at;
$$;
