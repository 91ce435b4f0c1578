-- EchoRoom, the stream of a room: every change of its messages takes the next number of the room, under the lock of the room's row.
--
-- The rows keep their own rules, so that a direct write of service_role cannot break them: a message is numbered, an edit is
-- marked, a deleted text is emptied, and the old text goes to the audit log, by triggers of the table.
--
-- Locks. Everything that changes a room locks the account that does it first (FOR KEY SHARE, where a row will name it), then the room's row in
-- echoroom.sessions (FOR NO KEY UPDATE), and only then touches seats, messages or reactions. Heartbeats and voice status lock one seat and never the room. A direct write locks its own row first: if it
-- meets an RPC on the same row, Postgres ends one of the two with 40P01, and it can be repeated.

create function echoroom_private.next_seq(p_session_id uuid)
returns bigint
language sql
volatile
set search_path = ''
as $$
    update echoroom.sessions
    set last_seq = last_seq + 1
    where id = p_session_id
    returning last_seq
$$;

comment on function echoroom_private.next_seq is 'Takes the next number of a room''s stream, under the lock of the room''s row. Null when there is no such room.';

create function echoroom_private.hold_account(p_user_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    if p_user_id is null then
        return;
    end if;
    perform
    from auth.users u
    where u.id = p_user_id
    for key share;
    if not found then
        raise exception using errcode = '23503', message = 'There is no account with this user id.';
    end if;
end
$$;

comment on function echoroom_private.hold_account is
    'Keeps an account from being deleted until commit, as the foreign key would that is missing: 23503 where there is none. Nothing for null.';

create function echoroom_private.erases()
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
    return coalesce(current_setting('echoroom.erases', true), '');
end
$$;

comment on function echoroom_private.erases is
    'Whether what is deleted belongs to a room that goes as a whole (room: nobody is told, nothing is numbered) or to a person who wrote much (person: numbered, not told); empty otherwise.';

create function echoroom_private.number_message()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op = 'INSERT' then
        -- The account before the room, as whoever deletes the account has it.
        perform echoroom_private.hold_account(new.user_id);
        new.seq := echoroom_private.next_seq(new.session_id);
        if new.seq is null then
            perform echoroom_private.fail('PT404', 'room_not_found', 'There is no such room.', 'List the rooms with list_sessions.');
        end if;
        return new;
    end if;

    if new.session_id <> old.session_id then
        perform echoroom_private.fail('PT422', 'message_bound_to_room', 'A message cannot move to another room.', 'Send it again there.');
    end if;
    if new.user_id <> old.user_id or old.user_id is null then
        perform echoroom_private.hold_account(new.user_id);
    end if;
    new.seq := old.seq;
    if new.deleted_at is not null then
        new.content := '';
    elsif new.content <> old.content or old.deleted_at is not null then
        new.is_edited := true;
        new.edited_at := clock_timestamp();
    end if;
    return new;
end
$$;

comment on function echoroom_private.number_message is 'Trigger: numbers a new message; marks edits; empties deleted texts.';

create trigger chat_messages_number
    before insert or update on echoroom.chat_messages
    for each row execute function echoroom_private.number_message();

create function echoroom_private.change_message(p_message_id uuid, p_session_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_seq bigint := echoroom_private.next_seq(p_session_id);
begin
    -- Null: the room is just being deleted.
    if v_seq is not null then
        insert into echoroom_private.message_changes as known (message_id, session_id, seq)
        values (p_message_id, p_session_id, v_seq)
        on conflict on constraint message_changes_pkey do update
        set seq = excluded.seq;
    end if;
end
$$;

comment on function echoroom_private.change_message is 'A message was changed: takes the next number of its room and notes it.';

create function echoroom_private.number_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform echoroom_private.change_message(new.id, new.session_id);
    return null;
end
$$;

comment on function echoroom_private.number_change is 'Trigger: numbers a change of a message''s text.';

create trigger chat_messages_number_change
    after update on echoroom.chat_messages
    for each row
    when ((old.content, old.deleted_at) is distinct from (new.content, new.deleted_at))
    execute function echoroom_private.number_change();

create function echoroom_private.log_message_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into echoroom_private.audit_log (session_id, user_id, action, message_id, old_content)
    values (old.session_id, (select auth.uid()), case when new.deleted_at is null then 'edited' else 'deleted' end, old.id, old.content);
    return null;
end
$$;

comment on function echoroom_private.log_message_change is 'Trigger: keeps the text that an edit or a deletion replaced.';

create trigger chat_messages_log_change
    after update on echoroom.chat_messages
    for each row
    when (old.content is distinct from new.content)
    execute function echoroom_private.log_message_change();

create function echoroom_private.place_reaction()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform echoroom_private.hold_account(new.user_id);
    new.session_id := (select m.session_id from echoroom.chat_messages m where m.id = new.message_id);
    if new.session_id is null then
        perform echoroom_private.fail('PT404', 'message_not_found', 'There is no such message here.', 'Load the messages again with get_messages.');
    end if;
    return new;
end
$$;

comment on function echoroom_private.place_reaction is 'Trigger: a reaction belongs to the room of its message.';

create trigger message_reactions_place
    before insert on echoroom.message_reactions
    for each row execute function echoroom_private.place_reaction();

create function echoroom_private.number_reaction()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_reaction echoroom.message_reactions;
begin
    if tg_op = 'DELETE' then
        v_reaction := old;
    else
        v_reaction := new;
    end if;
    -- A message that is gone or deleted has no reactions to show, so nothing changed in the stream.
    if echoroom_private.erases() = 'room' or not exists (
        select from echoroom.chat_messages m where m.id = v_reaction.message_id and m.deleted_at is null
    ) then
        return null;
    end if;
    perform echoroom_private.change_message(v_reaction.message_id, v_reaction.session_id);
    return null;
end
$$;

comment on function echoroom_private.number_reaction is 'Trigger: a reaction that comes or goes is a change of its message.';

create trigger message_reactions_number_change
    after insert or delete on echoroom.message_reactions
    for each row execute function echoroom_private.number_reaction();

create function echoroom_private.log_seat_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op = 'INSERT' then
        insert into echoroom_private.audit_log (session_id, user_id, action)
        values (new.session_id, new.user_id, 'joined');
    else
        insert into echoroom_private.audit_log (session_id, user_id, action)
        values (
            old.session_id,
            old.user_id,
            case
                when old.last_seen_at < now() - echoroom_private.lease() then 'expired'
                when old.user_id = (select auth.uid()) then 'left'
                else 'removed'
            end
        );
    end if;
    return null;
end
$$;

comment on function echoroom_private.log_seat_change is 'Trigger: records who takes and who gives back a seat, and why.';

create trigger participants_log_change
    after insert or delete on echoroom.participants
    for each row execute function echoroom_private.log_seat_change();

revoke execute on all functions in schema echoroom_private from public;

notify pgrst, 'reload schema';
