-- EchoRoom, RPCs of seats: join, leave, heartbeat, voice status, profile; and the sweep of expired leases.
--
-- Locks: what takes or gives back a seat holds the room's row (FOR NO KEY UPDATE) until it commits; heartbeat, set_voice_status and
-- update_participant hold one seat and never the room. Rate limits are taken before either, so the order is always bucket, room, seat.

-- Helpers ---------------------------------------------------------------------------------------------------------------------

create function echoroom_private.friendly_name(p_session_id uuid)
returns text
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_adjectives constant text[] := array[
        'Amber', 'Brave', 'Bright', 'Calm', 'Cheerful', 'Clever', 'Curious', 'Dreamy', 'Gentle', 'Golden', 'Happy', 'Kind',
        'Lucky', 'Mellow', 'Merry', 'Misty', 'Patient', 'Quiet', 'Silver', 'Sunny', 'Tender', 'Velvet', 'Warm', 'Wild'
    ];
    v_animals constant text[] := array[
        'Badger', 'Beaver', 'Dolphin', 'Falcon', 'Finch', 'Fox', 'Hare', 'Hedgehog', 'Heron', 'Koala', 'Lark', 'Lynx',
        'Marten', 'Otter', 'Owl', 'Panda', 'Penguin', 'Puffin', 'Robin', 'Seal', 'Sparrow', 'Swan', 'Turtle', 'Wren'
    ];
    v_name text;
begin
    for v_attempt in 1..10 loop
        v_name := v_adjectives[1 + floor(random() * cardinality(v_adjectives))::integer]
            || ' ' || v_animals[1 + floor(random() * cardinality(v_animals))::integer];
        if v_attempt > 3 then
            v_name := v_name || ' ' || (10 + floor(random() * 990))::integer::text;
        end if;
        exit when not exists (
            select
            from echoroom.participants p
            where p.session_id = p_session_id and lower(p.user_name) = lower(v_name)
        );
    end loop;
    return v_name;
end
$$;

comment on function echoroom_private.friendly_name is 'A random name that nobody in the room has. Call it with the room locked.';

create function echoroom_private.join_room(p_session_id uuid, p_user_name text, p_mood text, p_avatar text)
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

comment on function echoroom_private.join_room is 'Behind echoroom.join_room.';

create function echoroom_private.leave_room(p_session_id uuid)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_user_id uuid := echoroom_private.me();
    v_session echoroom.sessions := echoroom_private.lock_room(p_session_id);
begin
    delete from echoroom.participants
    where user_id = v_user_id and session_id = p_session_id;
    if found then
        return true;
    end if;
    if not v_session.is_active then
        perform echoroom_private.room_not_found();
    end if;
    return false;
end
$$;

comment on function echoroom_private.leave_room is 'Behind echoroom.leave_room.';

create function echoroom_private.heartbeat(p_session_id uuid)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_user_id uuid := echoroom_private.me();
    v_answer jsonb;
begin
    update echoroom.participants
    set last_seen_at = now()
    where user_id = v_user_id and session_id = p_session_id;
    if not found then
        perform echoroom_private.check_reader(p_session_id);
    end if;
    select jsonb_build_object(
        'expires_at', now() + echoroom_private.lease(),
        'last_seq', s.last_seq,
        'topic', echoroom_private.topic(s.id, s.epoch)
    )
    into v_answer
    from echoroom.sessions s
    where s.id = p_session_id;
    return v_answer;
end
$$;

comment on function echoroom_private.heartbeat is 'Behind echoroom.heartbeat.';

create function echoroom_private.set_voice_status(p_session_id uuid, p_is_speaking boolean, p_is_muted boolean)
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

comment on function echoroom_private.set_voice_status is 'Behind echoroom.set_voice_status.';

create function echoroom_private.update_participant(p_session_id uuid, p_user_name text, p_avatar text, p_mood text)
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

comment on function echoroom_private.update_participant is 'Behind echoroom.update_participant.';

create function echoroom_private.close_empty_rooms(p_batch integer default 500)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_rooms uuid[];
    v_minutes integer[] := array[
        parley.allowed('echoroom.empty_room_minutes', null), parley.allowed('echoroom.empty_room_minutes', null, is_anonymous => true)
    ];
