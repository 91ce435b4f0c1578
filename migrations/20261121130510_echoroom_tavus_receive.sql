-- EchoRoom, receiving events: the same effects for less, and the news that an avatar is there only when there is a way to it.
--
-- The worker has read an event before it comes here, so it brings what would cost the database most: the key and the digest (the same that
-- parley.tavus_event_key and parley.tavus_event_digest give; in the portable kernel the digest of a transcript of 64 kB takes 15 ms), and the
-- transcript as it is kept, without the system prompt. Without them everything is worked out here.
-- A transcript is kept once, in its conversation; the body of its event is kept without it. LZ4 packs one of 64 kB in 0.1 ms where pglz
-- takes 1 ms.
-- Locks: the room's topic, then the conversation's row: in the order of whoever deletes a room. An event that names the call first takes both
-- before all else, the others come to them after their claim, so two events of one conversation never wait for each other in a circle. The
-- columns' settings take SHARE UPDATE EXCLUSIVE and ACCESS EXCLUSIVE for an instant.

set lock_timeout = '10s';

do $settings$
begin
    alter table echoroom.conversations alter column transcript set compression lz4;
    alter table echoroom_private.conversation_events alter column body set compression lz4;
exception
    -- A server that was built without LZ4.
    when feature_not_supported then
        null;
end
$settings$;

-- An event updates its conversation: half a page is left for that, so that no index has to be touched.
alter table echoroom.conversations set (fillfactor = 50);

-- The room hears that the avatar is there when the replica has joined and the address of the call is known, whichever comes last: Tavus may
-- tell of the replica before it has answered the request that made the call.
create or replace function echoroom_private.tell_conversation_change()
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
    if new.status = 'active' and new.replica_joined_at is not null and new.conversation_url is not null
        and (old.status <> 'active' or old.replica_joined_at is null or old.conversation_url is null)
    then
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

create or replace trigger conversations_tell_room
    after update on echoroom.conversations
    for each row
    when (
        (old.status, old.replica_joined_at is null, old.conversation_url is null, old.transcript is null)
        is distinct from (new.status, new.replica_joined_at is null, new.conversation_url is null, new.transcript is null)
    )
    execute function echoroom_private.tell_conversation_change();

reset lock_timeout;

