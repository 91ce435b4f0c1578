-- EchoRoom, RPCs of rooms and personas.
--
-- A function of schema echoroom runs with the caller's rights. Where it must write, or see what the caller may not, it calls a definer
-- helper in echoroom_private that checks everything itself: identity is auth.uid(), never an argument.
-- Locks: who opens a room holds an advisory lock of their own ceiling until they commit.

-- Helpers ---------------------------------------------------------------------------------------------------------------------

create function echoroom_private.topic(p_session_id uuid, p_epoch integer)
returns text
language plpgsql
immutable
strict
parallel safe
set search_path = ''
as $$
begin
    return 'echoroom:' || p_session_id::text || ':' || p_epoch::text;
end
$$;

comment on function echoroom_private.topic is 'The Realtime topic of a room in one of its epochs.';

create function echoroom_private.room_json(p_session_id uuid)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return (
        select jsonb_build_object(
            'session', to_jsonb(s) || jsonb_build_object('current_participants', seats.taken),
            'participants', seats.list,
            'topic', echoroom_private.topic(s.id, s.epoch),
            'last_seq', s.last_seq
        )
        from echoroom.sessions s
        cross join lateral (
            select count(*) as taken, coalesce(jsonb_agg(to_jsonb(p) order by p.joined_at, p.user_id), '[]'::jsonb) as list
            from echoroom.participants p
            where p.session_id = s.id and p.last_seen_at >= now() - echoroom_private.lease()
        ) seats
        where s.id = p_session_id
    );
end
$$;

comment on function echoroom_private.room_json is 'A room with its participants, topic and last_seq, as far as the caller may see it. Overdue seats are left out.';

create function echoroom_private.people_in(p_session_id uuid)
returns bigint
language plpgsql
stable
set search_path = ''
as $$
begin
    return (
        select count(*)
        from echoroom.participants p
        where p.session_id = p_session_id and p.last_seen_at >= now() - echoroom_private.lease()
    );
end
$$;

comment on function echoroom_private.people_in is 'How many people sit in a room, overdue seats left out.';

create function echoroom_private.open_room(p_category text, p_description text, p_max_participants integer)
returns echoroom.sessions
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_session echoroom.sessions;
    v_user_id uuid;
begin
    if not echoroom_private.is_service() then
        v_user_id := echoroom_private.my_account();
        perform parley.limit_rate('echoroom.create_session');
        perform parley.lock_ceiling('echoroom.open_rooms', v_user_id);
        perform parley.check_ceiling(
            'echoroom.open_rooms',
            v_user_id,
            1 + (select count(*) from echoroom.sessions s where s.created_by = v_user_id and s.is_active),
            'You have %s open rooms already.',
            'Use one of them; an empty one closes by itself after a while.'
        );
    end if;
    insert into echoroom.sessions (category, description, max_participants, created_by)
    values (p_category, p_description, p_max_participants, v_user_id)
    returning * into v_session;
    if v_user_id is not null then
        insert into echoroom_private.temporary_rooms (session_id, is_anonymous)
        values (v_session.id, parley.is_anonymous());
    end if;
    return v_session;
end
$$;

comment on function echoroom_private.open_room is 'Inserts a room, within the caller''s rate and ceiling.';

