-- Domo, tables: demos of a person with their videos and their knowledge, the calls that visitors have with a demo's agent, and what is
-- kept of each call.
--
-- Names of tables, columns and indexes are the specification's, so some indexes do not follow the house's pattern.
-- Locks: every object is new; the foreign keys take SHARE ROW EXCLUSIVE on auth.users until commit, hence the lock_timeout.

set lock_timeout = '10s';

do $available$
begin
    if not exists (select from pg_catalog.pg_available_extensions where name = 'vector') then
        raise exception using
            errcode = '0A000',
            message = 'The extension vector (pgvector) is not available on this server.',
            hint = 'Supabase has it. Elsewhere bin/setup installs it.';
    end if;
end
$available$;

create extension if not exists vector with schema extensions;

do $placed$
begin
    -- Older projects may have it in public, where the types below are not found.
    if to_regtype('extensions.vector') is null then
        raise exception using
            errcode = '55000',
            message = 'The extension vector is installed, but not in the schema extensions.',
            hint = 'Run: alter extension vector set schema extensions';
    end if;
end
$placed$;

create schema domo;
comment on schema domo is 'Domo: demo agents, their knowledge and their calls. Tables and RPCs that clients use.';

create schema domo_private;
comment on schema domo_private is 'Domo: definer helpers behind the RPCs and policies. Never exposed.';

grant usage on schema domo to anon, authenticated, service_role;
grant usage on schema domo_private to anon, authenticated, service_role;

-- Demos -----------------------------------------------------------------------------------------------------------------------

create table domo.demos (
    id uuid not null default gen_random_uuid(),
    name text not null,
    description text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- Clients need not, and the secret key must, say whose it is.
    user_id uuid not null default auth.uid(),
    agent_name text not null default 'Demo Agent',
    agent_personality text not null default 'Friendly and helpful',
    agent_greeting text not null default 'Hello! I''m your demo agent. How can I help you today?',
    cta_text text,
    cta_link text,
    status text not null default 'draft',
    published_url text,
    tavus_persona_id text,
    tavus_conversation_id text,
    video_storage_path text not null default '',
    metadata jsonb not null default '{}',
    published_at timestamptz,
    deleted_at timestamptz,
    constraint demos_pkey primary key (id),
    constraint demos_status_check check (status in ('draft', 'published', 'archived')),
    constraint demos_name_length_check check (char_length(name) <= 255 and parley.trim_text(name) is not null and parley.is_one_line(name)),
    constraint demos_description_check check (char_length(description) <= 5000),
    constraint demos_agent_name_check check (char_length(agent_name) <= 100 and parley.trim_text(agent_name) is not null and parley.is_one_line(agent_name)),
    constraint demos_agent_personality_check check (char_length(agent_personality) <= 4000),
    constraint demos_agent_greeting_check check (char_length(agent_greeting) <= 1000),
    constraint demos_cta_text_check check (char_length(cta_text) <= 200 and (cta_text is null or parley.trim_text(cta_text) is not null) and parley.is_one_line(cta_text)),
    -- A link that visitors click: nothing that runs.
    constraint demos_cta_link_check check (char_length(cta_link) <= 2000 and cta_link ~* '^(https?://|mailto:|tel:)[^[:space:][:cntrl:]]+$'),
    constraint demos_published_url_check check (char_length(published_url) <= 2000 and published_url ~* '^https?://[^[:space:][:cntrl:]]+$'),
    constraint demos_tavus_persona_id_check check (char_length(tavus_persona_id) between 1 and 200),
    constraint demos_tavus_conversation_id_check check (char_length(tavus_conversation_id) between 1 and 200),
    constraint demos_video_storage_path_check check (
        video_storage_path = ''
        or char_length(video_storage_path) <= 1000
            and starts_with(video_storage_path, id::text || '/')
            and video_storage_path !~ '(^|/)\.{0,2}(/|$)|[[:cntrl:]]'
    ),
    constraint demos_metadata_check check (jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 65536)
);

create index idx_demos_user_id on domo.demos (user_id);
create index idx_demos_status on domo.demos (status);
create index idx_demos_tavus_persona_id on domo.demos (tavus_persona_id);
create index idx_demos_user_status on domo.demos (user_id, status);
create index idx_demos_metadata_gin on domo.demos using gin (metadata);

