-- Domo, what an agent knows when its call begins, and what it looks up in the middle of it.
-- Locks: none but the rows of rates.

create function domo_private.knowledge_context(p_demo_id uuid, p_characters integer default 6000)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
    v_text text := '';
    v_piece text;
begin
    -- Questions with their answers first, which somebody wrote for the agent; then texts in their order. What does not fit is left for lookups.
    for v_piece in
        select case
            when k.question is not null then 'Q: ' || k.question || E'\nA: ' || coalesce(k.answer, k.content)
            else k.content
        end
        from domo.knowledge_chunks k
        where k.demo_id = p_demo_id and k.deleted_at is null
        order by k.question is null, k.source, k.video_id, k.chunk_index, k.created_at, k.id
        limit 200
    loop
        continue when char_length(v_text) + char_length(v_piece) + 2 > p_characters;
        v_text := v_text || case when v_text = '' then '' else E'\n\n' end || v_piece;
    end loop;
    return nullif(v_text, '');
end
$$;

comment on function domo_private.knowledge_context is
    'As much of a demo''s knowledge as an agent gets at the beginning: whole chunks of at most so many characters together. Null of a demo that knows nothing.';

create or replace function domo_private.tavus_claim(p_conversation uuid, p_seconds integer default 60)
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
    if not found then
        return null;
    end if;
    return domo_private.conversation_state(v_conversation)
        || jsonb_build_object('knowledge', case when v_conversation.status = 'starting' then domo_private.knowledge_context(v_conversation.demo_id) end);
end
$$;

comment on function domo_private.tavus_claim is
    'Takes a starting or active call on for some seconds (1 to 600), so that no other worker starts or ends the same one; one that starts comes with what its agent is to know. Null when somebody else has it or it is over.';

-- Before the embedding of the question is bought.
create function domo_private.begin_look_up(p_conversation_id text)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_id uuid := case when p_conversation_id ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then p_conversation_id::uuid end;
    v_call record;
    v_hint text;
begin
    select c.id, d.user_id, u.is_anonymous
    into v_call
    from domo.conversations c
    join domo.demos d on d.id = c.demo_id and d.deleted_at is null
    join auth.users u on u.id = d.user_id
    where (c.conversation_id = p_conversation_id or c.id = v_id) and c.status in ('starting', 'active') and c.end_requested_at is null;
    if not found then
        return null;
    end if;
    perform parley.limit_rate('domo.look_up', v_call.id::text, v_call.is_anonymous);
    perform parley.limit_rate('domo.owner_look_up', v_call.user_id::text, v_call.is_anonymous);
    return 0;
exception when sqlstate 'PT429' then
    get stacked diagnostics v_hint = pg_exception_hint;
    return substring(v_hint from '\d+')::integer;
end
$$;

comment on function domo_private.begin_look_up is
    'Counts a question of a running call''s agent: 0, or the seconds to wait. Null of a call that is unknown or over: it is to know nothing more. By Tavus'' id or the row''s. For the worker.';

-- Tavus knows a call by its own id alone.
create function domo_private.look_up(p_conversation_id text, p_query_text text, p_query_embedding real[] default null, p_match_count integer default 5)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    v_conversation uuid;
begin
    select c.id
    into v_conversation
    from domo.conversations c
    where c.conversation_id = p_conversation_id;
    return domo_private.search_conversation(v_conversation, p_query_text, p_query_embedding::extensions.vector, p_match_count);
end
$$;

comment on function domo_private.look_up is
    'search_conversation for the call that Tavus has under this id; nothing where there is none. For the worker. PT422 invalid_query_text, invalid_match_count.';

revoke execute on all functions in schema domo_private from public;
-- What is behind it, and goes by our own id, is nobody's any more.
revoke execute on function domo_private.search_conversation(uuid, text, extensions.vector, integer) from parley_worker;
grant execute on function domo_private.begin_look_up(text), domo_private.look_up(text, text, real[], integer) to parley_worker;
