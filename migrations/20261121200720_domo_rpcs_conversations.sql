-- Domo, RPCs of calls: ask for a call with a demo's agent, ask for its end, and what calls were like.
--
-- An RPC only writes down what is wanted, in one transaction with the job that does it; the worker calls Tavus, with its own rights and key.
-- Locks: the demo, then the call.

create function domo_private.start_conversation(p_demo_id uuid, p_client_id uuid)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_demo domo.demos;
    v_conversation domo.conversations;
begin
    -- Each new call costs money.
    perform parley.limit_rate('domo.start_conversation');
    -- The account before the demo, as whoever deletes the account has them: the call names who started it.
    perform
    from auth.users u
    where u.id = (select auth.uid())
    for key share;
    v_demo := domo_private.lock_demo(p_demo_id);
    select c.*
    into v_conversation
    from domo.conversations c
    where c.demo_id = p_demo_id and c.client_id = p_client_id;
    if found then
        return to_jsonb(v_conversation) || jsonb_build_object('is_new', false);
    end if;
    if v_demo.status = 'archived' then
        perform domo_private.fail('PT410', 'demo_archived', 'This demo is archived.', 'Set its status to draft first.');
    end if;
    if v_demo.tavus_persona_id is null then
        perform domo_private.fail('PT422', 'persona_missing', 'This demo has no persona to talk to.', 'Set tavus_persona_id.');
    end if;
    if not domo_private.is_service() then
        perform parley.lock_ceiling('domo.running_conversations', (select auth.uid()));
        perform parley.check_ceiling(
            'domo.running_conversations',
            (select auth.uid()),
            1 + (
                select count(*)
                from domo.conversations c
                where c.started_by = (select auth.uid()) and c.status in ('starting', 'active')
            ),
            'You have %s calls that are still going on.',
            'End one of them first.'
        );
    end if;
    perform parley.limit_rate('domo.daily_conversations');
    insert into domo.conversations (demo_id, persona_id, started_by, client_id)
    values (p_demo_id, v_demo.tavus_persona_id, (select auth.uid()), p_client_id)
    returning * into v_conversation;
    return to_jsonb(v_conversation) || jsonb_build_object('is_new', true);
end
$$;

comment on function domo_private.start_conversation is 'Behind domo.start_conversation.';