comment on table domo.demos is 'Demos: an agent, what it knows, and how it introduces itself. Written by their owner.';
-- No foreign key: it would delete all that the demos of an account hold in the statement that deletes the account.
comment on column domo.demos.user_id is 'Whose it is. It goes with the account. Kept by triggers, see erasing.';
comment on column domo.demos.status is 'draft, published or archived. publish_demo and archive_demo set it; a direct write meets the same checks.';
comment on column domo.demos.tavus_conversation_id is 'The latest call that is running, by Tavus'' id. Kept by the server.';
comment on column domo.demos.video_storage_path is 'Path of the main video in the bucket demo-videos: <id of the demo>/...; empty without one.';
comment on column domo.demos.deleted_at is 'Deleted, and restored by setting it to null again. A delete of the row erases all of the demo.';

-- Videos ----------------------------------------------------------------------------------------------------------------------

create table domo.demo_videos (
    id uuid not null default gen_random_uuid(),
    demo_id uuid not null,
    title text not null,
    storage_url text not null,
    order_index integer not null,
    duration_seconds integer,
    processing_status text not null default 'pending',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    transcript text,
    failure text,
    deleted_at timestamptz,
    constraint demo_videos_pkey primary key (id),
    -- For the chunks of a video, which belong to its demo.
    constraint demo_videos_demo_id_id_key unique (demo_id, id),
    constraint demo_videos_demo_id_fkey foreign key (demo_id) references domo.demos (id) on delete cascade,
    constraint demo_videos_title_check check (char_length(title) <= 255 and parley.trim_text(title) is not null and parley.is_one_line(title)),
    -- The worker reads the file with its own rights: a path outside the demo's folder would be somebody else's file.
    constraint demo_videos_storage_url_check check (
        char_length(storage_url) <= 1000
        and starts_with(storage_url, demo_id::text || '/')
        and storage_url !~ '(^|/)\.{0,2}(/|$)|[[:cntrl:]]'
    ),
    constraint demo_videos_order_index_check check (order_index >= 0),
    constraint demo_videos_duration_check check (duration_seconds is null or duration_seconds > 0 and duration_seconds <= 86400),
    constraint demo_videos_processing_status_check check (processing_status in ('pending', 'processing', 'completed', 'failed')),
    constraint demo_videos_transcript_check check (char_length(transcript) <= 2000000),
    constraint demo_videos_failure_check check (char_length(failure) <= 500)
);

create index idx_demo_videos_demo_id on domo.demo_videos (demo_id);
create index idx_demo_videos_order on domo.demo_videos (demo_id, order_index);
create index idx_demo_videos_status on domo.demo_videos (processing_status);
create index idx_videos_processing on domo.demo_videos (demo_id) where processing_status = 'pending';

comment on table domo.demo_videos is 'Videos of a demo. Written by the demo''s owner; transcribed by the worker.';
comment on column domo.demo_videos.storage_url is 'Path in the bucket demo-videos: <id of the demo>/...';
comment on column domo.demo_videos.processing_status is 'pending until the worker takes it, then processing, then completed or failed. The owner may set it back to pending.';
comment on column domo.demo_videos.failure is 'Why processing failed, in one sentence for people.';

-- Knowledge -------------------------------------------------------------------------------------------------------------------

create table domo.knowledge_chunks (
    id uuid not null default gen_random_uuid(),
    demo_id uuid not null,
    content text not null,
    question text,
    answer text,
    source text,
    vector_embedding extensions.vector(1536),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    video_id uuid,
    chunk_index integer,
    start_seconds numeric(9, 3),
    end_seconds numeric(9, 3),
    content_digest text not null,
    embedding_model text,
    embedded_at timestamptz,
    deleted_at timestamptz,
    constraint knowledge_chunks_pkey primary key (id),
    constraint knowledge_chunks_demo_id_fkey foreign key (demo_id) references domo.demos (id) on delete cascade,
    -- What was said in a video goes with the video.
    constraint knowledge_chunks_demo_id_video_id_fkey
        foreign key (demo_id, video_id) references domo.demo_videos (demo_id, id) on delete cascade,
    -- 8,000 characters stay within what embedding models read at once.
    constraint knowledge_chunks_content_length_check check (char_length(content) <= 8000 and parley.trim_text(content) is not null),
    constraint knowledge_chunks_question_check check (char_length(question) between 1 and 2000),
    constraint knowledge_chunks_answer_check check (char_length(answer) between 1 and 8000),
    constraint knowledge_chunks_source_check check (char_length(source) between 1 and 500),
    constraint knowledge_chunks_chunk_index_check check (chunk_index >= 0),
    constraint knowledge_chunks_start_seconds_check check (start_seconds >= 0),
    constraint knowledge_chunks_end_seconds_check check (end_seconds >= 0 and (start_seconds is null or end_seconds >= start_seconds)),
    constraint knowledge_chunks_content_digest_check check (content_digest ~ '^[0-9a-f]{64}$'),
    constraint knowledge_chunks_embedding_model_check check (char_length(embedding_model) between 1 and 100),
    constraint knowledge_chunks_embedded_check check ((embedded_at is null) = (vector_embedding is null))
);