begin
    -- A sweep sees who is there now: a visit that is shorter than the time between two sweeps does not count. Each room is looked up by its key:
    -- a join could be planned as a scan of all rooms, of which most are closed.
    with seen as materialized (
        select
            t.session_id,
            t.empty_since is not null as was_empty,
            (select s.current_participants = 0 from echoroom.sessions s where s.id = t.session_id and s.is_active) as is_empty
        from echoroom_private.temporary_rooms t
    ),
    noted as (
        update echoroom_private.temporary_rooms t
        set empty_since = case when seen.is_empty then clock_timestamp() end
        from seen
        where seen.session_id = t.session_id and seen.is_empty <> seen.was_empty
    )
    -- Closed by somebody else.
    delete from echoroom_private.temporary_rooms t
    using seen
    where seen.session_id = t.session_id and seen.is_empty is null;

    select array_agg(locked.id)
    into v_rooms
    from (
        select s.id
        from echoroom.sessions s
        where s.id = any (
                array(
                    select t.session_id
                    from echoroom_private.temporary_rooms t
                    where t.empty_since <= clock_timestamp() - make_interval(mins => v_minutes[1 + t.is_anonymous::integer])
                    order by t.empty_since
                    limit p_batch
                )
            )
            and s.is_active
            and s.current_participants = 0
        order by s.id
        for no key update skip locked
    ) locked;
    update echoroom.sessions
    set is_active = false
    where id = any (v_rooms);
    delete from echoroom_private.temporary_rooms
    where session_id = any (v_rooms);
    return coalesce(cardinality(v_rooms), 0);
end
$$;

comment on function echoroom_private.close_empty_rooms is
    'Closes rooms that people opened and in which nobody has been for echoroom.empty_room_minutes, a batch a call; returns how many.';

create function echoroom_private.release_expired_seats()
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_rooms uuid[];
    v_released integer;
begin
    -- A room that somebody is just changing is left for the next sweep; at most 500 rooms are held at once.
    select array_agg(locked.id)
    into v_rooms
    from (
        select s.id
        from echoroom.sessions s
        where s.id in (
            select p.session_id
            from echoroom.participants p
            where p.last_seen_at < now() - echoroom_private.lease()
        )
        order by s.id
        limit 500
        for no key update skip locked
    ) locked;

    delete from echoroom.participants
    where session_id = any (v_rooms) and last_seen_at < now() - echoroom_private.lease();
    get diagnostics v_released = row_count;
    perform echoroom_private.close_empty_rooms();
    return v_released;
end
$$;

comment on function echoroom_private.release_expired_seats is
    'Gives back the seats without a heartbeat for 60 seconds, and closes rooms that have been empty for long; returns how many seats. For the worker or cron: call it every few seconds, again at once while it returns 500 or more.';

-- The API ---------------------------------------------------------------------------------------------------------------------

create function echoroom.join_room(session_id uuid, user_name text default null, mood text default 'calm', avatar text default null)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.join_room(session_id, user_name, mood, avatar)
$$;

comment on function echoroom.join_room is 'Takes a seat, or refreshes the one the caller has. Returns {session, participants, topic, last_seq}.';

create function echoroom.leave_room(session_id uuid)
returns boolean
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.leave_room(session_id)
$$;

comment on function echoroom.leave_room is 'Gives the caller''s seat back. False when there was none. PT404 room_not_found, also for a closed room without a seat.';

create function echoroom.heartbeat(session_id uuid)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.heartbeat(session_id)
$$;

comment on function echoroom.heartbeat is 'Keeps the caller''s seat for another 60 seconds. Returns {expires_at, last_seq, topic}.';

create function echoroom.set_voice_status(session_id uuid, is_speaking boolean default null, is_muted boolean default null)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.set_voice_status(session_id, is_speaking, is_muted)
$$;

comment on function echoroom.set_voice_status is 'Says whether the caller speaks and is muted; null leaves it. Returns the participant.';

create function echoroom.update_participant(session_id uuid, user_name text default null, avatar text default null, mood text default null)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.update_participant(session_id, user_name, avatar, mood)
$$;

comment on function echoroom.update_participant is 'Changes the caller''s name, avatar or mood; null leaves it. Returns the participant.';

-- Rights ----------------------------------------------------------------------------------------------------------------------

revoke execute on all functions in schema echoroom, echoroom_private from public;

grant execute on function
    echoroom_private.join_room(uuid, text, text, text),
    echoroom_private.leave_room(uuid),
    echoroom_private.heartbeat(uuid),
    echoroom_private.set_voice_status(uuid, boolean, boolean),
    echoroom_private.update_participant(uuid, text, text, text),
    echoroom.join_room(uuid, text, text, text),
    echoroom.leave_room(uuid),
    echoroom.heartbeat(uuid),
    echoroom.set_voice_status(uuid, boolean, boolean),
    echoroom.update_participant(uuid, text, text, text)
to authenticated, service_role;

grant execute on function echoroom_private.release_expired_seats() to service_role;

notify pgrst, 'reload schema';
