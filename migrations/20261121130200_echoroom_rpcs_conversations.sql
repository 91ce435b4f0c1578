-- EchoRoom, RPCs of conversations: ask for an avatar, end it, look at it.
--
-- An RPC only writes down what is wanted; the worker calls Tavus, with its own rights and key.
-- Locks: the room's row (FOR NO KEY UPDATE) while a conversation is put down for it, so that two who ask at once get one.

create function echoroom_private.start_conversation(p_session_id uuid, p_mood text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_session echoroom.sessions;
    v_mood text := echoroom_private.clean_mood(p_mood);
    v_persona echoroom.persona;
    v_conversation echoroom.conversations;
    v_is_new boolean := false;
begin
    perform echoroom_private.check_reader(p_session_id);
    v_session := echoroom_private.lock_room(p_session_id);
    perform echoroom_private.check_open(v_session);

    select c.*
    into v_conversation
    from echoroom.conversations c
    where c.session_id = p_session_id and c.status in ('starting', 'active');
    if not found then
        select p.*
        into v_persona
        from echoroom.persona p
        where lower(p.mood) = lower(coalesce(v_mood, v_session.category));
        if not found then
            perform echoroom_private.fail('PT404', 'persona_not_found', 'There is no persona for this mood.', 'Read the table persona for the moods that have one.');
        end if;
        perform echoroom_private.slow_down('start_conversation', 5, interval '1 minute');
        insert into echoroom.conversations (session_id, persona_id, mood, started_by)
        values (p_session_id, v_persona.persona_id, v_persona.mood, (select auth.uid()))
        returning * into v_conversation;
        v_is_new := true;
    end if;
    return to_jsonb(v_conversation) || jsonb_build_object('is_new', v_is_new);
end
$$;

comment on function echoroom_private.start_conversation is 'Behind echoroom.start_conversation.';

create function echoroom_private.request_conversation_end(p_conversation_id text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_conversation echoroom.conversations;
begin
    v_conversation := echoroom_private.my_conversation(p_conversation_id);
    if v_conversation.status in ('starting', 'active') then
        update echoroom.conversations c
        set end_requested_at = coalesce(c.end_requested_at, clock_timestamp())
        where c.id = v_conversation.id
        returning * into v_conversation;
    end if;
    return to_jsonb(v_conversation);
end
$$;

comment on function echoroom_private.request_conversation_end is 'Behind echoroom.end_conversation.';

create function echoroom_private.my_conversation(p_conversation_id text)
returns echoroom.conversations
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    v_conversation echoroom.conversations;
begin
    if not echoroom_private.is_service() then
        perform echoroom_private.me();
    end if;
    select c.*
    into v_conversation
    from echoroom.conversations c
    where c.conversation_id = p_conversation_id;
    -- A stranger is told the same as about one that does not exist.
    if not found or not (echoroom_private.is_service() or echoroom_private.is_member(v_conversation.session_id)) then
        perform echoroom_private.fail('PT404', 'conversation_not_found', 'There is no such conversation.', 'Start one with start_conversation.');
    end if;
    return v_conversation;
end
$$;

comment on function echoroom_private.my_conversation is 'A conversation of a room in which the caller has a seat. PT404 conversation_not_found.';

-- The API ---------------------------------------------------------------------------------------------------------------------

create function echoroom.start_conversation(session_id uuid, mood text default null)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.start_conversation(session_id, mood)
$$;

comment on function echoroom.start_conversation is
    'The avatar of a room: the one that is there, or a new one for the worker to start (status starting, is_new). The mood chooses the persona; without one the room''s. PT404 room_not_found, persona_not_found, PT403 not_a_member, PT410 room_closed.';

create function echoroom.end_conversation(conversation_id text)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.request_conversation_end(conversation_id)
$$;

comment on function echoroom.end_conversation is 'Asks the worker to end an avatar; twice is once. PT404 conversation_not_found.';

revoke execute on all functions in schema echoroom, echoroom_private from public;
grant execute on function
    echoroom_private.start_conversation(uuid, text),
    echoroom_private.request_conversation_end(text),
    echoroom.start_conversation(uuid, text),
    echoroom.end_conversation(text)
to authenticated, service_role;

notify pgrst, 'reload schema';
