-- EchoRoom, Realtime: a room that moves to its next topic says so, and says nothing more on the old one.
--
-- Realtime caches an authorisation until the next token, so somebody who was removed hears the old topic on. What must not happen is that
-- a transaction reads the epoch, the removal commits, and the transaction then commits its event for the old topic. So whoever speaks
-- holds the topic until commit, and whoever moves it waits for them:
--
-- - speaking: FOR KEY SHARE on the room, which does not exclude itself nor FOR NO KEY UPDATE, so normal traffic is not serialised. Changes
--   of messages and reactions, and joining and leaving by RPC, hold FOR NO KEY UPDATE already, which is enough; events of seats take it;
-- - moving: FOR UPDATE on the room, which excludes both.
--
-- Locks. The order is bucket, room, seat, message, reaction for every RPC: set_voice_status and update_participant now hold their room
-- (FOR KEY SHARE) before their seat, since a removal holds the room before the seat. Heartbeats still hold one seat and never the room.
-- A direct write of service_role locks its own row first, and may be ended with 40P01 as before.
-- Of the migration itself: creating the trigger takes SHARE ROW EXCLUSIVE on echoroom.sessions until commit.

create function echoroom_private.hold_topic(p_session_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    -- Read nothing here: a row that is locked like this may come in the version of before the lock was granted.
    perform
    from echoroom.sessions s
    where s.id = p_session_id
    for key share;
end
$$;

comment on function echoroom_private.hold_topic is 'Keeps a room on its topic until commit, together with any number of others. Read the epoch afterwards, in a statement of its own.';

comment on function echoroom_private.tell_room is
    'Broadcasts an event to a room; seq is the room''s present number unless the payload has its own. Call it with the room locked or its topic held.';

-- An epoch never comes back: somebody may still be authorised on its topic.
create function echoroom_private.move_topic()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform
    from echoroom.sessions s
    where s.id = old.id
    for update;
    new.epoch := greatest(new.epoch, old.epoch);
    return new;
end
$$;

comment on function echoroom_private.move_topic is 'Trigger: a room moves when nobody is speaking on its topic, and only forward.';

create trigger sessions_move_topic
    before update of epoch on echoroom.sessions
    for each row
    when (new.epoch <> old.epoch)
    execute function echoroom_private.move_topic();

-- What a room hears -------------------------------------------------------------------------------------------------------------

create or replace function echoroom_private.tell_session_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    -- To the topic on which the members still listen.
    perform parley.broadcast(echoroom_private.topic(old.id, old.epoch), 'room-changed', jsonb_build_object(
        'session_id', new.id,
        'category', new.category,
        'description', new.description,
        'is_active', new.is_active,
        'max_participants', new.max_participants,
        'topic_changed', new.epoch <> old.epoch,
        'seq', new.last_seq
    ));
    -- The last event there. The name of the next topic is no secret: the policies on realtime.messages let members in and nobody else.
    if new.epoch <> old.epoch then
        perform parley.broadcast(echoroom_private.topic(old.id, old.epoch), 'topic-rotated', jsonb_build_object(
            'session_id', new.id,
            'topic', echoroom_private.topic(new.id, new.epoch),
            'epoch', new.epoch,
            'seq', new.last_seq
        ));
    end if;
    return null;
end
$$;

comment on function echoroom_private.tell_session_change is 'Trigger: room-changed, topic-rotated.';

create or replace function echoroom_private.tell_seat_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_session_id uuid := case when tg_op = 'DELETE' then old.session_id else new.session_id end;
    v_moves boolean := false;
begin
    -- Of a room that goes nobody is told seat by seat.
    if echoroom_private.erases() = 'room' then
        return null;
    end if;
    -- Realtime caches an authorisation until the next token. Who leaves, or whose lease runs out, may listen on for that long; who is
    -- removed by somebody else may not: the room moves to a new topic.
    if tg_op = 'DELETE' then
        v_moves := old.last_seen_at >= now() - echoroom_private.lease() and old.user_id is distinct from (select auth.uid());
    end if;
    -- The strong lock at once where it will be needed: two that held the weak one would wait for each other.
    if v_moves then
        perform
        from echoroom.sessions s
        where s.id = v_session_id
        for update;
    else
        perform echoroom_private.hold_topic(v_session_id);
    end if;

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
        if v_moves then
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

-- The room before the seat ------------------------------------------------------------------------------------------------------

create or replace function echoroom_private.set_voice_status(p_session_id uuid, p_is_speaking boolean, p_is_muted boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_user_id uuid := echoroom_private.me();
    v_participant echoroom.participants;
begin
    perform parley.limit_rate('echoroom.participant');
    perform echoroom_private.check_reader(p_session_id);
    perform echoroom_private.hold_topic(p_session_id);
    perform echoroom_private.check_open(s) from echoroom.sessions s where s.id = p_session_id;
    update echoroom.participants
    set is_speaking = coalesce(p_is_speaking, is_speaking),
        is_muted = coalesce(p_is_muted, is_muted),
        last_seen_at = now()
    where user_id = v_user_id and session_id = p_session_id
    returning * into v_participant;
    if not found then
        perform echoroom_private.not_a_member();
    end if;
    return to_jsonb(v_participant);
end
$$;

create or replace function echoroom_private.update_participant(p_session_id uuid, p_user_name text, p_avatar text, p_mood text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_user_id uuid := echoroom_private.me();
    v_user_name text := echoroom_private.clean_name(p_user_name);
    v_avatar text := echoroom_private.clean_avatar(p_avatar);
    v_mood text := echoroom_private.clean_mood(p_mood);
    v_participant echoroom.participants;
begin
    perform parley.limit_rate('echoroom.participant');
    perform echoroom_private.check_reader(p_session_id);
    perform echoroom_private.hold_topic(p_session_id);
    perform echoroom_private.check_open(s) from echoroom.sessions s where s.id = p_session_id;
    update echoroom.participants
    set user_name = coalesce(v_user_name, user_name),
        avatar = coalesce(v_avatar, avatar),
        mood = coalesce(v_mood, mood),
        last_seen_at = now()
    where user_id = v_user_id and session_id = p_session_id
    returning * into v_participant;
    if not found then
        perform echoroom_private.not_a_member();
    end if;
    return to_jsonb(v_participant);
end
$$;

revoke execute on all functions in schema echoroom_private from public;

notify pgrst, 'reload schema';
