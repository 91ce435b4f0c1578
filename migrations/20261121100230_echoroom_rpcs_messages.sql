-- EchoRoom, RPCs of messages: send, edit, delete.
--
-- Locks: every write holds the room's row (FOR NO KEY UPDATE) until it commits, so the numbers of a room's stream are taken in the
-- order in which they become visible. Whoever asks for a message that they may not see is told that there is none, in the same words
-- whether it exists or not.

-- What a client gets ----------------------------------------------------------------------------------------------------------

-- For a page of hundreds of messages a scan of all reactions may look cheaper while they are some thousands, and a plan is kept: hence
-- enable_seqscan.
create function echoroom_private.reactions_of(p_message_ids uuid[])
returns table (message_id uuid, reactions jsonb)
language plpgsql
stable
set search_path = ''
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
    return query
    select
        grouped.message_id,
        jsonb_agg(
            jsonb_build_object('emoji', grouped.emoji, 'count', grouped.people, 'reacted', grouped.is_mine)
            order by grouped.first_at, grouped.emoji
        )
    from (
        select
            r.message_id,
            r.emoji,
            count(*) as people,
            coalesce(bool_or(r.user_id = (select auth.uid())), false) as is_mine,
            min(r.created_at) as first_at
        from echoroom.message_reactions r
        where r.message_id = any (p_message_ids)
        group by r.message_id, r.emoji
    ) grouped
    group by grouped.message_id;
end
$$;

comment on function echoroom_private.reactions_of is 'Reactions of some messages, grouped by emoji: [{emoji, count, reacted}], oldest first. As far as the caller may see them.';

create function echoroom_private.erased_ids()
returns uuid[]
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return array(select e.user_id from echoroom_private.erased_people e);
end
$$;

comment on function echoroom_private.erased_ids is
    'Accounts that are deleted and whose id is still being taken out of what they wrote: no RPC returns it any more. As a rule none.';

create function echoroom_private.messages_json(p_message_ids uuid[], p_changed_seqs bigint[] default null)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
    v_erased constant uuid[] := echoroom_private.erased_ids();
begin
    -- The number of the latest change by a scalar subquery: a join could be planned as a scan of all changes.
    return (
        select coalesce(
            jsonb_agg(
                to_jsonb(m) || jsonb_build_object(
                    'user_id', case when m.user_id = any (v_erased) then null else m.user_id end,
                    'changed_seq',
                    case
                        when p_changed_seqs is null then
                            coalesce((select c.seq from echoroom_private.message_changes c where c.message_id = m.id), m.seq)
                        else p_changed_seqs[wanted.place]
                    end,
                    'reactions',
                    case when m.deleted_at is null then coalesce(r.reactions, '[]'::jsonb) else '[]'::jsonb end
                )
                order by wanted.place
            ),
            '[]'::jsonb
        )
        from unnest(p_message_ids) with ordinality as wanted (id, place)
        join echoroom.chat_messages m on m.id = wanted.id
        left join echoroom_private.reactions_of(p_message_ids) r on r.message_id = m.id
    );
end
$$;

comment on function echoroom_private.messages_json is 'Messages in the order of their ids as get_messages returns them, as far as the caller may see them; the numbers of their latest changes are looked up where they are not given.';

create function echoroom_private.message_json(p_message_id uuid)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return echoroom_private.messages_json(array[p_message_id]) -> 0;
end
$$;

comment on function echoroom_private.message_json is 'One message as get_messages returns it.';

-- Checks ----------------------------------------------------------------------------------------------------------------------

create function echoroom_private.clean_content(input text)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
    v_content text := parley.trim_text(input);
    v_length integer := coalesce(char_length(v_content), 0);
begin
    if v_length not between 1 and 4000 then
        perform echoroom_private.fail(
            'PT422',
            'invalid_content',
            format('A message has 1 to 4000 characters; this one has %s.', v_length),
            'Write something, or split it into several messages.'
        );
    end if;
    return v_content;
end
$$;

comment on function echoroom_private.clean_content is 'The text of a message, trimmed and checked. PT422 invalid_content.';

