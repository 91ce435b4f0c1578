-- EchoRoom, RPCs of conversations: ask for an avatar, and ask for its end.
--
-- An RPC only writes down what is wanted, in one transaction with the job that does it; the worker calls Tavus, with its own rights and key.
-- Locks: the room's row (FOR NO KEY UPDATE) while a conversation is put down for it, so that two who ask at once get one. An end holds the
-- conversation.

create function echoroom_private.start_conversation(p_session_id uuid, p_mood text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_mood text := echoroom_private.clean_mood(p_mood);
    v_session echoroom.sessions;
    v_persona echoroom.persona;
    v_conversation echoroom.conversations;
begin
    perform echoroom_private.check_reader(p_session_id);
    -- Each new call costs money; asking again for the one that is there does not, and is slowed down no less.
    perform parley.limit_rate('echoroom.start_conversation');
    if not echoroom_private.is_service() then
        perform echoroom_private.my_account();
    end if;
    v_session := echoroom_private.lock_room(p_session_id);
    -- Again: a removal may have had the room before us.
    perform echoroom_private.check_reader(p_session_id);
    perform echoroom_private.check_open(v_session);

    select c.*
    into v_conversation
    from echoroom.conversations c
    where c.session_id = p_session_id and c.status in ('starting', 'active');
    if found then
        return to_jsonb(v_conversation) || jsonb_build_object('is_new', false);
    end if;

    select p.*
    into v_persona
    from echoroom.persona p
    where lower(p.mood) = lower(coalesce(v_mood, v_session.category));
    if not found then
        perform echoroom_private.fail('PT404', 'persona_not_found', 'There is no persona for this mood.', 'Read the table persona for the moods that have one.');
    end if;
    if not echoroom_private.is_service() then
        perform parley.lock_ceiling('echoroom.running_conversations', (select auth.uid()));
        perform parley.check_ceiling(
            'echoroom.running_conversations',
            (select auth.uid()),
            1 + (
                select count(*)
                from echoroom.conversations c
                where c.started_by = (select auth.uid()) and c.status in ('starting', 'active')
            ),
            'You have started %s avatars that are still there.',
            'End one of them first.'
        );
    end if;
    perform parley.limit_rate('echoroom.daily_conversations');
    insert into echoroom.conversations (session_id, persona_id, mood, started_by)
    values (p_session_id, v_persona.persona_id, v_persona.mood, (select auth.uid()))
    returning * into v_conversation;
    return to_jsonb(v_conversation) || jsonb_build_object('is_new', true);
end
$$;

comment on function echoroom_private.start_conversation is 'Behind echoroom.start_conversation.';

create function echoroom_private.end_conversation(p_conversation_id text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_is_service boolean := echoroom_private.is_service();
    v_id uuid := case when p_conversation_id ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then p_conversation_id::uuid end;
    v_conversation echoroom.conversations;
begin
    if not v_is_service then
        perform echoroom_private.me();
    end if;
    perform parley.limit_rate('echoroom.end_conversation');
    select c.*
    into v_conversation
    from echoroom.conversations c
    where c.conversation_id = p_conversation_id or c.id = v_id
    for update;
    -- A stranger is told the same as about one that does not exist.
    if not found or not (v_is_service or coalesce(echoroom_private.is_member(v_conversation.session_id), false)) then
        perform echoroom_private.fail('PT404', 'conversation_not_found', 'There is no such conversation.', 'Read the table conversations for those of your rooms.');
    end if;
    if v_conversation.status in ('starting', 'active') and v_conversation.end_requested_at is null then
        update echoroom.conversations c
        set end_requested_at = clock_timestamp()
        where c.id = v_conversation.id
        returning * into v_conversation;
    end if;
    return to_jsonb(v_conversation);
end
$$;

comment on function echoroom_private.end_conversation is 'Behind echoroom.end_conversation.';

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
    'The avatar of a room: the one that is there, or a new one for the worker to start (is_new, status starting). The mood chooses the persona; without one the room''s. PT404 room_not_found, persona_not_found, PT403 not_a_member, PT410 room_closed, PT422 invalid_mood, PT429.';

create function echoroom.end_conversation(conversation_id text)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.end_conversation(conversation_id)
$$;

comment on function echoroom.end_conversation is
    'Asks the worker to end an avatar, by Tavus'' id or the row''s own; twice is once. For who has a seat in its room. PT404 conversation_not_found, PT429.';

-- What the worker and the room see ----------------------------------------------------------------------------------------------

create function echoroom_private.tavus_conversation(p_conversation uuid)
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
    select to_jsonb(c) from echoroom.conversations c where c.id = p_conversation
$$;

comment on function echoroom_private.tavus_conversation is 'A conversation as it is; null when it is gone.';

create function echoroom_private.tell_conversation_start()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform echoroom_private.hold_topic(new.session_id);
    perform echoroom_private.tell_room(new.session_id, 'avatar-starting', jsonb_build_object(
        'id', new.id,
        'user_id', new.started_by,
        'persona_id', new.persona_id,
        'mood', new.mood
    ));
    return null;
end
$$;

comment on function echoroom_private.tell_conversation_start is 'Trigger: avatar-starting.';

create trigger conversations_tell_room_of_start
    after insert on echoroom.conversations
    for each row
    when (new.session_id is not null and new.status = 'starting')
    execute function echoroom_private.tell_conversation_start();

revoke execute on all functions in schema echoroom, echoroom_private from public;
grant execute on function
    echoroom_private.start_conversation(uuid, text),
    echoroom_private.end_conversation(text),
    echoroom.start_conversation(uuid, text),
    echoroom.end_conversation(text)
to authenticated, service_role;
grant execute on function echoroom_private.tavus_conversation(uuid) to parley_worker;

notify pgrst, 'reload schema';
