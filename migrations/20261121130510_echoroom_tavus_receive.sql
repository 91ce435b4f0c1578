-- EchoRoom, receiving events: the same effects for less, and the news that an avatar is there only when there is a way to it.
--
-- The worker has read an event before it comes here, so it brings what would cost the database most: the key and the digest (the same that
-- parley.tavus_event_key and parley.tavus_event_digest give; in the portable kernel the digest of a transcript of 64 kB takes 15 ms), and the
-- transcript as it is kept, without the system prompt. Without them everything is worked out here.
-- A transcript is kept once, in its conversation; the body of its event is kept without it. LZ4 packs one of 64 kB in 0.1 ms where pglz
-- takes 1 ms.
-- Locks: claims in the order of their keys; the topics of rooms in the order of their ids; then conversations, as whoever deletes a room has
-- them, in the order of the keys again. So two that bring events of the same conversations never wait for each other in a circle. The
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

create function echoroom_private.tavus_id_of(p_conversation uuid, p_event jsonb)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
    v_known_id text;
    v_tavus_id text := p_event ->> 'conversation_id';
begin
    select c.conversation_id
    into v_known_id
    from echoroom.conversations c
    where c.id = p_conversation;
    if not found or coalesce(v_tavus_id <> v_known_id, v_tavus_id is null and v_known_id is null) then
        return null;
    end if;
    if v_known_id is null and exists (select from echoroom.conversations c where c.conversation_id = v_tavus_id) then
        return null;
    end if;
    return coalesce(v_tavus_id, v_known_id);
end
$$;

comment on function echoroom_private.tavus_id_of is 'Tavus'' id of the conversation that an event is of; null when it is not this one.';

create function echoroom_private.tavus_claim_event(p_event jsonb, p_tavus_id text, inout p_event_key text, p_digest text, out claim text)
language plpgsql
volatile
set search_path = ''
as $$
begin
    if p_event_key is null or p_digest is null then
        p_event_key := parley.tavus_event_key(p_event, p_tavus_id);
        p_digest := parley.tavus_event_digest(p_event);
    elsif not starts_with(p_event_key, p_tavus_id || '/') then
        raise exception using errcode = '22023', message = 'The key is that of another conversation.';
    end if;
    claim := parley.claim_event('tavus', p_event_key, p_digest);
end
$$;

comment on function echoroom_private.tavus_claim_event is 'Claims an event, under the key and digest that came with it where both did. 22023 for the key of another conversation.';