create or replace function echoroom_private.tavus_apply(p_conversation uuid, p_type text, p_at timestamptz, p_properties jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    case p_type
        when 'system.replica_joined' then
            update echoroom.conversations c
            set
                replica_joined_at = least(c.replica_joined_at, p_at),
                replica_id = coalesce(c.replica_id, left(coalesce(p_properties ->> 'replica_id', p_properties ->> 'face_id'), 200)),
                status = case when c.status = 'starting' then 'active' else c.status end
            where c.id = p_conversation;
        when 'system.shutdown' then
            -- What Tavus says of the end counts more than what we noted when we asked for it.
            update echoroom.conversations c
            set
                status = 'ended',
                ended_at = p_at,
                shutdown_reason = coalesce(left(coalesce(p_properties ->> 'shutdown_reason', p_properties ->> 'reason'), 500), c.shutdown_reason),
                claimed_until = null
            where c.id = p_conversation;
        when 'application.transcription_ready' then
            update echoroom.conversations c
            set transcript = case jsonb_typeof(p_properties -> 'transcript') when 'array' then p_properties -> 'transcript' else '[]' end
            where c.id = p_conversation;
        when 'application.perception_analysis' then
            update echoroom.conversations c
            set perception_analysis = left(p_properties ->> 'analysis', 100000)
            where c.id = p_conversation;
        when 'application.recording_ready' then
            update echoroom.conversations c
            set recording = p_properties
            where c.id = p_conversation;
        else
            -- Kept as it came, for whoever will know it.
            null;
    end case;
end
$$;

comment on function echoroom_private.tavus_apply is 'The effect of one event, whose transcript has no system prompt any more; nothing for types without one.';

-- A change of a conversation that its room hears holds the room's topic. It has to do so before it has the conversation: who deletes a room
-- has the room first, and then the conversations that lose it.
create function echoroom_private.hold_topic_of(p_conversation uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    perform echoroom_private.hold_topic(c.session_id)
    from echoroom.conversations c
    where c.id = p_conversation and c.session_id is not null;
end
$$;

comment on function echoroom_private.hold_topic_of is 'hold_topic for the room of a conversation, where it has one. Before any change of the conversation that the room hears.';

create or replace function echoroom_private.tavus_started(p_conversation uuid, p_conversation_id text, p_conversation_url text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_conversation echoroom.conversations;
begin
    perform echoroom_private.hold_topic_of(p_conversation);
    update echoroom.conversations c
    set
        conversation_id = coalesce(c.conversation_id, p_conversation_id),
        conversation_url = coalesce(c.conversation_url, p_conversation_url),
        -- Its events may have come before the answer to the call that made it.
        status = case when c.status = 'starting' then 'active' else c.status end,
        claimed_until = null
    where c.id = p_conversation
    returning * into v_conversation;
    -- A row of nulls is not null.
    return case when found then to_jsonb(v_conversation) end;
end
$$;

create or replace function echoroom_private.tavus_failed(p_conversation uuid, p_failure text)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    perform echoroom_private.hold_topic_of(p_conversation);
    update echoroom.conversations c
    set status = 'failed', failure = left(p_failure, 500), ended_at = clock_timestamp(), claimed_until = null
    where c.id = p_conversation and c.status = 'starting' and c.conversation_id is null;
    return found;
end
$$;

create or replace function echoroom_private.tavus_ended(p_conversation uuid, p_reason text)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    perform echoroom_private.hold_topic_of(p_conversation);
    update echoroom.conversations c
    set
        status = 'ended',
        ended_at = coalesce(c.ended_at, clock_timestamp()),
        -- What Tavus says in its own event counts more.
        shutdown_reason = coalesce(c.shutdown_reason, left(p_reason, 500)),
        claimed_until = null
    where c.id = p_conversation and c.status in ('starting', 'active');
    return found;
end
$$;

drop function echoroom_private.tavus_receive(uuid, jsonb);

create function echoroom_private.tavus_receive(p_conversation uuid, p_event jsonb, p_event_key text default null, p_digest text default null)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_known_id text;
    v_session_id uuid;
    v_tavus_id text := p_event ->> 'conversation_id';
    v_is_prepared constant boolean := p_event_key is not null and p_digest is not null;
    v_event_type text;
    v_event_key text := p_event_key;
    v_properties jsonb;
    v_claim text;
begin
    select c.conversation_id, c.session_id
    into v_known_id, v_session_id
    from echoroom.conversations c
    where c.id = p_conversation;
    if not found or coalesce(v_tavus_id <> v_known_id, v_tavus_id is null and v_known_id is null) then
        return 'unknown';
    end if;
    if v_known_id is null then
        -- The answer to the call that made the conversation may be lost, or still on its way: its events name it, too.
        if exists (select from echoroom.conversations c where c.conversation_id = v_tavus_id) then
            return 'unknown';
        end if;
        perform echoroom_private.hold_topic(v_session_id);
        update echoroom.conversations c
        set conversation_id = v_tavus_id, status = case when c.status = 'starting' then 'active' else c.status end
        where c.id = p_conversation and c.conversation_id is null;
        -- Another event may have named another call meanwhile.
        if not found and not exists (select from echoroom.conversations c where c.id = p_conversation and c.conversation_id = v_tavus_id) then
            return 'unknown';
        end if;
    end if;
    v_tavus_id := coalesce(v_tavus_id, v_known_id);
    if not v_is_prepared then
        v_event_key := parley.tavus_event_key(p_event, v_tavus_id);
    elsif not starts_with(p_event_key, v_tavus_id || '/') then
        raise exception using errcode = '22023', message = 'The key is that of another conversation.';
    end if;
    v_claim := parley.claim_event('tavus', v_event_key, case when v_is_prepared then p_digest else parley.tavus_event_digest(p_event) end);
    if v_claim = 'duplicate' then
        return v_claim;
    end if;

    v_event_type := replace(p_event ->> 'event_type', '.pal_', '.replica_');
    if v_claim = 'new' and v_event_type in ('system.replica_joined', 'system.shutdown', 'application.transcription_ready') then
        perform echoroom_private.hold_topic(v_session_id);
    end if;
    v_properties := case jsonb_typeof(p_event -> 'properties') when 'object' then p_event -> 'properties' else '{}' end;
    p_event := p_event - 'webhook_url';
    if v_claim = 'new' and v_event_type = 'application.transcription_ready' then
        p_event := p_event #- '{properties,transcript}';
        if not v_is_prepared then
            v_properties := v_properties || jsonb_build_object('transcript', echoroom_private.tavus_transcript(v_properties -> 'transcript'));
        end if;
    end if;
    -- What conflicts is kept once, however often it comes: reconciliation brings it again and again.
    if v_claim = 'new' or not exists (
        select
        from echoroom_private.conversation_events e
        where e.conversation = p_conversation and e.event_key = v_event_key and e.is_conflicting and e.body = p_event
    ) then
        insert into echoroom_private.conversation_events (conversation, event_type, event_key, is_conflicting, body)
        values (p_conversation, p_event ->> 'event_type', v_event_key, v_claim = 'conflicting', p_event);
    end if;
    if v_claim = 'new' then
        perform echoroom_private.tavus_apply(
            p_conversation, v_event_type, coalesce(echoroom_private.tavus_time(p_event -> 'timestamp'), clock_timestamp()), v_properties
        );
    end if;
    return v_claim;
end
$$;

comment on function echoroom_private.tavus_receive is
    'Takes an event of a conversation in: claimed, kept and applied in one transaction. new, duplicate, conflicting (kept beside the first, not applied), or unknown when it is not this conversation''s. With its key and digest, the event comes with its transcript as it is kept. 22023 for what is no event.';
-- A commit costs as much as an event, and what a worker has waiting goes into one. In the order of their keys, which begin with the
-- conversation: two that bring events of the same conversations at once never wait for each other in a circle. One that has to wait for long
-- makes all of them wait, so it gives up soon, and they come one by one.
create function echoroom_private.tavus_receive_all(p_conversations uuid[], p_events jsonb[], p_event_keys text[], p_digests text[])
returns text[]
language plpgsql
volatile
security definer
set search_path = ''
set lock_timeout = '250ms'
as $$
declare
    v_answers text[] := array_fill(null::text, array[cardinality(p_events)]);
    v_at integer;
begin
    for v_at in
        select given.place
        from unnest(p_event_keys) with ordinality as given (event_key, place)
        order by given.event_key collate "C"
    loop
        v_answers[v_at] := echoroom_private.tavus_receive(p_conversations[v_at], p_events[v_at], p_event_keys[v_at], p_digests[v_at]);
    end loop;
    return v_answers;
end
$$;

comment on function echoroom_private.tavus_receive_all is 'tavus_receive for several events in one transaction; all of them, or none.';

comment on table echoroom_private.conversation_events is
    'Tavus'' events of a conversation as they came, also of types that nobody knows yet. The transcript of the first that brought one is in its conversation.';

revoke execute on all functions in schema echoroom_private from public;
grant execute on function
    echoroom_private.tavus_receive(uuid, jsonb, text, text),
    echoroom_private.tavus_receive_all(uuid[], jsonb[], text[], text[])
to parley_worker;