create function echoroom_private.create_session(p_category text, p_description text, p_max_participants integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_category text := echoroom_private.clean_mood(p_category);
    v_description text := parley.trim_text(p_description);
    v_max_participants integer := coalesce(p_max_participants, 6);
begin
    if not echoroom_private.is_service() then
        perform echoroom_private.me();
    end if;
    if v_category is null then
        perform echoroom_private.fail('PT422', 'invalid_mood', 'A room needs a category of 1 to 64 characters.', 'Name a mood, such as Calm.');
    end if;
    if char_length(v_description) > 500 then
        perform echoroom_private.fail('PT422', 'invalid_description', 'A description has at most 500 characters.', 'Shorten the description.');
    end if;
    if v_max_participants not between 1 and 100 then
        perform echoroom_private.fail('PT422', 'invalid_max_participants', 'A room has 1 to 100 seats.', 'Choose a number between 1 and 100.');
    end if;
    return to_jsonb(echoroom_private.open_room(v_category, v_description, v_max_participants));
end
$$;

comment on function echoroom_private.create_session is 'Behind echoroom.create_session.';

create function echoroom_private.list_sessions()
returns table (
    id uuid,
    category text,
    description text,
    is_active boolean,
    max_participants integer,
    current_participants integer,
    free_seats integer,
    created_at timestamptz,
    updated_at timestamptz
)
language sql
stable
security definer
set search_path = ''
as $$
    -- By the counter, which has an index; how many of a room's seats are overdue is looked up for these rooms only.
    select
        s.id,
        s.category,
        s.description,
        s.is_active,
        s.max_participants,
        seats.taken,
        greatest(s.max_participants - seats.taken, 0),
        s.created_at,
        s.updated_at
    from (
        (
            select r.*
            from echoroom.sessions r
            where r.is_active
            order by r.current_participants desc, r.created_at, r.id
            limit 500
        )
        -- Nobody opens so many rooms that the moods which are always there cannot be seen.
        union
        (
            select r.*
            from echoroom.sessions r
            where r.is_active and r.created_by is null
            order by r.created_at, r.id
            limit 50
        )
    ) s
    cross join lateral (
        select count(*)::integer as taken
        from echoroom.participants p
        where p.session_id = s.id and p.last_seen_at >= now() - echoroom_private.lease()
    ) seats
    order by seats.taken >= s.max_participants, seats.taken desc, s.created_by is not null, s.created_at, s.id
$$;

comment on function echoroom_private.list_sessions is 'Behind echoroom.list_sessions: counts seats that the caller may not see one by one.';

-- The API ---------------------------------------------------------------------------------------------------------------------

create function echoroom.create_session(category text, description text default null, max_participants integer default 6)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.create_session(category, description, max_participants)
$$;

comment on function echoroom.create_session is 'Opens a room and returns it. The caller is not seated: join_room does that.';

create function echoroom.list_sessions()
returns table (
    id uuid,
    category text,
    description text,
    is_active boolean,
    max_participants integer,
    current_participants integer,
    free_seats integer,
    created_at timestamptz,
    updated_at timestamptz
)
language sql
stable
set search_path = ''
as $$
    select * from echoroom_private.list_sessions()
$$;

comment on function echoroom.list_sessions is 'The 500 active rooms with the most people, and among equals the oldest, with seats taken and free. Overdue seats count as free.';

create function echoroom.room_state(session_id uuid)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    perform echoroom_private.check_reader(room_state.session_id);
    return echoroom_private.room_json(room_state.session_id);
end
$$;

comment on function echoroom.room_state is 'For members: {session, participants, topic, last_seq}, as join_room returns it.';

create function echoroom_private.persona_by_mood(p_mood text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    v_persona echoroom.persona;
begin
    select p.*
    into v_persona
    from echoroom.persona p
    where lower(p.mood) = lower(parley.trim_text(p_mood));
    if not found then
        perform echoroom_private.fail('PT404', 'persona_not_found', 'There is no persona for this mood.', 'Read the table persona for the moods that have one.');
    end if;
    return to_jsonb(v_persona);
end
$$;

comment on function echoroom_private.persona_by_mood is 'Behind echoroom.persona_by_mood. Everybody may read personas.';

create function echoroom.persona_by_mood(mood text)
returns jsonb
language sql
stable
set search_path = ''
as $$
    select echoroom_private.persona_by_mood(mood)
$$;

comment on function echoroom.persona_by_mood is 'The AI persona of a mood, in any case of letters. PT404 persona_not_found.';

-- Rights ----------------------------------------------------------------------------------------------------------------------

revoke execute on all functions in schema echoroom, echoroom_private from public;

grant execute on function
    echoroom_private.list_sessions(),
    echoroom.list_sessions(),
    echoroom_private.persona_by_mood(text),
    echoroom.persona_by_mood(text)
to anon, authenticated, service_role;

grant execute on function
    echoroom_private.topic(uuid, integer),
    echoroom_private.room_json(uuid),
    echoroom_private.create_session(text, text, integer),
    echoroom.create_session(text, text, integer),
    echoroom.room_state(uuid)
to authenticated, service_role;

notify pgrst, 'reload schema';
