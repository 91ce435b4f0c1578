-- EchoRoom, Realtime: what a room hears, and who may listen.
--
-- Triggers of the tables tell the room, so a direct write of service_role, an expired lease and a deleted account fan out like an RPC
-- does. Events keep the names and fields of the Socket.IO events they replace, and carry seq: a change of the stream its own number,
-- everything else the room's present one. A trigger here sorts by name after the one that numbers the change.
-- Locks: creating a policy on realtime.messages takes ACCESS EXCLUSIVE on it (on hosted Supabase on more tables) until commit, hence
-- the lock_timeout; the triggers lock nothing but, when somebody is removed, the room.

create function echoroom_private.tell_room(p_session_id uuid, p_event text, p_payload jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_epoch integer;
    v_last_seq bigint;
begin
    select s.epoch, s.last_seq
    into v_epoch, v_last_seq
    from echoroom.sessions s
    where s.id = p_session_id;
    -- Nobody listens to a room that is just being deleted.
    if found then
        perform parley.broadcast(
            echoroom_private.topic(p_session_id, v_epoch), p_event, jsonb_build_object('seq', v_last_seq) || p_payload
        );
    end if;
end
$$;

comment on function echoroom_private.tell_room is 'Broadcasts an event to a room; seq is the room''s present number unless the payload has its own.';

create function echoroom_private.iso_time(moment timestamptz)
returns text
language plpgsql
immutable
strict
parallel safe
set search_path = ''
as $$
begin
    return to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
end
$$;

comment on function echoroom_private.iso_time is 'A moment as an ISO 8601 string in UTC, whatever the session''s time zone.';

-- Seats -----------------------------------------------------------------------------------------------------------------------

create function echoroom_private.tell_seat_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op = 'INSERT' then
        perform echoroom_private.tell_room(new.session_id, 'user-joined', jsonb_build_object(
            'user_id', new.user_id,
            'user_name', new.user_name,
            'avatar', new.avatar,
            'mood', new.mood,
            'is_speaking', new.is_speaking,
            'is_muted', new.is_muted
        ));
        return null;
    end if;

    if tg_op = 'DELETE' then
        perform echoroom_private.tell_room(old.session_id, 'user-left', jsonb_build_object('user_id', old.user_id));
        -- Realtime caches an authorisation until the next token. Who leaves, or whose lease runs out, may listen on for that long; who
        -- is removed by somebody else may not: the room moves to a new topic.
        if old.last_seen_at >= now() - echoroom_private.lease() and old.user_id is distinct from (select auth.uid()) then
            update echoroom.sessions
            set epoch = epoch + 1
            where id = old.session_id;
        end if;
        return null;
    end if;

    if new.is_speaking <> old.is_speaking or new.is_muted <> old.is_muted then
        perform echoroom_private.tell_room(new.session_id, 'voice-status', jsonb_build_object(
            'user_id', new.user_id,
            'isSpeaking', new.is_speaking,
            'isMuted', new.is_muted
        ));
    end if;
    if (new.user_name, new.avatar, new.mood) is distinct from (old.user_name, old.avatar, old.mood) then
        perform echoroom_private.tell_room(new.session_id, 'user-updated', jsonb_build_object(
            'user_id', new.user_id,
            'user_name', new.user_name,
            'avatar', new.avatar,
            'mood', new.mood,
            'is_speaking', new.is_speaking,
            'is_muted', new.is_muted
        ));
    end if;
    return null;
end
$$;

comment on function echoroom_private.tell_seat_change is 'Trigger: user-joined, user-left, voice-status, user-updated.';

create trigger participants_tell_room
    after insert or delete on echoroom.participants
    for each row execute function echoroom_private.tell_seat_change();

-- Not on a heartbeat.
create trigger participants_tell_room_update
    after update on echoroom.participants
    for each row
    when (
        (old.is_speaking, old.is_muted, old.user_name, old.avatar, old.mood)
        is distinct from (new.is_speaking, new.is_muted, new.user_name, new.avatar, new.mood)
    )
    execute function echoroom_private.tell_seat_change();

-- Messages --------------------------------------------------------------------------------------------------------------------

create function echoroom_private.tell_message_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op = 'INSERT' then
        perform echoroom_private.tell_room(new.session_id, 'receiveMessage', jsonb_build_object(
            'id', new.id,
            'user_id', new.user_id,
            'sender', new.sender_name,
            'text', new.content,
            'type', new.message_type,
            'timestamp', echoroom_private.iso_time(new.created_at),
            'reactions', '[]'::jsonb,
            'reply_to', new.reply_to,
            'client_id', new.client_id,
            'seq', new.seq
        ));
    elsif new.deleted_at is not null then
        perform echoroom_private.tell_room(new.session_id, 'message-deleted', jsonb_build_object(
            'id', new.id,
            'user_id', new.user_id,
            'deleted_at', echoroom_private.iso_time(new.deleted_at),
            'seq', (select c.seq from echoroom_private.message_changes c where c.message_id = new.id)
        ));
    else
        perform echoroom_private.tell_room(new.session_id, 'message-edited', jsonb_build_object(
            'id', new.id,
            'user_id', new.user_id,
            'text', new.content,
            'edited_at', echoroom_private.iso_time(new.edited_at),
            'seq', (select c.seq from echoroom_private.message_changes c where c.message_id = new.id)
        ));
    end if;
    return null;
end
$$;

comment on function echoroom_private.tell_message_change is 'Trigger: receiveMessage, message-edited, message-deleted.';

create trigger chat_messages_tell_room
    after insert on echoroom.chat_messages
    for each row execute function echoroom_private.tell_message_change();

create trigger chat_messages_tell_room_update
    after update on echoroom.chat_messages
    for each row
    when ((old.content, old.deleted_at) is distinct from (new.content, new.deleted_at))
    execute function echoroom_private.tell_message_change();

-- Reactions -------------------------------------------------------------------------------------------------------------------

create function echoroom_private.tell_reaction_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_reaction echoroom.message_reactions;
    v_seq bigint;
    v_reactions jsonb;
begin
    if tg_op = 'DELETE' then
        v_reaction := old;
    else
        v_reaction := new;
    end if;
    -- Whoever listens finds a gap at the next event, and asks for all of it at once.
    if echoroom_private.erases() <> '' then
        return null;
    end if;
    select (select c.seq from echoroom_private.message_changes c where c.message_id = m.id)
    into v_seq
    from echoroom.chat_messages m
    where m.id = v_reaction.message_id and m.deleted_at is null;
    if not found then
        return null;
    end if;
    -- The whole state, not the difference: an event that arrives twice does no harm.
    select coalesce(
        jsonb_agg(jsonb_build_object('emoji', grouped.emoji, 'count', grouped.people) order by grouped.first_at, grouped.emoji),
        '[]'::jsonb
    )
    into v_reactions
    from (
        select r.emoji, count(*) as people, min(r.created_at) as first_at
        from echoroom.message_reactions r
        where r.message_id = v_reaction.message_id
        group by r.emoji
    ) grouped;
    perform echoroom_private.tell_room(v_reaction.session_id, 'message-reaction', jsonb_build_object(
        'messageId', v_reaction.message_id,
        'userId', v_reaction.user_id,
        'reaction', v_reaction.emoji,
        'added', tg_op = 'INSERT',
        'reactions', v_reactions,
        'seq', v_seq
    ));
    return null;
end
$$;

comment on function echoroom_private.tell_reaction_change is 'Trigger: message-reaction.';

create trigger message_reactions_tell_room
    after insert or delete on echoroom.message_reactions
    for each row execute function echoroom_private.tell_reaction_change();

-- Rooms -----------------------------------------------------------------------------------------------------------------------

create function echoroom_private.tell_session_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    -- To the topic on which the members still listen. It does not name the next one: room_state does, to members.
    perform parley.broadcast(echoroom_private.topic(old.id, old.epoch), 'room-changed', jsonb_build_object(
        'session_id', new.id,
        'category', new.category,
        'description', new.description,
        'is_active', new.is_active,
        'max_participants', new.max_participants,
        'topic_changed', new.epoch <> old.epoch,
        'seq', new.last_seq
    ));
    return null;
end
$$;

comment on function echoroom_private.tell_session_change is 'Trigger: room-changed.';

create trigger sessions_tell_room
    after update on echoroom.sessions
    for each row
    when (
        (old.category, old.description, old.is_active, old.max_participants, old.epoch)
        is distinct from (new.category, new.description, new.is_active, new.max_participants, new.epoch)
    )
    execute function echoroom_private.tell_session_change();

-- Who may listen and speak ----------------------------------------------------------------------------------------------------

-- Topics are compared as text and never taken apart, so a hostile one cannot raise; a topic of an earlier epoch is nobody's.
create function echoroom_private.my_topics()
returns setof text
language sql
stable
security definer
rows 4
set search_path = ''
as $$
    select echoroom_private.topic(s.id, s.epoch)
    from echoroom.participants p
    join echoroom.sessions s on s.id = p.session_id
    where p.user_id = (select auth.uid())
$$;

comment on function echoroom_private.my_topics is 'The Realtime topics of the rooms in which the caller has a seat. For policies.';

revoke execute on all functions in schema echoroom, echoroom_private from public;
grant execute on function echoroom_private.my_topics() to authenticated;

set lock_timeout = '10s';

create policy "echoroom members listen to their rooms" on realtime.messages
    for select
    to authenticated
    using (extension in ('broadcast', 'presence') and topic in (select echoroom_private.my_topics()));

create policy "echoroom members speak in their rooms" on realtime.messages
    for insert
    to authenticated
    with check (extension in ('broadcast', 'presence') and topic in (select echoroom_private.my_topics()));

reset lock_timeout;

notify pgrst, 'reload schema';
