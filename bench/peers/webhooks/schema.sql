-- The peer of the suite webhooks: the tables of its receiver. The benchmark sets the schema that they go to, bench_webhooks.

create table conversations (
    id uuid primary key,
    session_id uuid not null,
    persona_id text not null,
    mood text not null,
    status text not null default 'starting' check (status in ('starting', 'active', 'ended', 'failed')),
    conversation_id text not null unique,
    conversation_url text,
    replica_id text,
    replica_joined_at timestamptz,
    ended_at timestamptz,
    shutdown_reason text,
    transcript jsonb,
    perception_analysis text,
    recording jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- The unique key makes an event happen once; the row is the event as it came, but for its transcript, which is in its conversation.
create table webhook_events (
    id bigint generated always as identity primary key,
    source text not null,
    event_key text not null,
    conversation uuid not null references conversations (id) on delete cascade,
    event_type text not null,
    body jsonb not null,
    received_at timestamptz not null default now(),
    unique (source, event_key)
);

create index webhook_events_conversation_idx on webhook_events (conversation, id);

-- The floor: the event as it came, and nothing else.
create table floor_events (
    id bigint generated always as identity primary key,
    conversation uuid not null,
    event_type text not null,
    body jsonb not null,
    received_at timestamptz not null default now()
);

-- As Parley's tables have it, where the server can.
do $settings$
begin
    alter table floor_events alter column body set compression lz4;
exception
    when feature_not_supported then
        null;
end
$settings$;
