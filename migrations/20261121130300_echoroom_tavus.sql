-- EchoRoom, what the worker does with Tavus: take a conversation on, say how it went, receive an event.
--
-- Granted to parley_worker alone. An event is claimed, kept and applied in one call, so in one transaction: it is in the database or it was
-- not acknowledged. Effects do not depend on the order of events: each keeps the earliest, the first or the final value.
-- Locks: the conversation's row, then (for broadcasts) what tell_room takes of its room. A claim comes first and waits for whoever claims the
-- same event.

create function echoroom_private.tavus_claim(p_conversation uuid, p_seconds integer default 60)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_conversation echoroom.conversations;
begin
    update echoroom.conversations c
    set claimed_until = clock_timestamp() + make_interval(secs => least(greatest(p_seconds, 1), 600))
    where c.id = p_conversation
      and c.status in ('starting', 'active')
      and (c.claimed_until is null or c.claimed_until < clock_timestamp())
    returning * into v_conversation;
    return case when found then to_jsonb(v_conversation) end;
end
$$;

comment on function echoroom_private.tavus_claim is
    'Takes a starting or active conversation on for some seconds (1 to 600), so that no other worker starts or ends the same call. Null when somebody else has it or it is over.';

create function echoroom_private.tavus_started(p_conversation uuid, p_conversation_id text, p_conversation_url text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_conversation echoroom.conversations;
begin
    update echoroom.conversations c
    set
        conversation_id = coalesce(c.conversation_id, p_conversation_id),
        conversation_url = coalesce(c.conversation_url, p_conversation_url),
        -- Its events may have come before the answer to the call that made it.
        status = case when c.status = 'starting' then 'active' else c.status end,
        claimed_until = null
    where c.id = p_conversation
    returning * into v_conversation;
    return to_jsonb(v_conversation);
end
$$;

comment on function echoroom_private.tavus_started is 'The call exists. Null when the conversation is gone: then the call must be ended.';

create function echoroom_private.tavus_failed(p_conversation uuid, p_failure text)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    update echoroom.conversations c
    set status = 'failed', failure = left(p_failure, 500), ended_at = clock_timestamp(), claimed_until = null
    where c.id = p_conversation and c.status = 'starting' and c.conversation_id is null;
    return found;
end
$$;

comment on function echoroom_private.tavus_failed is 'The call could not be started; the reason is shown to people.';

create function echoroom_private.tavus_release(p_conversation uuid)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    update echoroom.conversations c
    set claimed_until = null
    where c.id = p_conversation;
end
$$;

comment on function echoroom_private.tavus_release is 'Gives a claim back before it runs out.';

create function echoroom_private.tavus_ended(p_conversation uuid, p_reason text)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
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

comment on function echoroom_private.tavus_ended is 'The call is over, by our own doing.';

create function echoroom_private.tavus_to_end(p_limit integer default 50)
returns table (id uuid, conversation_id text, reason text)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
    return query
    select
        c.id,
        c.conversation_id,
        case
            when c.end_requested_at is not null then 'requested'
            when c.session_id is null then 'room_deleted'
            when not s.is_active then 'room_closed'
            else 'room_empty'
        end
    from echoroom.conversations c
    left join echoroom.sessions s on s.id = c.session_id
    where c.status = 'active'
      and (c.claimed_until is null or c.claimed_until < clock_timestamp())
      and (
          c.end_requested_at is not null
          or c.session_id is null
          or not s.is_active
          -- Twice the lease of a seat: a room whose people reload all at once is not empty.
          or not exists (
              select
              from echoroom.participants p
              where p.session_id = c.session_id and p.last_seen_at >= now() - 2 * echoroom_private.lease()
          )
      )
    order by c.created_at
    limit least(greatest(p_limit, 1), 1000);
end
$$;

comment on function echoroom_private.tavus_to_end is 'Calls that cost money and serve nobody: asked to end, or in a room that is gone, closed or empty.';

create function echoroom_private.tavus_to_start(p_limit integer default 50)
returns table (id uuid)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
    return query
    select c.id
    from echoroom.conversations c
    where c.status = 'starting' and (c.claimed_until is null or c.claimed_until < clock_timestamp())
    order by c.created_at
    limit least(greatest(p_limit, 1), 1000);
end
$$;

comment on function echoroom_private.tavus_to_start is 'Conversations that were asked for and that no worker is starting.';

create function echoroom_private.tavus_open(p_limit integer default 200)
returns table (id uuid, conversation_id text, created_at timestamptz)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
    return query
    select c.id, c.conversation_id, c.created_at
    from echoroom.conversations c
    where c.conversation_id is not null
      -- A transcript may come minutes after the end.
      and (c.status = 'active' or c.ended_at > now() - interval '1 day' and c.transcript is null)
    order by c.created_at
    limit least(greatest(p_limit, 1), 10000);
end
$$;

comment on function echoroom_private.tavus_open is 'Conversations of which events may be missing, for reconciliation.';

-- Events ----------------------------------------------------------------------------------------------------------------------

create function echoroom_private.tavus_time(p_value jsonb)
returns timestamptz
language plpgsql
stable
set search_path = ''
set timezone = 'UTC'
as $$
begin
    return case jsonb_typeof(p_value)
        when 'number' then to_timestamp((p_value #>> '{}')::double precision)
        when 'string' then (p_value #>> '{}')::timestamptz
    end;
exception
    -- A time that cannot be read is no reason to lose the event.
    when data_exception then
        return null;
end
$$;

comment on function echoroom_private.tavus_time is 'A moment as Tavus writes it: ISO 8601 or Unix seconds; null when it cannot be read.';

create function echoroom_private.tavus_transcript(p_entries jsonb)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
    -- The first entry usually is the whole system prompt, which is nobody's business; of what is unknown only what people read is kept.
    return (
        select coalesce(
            jsonb_agg(
                jsonb_strip_nulls(jsonb_build_object(
                    'role', entry.value -> 'role',
                    'content', entry.value -> 'content',
                    'timestamp', entry.value -> 'timestamp',
                    'seconds_from_start', entry.value -> 'seconds_from_start',
                    'duration', entry.value -> 'duration'
                ))
                order by entry.position
            ),
            '[]'::jsonb
        )
        from jsonb_array_elements(case jsonb_typeof(p_entries) when 'array' then p_entries else '[]'::jsonb end)
            with ordinality as entry (value, position)
        where jsonb_typeof(entry.value) = 'object' and entry.value ->> 'role' is distinct from 'system'
    );
end
$$;

comment on function echoroom_private.tavus_transcript is 'A transcript without the system prompt.';

create function echoroom_private.tavus_apply(p_conversation uuid, p_type text, p_at timestamptz, p_properties jsonb)
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
            set transcript = echoroom_private.tavus_transcript(p_properties -> 'transcript')
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

comment on function echoroom_private.tavus_apply is 'The effect of one event; nothing for types without one.';

create function echoroom_private.tavus_receive(p_conversation uuid, p_event jsonb)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_conversation echoroom.conversations;
    v_tavus_id text := p_event ->> 'conversation_id';
    v_event_key text;
    v_claim text;
begin
    select c.*
    into v_conversation
    from echoroom.conversations c
    where c.id = p_conversation;
    if not found
        or v_tavus_id <> v_conversation.conversation_id
        or coalesce(v_tavus_id, v_conversation.conversation_id) is null
        or exists (select from echoroom.conversations c where c.conversation_id = v_tavus_id and c.id <> p_conversation)
    then
        return 'unknown';
    end if;
    v_tavus_id := coalesce(v_tavus_id, v_conversation.conversation_id);
    v_event_key := parley.tavus_event_key(p_event, v_tavus_id);
    v_claim := parley.claim_event('tavus', v_event_key, parley.tavus_event_digest(p_event));
    if v_claim = 'duplicate' then
        return v_claim;
    end if;
    insert into echoroom_private.conversation_events (conversation, event_type, event_key, is_conflicting, body)
    values (p_conversation, p_event ->> 'event_type', v_event_key, v_claim = 'conflicting', p_event - 'webhook_url');
    if v_claim = 'new' then
        -- The answer to the call that made the conversation may be lost, or still on its way: its events name it, too.
        update echoroom.conversations c
        set conversation_id = v_tavus_id, status = case when c.status = 'starting' then 'active' else c.status end
        where c.id = p_conversation and c.conversation_id is null;
        perform echoroom_private.tavus_apply(
            p_conversation,
            replace(p_event ->> 'event_type', '.pal_', '.replica_'),
            coalesce(echoroom_private.tavus_time(p_event -> 'timestamp'), clock_timestamp()),
            case jsonb_typeof(p_event -> 'properties') when 'object' then p_event -> 'properties' else '{}'::jsonb end
        );
    end if;
    return v_claim;
end
$$;

comment on function echoroom_private.tavus_receive is
    'Takes an event of a conversation in: claimed, kept and applied in one transaction. new, duplicate, conflicting (kept beside the first, not applied), or unknown when it is not this conversation''s. 22023 for what is no event.';

-- Rights ----------------------------------------------------------------------------------------------------------------------

revoke execute on all functions in schema echoroom_private from public;

grant usage on schema echoroom_private to parley_worker;
grant execute on function
    echoroom_private.tavus_claim(uuid, integer),
    echoroom_private.tavus_started(uuid, text, text),
    echoroom_private.tavus_failed(uuid, text),
    echoroom_private.tavus_release(uuid),
    echoroom_private.tavus_ended(uuid, text),
    echoroom_private.tavus_to_end(integer),
    echoroom_private.tavus_to_start(integer),
    echoroom_private.tavus_open(integer),
    echoroom_private.tavus_receive(uuid, jsonb)
to parley_worker;
