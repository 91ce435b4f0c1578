-- Domo, RPCs of knowledge: add a piece of it.
--
-- Locks: the demo, then its counts.

create function domo_private.add_knowledge(p_demo_id uuid, p_content text, p_question text, p_answer text, p_source text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_content text := parley.trim_text(p_content);
    v_question text := parley.trim_text(p_question);
    v_answer text := parley.trim_text(p_answer);
    v_source text := parley.trim_text(p_source);
    v_chunk domo.knowledge_chunks;
begin
    perform parley.limit_rate('domo.add_knowledge');
    perform domo_private.lock_demo(p_demo_id);
    if v_content is null or char_length(v_content) > 8000 then
        perform domo_private.fail('PT422', 'invalid_content', 'The content has 1 to 8000 characters.', 'Split a longer text into several pieces.');
    end if;
    if char_length(v_question) > 2000 then
        perform domo_private.fail('PT422', 'invalid_question', 'A question has at most 2000 characters.', 'Shorten it.');
    end if;
    if char_length(v_answer) > 8000 then
        perform domo_private.fail('PT422', 'invalid_answer', 'An answer has at most 8000 characters.', 'Shorten it, or split it into several pieces.');
    end if;
    if char_length(v_source) > 500 then
        perform domo_private.fail('PT422', 'invalid_source', 'A source has at most 500 characters.', 'Shorten it.');
    end if;

    -- The same knowledge from the same source is there already when a client repeats a request whose answer it lost.
    select k.*
    into v_chunk
    from domo.knowledge_chunks k
    where k.demo_id = p_demo_id
        and k.content_digest = domo_private.chunk_digest(v_question, v_answer, v_content)
        and k.source is not distinct from v_source
        and k.video_id is null
        and k.deleted_at is null
    order by k.created_at
    limit 1;
    if found then
        return domo_private.chunk_state(v_chunk) || jsonb_build_object('is_new', false);
    end if;
    insert into domo.knowledge_chunks (demo_id, content, question, answer, source)
    values (p_demo_id, v_content, v_question, v_answer, v_source)
    returning * into v_chunk;
    return domo_private.chunk_state(v_chunk) || jsonb_build_object('is_new', true);
end
$$;

comment on function domo_private.add_knowledge is 'Behind domo.add_knowledge.';

create function domo.add_knowledge(
    demo_id uuid,
    content text,
    question text default null,
    answer text default null,
    source text default null
)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select domo_private.add_knowledge(demo_id, content, question, answer, source)
$$;

comment on function domo.add_knowledge is
    'Adds a piece of knowledge to a demo and returns it, with is_new; the worker makes its embedding. The same knowledge from the same source twice is one piece. PT404 demo_not_found, PT422 invalid_content, invalid_question, invalid_answer, invalid_source, PT429.';

revoke execute on all functions in schema domo, domo_private from public;
grant execute on function
    domo_private.add_knowledge(uuid, text, text, text, text),
    domo.add_knowledge(uuid, text, text, text, text)
to authenticated, service_role;

notify pgrst, 'reload schema';
