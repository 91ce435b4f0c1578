-- Domo, receiving events: with what the worker has worked out already, and several in one transaction; as every app with calls does.
--
-- The worker brings an event's key and digest, and its transcript without the system prompt; without them everything is worked out here.
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
        case entry.value ->> 'role' when 'user' then 'user' else 'assistant' end,
        left(entry.value ->> 'content', 100000),
        char_length(entry.value ->> 'content'),
        parley.tavus_moment(entry.value -> 'timestamp')
    from jsonb_array_elements(case jsonb_typeof(p_entries) when 'array' then p_entries else '[]' end) with ordinality as entry (value, position)
    -- The system prompt is nobody's business, and calls of tools are no messages.
    where entry.value ->> 'role' in ('user', 'assistant', 'replica', 'pal') and jsonb_typeof(entry.value -> 'content') = 'string';
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

create function domo_private.tavus_key_of(p_event jsonb, p_tavus_id text, p_event_key text)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
    if p_event_key is null then
        return parley.tavus_event_key(p_event, p_tavus_id);
    end if;
    if not starts_with(p_event_key, p_tavus_id || '/') then
        raise exception using errcode = '22023', message = 'The key is that of another conversation.';
    end if;
    return p_event_key;
end
$$;

comment on function domo_private.tavus_key_of is 'The key under which an event is claimed: the one that came with it, when it is one of this call.';

create function domo_private.tavus_keep(p_conversation uuid, p_tavus_id text, p_event jsonb, p_event_key text, p_digest text, p_claim text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_began_at timestamptz := clock_timestamp();
    v_demo_id uuid;
begin
    select d.id
    into v_demo_id
    from domo.conversations c
    join domo.demos d on d.id = c.demo_id
    where c.id = p_conversation;
    if p_claim = 'new' then
        -- The answer to the call that made the conversation may be lost, or still on its way: its events name it, too.
        update domo.conversations c
        set conversation_id = p_tavus_id, status = case when c.status = 'starting' then 'active' else c.status end
        where c.id = p_conversation and c.conversation_id is null;
        if not found and not exists (select from domo.conversations c where c.id = p_conversation and c.conversation_id = p_tavus_id) then
            raise exception using errcode = '40001', message = 'Another event has named another call meanwhile: try again.';
        end if;
        perform domo_private.tavus_apply(
            p_conversation,
            v_demo_id is not null,
            replace(p_event ->> 'event_type', '.pal_', '.replica_'),
            coalesce(parley.tavus_moment(p_event -> 'timestamp'), clock_timestamp()),
            case jsonb_typeof(p_event -> 'properties') when 'object' then p_event -> 'properties' else '{}'::jsonb end
        );
    end if;
    if v_demo_id is not null then
        insert into domo.processed_webhook_events (
            demo_id, conversation, conversation_id, event_type, event_data, is_conflicting, event_hash, processing_duration_ms
        )
        values (
            v_demo_id,
            p_conversation,
            p_tavus_id,
            p_event ->> 'event_type',
            domo_private.tavus_event_data(p_event),
            p_claim = 'conflicting',
            encode(sha256(convert_to(p_event_key || ' ' || p_digest, 'UTF8')), 'hex'),
            extract(epoch from clock_timestamp() - v_began_at) * 1000
        )
        -- What conflicts may come again and again.
        on conflict (event_hash) do nothing;
    end if;
end
$$;

comment on function domo_private.tavus_keep is 'Applies and keeps an event that is claimed, and whose demo is held. 40001 when the call got another name meanwhile.';

drop function domo_private.tavus_receive(uuid, jsonb);

create function domo_private.tavus_receive(p_conversation uuid, p_event jsonb, p_event_key text default null, p_digest text default null)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_tavus_id text := domo_private.tavus_id_of(p_conversation, p_event);
    v_event_key text;
    v_digest text;
    v_claim text;
begin
    if v_tavus_id is null then
        return 'unknown';
    end if;
    v_event_key := domo_private.tavus_key_of(p_event, v_tavus_id, case when p_digest is not null then p_event_key end);
    v_digest := case when p_event_key is not null and p_digest is not null then p_digest else parley.tavus_event_digest(p_event) end;
    v_claim := parley.claim_event('tavus', v_event_key, v_digest);
    if v_claim <> 'duplicate' then
        perform domo_private.hold_demo_of(p_conversation);
        perform domo_private.tavus_keep(p_conversation, v_tavus_id, p_event, v_event_key, v_digest, v_claim);
    end if;
    return v_claim;
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
declare
    v_answers text[] := array_fill(null::text, array[cardinality(p_events)]);
    v_ids text[] := v_answers;
    v_keys text[] := v_answers;
    v_digests text[] := v_answers;
    v_claimed uuid[] := '{}'::uuid[];
    v_at integer;
begin
    for v_at in 1..cardinality(p_events) loop
        v_ids[v_at] := domo_private.tavus_id_of(p_conversations[v_at], p_events[v_at]);
        if v_ids[v_at] is null then
            v_answers[v_at] := 'unknown';
            continue;
        end if;
        v_keys[v_at] := domo_private.tavus_key_of(
            p_events[v_at], v_ids[v_at], case when p_digests[v_at] is not null then p_event_keys[v_at] end
        );
        v_digests[v_at] := case
            when p_event_keys[v_at] is not null and p_digests[v_at] is not null then p_digests[v_at]
            else parley.tavus_event_digest(p_events[v_at])
        end;
    end loop;

    for v_at in
        select given.place
        from unnest(v_keys) with ordinality as given (event_key, place)
        where given.event_key is not null
        order by given.event_key collate "C", given.place
    loop
        v_answers[v_at] := parley.claim_event('tavus', v_keys[v_at], v_digests[v_at]);
        if v_answers[v_at] <> 'duplicate' then
            v_claimed := v_claimed || p_conversations[v_at];
        end if;
    end loop;
    perform
    from domo.demos d
    where d.id in (select c.demo_id from domo.conversations c where c.id = any (v_claimed))
    order by d.id
    for no key update;

    for v_at in 1..cardinality(p_events) loop
        if v_answers[v_at] in ('new', 'conflicting') then
            perform domo_private.tavus_keep(
                p_conversations[v_at], v_ids[v_at], p_events[v_at], v_keys[v_at], v_digests[v_at], v_answers[v_at]
            );
        end if;
    end loop;
    return v_answers;
end
$$;

comment on function domo_private.tavus_receive_all is 'tavus_receive for several events in one transaction; all of them, or none.';

revoke execute on all functions in schema domo_private from public;
grant execute on function
    domo_private.tavus_receive(uuid, jsonb, text, text),
    domo_private.tavus_receive_all(uuid[], jsonb[], text[], text[])
to parley_worker;