create function echoroom_private.message_not_found()
returns void
language sql
stable
set search_path = ''
as $$
    select echoroom_private.fail('PT404', 'message_not_found', 'There is no such message here.', 'Load the messages again with get_messages.')
$$;

comment on function echoroom_private.message_not_found is 'Raises PT404 message_not_found.';

-- The one place that decides who may touch a message: its author, service_role, and for reactions every member.
create function echoroom_private.lock_message(p_message_id uuid, p_own boolean)
returns echoroom.chat_messages
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_message echoroom.chat_messages;
    v_is_author boolean;
begin
    select m.*
    into v_message
    from echoroom.chat_messages m
    where m.id = p_message_id;
    if not found then
        perform echoroom_private.message_not_found();
    end if;
    perform echoroom_private.lock_room(v_message.session_id);

    -- Read again: it may have been edited, deleted or removed while we waited for the room.
    select m.*
    into v_message
    from echoroom.chat_messages m
    where m.id = p_message_id
    for no key update;
    if not found then
        perform echoroom_private.message_not_found();
    end if;
    if echoroom_private.is_service() then
        return v_message;
    end if;

    v_is_author := v_message.user_id is not distinct from echoroom_private.me();
    if not v_is_author and not echoroom_private.is_member(v_message.session_id) then
        perform echoroom_private.message_not_found();
    end if;
    if p_own and not v_is_author then
        perform echoroom_private.fail('PT403', 'not_your_message', 'This message is not yours.', 'Only its author may change it.');
    end if;
    return v_message;
end
$$;

comment on function echoroom_private.lock_message is
    'Locks a message''s room and the message, and checks the caller. PT404 message_not_found, PT403 not_your_message.';

create function echoroom_private.check_can_speak(p_message echoroom.chat_messages)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    perform echoroom_private.check_open(s) from echoroom.sessions s where s.id = p_message.session_id;
    if not echoroom_private.is_service() and not echoroom_private.is_member(p_message.session_id) then
        perform echoroom_private.not_a_member();
    end if;
    if p_message.deleted_at is not null then
        perform echoroom_private.message_not_found();
    end if;
end
$$;

comment on function echoroom_private.check_can_speak is 'PT410 room_closed, PT403 not_a_member, and PT404 message_not_found for a deleted message.';

-- Writes ----------------------------------------------------------------------------------------------------------------------

create function echoroom_private.sent_before(p_session_id uuid, p_user_id uuid, p_client_id uuid)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
    -- One branch for each of the two unique indexes; at most one of them can match.
    return (
        select m.id
        from echoroom.chat_messages m
        where m.session_id = p_session_id and m.user_id = p_user_id and m.client_id = p_client_id
        union all
        select m.id
        from echoroom.chat_messages m
        where p_user_id is null
            and m.session_id = p_session_id
            and m.user_id is null
            and m.message_type in ('system', 'ai-prompt')
            and m.client_id = p_client_id
    );
end
$$;

comment on function echoroom_private.sent_before is 'The message that the same sender sent under the same client_id, if any.';

