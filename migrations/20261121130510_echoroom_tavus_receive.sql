-- EchoRoom, receiving events: the same effects for less, and the news that an avatar is there only when there is a way to it.
--
-- The worker has read an event before it comes here, so it brings what would cost the database most: the key and the digest (the same that
-- parley.tavus_event_key and parley.tavus_event_digest give; in the portable kernel the digest of a transcript of 64 kB takes 15 ms), and the
-- transcript as it is kept, what was spoken in it. Without them everything is worked out here.
-- A transcript is kept once, in its conversation; the body of its event is kept without it. LZ4 packs one of 64 kB in 0.1 ms where pglz
-- takes 1 ms.
-- Locks: claims in the order of their keys; the topics of rooms in the order of their ids; then conversations, as whoever deletes a room has
-- them, in the order of their ids too. So two that bring events of the same conversations never wait for each other in a circle. The
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
declare
    v_topic text;
    v_seq bigint;
begin
    if new.session_id is null then
        return null;
    end if;
    -- hold_topic and tell_room, without the calls: every event of a call comes by here.
    perform
    from echoroom.sessions s
    where s.id = new.session_id
    for key share;
    select echoroom_private.topic(s.id, s.epoch), s.last_seq
    into v_topic, v_seq
    from echoroom.sessions s
    where s.id = new.session_id;
    if not found then
        return null;
    end if;
    if new.status = 'active' and new.replica_joined_at is not null and new.conversation_url is not null
        and (old.status <> 'active' or old.replica_joined_at is null or old.conversation_url is null)
    then
        perform parley.broadcast(v_topic, 'avatar-started', jsonb_build_object(
            'seq', v_seq,
            'conversation_id', new.conversation_id,
            'conversation_url', new.conversation_url,
            'persona_id', new.persona_id,
            'replica_id', new.replica_id,
            'mood', new.mood
        ));
    end if;
    if old.status <> new.status and new.status in ('ended', 'failed') then
        perform parley.broadcast(v_topic, 'avatar-ended', jsonb_build_object(
            'seq', v_seq,
            'conversation_id', new.conversation_id,
            'reason', coalesce(new.shutdown_reason, new.failure),
            'failed', new.status = 'failed'
        ));
    end if;
    if old.transcript is null and new.transcript is not null then
        -- The text is in the table: a broadcast has a size limit, an hour of talk has none.
        perform parley.broadcast(v_topic, 'avatar-transcript', jsonb_build_object(
            'seq', v_seq,
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

-- Each statement below does its work for all events that come together: a statement costs as much as several of their rows do.

create function echoroom_private.tavus_name(p_conversations uuid[], p_ids text[], p_answers text[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    for v_at in 1..cardinality(p_ids) loop
        if p_answers[v_at] is distinct from 'new' then
            continue;
        end if;
        update echoroom.conversations c
        set conversation_id = p_ids[v_at], status = case when c.status = 'starting' then 'active' else c.status end
        where c.id = p_conversations[v_at] and c.conversation_id is null;
        if not found
            and not exists (select from echoroom.conversations c where c.id = p_conversations[v_at] and c.conversation_id = p_ids[v_at])
        then
            raise exception using errcode = '40001', message = 'Another event has named another call meanwhile: try again.';
        end if;
    end loop;
end
$$;

comment on function echoroom_private.tavus_name is
    'Names the calls of new events: the answer to the request that made a call may be lost, or still on its way. 40001 when one got another name meanwhile.';

drop function echoroom_private.tavus_apply(uuid, text, timestamptz, jsonb);

create function echoroom_private.tavus_apply(p_conversations uuid[], p_events jsonb[], p_types text[], p_keys text[], p_is_prepared boolean[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_says text[] := p_types;
    v_before integer;
begin
    -- Where to find what is said of a call. Of two of a type in one call, the later in the order of the keys counts: only recordings come twice.
    for v_at in 1..cardinality(p_types) loop
        v_says[v_at] := p_types[v_at] || ' ' || p_conversations[v_at];
        v_before := array_position(v_says, v_says[v_at]);
        if v_before < v_at then
            v_says[case when p_keys[v_before] collate "C" < p_keys[v_at] collate "C" then v_before else v_at end] := null;
        end if;
    end loop;
    -- In the order in which a call says so. Whatever has no effect is kept as it came, for whoever will know it.
    if 'system.replica_joined' = any (p_types) then
        update echoroom.conversations c
        set
            replica_joined_at = least(c.replica_joined_at, coalesce(parley.tavus_moment(p_events[array_position(v_says, 'system.replica_joined ' || c.id)] -> 'timestamp'), clock_timestamp())),
            replica_id = coalesce(
                c.replica_id,
                left(
                    coalesce(
                        p_events[array_position(v_says, 'system.replica_joined ' || c.id)] #>> '{properties,replica_id}',
                        p_events[array_position(v_says, 'system.replica_joined ' || c.id)] #>> '{properties,face_id}'
                    ),
                    200
                )
            ),
            status = case when c.status = 'starting' then 'active' else c.status end
        where c.id = any (p_conversations) and array_position(v_says, 'system.replica_joined ' || c.id) is not null;
    end if;
    if 'application.recording_ready' = any (p_types) then
        -- A call can have several, and all of them count.
        update echoroom.conversations c
        set (recordings, recording) = (
            select told.recordings, told.recordings #> '{-1,properties}'
            from (
                select parley.tavus_recordings(c.recordings, array(
                    select given.event
                    from unnest(p_conversations, p_events, p_types) as given (conversation, event, event_type)
                    where given.conversation = c.id and given.event_type = 'application.recording_ready'
                )) as recordings
                offset 0
            ) told
        )
        where c.id = any (p_conversations) and array_position(v_says, 'application.recording_ready ' || c.id) is not null;
    end if;
    if 'application.perception_analysis' = any (p_types) then
        update echoroom.conversations c
        set perception_analysis = left(p_events[array_position(v_says, 'application.perception_analysis ' || c.id)] #>> '{properties,analysis}', 100000)
        where c.id = any (p_conversations) and array_position(v_says, 'application.perception_analysis ' || c.id) is not null;
    end if;
    if 'application.transcription_ready' = any (p_types) then
        update echoroom.conversations c
        set transcript = case
            when not p_is_prepared[array_position(v_says, 'application.transcription_ready ' || c.id)]
                then echoroom_private.tavus_transcript(p_events[array_position(v_says, 'application.transcription_ready ' || c.id)] #> '{properties,transcript}')
            when jsonb_typeof(p_events[array_position(v_says, 'application.transcription_ready ' || c.id)] #> '{properties,transcript}') = 'array'
                then p_events[array_position(v_says, 'application.transcription_ready ' || c.id)] #> '{properties,transcript}'
            else '[]'
        end
        where c.id = any (p_conversations) and array_position(v_says, 'application.transcription_ready ' || c.id) is not null;
    end if;
    if 'system.shutdown' = any (p_types) then
        -- What Tavus says of the end counts more than what we noted when we asked for it.
        update echoroom.conversations c
        set
            status = 'ended',
            ended_at = coalesce(parley.tavus_moment(p_events[array_position(v_says, 'system.shutdown ' || c.id)] -> 'timestamp'), clock_timestamp()),
            shutdown_reason = coalesce(
                left(
                    coalesce(
                        p_events[array_position(v_says, 'system.shutdown ' || c.id)] #>> '{properties,shutdown_reason}',
                        p_events[array_position(v_says, 'system.shutdown ' || c.id)] #>> '{properties,reason}'
                    ),
                    500
                ),
                c.shutdown_reason
            ),
            claimed_until = null
        where c.id = any (p_conversations) and array_position(v_says, 'system.shutdown ' || c.id) is not null;
    end if;
end
$$;

comment on function echoroom_private.tavus_apply is
    'The effects of new events; nothing where a type is null or has none. A prepared transcript is what was spoken.';

create function echoroom_private.tavus_keep(p_conversations uuid[], p_events jsonb[], p_types text[], p_keys text[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    insert into echoroom_private.conversation_events (conversation, event_type, event_key, body)
    select
        given.conversation,
        given.event ->> 'event_type',
        given.event_key,
        -- To take out what is not there would read a transcript of 64 kB for nothing.
        case
            when given.event_type = 'application.transcription_ready' then (given.event #- '{properties,transcript}'::text[]) - 'webhook_url'::text
            when given.event ? 'webhook_url' then given.event - 'webhook_url'
            else given.event
        end
    from unnest(p_conversations, p_events, p_types, p_keys) as given (conversation, event, event_type, event_key)
    where given.event_type is not null
    order by given.event_key collate "C";
end
$$;

comment on function echoroom_private.tavus_keep is 'Keeps new events, those with a type; a transcript is in its conversation.';

create function echoroom_private.tavus_keep_conflict(p_conversation uuid, p_event jsonb, p_event_key text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    -- Once, however often it comes: reconciliation brings it again and again.
    insert into echoroom_private.conversation_events (conversation, event_type, event_key, is_conflicting, body)
    select p_conversation, p_event ->> 'event_type', p_event_key, true, p_event - 'webhook_url'
    where not exists (
        select
        from echoroom_private.conversation_events e
        where e.conversation = p_conversation and e.event_key = p_event_key and e.is_conflicting and e.body = p_event - 'webhook_url'
    );
end
$$;

comment on function echoroom_private.tavus_keep_conflict is 'Keeps an event that says something else than the first of its key, beside it.';

-- Plans: the one for any events is made once; one for these alone would be made for every batch, and costs more than the events. It may be made
-- while the tables are small and kept while they grow: hence enable_seqscan, and no joins, which could read all of a table.
create function echoroom_private.tavus_take_in(p_conversations uuid[], p_events jsonb[], p_event_keys text[], p_digests text[])
returns text[]
language plpgsql
volatile
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    v_ids text[];
    v_types text[];
    v_rooms uuid[];
    v_are_unnamed boolean[];
    v_are_prepared boolean[];
    v_keys text[] := p_event_keys;
    v_digests text[] := p_digests;
    v_answers text[];
begin
    select array_agg(known.tavus_id), array_agg(known.event_type), array_agg(known.session_id), array_agg(known.is_unnamed), array_agg(known.is_prepared)
    into v_ids, v_types, v_rooms, v_are_unnamed, v_are_prepared
    from (
        select
            case when given.event ->> 'conversation_id' <> given.known_id then null else nullif(given.known_id, '') end as tavus_id,
            replace(given.event ->> 'event_type', '.pal_', '.replica_') as event_type,
            given.session_id,
            given.known_id = '' as is_unnamed,
            given.is_prepared
        from (
            select
                every.event,
                every.place,
                every.event_key is not null and every.digest is not null as is_prepared,
                (select coalesce(c.conversation_id, '') from echoroom.conversations c where c.id = every.conversation) as known_id,
                (select c.session_id from echoroom.conversations c where c.id = every.conversation) as session_id
            from unnest(p_conversations, p_events, p_event_keys, p_digests) with ordinality as every (conversation, event, event_key, digest, place)
            offset 0
        ) given
        order by given.place
    ) known;

    for v_at in 1..cardinality(p_events) loop
        if v_are_unnamed[v_at] then
            v_ids[v_at] := echoroom_private.tavus_id_of(p_conversations[v_at], p_events[v_at]);
        end if;
        if v_ids[v_at] is null then
            v_keys[v_at] := null;
        elsif not v_are_prepared[v_at] then
            v_keys[v_at] := parley.tavus_event_key(p_events[v_at], v_ids[v_at]);
            v_digests[v_at] := parley.tavus_event_digest(p_events[v_at]);
        elsif not starts_with(v_keys[v_at], v_ids[v_at] || '/') then
            raise exception using errcode = '22023', message = 'The key is that of another conversation.';
        end if;
    end loop;

    v_answers := array_replace(parley.claim_events('tavus', v_keys, v_digests), null, 'unknown');
    if 'new' = any (v_answers) then
        for v_at in 1..cardinality(v_answers) loop
            if v_answers[v_at] <> 'new' then
                v_types[v_at] := null;
            end if;
        end loop;
        perform
        from echoroom.sessions s
        where s.id = any (array(
            select given.session_id
            from unnest(v_rooms, v_types, v_are_unnamed) as given (session_id, event_type, is_unnamed)
            where given.event_type in ('system.replica_joined', 'system.shutdown', 'application.transcription_ready')
                or given.event_type is not null and given.is_unnamed
        ))
        order by s.id
        for key share;
        -- What is changed in one statement is changed in the order of the ids.
        if cardinality(v_types) > 1 then
            perform
            from echoroom.conversations c
            where c.id = any (array(
                select given.conversation
                from unnest(p_conversations, v_types) as given (conversation, event_type)
                where given.event_type is not null
            ))
            order by c.id
            for no key update;
        end if;
        if true = any (v_are_unnamed) then
            perform echoroom_private.tavus_name(p_conversations, v_ids, v_answers);
        end if;
        perform echoroom_private.tavus_apply(p_conversations, p_events, v_types, v_keys, v_are_prepared);
        perform echoroom_private.tavus_keep(p_conversations, p_events, v_types, v_keys);
    end if;
    if 'conflicting' = any (v_answers) then
        for v_at in 1..cardinality(v_answers) loop
            if v_answers[v_at] = 'conflicting' then
                perform echoroom_private.tavus_keep_conflict(p_conversations[v_at], p_events[v_at], v_keys[v_at]);
            end if;
        end loop;
    end if;
    return coalesce(v_answers, '{}');
end
$$;

comment on function echoroom_private.tavus_take_in is 'tavus_receive_all, without its limit of waiting.';

drop function echoroom_private.tavus_receive(uuid, jsonb);

create function echoroom_private.tavus_receive(p_conversation uuid, p_event jsonb, p_event_key text default null, p_digest text default null)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    return (echoroom_private.tavus_take_in(array[p_conversation], array[p_event], array[p_event_key], array[p_digest]))[1];
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
begin
    return echoroom_private.tavus_take_in(p_conversations, p_events, p_event_keys, p_digests);
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