create function echoroom_private.tavus_hears(p_conversations uuid[], p_events jsonb[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    perform echoroom_private.hold_topic(heard.session_id)
    from (
        select distinct c.session_id
        from unnest(p_conversations, p_events) as given (conversation, event)
        join echoroom.conversations c on c.id = given.conversation
        where c.session_id is not null
            and (
                c.conversation_id is null
                or replace(given.event ->> 'event_type', '.pal_', '.replica_')
                    in ('system.replica_joined', 'system.shutdown', 'application.transcription_ready')
            )
        order by c.session_id
    ) heard;
end
$$;

comment on function echoroom_private.tavus_hears is 'Holds the topics of the rooms that hear of these events, which are claimed, before any conversation is touched.';

create function echoroom_private.tavus_keep(p_conversation uuid, p_tavus_id text, p_event jsonb, p_event_key text, p_is_prepared boolean, p_claim text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_event_type constant text := replace(p_event ->> 'event_type', '.pal_', '.replica_');
    v_event jsonb := p_event - 'webhook_url';
    v_properties jsonb := case jsonb_typeof(p_event -> 'properties') when 'object' then p_event -> 'properties' else '{}'::jsonb end;
begin
    if p_claim = 'new' and v_event_type = 'application.transcription_ready' then
        v_event := v_event #- '{properties,transcript}';
        if not p_is_prepared then
            v_properties := v_properties || jsonb_build_object('transcript', echoroom_private.tavus_transcript(v_properties -> 'transcript'));
        end if;
    end if;
    -- What conflicts is kept once, however often it comes: reconciliation brings it again and again.
    if p_claim = 'new' or not exists (
        select
        from echoroom_private.conversation_events e
        where e.conversation = p_conversation and e.event_key = p_event_key and e.is_conflicting and e.body = v_event
    ) then
        insert into echoroom_private.conversation_events (conversation, event_type, event_key, is_conflicting, body)
        values (p_conversation, p_event ->> 'event_type', p_event_key, p_claim = 'conflicting', v_event);
    end if;
    if p_claim <> 'new' then
        return;
    end if;
    -- The answer to the call that made the conversation may be lost, or still on its way: its events name it, too.
    update echoroom.conversations c
    set conversation_id = p_tavus_id, status = case when c.status = 'starting' then 'active' else c.status end
    where c.id = p_conversation and c.conversation_id is null;
    if not found and not exists (select from echoroom.conversations c where c.id = p_conversation and c.conversation_id = p_tavus_id) then
        raise exception using errcode = '40001', message = 'Another event has named another call meanwhile: try again.';
    end if;
    perform echoroom_private.tavus_apply(
        p_conversation, v_event_type, coalesce(echoroom_private.tavus_time(p_event -> 'timestamp'), clock_timestamp()), v_properties
    );
end
$$;

comment on function echoroom_private.tavus_keep is
    'Keeps an event that is claimed, and applies it when it is new. 40001 when the conversation got another name meanwhile.';

drop function echoroom_private.tavus_receive(uuid, jsonb);

create function echoroom_private.tavus_receive(p_conversation uuid, p_event jsonb, p_event_key text default null, p_digest text default null)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_tavus_id constant text := echoroom_private.tavus_id_of(p_conversation, p_event);
    v_event_key text;
    v_claim text;
begin
    if v_tavus_id is null then
        return 'unknown';
    end if;
    select claimed.p_event_key, claimed.claim
    into v_event_key, v_claim
    from echoroom_private.tavus_claim_event(p_event, v_tavus_id, p_event_key, p_digest) claimed;
    if v_claim = 'new' then
        perform echoroom_private.tavus_hears(array[p_conversation], array[p_event]);
    end if;
    if v_claim <> 'duplicate' then
        perform echoroom_private.tavus_keep(
            p_conversation, v_tavus_id, p_event, v_event_key, p_event_key is not null and p_digest is not null, v_claim
        );
    end if;
    return v_claim;
end
$$;

comment on function echoroom_private.tavus_receive is
    'Takes an event of a conversation in: claimed, kept and applied in one transaction. new, duplicate, conflicting (kept beside the first, not applied), or unknown when it is not this conversation''s. With its key and digest, the event comes with its transcript as it is kept. 22023 for what is no event.';

-- A commit costs as much as an event, and what a worker has waiting goes into one. One that has to wait for long makes all of them wait, so
-- it gives up soon, and they come one by one.
create function echoroom_private.tavus_receive_all(p_conversations uuid[], p_events jsonb[], p_event_keys text[], p_digests text[])
returns text[]
language plpgsql
volatile
security definer
set search_path = ''
set lock_timeout = '250ms'
as $$
declare
    v_answers text[] := array_fill('unknown'::text, array[cardinality(p_events)]);
    v_ids text[] := v_answers;
    v_keys text[] := v_answers;
    v_new integer[] := '{}'::integer[];
    v_event_key text;
    v_claim text;
    v_at integer;
begin
    for v_at in 1..cardinality(p_events) loop
        v_ids[v_at] := echoroom_private.tavus_id_of(p_conversations[v_at], p_events[v_at]);
        -- Where the key is not known yet, its beginning is.
        v_keys[v_at] := coalesce(p_event_keys[v_at], v_ids[v_at] || '/');
    end loop;

    for v_at in
        select given.place
        from unnest(v_keys) with ordinality as given (event_key, place)
        where v_ids[given.place] is not null
        order by given.event_key collate "C", given.place
    loop
        select claimed.p_event_key, claimed.claim
        into v_event_key, v_claim
        from echoroom_private.tavus_claim_event(p_events[v_at], v_ids[v_at], p_event_keys[v_at], p_digests[v_at]) claimed;
        v_keys[v_at] := v_event_key;
        v_answers[v_at] := v_claim;
        if v_claim = 'new' then
            v_new := v_new || v_at;
        end if;
    end loop;
    perform echoroom_private.tavus_hears(
        array(select p_conversations[place] from unnest(v_new) as place), array(select p_events[place] from unnest(v_new) as place)
    );

    for v_at in
        select given.place
        from unnest(v_keys) with ordinality as given (event_key, place)
        where v_answers[given.place] in ('new', 'conflicting')
        order by given.event_key collate "C", given.place
    loop
        perform echoroom_private.tavus_keep(
            p_conversations[v_at],
            v_ids[v_at],
            p_events[v_at],
            v_keys[v_at],
            p_event_keys[v_at] is not null and p_digests[v_at] is not null,
            v_answers[v_at]
        );
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