create function echoroom_private.send_message(
    p_session_id uuid, p_content text, p_message_type text, p_reply_to uuid, p_client_id uuid
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_is_service boolean := echoroom_private.is_service();
    v_message_type text := coalesce(parley.trim_text(p_message_type), 'text');
    v_user_id uuid;
    v_sender_name text := 'system';
    v_content text;
    v_session echoroom.sessions;
    v_message_id uuid;
begin
    if v_message_type not in ('text', 'system', 'ai-prompt', 'mood-check') then
        perform echoroom_private.fail(
            'PT422',
            'invalid_message_type',
            'A message is of type text or mood-check; system and ai-prompt are for the server.',
            'Leave message_type out to send a text.'
        );
    end if;
    if v_message_type in ('text', 'mood-check') then
        v_user_id := echoroom_private.my_account();
    elsif not v_is_service then
        perform echoroom_private.me();
        perform echoroom_private.fail(
            'PT403', 'reserved_message_type', 'Messages of this type come from the server only.', 'Send a text or a mood-check.'
        );
    end if;
    v_content := echoroom_private.clean_content(p_content);

    -- A retry reads a message as it is now, so it is for members and counts as a request like any other.
    perform parley.limit_rate('echoroom.message');
    v_session := echoroom_private.lock_room(p_session_id);
    if v_user_id is not null then
        select coalesce(nullif(p.user_name, ''), 'Anonymous')
        into v_sender_name
        from echoroom.participants p
        where p.user_id = v_user_id and p.session_id = p_session_id;
        if not found then
            perform echoroom_private.refuse_stranger(p_session_id);
        end if;
    end if;

    v_message_id := echoroom_private.sent_before(p_session_id, v_user_id, p_client_id);
    if v_message_id is not null then
        return echoroom_private.message_json(v_message_id);
    end if;
    perform echoroom_private.check_open(v_session);
    if p_reply_to is not null and not exists (
        select from echoroom.chat_messages m where m.id = p_reply_to and m.session_id = p_session_id
    ) then
        perform echoroom_private.message_not_found();
    end if;

    -- After the bucket above, which lets one request of a person through at a time: no two wait for each other here.
    perform parley.limit_rate('echoroom.daily_messages');
    insert into echoroom.chat_messages (session_id, user_id, sender_name, content, message_type, reply_to, client_id)
    values (p_session_id, v_user_id, v_sender_name, v_content, v_message_type, p_reply_to, p_client_id)
    returning id into v_message_id;
    return echoroom_private.message_json(v_message_id);
end
$$;

comment on function echoroom_private.send_message is 'Behind echoroom.send_message.';

create function echoroom_private.edit_message(p_message_id uuid, p_content text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_content text;
begin
    if not echoroom_private.is_service() then
        perform echoroom_private.me();
    end if;
    v_content := echoroom_private.clean_content(p_content);
    perform parley.limit_rate('echoroom.message');
    perform echoroom_private.check_can_speak(echoroom_private.lock_message(p_message_id, true));
    update echoroom.chat_messages
    set content = v_content
    where id = p_message_id and content <> v_content;
    return echoroom_private.message_json(p_message_id);
end
$$;

comment on function echoroom_private.edit_message is 'Behind echoroom.edit_message.';

create function echoroom_private.delete_message(p_message_id uuid)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    if not echoroom_private.is_service() then
        perform echoroom_private.me();
    end if;
    perform parley.limit_rate('echoroom.message');
    perform echoroom_private.lock_message(p_message_id, true);
    update echoroom.chat_messages
    set deleted_at = clock_timestamp()
    where id = p_message_id and deleted_at is null;
    return echoroom_private.message_json(p_message_id);
end
$$;

comment on function echoroom_private.delete_message is 'Behind echoroom.delete_message.';

-- The API ---------------------------------------------------------------------------------------------------------------------

create function echoroom.send_message(
    session_id uuid, content text, message_type text default 'text', reply_to uuid default null, client_id uuid default null
)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.send_message(session_id, content, message_type, reply_to, client_id)
$$;

comment on function echoroom.send_message is 'Sends a message to a room the caller sits in, and returns it. With a client_id a retry returns the first one. PT429 above the rate or the day''s messages.';

create function echoroom.edit_message(message_id uuid, content text)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.edit_message(message_id, content)
$$;

comment on function echoroom.edit_message is 'Changes the text of the caller''s own message, and returns it.';

create function echoroom.delete_message(message_id uuid)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.delete_message(message_id)
$$;

comment on function echoroom.delete_message is 'Empties the caller''s own message, also after leaving, and returns the tombstone.';

-- Rights ----------------------------------------------------------------------------------------------------------------------

revoke execute on all functions in schema echoroom, echoroom_private from public;

grant execute on function
    echoroom_private.reactions_of(uuid[]),
    echoroom_private.erased_ids(),
    echoroom_private.messages_json(uuid[], bigint[]),
    echoroom_private.send_message(uuid, text, text, uuid, uuid),
    echoroom_private.edit_message(uuid, text),
    echoroom_private.delete_message(uuid),
    echoroom.send_message(uuid, text, text, uuid, uuid),
    echoroom.edit_message(uuid, text),
    echoroom.delete_message(uuid)
to authenticated, service_role;

notify pgrst, 'reload schema';
