-- Domo, receiving events: with what the worker has worked out already, and several in one transaction; as every app with calls does.
--
-- The worker brings an event's key and digest; without them they are worked out here.
-- Locks: claims in the order of their keys, demos in the order of their ids, then calls and counts, which nobody holds without the demo. So two
-- that bring events of the same calls never wait for each other in a circle. The columns' settings take SHARE UPDATE EXCLUSIVE and ACCESS
-- EXCLUSIVE for an instant, hence the lock_timeout.

set lock_timeout = '10s';

do $settings$
begin
    -- LZ4 packs a transcript of 64 kB in 0.1 ms where pglz takes 1 ms.
    alter table domo.processed_webhook_events alter column event_data set compression lz4;
exception
    -- A server that was built without LZ4.
    when feature_not_supported then
        null;
end
$settings$;

-- An event updates its call: half a page is left for that, so that no index has to be touched.
alter table domo.conversations set (fillfactor = 50);

reset lock_timeout;

create or replace function domo_private.tavus_messages(p_conversation uuid, p_demo_id uuid, p_tavus_id text, p_entries jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    insert into domo.conversation_messages (demo_id, conversation, conversation_id, position, message_id, role, content, content_length, timestamp)
    select
        p_demo_id,
        p_conversation,
        p_tavus_id,
        row_number() over (order by entry.position),
        left(entry.value ->> 'inference_id', 200),
        parley.tavus_role(entry.value),
        left(entry.words, 100000),
        char_length(entry.words),
        parley.tavus_moment(entry.value -> 'timestamp')
    from (
        select every.value, every.position, parley.tavus_spoken(every.value) as words
        from jsonb_array_elements(case jsonb_typeof(p_entries) when 'array' then p_entries else '[]' end) with ordinality as every (value, position)
    ) entry
    where entry.words is not null;
end
$$;

create function domo_private.tavus_id_of(p_conversation uuid, p_event jsonb)
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
    from domo.conversations c
    where c.id = p_conversation;
    if not found or coalesce(v_tavus_id <> v_known_id, v_tavus_id is null and v_known_id is null) then
        return null;
    end if;
    if v_known_id is null and exists (select from domo.conversations c where c.conversation_id = v_tavus_id) then
        return null;
    end if;
    return coalesce(v_tavus_id, v_known_id);
end
$$;

comment on function domo_private.tavus_id_of is 'Tavus'' id of the call that an event is of; null when it is not this one.';

-- Each statement below does its work for all events that come together: a statement costs as much as several of their rows do.

create function domo_private.tavus_name(p_conversations uuid[], p_ids text[], p_answers text[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    for v_at in 1..cardinality(p_ids) loop
        if p_answers[v_at] <> 'new' then
            continue;
        end if;
        update domo.conversations c
        set conversation_id = p_ids[v_at], status = case when c.status = 'starting' then 'active' else c.status end
        where c.id = p_conversations[v_at] and c.conversation_id is null;
        if not found
            and not exists (select from domo.conversations c where c.id = p_conversations[v_at] and c.conversation_id = p_ids[v_at])
        then
            raise exception using errcode = '40001', message = 'Another event has named another call meanwhile: try again.';
        end if;
    end loop;
end
$$;

comment on function domo_private.tavus_name is
    'Names the calls of new events: the answer to the request that made a call may be lost, or still on its way. 40001 when one got another name meanwhile.';

drop function domo_private.tavus_apply(uuid, boolean, text, timestamptz, jsonb);

create function domo_private.tavus_apply(p_conversations uuid[], p_demos uuid[], p_ids text[], p_events jsonb[], p_types text[], p_keys text[])
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
        update domo.conversations c
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
        update domo.conversations c
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
        where c.id = any (p_conversations) and array_position(v_says, 'application.recording_ready ' || c.id) is not null
            and p_demos[array_position(v_says, 'application.recording_ready ' || c.id)] is not null;
    end if;
    if 'application.perception_analysis' = any (p_types) then
        update domo.conversations c
        set perception_analysis = left(p_events[array_position(v_says, 'application.perception_analysis ' || c.id)] #>> '{properties,analysis}', 100000)
        where c.id = any (p_conversations) and array_position(v_says, 'application.perception_analysis ' || c.id) is not null
            and p_demos[array_position(v_says, 'application.perception_analysis ' || c.id)] is not null;
    end if;
    if 'application.transcription_ready' = any (p_types) then
        update domo.conversations c
        set transcript_ready_at = coalesce(parley.tavus_moment(p_events[array_position(v_says, 'application.transcription_ready ' || c.id)] -> 'timestamp'), clock_timestamp())
        where c.id = any (p_conversations) and array_position(v_says, 'application.transcription_ready ' || c.id) is not null;
        -- Once a call.
        for v_at in 1..cardinality(p_types) loop
            if p_types[v_at] = 'application.transcription_ready' and p_demos[v_at] is not null then
                perform domo_private.tavus_messages(
                    p_conversations[v_at], p_demos[v_at], p_ids[v_at], p_events[v_at] #> '{properties,transcript}'
                );
            end if;
        end loop;
    end if;
    if 'system.shutdown' = any (p_types) then
        -- What Tavus says of the end counts more than what we noted when we asked for it.
        update domo.conversations c
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

comment on function domo_private.tavus_apply is 'The effects of new events; nothing where a type is null or has none. Of a demo that is gone only how its call went.';

-- Plans: the one for any events is made once; one for these alone would be made for every batch, and costs more than the events. It may be made
-- while the tables are small and kept while they grow: hence enable_seqscan, and no joins, which could read all of a table.
create function domo_private.tavus_take_in(p_conversations uuid[], p_events jsonb[], p_event_keys text[], p_digests text[])
returns text[]
language plpgsql
volatile
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    v_began_at constant timestamptz := clock_timestamp();
    v_ids text[];
    v_types text[];
    v_demos uuid[];
    v_are_unnamed boolean[];
    v_keys text[] := p_event_keys;
    v_digests text[] := p_digests;
    v_answers text[];
begin
    select array_agg(known.tavus_id), array_agg(known.event_type), array_agg(known.is_unnamed)
    into v_ids, v_types, v_are_unnamed
    from (
        select
            case when given.event ->> 'conversation_id' <> given.known_id then null else nullif(given.known_id, '') end as tavus_id,
            replace(given.event ->> 'event_type', '.pal_', '.replica_') as event_type,
            given.known_id = '' as is_unnamed
        from (
            select
                every.event,
                every.place,
                (select coalesce(c.conversation_id, '') from domo.conversations c where c.id = every.conversation) as known_id
            from unnest(p_conversations, p_events) with ordinality as every (conversation, event, place)
            offset 0
        ) given
        order by given.place
    ) known;

    for v_at in 1..cardinality(p_events) loop
        if v_are_unnamed[v_at] then
            v_ids[v_at] := domo_private.tavus_id_of(p_conversations[v_at], p_events[v_at]);
        end if;
        if v_ids[v_at] is null then
            v_keys[v_at] := null;
        elsif v_keys[v_at] is null or v_digests[v_at] is null then
            v_keys[v_at] := parley.tavus_event_key(p_events[v_at], v_ids[v_at]);
            v_digests[v_at] := parley.tavus_event_digest(p_events[v_at]);
        elsif not starts_with(v_keys[v_at], v_ids[v_at] || '/') then
            raise exception using errcode = '22023', message = 'The key is that of another conversation.';
        end if;
    end loop;

    v_answers := array_replace(parley.claim_events('tavus', v_keys, v_digests), null, 'unknown');
    if not v_answers && array['new', 'conflicting'] then
        return v_answers;
    end if;
    for v_at in 1..cardinality(v_answers) loop
        if v_answers[v_at] not in ('new', 'conflicting') then
            v_types[v_at] := null;
        end if;
    end loop;
    perform
    from domo.demos d
    where d.id = any (array(
        select (select c.demo_id from domo.conversations c where c.id = given.conversation)
        from unnest(p_conversations, v_types) as given (conversation, event_type)
        where given.event_type is not null
    ))
    order by d.id
    for no key update;
    -- Whose demo is gone has nothing else to be held by.
    if cardinality(v_types) > 1 then
        perform
        from domo.conversations c
        where c.id = any (array(
            select given.conversation
            from unnest(p_conversations, v_types) as given (conversation, event_type)
            where given.event_type is not null
        ))
        order by c.id
        for no key update;
    end if;
    -- A demo may have gone until it was held.
    select array_agg(known.demo_id)
    into v_demos
    from (
        select (
            select d.id
            from domo.demos d
            where d.id = (select c.demo_id from domo.conversations c where c.id = given.conversation)
        ) as demo_id
        from unnest(p_conversations) with ordinality as given (conversation, place)
        order by given.place
    ) known;

    if 'new' = any (v_answers) then
        if true = any (v_are_unnamed) then
            perform domo_private.tavus_name(p_conversations, v_ids, v_answers);
        end if;
        for v_at in 1..cardinality(v_answers) loop
            if v_answers[v_at] <> 'new' then
                v_types[v_at] := null;
            end if;
        end loop;
        perform domo_private.tavus_apply(
            p_conversations,
            v_demos,
            v_ids,
            p_events,
            v_types,
            v_keys
        );
    end if;
    insert into domo.processed_webhook_events (
        demo_id, conversation, conversation_id, event_type, event_data, is_conflicting, event_hash, processing_duration_ms
    )
    select
        given.demo_id,
        given.conversation,
        given.tavus_id,
        given.event ->> 'event_type',
        domo_private.tavus_event_data(given.event),
        given.answer = 'conflicting',
        encode(sha256(convert_to(given.event_key || ' ' || given.digest, 'UTF8')), 'hex'),
        extract(epoch from clock_timestamp() - v_began_at) * 1000
    from unnest(p_conversations, v_demos, v_ids, p_events, v_keys, v_digests, v_answers)
        as given (conversation, demo_id, tavus_id, event, event_key, digest, answer)
    where given.answer in ('new', 'conflicting') and given.demo_id is not null
    order by given.event_key collate "C"
    -- What conflicts may come again and again.
    on conflict (event_hash) do nothing;
    return v_answers;
end
$$;

comment on function domo_private.tavus_take_in is 'tavus_receive_all, without its limit of waiting.';

drop function domo_private.tavus_receive(uuid, jsonb);

create function domo_private.tavus_receive(p_conversation uuid, p_event jsonb, p_event_key text default null, p_digest text default null)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    return (domo_private.tavus_take_in(array[p_conversation], array[p_event], array[p_event_key], array[p_digest]))[1];
end
$$;

comment on function domo_private.tavus_receive is
    'Takes an event of a call in: claimed, kept and applied in one transaction. new, duplicate, conflicting (kept beside the first, not applied), or unknown when it is not this call''s. With its key and digest, the event comes with its transcript as it is kept. 22023 for what is no event.';

-- A commit costs as much as an event, and what a worker has waiting goes into one. One that has to wait for long makes all of them wait, so
-- it gives up soon, and they come one by one.
create function domo_private.tavus_receive_all(p_conversations uuid[], p_events jsonb[], p_event_keys text[], p_digests text[])
returns text[]
language plpgsql
volatile
security definer
set search_path = ''
set lock_timeout = '250ms'
as $$
begin
    return domo_private.tavus_take_in(p_conversations, p_events, p_event_keys, p_digests);
end
$$;

comment on function domo_private.tavus_receive_all is 'tavus_receive for several events in one transaction; all of them, or none.';

revoke execute on all functions in schema domo_private from public;
grant execute on function
    domo_private.tavus_receive(uuid, jsonb, text, text),
    domo_private.tavus_receive_all(uuid[], jsonb[], text[], text[])
to parley_worker;
