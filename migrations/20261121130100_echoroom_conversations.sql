-- EchoRoom, conversations: the AI avatar of a room. A conversation is a call at Tavus that costs money until it is ended.
--
-- Clients read; the worker writes, through functions that are granted to its role alone. Locks: every object is new; the foreign keys take SHARE ROW EXCLUSIVE on echoroom.sessions and
-- auth.users until commit, hence the lock_timeout. A change that the room hears holds the conversation, then the room's topic.

set lock_timeout = '10s';

create table echoroom.conversations (
    id uuid not null default gen_random_uuid(),
    session_id uuid,
    persona_id text not null,
    mood text not null,
    status text not null default 'starting',
    conversation_id text,
    conversation_url text,
    started_by uuid,
    replica_id text,
    replica_joined_at timestamptz,
    end_requested_at timestamptz,
    ended_at timestamptz,
    shutdown_reason text,
    transcript jsonb,
    perception_analysis text,
    recording jsonb,
    recordings jsonb,
    failure text,
    claimed_until timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint conversations_pkey primary key (id),
    constraint conversations_conversation_id_key unique (conversation_id),
    -- A call outlives its room: somebody has to end it.
    constraint conversations_session_id_fkey foreign key (session_id) references echoroom.sessions (id) on delete set null,
    constraint conversations_status_check check (status in ('starting', 'active', 'ended', 'failed')),
    constraint conversations_persona_id_check check (char_length(persona_id) between 1 and 200),
    constraint conversations_mood_check check (char_length(mood) between 1 and 64),
    constraint conversations_conversation_id_check check (char_length(conversation_id) between 1 and 200),
    constraint conversations_conversation_url_check check (char_length(conversation_url) <= 2000 and conversation_url ~ '^https?://'),
    constraint conversations_replica_id_check check (char_length(replica_id) <= 200),
    -- What Tavus says is cut to these lengths, not refused: an event must not be lost because it is long.
    constraint conversations_shutdown_reason_check check (char_length(shutdown_reason) <= 500),
    constraint conversations_perception_analysis_check check (char_length(perception_analysis) <= 100000),
    constraint conversations_failure_check check (char_length(failure) <= 500),
    constraint conversations_active_check check (status <> 'active' or conversation_id is not null),
    constraint conversations_transcript_check check (jsonb_typeof(transcript) = 'array'),
    constraint conversations_recordings_check check (jsonb_typeof(recordings) = 'array')
);

-- One avatar a room: whoever starts a second one gets the first.
create unique index conversations_session_id_key on echoroom.conversations (session_id) where status in ('starting', 'active');
create index conversations_session_id_created_at_idx on echoroom.conversations (session_id, created_at desc);
create index conversations_started_by_idx on echoroom.conversations (started_by);
create index conversations_open_idx on echoroom.conversations (created_at) where status in ('starting', 'active');

reset lock_timeout;

comment on table echoroom.conversations is 'AI avatars of rooms: calls at Tavus. Written by the worker.';
comment on column echoroom.conversations.conversation_id is 'Tavus'' id. Null until the call exists.';
comment on column echoroom.conversations.conversation_url is 'The call itself, a Daily room. Members only.';
comment on column echoroom.conversations.transcript is 'What was spoken: [{role, content, timestamp}], role user or assistant.';
comment on column echoroom.conversations.recordings is 'All of them, [{ready_at, properties}], as Tavus told of them; by the time of its events, the latest last.';
comment on column echoroom.conversations.recording is 'The properties of the latest of recordings.';
comment on column echoroom.conversations.claimed_until is 'Until when one worker is starting or ending the call, and no other one may.';
comment on column echoroom.conversations.failure is 'Why the call could not be started, in one sentence for people.';

create trigger conversations_touch_updated_at
    before update on echoroom.conversations
    for each row execute function parley.touch_updated_at();

-- Every event as it came, once each.
create table echoroom_private.conversation_events (
    id bigint generated always as identity,
    conversation uuid not null,
    event_type text not null,
    event_key text not null,
    is_conflicting boolean not null default false,
    body jsonb not null,
    received_at timestamptz not null default clock_timestamp(),
    constraint conversation_events_pkey primary key (id),
    constraint conversation_events_event_type_check check (char_length(event_type) between 1 and 100),
    constraint conversation_events_event_key_check check (char_length(event_key) between 1 and 400),
    constraint conversation_events_conversation_fkey foreign key (conversation) references echoroom.conversations (id) on delete cascade
);

create index conversation_events_conversation_idx on echoroom_private.conversation_events (conversation, id);

comment on table echoroom_private.conversation_events is 'Tavus'' events of a conversation as they came, also of types that nobody knows yet.';

alter table echoroom.conversations enable row level security;
alter table echoroom_private.conversation_events enable row level security;

create policy "members read conversations" on echoroom.conversations
    for select
    to authenticated
    using (session_id in (select echoroom_private.my_session_ids()));

grant select on echoroom.conversations to authenticated;
grant select, delete on echoroom.conversations to service_role;

-- What the room hears ---------------------------------------------------------------------------------------------------------

create function echoroom_private.tell_conversation_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if new.session_id is null then
        return null;
    end if;
    perform echoroom_private.hold_topic(new.session_id);
    if old.replica_joined_at is null and new.replica_joined_at is not null and new.status = 'active' then
        perform echoroom_private.tell_room(new.session_id, 'avatar-started', jsonb_build_object(
            'conversation_id', new.conversation_id,
            'conversation_url', new.conversation_url,
            'persona_id', new.persona_id,
            'replica_id', new.replica_id,
            'mood', new.mood
        ));
    end if;
    if old.status <> new.status and new.status in ('ended', 'failed') then
        perform echoroom_private.tell_room(new.session_id, 'avatar-ended', jsonb_build_object(
            'conversation_id', new.conversation_id,
            'reason', coalesce(new.shutdown_reason, new.failure),
            'failed', new.status = 'failed'
        ));
    end if;
    if old.transcript is null and new.transcript is not null then
        -- The text is in the table: a broadcast has a size limit, an hour of talk has none.
        perform echoroom_private.tell_room(new.session_id, 'avatar-transcript', jsonb_build_object(
            'conversation_id', new.conversation_id,
            'entries', jsonb_array_length(new.transcript)
        ));
    end if;
    return null;
end
$$;

comment on function echoroom_private.tell_conversation_change is 'Trigger: avatar-started, avatar-ended, avatar-transcript.';

create trigger conversations_tell_room
    after update on echoroom.conversations
    for each row
    when (
        (old.status, old.replica_joined_at is null, old.transcript is null)
        is distinct from (new.status, new.replica_joined_at is null, new.transcript is null)
    )
    execute function echoroom_private.tell_conversation_change();

revoke execute on all functions in schema echoroom_private from public;