create index idx_knowledge_chunks_demo_id on domo.knowledge_chunks (demo_id);
create index idx_chunks_demo_source on domo.knowledge_chunks (demo_id, source);
-- In the order in which neighbours are looked for.
create index knowledge_chunks_demo_id_source_chunk_index_idx on domo.knowledge_chunks (demo_id, source, chunk_index, id)
    where video_id is null and source is not null and chunk_index is not null;
create index knowledge_chunks_demo_id_video_id_idx on domo.knowledge_chunks (demo_id, video_id, chunk_index, id) where video_id is not null;
create index knowledge_chunks_demo_id_content_digest_idx on domo.knowledge_chunks (demo_id, content_digest);
-- What waits for an embedding.
create index knowledge_chunks_pending_idx on domo.knowledge_chunks (demo_id, id) where vector_embedding is null and deleted_at is null;

comment on table domo.knowledge_chunks is 'What an agent knows, in pieces. Written by the demo''s owner and by the worker.';
comment on column domo.knowledge_chunks.vector_embedding is 'The embedding of question, answer and content; null while it waits for one. A change of the text empties it.';
comment on column domo.knowledge_chunks.content_digest is 'SHA-256 of question, answer and content, kept by the server: the same digest needs no new embedding.';
comment on column domo.knowledge_chunks.embedding_model is 'What made the embedding.';
comment on column domo.knowledge_chunks.chunk_index is 'Place within the video or source: neighbours have the next ones.';
comment on column domo.knowledge_chunks.start_seconds is 'Where it begins in the video.';

-- Calls -----------------------------------------------------------------------------------------------------------------------

create table domo.conversations (
    id uuid not null default gen_random_uuid(),
    demo_id uuid,
    persona_id text not null,
    status text not null default 'starting',
    conversation_id text,
    conversation_url text,
    started_by uuid,
    client_id uuid,
    replica_id text,
    replica_joined_at timestamptz,
    end_requested_at timestamptz,
    ended_at timestamptz,
    shutdown_reason text,
    transcript_ready_at timestamptz,
    perception_analysis text,
    recording jsonb,
    recordings jsonb,
    failure text,
    claimed_until timestamptz,
    attempted_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint conversations_pkey primary key (id),
    constraint conversations_conversation_id_key unique (conversation_id),
    constraint conversations_demo_id_client_id_key unique (demo_id, client_id),
    -- A call outlives its demo: somebody has to end it.
    constraint conversations_demo_id_fkey foreign key (demo_id) references domo.demos (id) on delete set null,
    constraint conversations_status_check check (status in ('starting', 'active', 'ended', 'failed')),
    constraint conversations_persona_id_check check (char_length(persona_id) between 1 and 200),
    constraint conversations_conversation_id_check check (char_length(conversation_id) between 1 and 200),
    constraint conversations_conversation_url_check check (char_length(conversation_url) <= 2000 and conversation_url ~ '^https?://'),
    constraint conversations_replica_id_check check (char_length(replica_id) <= 200),
    -- What Tavus says is cut to these lengths, not refused: an event must not be lost because it is long.
    constraint conversations_shutdown_reason_check check (char_length(shutdown_reason) <= 500),
    constraint conversations_perception_analysis_check check (char_length(perception_analysis) <= 100000),
    constraint conversations_failure_check check (char_length(failure) <= 500),
    constraint conversations_active_check check (status <> 'active' or conversation_id is not null),
    constraint conversations_recordings_check check (jsonb_typeof(recordings) = 'array')
);

create index conversations_demo_id_created_at_idx on domo.conversations (demo_id, created_at desc);
create index conversations_started_by_idx on domo.conversations (started_by);
create index conversations_open_idx on domo.conversations (demo_id, created_at) where status in ('starting', 'active');

