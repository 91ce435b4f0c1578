-- Domo, what the worker does with Tavus: take a call on, say how it went, receive an event. The same functions as every app with calls has.
--
-- Granted to parley_worker alone. An event is claimed, kept and applied in one call, so in one transaction: it is in the database or it was
-- not acknowledged. Effects do not depend on the order of events: each keeps the earliest, the first or the final value.
-- Of a demo that is gone nothing is kept any more: its events still say how its call ended, and no more.
-- Locks: the claim of the event, which waits for whoever claims the same; the demo; the call; the demo's counts.

create function domo_private.hold_demo_of(p_conversation uuid)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
begin
    perform
    from domo.demos d
    where d.id = (select c.demo_id from domo.conversations c where c.id = p_conversation)
    for no key update;
    return found;
end
$$;

comment on function domo_private.hold_demo_of is 'Locks the demo of a call, before the call itself. False when it is gone.';

create function domo_private.conversation_state(p_conversation domo.conversations)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    -- With what the agent is to know of itself.
    return to_jsonb(p_conversation) || jsonb_build_object('demo', (
        select jsonb_build_object(
            'name', d.name,
            'description', d.description,
            'status', d.status,
            'agent_name', d.agent_name,
            'agent_personality', d.agent_personality,
            'agent_greeting', d.agent_greeting,
            'cta_text', d.cta_text,
            'cta_link', d.cta_link
        )
        from domo.demos d
        where d.id = p_conversation.demo_id
    ));
end
$$;

comment on function domo_private.conversation_state is 'A call with what its agent is to know of itself; demo is null when that is gone.';

-- Making and ending calls -------------------------------------------------------------------------------------------------------

create function domo_private.tavus_claim(p_conversation uuid, p_seconds integer default 60)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_conversation domo.conversations;
begin
    update domo.conversations c
    set claimed_until = clock_timestamp() + make_interval(secs => least(greatest(p_seconds, 1), 600))
    where c.id = p_conversation
      and c.status in ('starting', 'active')
      and (c.claimed_until is null or c.claimed_until < clock_timestamp())
    returning * into v_conversation;
    return case when found then domo_private.conversation_state(v_conversation) end;
end
$$;

comment on function domo_private.tavus_claim is
    'Takes a starting or active call on for some seconds (1 to 600), so that no other worker starts or ends the same one. Null when somebody else has it or it is over.';

create function domo_private.tavus_attempt(p_conversation uuid, p_claimed_until timestamptz, p_seconds integer default 60)
returns timestamptz
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_claimed_until timestamptz;
begin
    update domo.conversations c
    set
        attempted_at = coalesce(c.attempted_at, clock_timestamp()),
        claimed_until = clock_timestamp() + make_interval(secs => least(greatest(p_seconds, 1), 600))
    where c.id = p_conversation
      and c.status = 'starting'
      and c.conversation_id is null
      and c.claimed_until = p_claimed_until
    returning c.claimed_until into v_claimed_until;
    return v_claimed_until;
end
$$;

comment on function domo_private.tavus_attempt is
    'Committed before the call is made: notes the attempt, and holds the claim (its claimed_until) for some seconds more. Null when the claim is lost, or there is a call.';