create function domo_private.end_conversation(p_conversation_id text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_user_id uuid;
    v_id uuid := case when p_conversation_id ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then p_conversation_id::uuid end;
    v_conversation domo.conversations;
begin
    if not domo_private.is_service() then
        v_user_id := domo_private.me();
    end if;
    perform parley.limit_rate('domo.end_conversation');
    -- The demo first, as everywhere. Its owner never changes, so nothing is decided on what may be old.
    perform
    from domo.demos d
    where d.id in (select c.demo_id from domo.conversations c where c.conversation_id = p_conversation_id or c.id = v_id)
    for no key update;
    select c.*
    into v_conversation
    from domo.conversations c
    left join domo.demos d on d.id = c.demo_id
    where (c.conversation_id = p_conversation_id or c.id = v_id) and (v_user_id is null or d.user_id = v_user_id)
    for update of c;
    -- A stranger is told the same as about one that does not exist.
    if not found then
        perform domo_private.fail('PT404', 'conversation_not_found', 'There is no such conversation.', 'Read the table conversations for yours.');
    end if;
    if v_conversation.status in ('starting', 'active') and v_conversation.end_requested_at is null then
        update domo.conversations c
        set end_requested_at = clock_timestamp()
        where c.id = v_conversation.id
        returning * into v_conversation;
    end if;
    return to_jsonb(v_conversation);
end
$$;

comment on function domo_private.end_conversation is 'Behind domo.end_conversation.';

-- The API -----------------------------------------------------------------------------------------------------------------------

create function domo.start_conversation(demo_id uuid, client_id uuid default null)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select domo_private.start_conversation(demo_id, client_id)
$$;

comment on function domo.start_conversation is
    'Asks the worker for a call with the agent of a demo: the row of conversations, with is_new. The same client_id twice is one call. PT404 demo_not_found, PT410 demo_archived, PT422 persona_missing, PT429.';

create function domo.end_conversation(conversation_id text)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select domo_private.end_conversation(conversation_id)
$$;

comment on function domo.end_conversation is
    'Asks the worker to end a call, by Tavus'' id or the row''s own; twice is once. PT404 conversation_not_found, PT429.';

create function domo.conversation_analytics(demo_id uuid, since timestamptz default null)
returns jsonb
language plpgsql
stable
set search_path = ''
set timezone = 'UTC'
as $$
declare
    v_analytics jsonb;
begin
    if not exists (select from domo.demos d where d.id = conversation_analytics.demo_id and d.deleted_at is null) then
        perform domo_private.demo_not_found();
    end if;
    with calls as materialized (
        select
            c.id,
            c.status,
            c.created_at::date as day,
            -- From when the agent was there, where that is known. Tavus' clock and ours may differ a little.
            case when c.status = 'ended' then
                greatest(extract(epoch from c.ended_at - coalesce(c.replica_joined_at, c.created_at)), 0)
            end as seconds,
            -- The same reason is known with and without this ending.
            case when c.status = 'ended' then coalesce(regexp_replace(c.shutdown_reason, ' reached$', ''), 'unknown') end as reason
        from domo.conversations c
        where c.demo_id = conversation_analytics.demo_id and (since is null or c.created_at >= since)
    ),
    said as materialized (
        select calls.day, m.role, count(*) as messages, coalesce(sum(m.content_length), 0) as characters
        from calls
        join domo.conversation_messages m on m.conversation = calls.id
        group by calls.day, m.role
    ),
    days as (
        select day::date
        from generate_series((select min(calls.day) from calls), (now() at time zone 'UTC')::date, interval '1 day') as day
    ),
    calls_a_day as (
        select calls.day, count(*) as conversations, coalesce(sum(calls.seconds), 0) as seconds
        from calls
        group by calls.day
    ),
    messages_a_day as (
        select said.day, sum(said.messages) as messages
        from said
        group by said.day
    )
    select jsonb_build_object(
        'conversations', (
            select jsonb_build_object(
                'total', count(*),
                'starting', count(*) filter (where calls.status = 'starting'),
                'active', count(*) filter (where calls.status = 'active'),
                'ended', count(*) filter (where calls.status = 'ended'),
                'failed', count(*) filter (where calls.status = 'failed')
            )
            from calls
        ),
        'durations', (
            select jsonb_build_object(
                'total_seconds', round(coalesce(sum(calls.seconds), 0), 3),
                'average_seconds', round(avg(calls.seconds), 3),
                'median_seconds', round((percentile_cont(0.5) within group (order by calls.seconds))::numeric, 3),
                'longest_seconds', round(max(calls.seconds), 3)
            )
            from calls
        ),
        'messages', (
            select jsonb_build_object(
                'total', coalesce(sum(said.messages), 0),
                'user', coalesce(sum(said.messages) filter (where said.role = 'user'), 0),
                'assistant', coalesce(sum(said.messages) filter (where said.role = 'assistant'), 0),
                'user_characters', coalesce(sum(said.characters) filter (where said.role = 'user'), 0),
                'assistant_characters', coalesce(sum(said.characters) filter (where said.role = 'assistant'), 0)
            )
            from said
        ),
        'shutdown_reasons', (
            select coalesce(jsonb_agg(jsonb_build_object('reason', counted.reason, 'count', counted.calls) order by counted.calls desc, counted.reason), '[]')
            from (select calls.reason, count(*) as calls from calls where calls.reason is not null group by calls.reason) counted
        ),
        'per_day', (
            select coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'day', days.day,
                        'conversations', coalesce(calls_a_day.conversations, 0),
                        'messages', coalesce(messages_a_day.messages, 0),
                        'seconds', round(coalesce(calls_a_day.seconds, 0), 3)
                    )
                    order by days.day
                ),
                '[]'
            )
            from days
            left join calls_a_day on calls_a_day.day = days.day
            left join messages_a_day on messages_a_day.day = days.day
        )
    )
    into v_analytics;
    return v_analytics;
end
$$;

comment on function domo.conversation_analytics is
    'What the calls of a demo were like, all of them or those that began at or after a moment: { conversations, durations, messages, shutdown_reasons, per_day }; days are UTC, and none is left out. PT404 demo_not_found.';

revoke execute on all functions in schema domo, domo_private from public;
grant execute on function
    domo_private.start_conversation(uuid, uuid),
    domo_private.end_conversation(text),
    domo.start_conversation(uuid, uuid),
    domo.end_conversation(text),
    domo.conversation_analytics(uuid, timestamptz)
to authenticated, service_role;

notify pgrst, 'reload schema';