comment on table domo.conversations is 'Calls with the agent of a demo, at Tavus. A call costs money until it is ended. Written by RPCs and the worker.';
comment on column domo.conversations.conversation_id is 'Tavus'' id. Null until the call exists.';
comment on column domo.conversations.conversation_url is 'The call itself, a Daily room.';
comment on column domo.conversations.client_id is 'Chosen by the caller of start_conversation: the same client_id twice is one call.';
comment on column domo.conversations.recordings is 'All of them, [{ready_at, properties}], as Tavus told of them; by the time of its events, the latest last.';
comment on column domo.conversations.recording is 'The properties of the latest of recordings.';
comment on column domo.conversations.transcript_ready_at is 'When the transcript came; it is in conversation_messages.';
comment on column domo.conversations.failure is 'Why the call could not be started, in one sentence for people.';
comment on column domo.conversations.claimed_until is 'Until when one worker is starting or ending the call, and no other one may.';
comment on column domo.conversations.attempted_at is
    'When a worker first set out to make the call. Null: none has, or it surely made nothing, so there is no call to look for.';

-- What is kept of a call --------------------------------------------------------------------------------------------------------
-- Their ids are ordered by time: these tables grow with every call, and only functions with their owner's rights write them.

create table domo.processed_webhook_events (
    id uuid not null default parley.time_ordered_id(),
    conversation_id text not null,
    event_type text not null,
    event_data jsonb not null,
    processed_at timestamptz not null default clock_timestamp(),
    processing_duration_ms integer,
    event_hash text not null,
    demo_id uuid not null,
    conversation uuid not null,
    is_conflicting boolean not null default false,
    constraint processed_webhook_events_pkey primary key (id),
    constraint processed_webhook_events_demo_id_fkey foreign key (demo_id) references domo.demos (id) on delete cascade,
    constraint processed_webhook_events_conversation_fkey foreign key (conversation) references domo.conversations (id) on delete cascade,
    constraint processed_webhook_events_conversation_id_check check (char_length(conversation_id) between 1 and 200),
    constraint processed_webhook_events_event_type_check check (char_length(event_type) between 1 and 100),
    constraint processed_webhook_events_event_hash_check check (event_hash ~ '^[0-9a-f]{64}$'),
    constraint processed_webhook_events_processing_duration_ms_check check (processing_duration_ms >= 0)
);

create index idx_webhook_events_conversation_id on domo.processed_webhook_events (conversation_id);
create index idx_webhook_events_type on domo.processed_webhook_events (event_type);
create index idx_webhook_events_processed_at on domo.processed_webhook_events (processed_at);
create unique index idx_webhook_events_hash on domo.processed_webhook_events (event_hash);
create index processed_webhook_events_demo_id_processed_at_idx on domo.processed_webhook_events (demo_id, processed_at);
create index processed_webhook_events_conversation_idx on domo.processed_webhook_events (conversation);

comment on table domo.processed_webhook_events is 'Tavus'' events of calls, each once, also of types that nobody knows yet. Written by the worker''s functions.';
comment on column domo.processed_webhook_events.event_data is 'The event as it came, without the address that it came to and without the system prompt.';
comment on column domo.processed_webhook_events.event_hash is 'SHA-256 of the event''s key (its call among it) and of what it says.';
comment on column domo.processed_webhook_events.conversation is 'The call, by our own id.';
comment on column domo.processed_webhook_events.is_conflicting is 'An earlier event of the same key said something else. That one counts; this one changed nothing.';

create table domo.conversation_messages (
    id uuid not null default parley.time_ordered_id(),
    conversation_id text not null,
    message_id text,
    role text not null,
    content text,
    content_length integer,
    timestamp timestamptz,
    sentiment text,
    intent text,
    confidence numeric(3, 2),
    created_at timestamptz not null default clock_timestamp(),
    demo_id uuid not null,
    conversation uuid not null,
    position integer not null,
    constraint conversation_messages_pkey primary key (id),
    constraint conversation_messages_conversation_position_key unique (conversation, position),
    constraint conversation_messages_demo_id_fkey foreign key (demo_id) references domo.demos (id) on delete cascade,
    constraint conversation_messages_conversation_fkey foreign key (conversation) references domo.conversations (id) on delete cascade,
    constraint conversation_messages_role_check check (role in ('user', 'assistant', 'system')),
    constraint conversation_messages_conversation_id_check check (char_length(conversation_id) between 1 and 200),
    constraint conversation_messages_message_id_check check (char_length(message_id) <= 200),
    constraint conversation_messages_content_check check (char_length(content) <= 100000),
    constraint conversation_messages_content_length_check check (content_length >= 0),
    constraint conversation_messages_sentiment_check check (char_length(sentiment) <= 100),
    constraint conversation_messages_intent_check check (char_length(intent) <= 200),
    constraint conversation_messages_confidence_check check (confidence between 0 and 1)
);

create index idx_conversation_messages_conversation_id on domo.conversation_messages (conversation_id);
create index idx_conversation_messages_timestamp on domo.conversation_messages (timestamp);
create index idx_conversation_messages_role on domo.conversation_messages (role);
create index conversation_messages_demo_id_idx on domo.conversation_messages (demo_id);

