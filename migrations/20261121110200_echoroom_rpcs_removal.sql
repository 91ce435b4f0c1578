-- EchoRoom, RPCs of removal: remove_participant, readmit_participant; and find_room and join_room, which know who was removed.
--
-- A removal takes the seat, keeps the person out until the creator readmits them, and moves the room to a new topic. The last also where
-- there is no seat any more, or an overdue one: who has just left is still authorised on the old topic.
-- Locks: a removal holds the room (FOR UPDATE) until it commits; readmitting holds one row of removed_participants. The order is bucket,
-- room, seat, as everywhere. find_room holds an advisory lock of the mood, only when it found no free seat and until it commits.

-- Checks ----------------------------------------------------------------------------------------------------------------------

create function echoroom_private.check_not_removed(p_session_id uuid, p_user_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if exists (
        select from echoroom.removed_participants r where r.session_id = p_session_id and r.user_id = p_user_id
    ) then
        perform echoroom_private.fail('PT403', 'removed_from_room', 'You were removed from this room.', 'Find another one with find_room.');
    end if;
end
$$;

comment on function echoroom_private.check_not_removed is 'PT403 removed_from_room for somebody who was removed from the room.';

create function echoroom_private.check_creator(p_session_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    v_is_service boolean := echoroom_private.is_service();
    v_session echoroom.sessions;
    v_user_id uuid;
begin
    if not v_is_service then
        v_user_id := echoroom_private.me();
    end if;
    select s.*
    into v_session
    from echoroom.sessions s
    where s.id = p_session_id;
    if not found then
        perform echoroom_private.room_not_found();
    end if;
    if v_is_service then
        return;
    end if;
    if v_session.created_by is distinct from v_user_id then
        -- A closed room is shown to nobody but its members.
        if not v_session.is_active and not echoroom_private.is_member(p_session_id) then
            perform echoroom_private.room_not_found();
        end if;
        perform echoroom_private.fail(
            'PT403', 'not_the_creator', 'Only the creator of this room may do that.', 'Ask the creator of the room, or leave it with leave_room.'
        );
    end if;
    -- A creator whom service_role removed does not readmit themselves.
    perform echoroom_private.check_not_removed(p_session_id, v_user_id);
end
$$;

comment on function echoroom_private.check_creator is
    'Passes the creator of a room and service_role. PT401 not_signed_in, PT404 room_not_found, PT403 not_the_creator, PT403 removed_from_room.';

-- Removal ---------------------------------------------------------------------------------------------------------------------

create function echoroom_private.remove_participant(p_session_id uuid, p_user_id uuid)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_epoch integer;
    v_user_name text;
    v_has_seat boolean;
begin
    perform echoroom_private.check_creator(p_session_id);
    if p_user_id = (select auth.uid()) then
        perform echoroom_private.fail('PT422', 'cannot_remove_yourself', 'You cannot remove yourself.', 'Leave the room with leave_room.');
    end if;
    perform parley.limit_rate('echoroom.removal');

    -- The account before the room. It may be gone.
    perform
    from auth.users u
    where u.id = p_user_id
    for key share;
    if not found then
        perform echoroom_private.fail(
            'PT404', 'participant_not_found', 'Nobody of that id sits or has spoken in this room.', 'Read the participants with room_state.'
        );
    end if;

    -- From here nobody speaks, joins or leaves until we commit; and everything below is read after those before us have committed.
    select s.epoch
    into v_epoch
    from echoroom.sessions s
    where s.id = p_session_id
    for update;
    if not found then
        perform echoroom_private.room_not_found();
    end if;

    select p.user_name
    into v_user_name
    from echoroom.participants p
    where p.session_id = p_session_id and p.user_id = p_user_id;
    v_has_seat := found;
    if not v_has_seat then
        -- A retry, also of a client that never got its answer.
        if exists (
            select from echoroom.removed_participants r where r.session_id = p_session_id and r.user_id = p_user_id
        ) then
            return false;
        end if;
        -- Who has spoken and left can be removed too, or leaving in time would be the way around it.
        -- Their latest name, by the key of their own messages, of which a thousand are enough to choose from: backwards through the room's
        -- numbers, all of it would be read for somebody who never spoke.
        select spoken.sender_name
        into v_user_name
        from (
            select m.sender_name, m.seq
            from echoroom.chat_messages m
            where m.session_id = p_session_id and m.user_id = p_user_id
            order by m.client_id
            limit 1000
        ) spoken
        order by spoken.seq desc
        limit 1;
        if not found then
            perform echoroom_private.fail(
                'PT404', 'participant_not_found', 'Nobody of that id sits or has spoken in this room.', 'Read the participants with room_state.'
            );
        end if;
    end if;

    insert into echoroom.removed_participants (session_id, user_id, user_name)
    values (p_session_id, p_user_id, v_user_name)
    on conflict on constraint removed_participants_pkey do nothing;
    delete from echoroom.participants
    where session_id = p_session_id and user_id = p_user_id;

    -- No seat, or an overdue one: to the triggers of the seat that is somebody who has gone, and the room stays where it is.
    update echoroom.sessions
    set epoch = epoch + 1
    where id = p_session_id and epoch = v_epoch;
    if found then
        insert into echoroom_private.audit_log (session_id, user_id, action)
        values (p_session_id, p_user_id, 'removed');
    end if;
    return true;
end
$$;

comment on function echoroom_private.remove_participant is 'Behind echoroom.remove_participant.';

create function echoroom_private.readmit_participant(p_session_id uuid, p_user_id uuid)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    perform echoroom_private.check_creator(p_session_id);
    perform parley.limit_rate('echoroom.removal');
    delete from echoroom.removed_participants
    where session_id = p_session_id and user_id = p_user_id;
    return found;
end
$$;

comment on function echoroom_private.readmit_participant is 'Behind echoroom.readmit_participant.';

-- Who was removed finds other rooms, and does not get into this one -----------------------------------------------------------------

-- Rooms with a free seat by the counter are read from their index, the fullest first; however many rooms a mood has, no more than 70 are
-- looked at. A seat that is overdue counts until it is given back, within seconds: so the oldest rooms of the mood are looked at too, full or
-- not, and of all these the one with the most people is taken, overdue seats left out.
create function echoroom_private.room_with_free_seat(p_mood text, p_user_id uuid)
returns echoroom.sessions
language plpgsql
stable
set search_path = ''
as $$
declare
    v_session echoroom.sessions;
begin
    select s.*
    into v_session
    from echoroom.sessions s
    cross join lateral (
        select count(*) as taken
        from echoroom.participants p
        where p.session_id = s.id and p.last_seen_at >= now() - echoroom_private.lease()
    ) seats
    where s.id = any (
            array(
                select r.id
                from echoroom.sessions r
                where lower(r.category) = lower(p_mood)
                    and r.is_active
                    and r.current_participants < r.max_participants
                    and not exists (
                        select from echoroom.removed_participants removed where removed.session_id = r.id and removed.user_id = p_user_id
                    )
                order by r.current_participants desc, r.created_at, r.id
                limit 20
            )
            || array(
                select r.id
                from echoroom.sessions r
                where lower(r.category) = lower(p_mood)
                    and r.is_active
                    and not exists (
                        select from echoroom.removed_participants removed where removed.session_id = r.id and removed.user_id = p_user_id
                    )
                order by r.is_active desc, r.created_at, r.id
                limit 50
            )
        )
        and seats.taken < s.max_participants
    order by seats.taken desc, s.created_at, s.id
    limit 1;
    return v_session;
end
$$;

comment on function echoroom_private.room_with_free_seat is 'The fullest active room of a mood with a free seat, not one that the person was removed from. Null without one.';

create function echoroom_private.find_room(p_mood text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_mood text := echoroom_private.clean_mood(p_mood);
    v_user_id uuid;
    v_session echoroom.sessions;
    v_sibling echoroom.sessions;
begin
    if not echoroom_private.is_service() then
        v_user_id := echoroom_private.me();
    end if;
    if v_mood is null then
        perform echoroom_private.fail('PT422', 'invalid_mood', 'Say which mood, in 1 to 64 characters.', 'Name a mood, such as Calm.');
    end if;

    -- Only a caller that found nothing queues for the mood's lock, and looks again when it has it: the room it wanted to open may be
    -- there by then. So the common case takes no lock, and however many find the mood full, one of them opens one room.
    v_session := echoroom_private.room_with_free_seat(v_mood, v_user_id);
    if v_session.id is null then
        perform pg_advisory_xact_lock(hashtextextended('echoroom.find_room:' || lower(v_mood), 0));
        v_session := echoroom_private.room_with_free_seat(v_mood, v_user_id);
    end if;

    if v_session.id is null then
        -- A further room of a mood is like its first one; of an unknown mood, like the seed's.
        select s.*
        into v_sibling
        from echoroom.sessions s
        where lower(s.category) = lower(v_mood)
        order by s.is_active desc, s.created_at, s.id
        limit 1;
        v_session := echoroom_private.open_room(
            coalesce(v_sibling.category, v_mood), v_sibling.description, coalesce(v_sibling.max_participants, 6)
        );
    end if;
    return to_jsonb(v_session) || jsonb_build_object('current_participants', echoroom_private.people_in(v_session.id));
end
$$;

comment on function echoroom_private.find_room is 'Behind echoroom.find_room.';

create or replace function echoroom_private.join_room(p_session_id uuid, p_user_name text, p_mood text, p_avatar text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_user_id uuid := echoroom_private.my_account();
    v_user_name text := echoroom_private.clean_name(p_user_name);
    v_mood text := coalesce(echoroom_private.clean_mood(p_mood), 'calm');
    v_avatar text := echoroom_private.clean_avatar(p_avatar);
    v_session echoroom.sessions;
begin
    perform parley.limit_rate('echoroom.join_room');
    v_session := echoroom_private.lock_room(p_session_id);
    perform echoroom_private.check_open(v_session);
    perform echoroom_private.check_not_removed(p_session_id, v_user_id);

    -- A second device of the same person takes over the seat. 'calm' is what an omitted mood looks like, so it changes nothing.
    update echoroom.participants
    set user_name = coalesce(v_user_name, user_name),
        mood = case when v_mood = 'calm' then mood else v_mood end,
        avatar = coalesce(v_avatar, avatar),
        last_seen_at = now()
    where user_id = v_user_id and session_id = p_session_id;

    if not found then
        -- The kernel's counter is exact, and nobody else can take or give back a seat of this room while we hold its row. Expired seats
        -- are looked for only when one is needed, so that joining a big room costs the same as joining a small one.
        if v_session.current_participants >= v_session.max_participants then
            delete from echoroom.participants
            where session_id = p_session_id and last_seen_at < now() - echoroom_private.lease();
        end if;
        if (select s.current_participants from echoroom.sessions s where s.id = p_session_id) >= v_session.max_participants then
            perform echoroom_private.fail(
                'PT409',
                'room_full',
                format('This room is full: %1$s of %1$s seats are taken.', v_session.max_participants),
                'Find another one with find_room.'
            );
        end if;
        insert into echoroom.participants (user_id, session_id, user_name, avatar, mood)
        values (
            v_user_id,
            p_session_id,
            coalesce(v_user_name, echoroom_private.friendly_name(p_session_id)),
            coalesce(v_avatar, '/avatars/default-avatar.png'),
            v_mood
        );
    end if;
    return echoroom_private.room_json(p_session_id);
end
$$;

-- The API ---------------------------------------------------------------------------------------------------------------------

create function echoroom.find_room(mood text)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.find_room(mood)
$$;

comment on function echoroom.find_room is 'The fullest active room of a mood with a free seat; opens a new one when all are full. The seat is not held: call join_room, and on room_full try again.';

create function echoroom.remove_participant(session_id uuid, user_id uuid)
returns boolean
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.remove_participant(session_id, user_id)
$$;

comment on function echoroom.remove_participant is
    'For the creator of a room: takes somebody''s seat, keeps them out and moves the room to a new topic. False when they were removed already.';

create function echoroom.readmit_participant(session_id uuid, user_id uuid)
returns boolean
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.readmit_participant(session_id, user_id)
$$;

comment on function echoroom.readmit_participant is 'For the creator of a room: lets somebody who was removed join again. False when they were not.';

-- Rights ----------------------------------------------------------------------------------------------------------------------

revoke execute on all functions in schema echoroom, echoroom_private from public;

grant execute on function
    echoroom_private.find_room(text),
    echoroom.find_room(text),
    echoroom_private.remove_participant(uuid, uuid),
    echoroom_private.readmit_participant(uuid, uuid),
    echoroom.remove_participant(uuid, uuid),
    echoroom.readmit_participant(uuid, uuid)
to authenticated, service_role;

notify pgrst, 'reload schema';
