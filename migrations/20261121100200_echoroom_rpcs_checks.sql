-- EchoRoom, what every RPC checks: its arguments, who calls, whether the room is there and open.
--
-- Errors that a client may see are raised here and in the RPCs by echoroom_private.fail; docs/errors.md lists them.
-- Helpers are PL/pgSQL even where one query says it all: a pinned search_path keeps Postgres from inlining an SQL function, and it would be
-- planned anew at every call. Measured for the ten helpers behind send_message together: 1.60 ms a call as SQL, 1.03 ms like this.
-- Locks: none, but lock_room takes a room's row (FOR NO KEY UPDATE) for its caller, and my_account the account's (FOR KEY SHARE).

-- Errors, lease and role ------------------------------------------------------------------------------------------------------

create function echoroom_private.fail(status text, code text, message text, hint text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    raise exception using errcode = status, message = message, detail = code, hint = hint;
end
$$;

comment on function echoroom_private.fail is 'Raises an error that a client may see: HTTP status by SQLSTATE PTnnn, stable code in detail. See docs/errors.md.';

create function echoroom_private.lease()
returns interval
language sql
immutable
parallel safe
set search_path = ''
as $$
    select interval '60 seconds'
$$;

comment on function echoroom_private.lease is 'How long a seat is kept without a heartbeat.';

create function echoroom_private.is_service()
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
    -- The role that the request runs as, seen from inside a definer function: current_user would be this function's owner there.
    return pg_has_role(coalesce(nullif(current_setting('role', true), 'none'), session_user)::name, 'service_role', 'usage');
end
$$;

comment on function echoroom_private.is_service is 'Whether the caller acts as service_role (or as a role that inherits it).';

-- Arguments -------------------------------------------------------------------------------------------------------------------

create function echoroom_private.clean_name(input text)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
    v_name text := parley.trim_text(input);
begin
    -- Control characters and direction marks would let a name pose as another one.
    if char_length(v_name) > 40 or not parley.is_one_line(v_name) then
        perform echoroom_private.fail(
            'PT422', 'invalid_user_name', 'A name has 1 to 40 characters, no control characters and no direction marks.', 'Shorten or correct the name.'
        );
    end if;
    return v_name;
end
$$;

comment on function echoroom_private.clean_name is 'A display name, trimmed and checked; null when none was given. PT422 invalid_user_name.';

create function echoroom_private.clean_mood(input text)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
    v_mood text := parley.trim_text(input);
begin
    if char_length(v_mood) > 64 or not parley.is_one_line(v_mood) then
        perform echoroom_private.fail(
            'PT422', 'invalid_mood', 'A mood has 1 to 64 characters, no control characters and no direction marks.', 'Shorten or correct the mood.'
        );
    end if;
    return v_mood;
end
$$;

comment on function echoroom_private.clean_mood is 'A mood, trimmed and checked; null when none was given. PT422 invalid_mood.';

create function echoroom_private.clean_avatar(input text)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
    v_avatar text := parley.trim_text(input);
begin
    if char_length(v_avatar) > 500 or v_avatar !~ '^(/[^/\\]|https://)' or v_avatar ~ '[[:space:][:cntrl:]]' then
        perform echoroom_private.fail(
            'PT422',
            'invalid_avatar',
            'An avatar is a path of this site or an https address, of at most 500 characters.',
            'Use a path such as /avatars/default-avatar.png.'
        );
    end if;
    return v_avatar;
end
$$;

comment on function echoroom_private.clean_avatar is 'The address of a picture, trimmed and checked; null when none was given. PT422 invalid_avatar.';

-- Identity --------------------------------------------------------------------------------------------------------------------

create function echoroom_private.me()
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
    v_user_id uuid := (select auth.uid());
begin
    if v_user_id is null then
        perform echoroom_private.fail('PT401', 'not_signed_in', 'You are not signed in.', 'Sign in first; an anonymous sign-in is enough.');
    end if;
    return v_user_id;
end
$$;

comment on function echoroom_private.me is 'The caller''s user id. PT401 not_signed_in without one.';

create function echoroom_private.my_account()
returns uuid
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_user_id uuid := echoroom_private.me();
begin
    -- A token outlives its account by up to an hour. Held until commit, and before the room: whoever deletes the account has it first, too.
    perform
    from auth.users u
    where u.id = v_user_id
    for key share;
    if not found then
        perform echoroom_private.fail('PT401', 'not_signed_in', 'Your account does not exist any more.', 'Sign in again.');
    end if;
    return v_user_id;
end
$$;

comment on function echoroom_private.my_account is 'The caller''s user id, when the account still exists, which it then does until commit. PT401 not_signed_in otherwise. Before any lock of a room.';

create function echoroom_private.room_not_found()
returns void
language sql
stable
set search_path = ''
as $$
    select echoroom_private.fail('PT404', 'room_not_found', 'There is no such room.', 'List the rooms with list_sessions.')
$$;

comment on function echoroom_private.room_not_found is 'Raises PT404 room_not_found.';

create function echoroom_private.not_a_member()
returns void
language sql
stable
set search_path = ''
as $$
    select echoroom_private.fail('PT403', 'not_a_member', 'You have no seat in this room.', 'Take one with join_room.')
$$;

comment on function echoroom_private.not_a_member is 'Raises PT403 not_a_member.';

create function echoroom_private.is_member(p_session_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
    return (
        select exists (
            select
            from echoroom.participants p
            where p.session_id = p_session_id and p.user_id = (select auth.uid())
        )
    );
end
$$;

comment on function echoroom_private.is_member is 'Whether the caller has a seat in the room. For definer helpers.';

create function echoroom_private.refuse_stranger(p_session_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    -- Open rooms are on everybody's list. A closed one is its members' alone.
    if not exists (select from echoroom.sessions s where s.id = p_session_id and s.is_active) then
        perform echoroom_private.room_not_found();
    end if;
    perform echoroom_private.not_a_member();
end
$$;

comment on function echoroom_private.refuse_stranger is
    'For somebody without a seat: PT403 not_a_member of an open room, PT404 room_not_found of a closed one as of none.';

create function echoroom_private.check_reader(p_session_id uuid)
returns void
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    if not echoroom_private.is_service() then
        perform echoroom_private.me();
        if echoroom_private.is_member(p_session_id) then
            return;
        end if;
    end if;
    if echoroom_private.is_service() then
        if not exists (select from echoroom.sessions s where s.id = p_session_id) then
            perform echoroom_private.room_not_found();
        end if;
        return;
    end if;
    perform echoroom_private.refuse_stranger(p_session_id);
end
$$;

comment on function echoroom_private.check_reader is 'Passes members and service_role. PT401 not_signed_in, PT404 room_not_found, PT403 not_a_member.';

create function echoroom_private.lock_room(p_session_id uuid)
returns echoroom.sessions
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_session echoroom.sessions;
begin
    select s.*
    into v_session
    from echoroom.sessions s
    where s.id = p_session_id
    for no key update;
    if not found then
        perform echoroom_private.room_not_found();
    end if;
    return v_session;
end
$$;

comment on function echoroom_private.lock_room is 'Locks a room for a change. PT404 room_not_found.';

create function echoroom_private.check_open(p_session echoroom.sessions)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if not p_session.is_active then
        perform echoroom_private.fail('PT410', 'room_closed', 'This room is closed.', 'Find another one with find_room.');
    end if;
end
$$;

comment on function echoroom_private.check_open is 'PT410 room_closed for an inactive room.';

-- Rights ----------------------------------------------------------------------------------------------------------------------

revoke execute on all functions in schema echoroom_private from public;

grant execute on function echoroom_private.fail(text, text, text, text) to anon, authenticated, service_role;
grant execute on function echoroom_private.lease(), echoroom_private.check_reader(uuid) to authenticated, service_role;

notify pgrst, 'reload schema';