comment on table domo.conversation_messages is 'What was said in a call, from its transcript, without the system prompt. Written by the worker''s functions.';
comment on column domo.conversation_messages.content_length is 'Characters of the text as it came; content holds the first 100,000.';
comment on column domo.conversation_messages.position is 'Place in the transcript, from 1.';

-- Audit -----------------------------------------------------------------------------------------------------------------------

-- demo_id and record_id refer to what may be gone. The trail goes with the account that owns it, and with time: see erasing. No foreign key does
-- that: it would delete all of it in the statement that deletes the account, and lock the account for whoever holds the demo.
create table domo.audit_logs (
    id uuid not null default parley.time_ordered_id(),
    user_id uuid,
    action text not null,
    table_name text not null,
    record_id uuid,
    old_values jsonb,
    new_values jsonb,
    created_at timestamptz not null default clock_timestamp(),
    owner_id uuid not null,
    demo_id uuid not null,
    constraint audit_logs_pkey primary key (id),
    constraint audit_logs_action_check check (action in ('insert', 'update', 'delete')),
    constraint audit_logs_table_name_check check (table_name in ('demos', 'demo_videos', 'knowledge_chunks', 'conversations'))
);

create index audit_logs_user_id_idx on domo.audit_logs (user_id);
create index audit_logs_owner_id_created_at_idx on domo.audit_logs (owner_id, created_at desc);
create index audit_logs_created_at_idx on domo.audit_logs (created_at);
create index audit_logs_demo_id_created_at_idx on domo.audit_logs (demo_id, created_at desc);

comment on table domo.audit_logs is 'Who changed what of a demo. Written by triggers.';
comment on column domo.audit_logs.user_id is 'Who did it; null for the server.';
comment on column domo.audit_logs.owner_id is 'Whose demo it was.';
comment on column domo.audit_logs.old_values is 'What changed, as it was; embeddings never, of each column up to 1,000 characters.';
comment on column domo.audit_logs.new_values is 'What changed, as it is.';

-- What the server keeps of a demo -------------------------------------------------------------------------------------------------

-- Beside the demo and not in it: what is counted changes with every event, and neither locks the demo nor counts as a change of it.
-- The fill factor leaves room on the page: no column that changes is indexed, so a count is a heap-only update.
create table domo.demo_stats (
    demo_id uuid not null,
    user_id uuid not null,
    video_count bigint not null default 0,
    knowledge_chunk_count bigint not null default 0,
    embedded_chunk_count bigint not null default 0,
    total_video_duration bigint not null default 0,
    conversation_count bigint not null default 0,
    last_conversation_at timestamptz,
    epoch integer not null default 1,
    last_seq bigint not null default 0,
    constraint demo_stats_pkey primary key (demo_id),
    constraint demo_stats_demo_id_fkey foreign key (demo_id) references domo.demos (id) on delete cascade,
    constraint demo_stats_epoch_check check (epoch > 0),
    constraint demo_stats_last_seq_check check (last_seq >= 0)
) with (fillfactor = 50);

create index demo_stats_user_id_idx on domo.demo_stats (user_id);

comment on table domo.demo_stats is 'Counts of a demo, kept by the kernel, and where its stream is. One row a demo.';
comment on column domo.demo_stats.user_id is 'The owner of the demo, so that a policy needs no other table.';
comment on column domo.demo_stats.embedded_chunk_count is 'Of knowledge_chunk_count, those that have their embedding: the rest is waiting.';
comment on column domo.demo_stats.last_conversation_at is 'When the latest event of a call was processed.';
comment on column domo.demo_stats.epoch is 'Third part of the Realtime topic.';
comment on column domo.demo_stats.last_seq is 'Number of the latest change of the demo''s stream. Gap-free.';

create table domo.demo_stream (
    demo_id uuid not null,
    seq bigint not null,
    event text not null,
    payload jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    constraint demo_stream_pkey primary key (demo_id, seq),
    -- Not the demo's row: whoever writes here holds this one already, and must lock no demo after it.
    constraint demo_stream_demo_id_fkey foreign key (demo_id) references domo.demo_stats (demo_id) on delete cascade,
    constraint demo_stream_seq_check check (seq > 0),
    constraint demo_stream_event_check check (char_length(event) between 1 and 100)
);

-- For pruning by age.
create index demo_stream_created_at_idx on domo.demo_stream (created_at);

comment on table domo.demo_stream is 'What the Realtime channel of a demo was told, for those who were not listening. Pruned by age.';

reset lock_timeout;