create function domo_private.tavus_started(p_conversation uuid, p_conversation_id text, p_conversation_url text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_conversation domo.conversations;
begin
    perform domo_private.hold_demo_of(p_conversation);
    update domo.conversations c
    set
        conversation_id = coalesce(c.conversation_id, p_conversation_id),
        conversation_url = coalesce(c.conversation_url, p_conversation_url),
        -- Its events may have come before the answer to the call that made it.
        status = case when c.status = 'starting' then 'active' else c.status end,
        claimed_until = null
    where c.id = p_conversation
    returning * into v_conversation;
    return case when found then domo_private.conversation_state(v_conversation) end;
end
$$;

comment on function domo_private.tavus_started is 'The call exists. Null when the conversation is gone: then the call must be ended.';

create function domo_private.tavus_failed(p_conversation uuid, p_failure text)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    perform domo_private.hold_demo_of(p_conversation);
    update domo.conversations c
    set status = 'failed', failure = left(p_failure, 500), ended_at = clock_timestamp(), claimed_until = null
    where c.id = p_conversation and c.status = 'starting' and c.conversation_id is null;
    return found;
end
$$;

comment on function domo_private.tavus_failed is 'The call could not be started; the reason is shown to people.';

create function domo_private.tavus_release(
    p_conversation uuid,
    p_claimed_until timestamptz default null,
    p_is_untried boolean default false
)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    update domo.conversations c
    set
        claimed_until = null,
        attempted_at = case when p_is_untried and c.conversation_id is null then null else c.attempted_at end
    where c.id = p_conversation
      -- Another worker may have it by now.
      and (p_claimed_until is null or c.claimed_until = p_claimed_until);
end
$$;

comment on function domo_private.tavus_release is
    'Gives a claim back before it runs out: this one (its claimed_until), or any. Untried takes the note of the attempt back: it surely made nothing.';

create function domo_private.tavus_ended(p_conversation uuid, p_reason text)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    perform domo_private.hold_demo_of(p_conversation);
    update domo.conversations c
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

comment on function domo_private.tavus_ended is 'The call is over, by our own doing.';

create function domo_private.tavus_to_end(p_limit integer default 50)
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
            when c.demo_id is null then 'demo_deleted'
            when d.deleted_at is not null then 'demo_deleted'
            when d.status = 'archived' then 'demo_archived'
            else 'requested'
        end
    from domo.conversations c
    left join domo.demos d on d.id = c.demo_id
    where c.status = 'active'
      and (c.claimed_until is null or c.claimed_until < clock_timestamp())
      and (c.end_requested_at is not null or c.demo_id is null or d.deleted_at is not null or d.status = 'archived')
    order by c.created_at
    limit least(greatest(p_limit, 1), 1000);
end
$$;

comment on function domo_private.tavus_to_end is 'Calls that cost money and serve nobody: asked to end, or of a demo that is deleted or archived. Tavus ends those that everybody has left.';

create function domo_private.tavus_to_start(p_limit integer default 50)
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
    from domo.conversations c
    where c.status = 'starting' and (c.claimed_until is null or c.claimed_until < clock_timestamp())
    order by c.created_at
    limit least(greatest(p_limit, 1), 1000);
end
$$;

comment on function domo_private.tavus_to_start is 'Calls that were asked for and that no worker is starting.';

create function domo_private.tavus_open(p_limit integer default 200)
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
    from domo.conversations c
    where c.conversation_id is not null
      -- A transcript may come minutes after the end. Nobody misses that of a demo that is gone.
      and (c.status = 'active' or c.ended_at > now() - interval '1 day' and c.transcript_ready_at is null and c.demo_id is not null)
    order by c.created_at
    limit least(greatest(p_limit, 1), 10000);
end
$$;

comment on function domo_private.tavus_open is 'Calls of which events may be missing, for reconciliation.';

create function domo_private.tavus_conversation(p_conversation uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return (select domo_private.conversation_state(c) from domo.conversations c where c.id = p_conversation);
end
$$;

comment on function domo_private.tavus_conversation is 'A call as it is; null when it is gone.';

create function domo_private.keep_orphans()
returns table (to_start integer, to_end integer)
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_orphan record;
begin
    to_start := 0;
    to_end := 0;
    for v_orphan in select o.id from domo_private.tavus_to_start(1000) o order by o.id loop
        perform domo_private.enqueue(
            'tavus', 'start_conversation', jsonb_build_object('conversation', v_orphan.id), 'start_conversation:domo:' || v_orphan.id
        );
        to_start := to_start + 1;
    end loop;
    for v_orphan in select o.id, o.reason from domo_private.tavus_to_end(1000) o order by o.id loop
        perform domo_private.enqueue(
            'tavus',
            'end_conversation',
            jsonb_build_object('conversation', v_orphan.id, 'reason', v_orphan.reason),
            'end_conversation:domo:' || v_orphan.id
        );
        to_end := to_end + 1;
    end loop;
    return next;
end
$$;

comment on function domo_private.keep_orphans is 'Enqueues what has no job: wishes whose job was lost. Those whose job is in the queue stay as they are.';

-- Events ------------------------------------------------------------------------------------------------------------------------

create function domo_private.tavus_messages(p_conversation uuid, p_demo_id uuid, p_tavus_id text, p_entries jsonb)
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
    from jsonb_array_elements(parley.tavus_transcript(p_entries)) with ordinality as entry (value, position)
    -- Calls of tools are no messages; the event has them.
    where entry.value ->> 'role' in ('user', 'assistant', 'replica', 'pal') and jsonb_typeof(entry.value -> 'content') = 'string';
end
$$;

comment on function domo_private.tavus_messages is 'What was said in a call, by its transcript, in one insert.';

create function domo_private.tavus_apply(p_conversation uuid, p_has_demo boolean, p_type text, p_at timestamptz, p_properties jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_conversation domo.conversations;
begin
    case p_type
        when 'system.replica_joined' then
            update domo.conversations c
            set
                replica_joined_at = least(c.replica_joined_at, p_at),
                replica_id = coalesce(c.replica_id, left(coalesce(p_properties ->> 'replica_id', p_properties ->> 'face_id'), 200)),
                status = case when c.status = 'starting' then 'active' else c.status end
            where c.id = p_conversation;
        when 'system.shutdown' then
            -- What Tavus says of the end counts more than what we noted when we asked for it.
            update domo.conversations c
            set
                status = 'ended',
                ended_at = p_at,
                shutdown_reason = coalesce(left(coalesce(p_properties ->> 'shutdown_reason', p_properties ->> 'reason'), 500), c.shutdown_reason),
                claimed_until = null
            where c.id = p_conversation;
        when 'application.transcription_ready' then
            update domo.conversations c
            set transcript_ready_at = p_at
            where c.id = p_conversation
            returning * into v_conversation;
            if p_has_demo then
                perform domo_private.tavus_messages(
                    v_conversation.id, v_conversation.demo_id, v_conversation.conversation_id, p_properties -> 'transcript'
                );
            end if;
        when 'application.perception_analysis' then
            update domo.conversations c
            set perception_analysis = left(p_properties ->> 'analysis', 100000)
            where c.id = p_conversation and p_has_demo;
        when 'application.recording_ready' then
            update domo.conversations c
            set recording = p_properties
            where c.id = p_conversation and p_has_demo;
        else
            -- Kept as it came, for whoever will know it.
            null;
    end case;
end
$$;

comment on function domo_private.tavus_apply is 'The effect of one event; nothing for types without one.';

create function domo_private.tavus_event_data(p_event jsonb)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
declare
    -- The address holds the token that lets events in.
    v_event jsonb := p_event - 'webhook_url';
begin
    if jsonb_typeof(v_event #> '{properties,transcript}') = 'array' then
        v_event := jsonb_set(v_event, '{properties,transcript}', (
            select coalesce(jsonb_agg(entry.value order by entry.position), '[]')
            from jsonb_array_elements(v_event #> '{properties,transcript}') with ordinality as entry (value, position)
            where parley.tavus_role(entry.value) is distinct from 'system'
        ));
    end if;
    return v_event;
end
$$;

comment on function domo_private.tavus_event_data is 'An event as it is kept: without the address that it came to and without the system prompt.';

create function domo_private.tavus_receive(p_conversation uuid, p_event jsonb)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_began_at timestamptz := clock_timestamp();
    v_conversation domo.conversations;
    v_has_demo boolean;
    v_tavus_id text := p_event ->> 'conversation_id';
    v_event_key text;
    v_digest text;
    v_claim text;
begin
    select c.*
    into v_conversation
    from domo.conversations c
    where c.id = p_conversation;
    if not found
        or v_tavus_id <> v_conversation.conversation_id
        or coalesce(v_tavus_id, v_conversation.conversation_id) is null
        or exists (select from domo.conversations c where c.conversation_id = v_tavus_id and c.id <> p_conversation)
    then
        return 'unknown';
    end if;
    v_tavus_id := coalesce(v_tavus_id, v_conversation.conversation_id);
    v_event_key := parley.tavus_event_key(p_event, v_tavus_id);
    v_digest := parley.tavus_event_digest(p_event);
    v_claim := parley.claim_event('tavus', v_event_key, v_digest);
    if v_claim = 'duplicate' then
        return v_claim;
    end if;
    v_has_demo := domo_private.hold_demo_of(p_conversation);
    if v_claim = 'new' then
        -- The answer to the call that made the conversation may be lost, or still on its way: its events name it, too.
        update domo.conversations c
        set conversation_id = v_tavus_id, status = case when c.status = 'starting' then 'active' else c.status end
        where c.id = p_conversation and c.conversation_id is null;
        perform domo_private.tavus_apply(
            p_conversation,
            v_has_demo,
            replace(p_event ->> 'event_type', '.pal_', '.replica_'),
            coalesce(parley.tavus_moment(p_event -> 'timestamp'), clock_timestamp()),
            case jsonb_typeof(p_event -> 'properties') when 'object' then p_event -> 'properties' else '{}'::jsonb end
        );
    end if;
    if v_has_demo then
        insert into domo.processed_webhook_events (
            demo_id, conversation, conversation_id, event_type, event_data, is_conflicting, event_hash, processing_duration_ms
        )
        select
            c.demo_id,
            c.id,
            v_tavus_id,
            p_event ->> 'event_type',
            domo_private.tavus_event_data(p_event),
            v_claim = 'conflicting',
            encode(sha256(convert_to(v_event_key || ' ' || v_digest, 'UTF8')), 'hex'),
            extract(epoch from clock_timestamp() - v_began_at) * 1000
        from domo.conversations c
        where c.id = p_conversation
        -- What conflicts may come again and again.
        on conflict (event_hash) do nothing;
    end if;
    return v_claim;
end
$$;

comment on function domo_private.tavus_receive is
    'Takes an event of a call in: claimed, kept and applied in one transaction. new, duplicate, conflicting (kept beside the first, not applied), or unknown when it is not this call''s. 22023 for what is no event.';

-- Rights ------------------------------------------------------------------------------------------------------------------------

revoke execute on all functions in schema domo_private from public;

grant execute on function
    domo_private.tavus_claim(uuid, integer),
    domo_private.tavus_attempt(uuid, timestamptz, integer),
    domo_private.tavus_started(uuid, text, text),
    domo_private.tavus_failed(uuid, text),
    domo_private.tavus_release(uuid, timestamptz, boolean),
    domo_private.tavus_ended(uuid, text),
    domo_private.tavus_to_end(integer),
    domo_private.tavus_to_start(integer),
    domo_private.tavus_open(integer),
    domo_private.tavus_conversation(uuid),
    domo_private.tavus_receive(uuid, jsonb)
to parley_worker;
