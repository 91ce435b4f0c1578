-- EchoRoom, RPCs that read the stream: pages of history, and catch-up after a gap. Row level security decides what they see.
--
-- A statement a case, each read from one index in the order of the answer, and each with a limit that is written down: a plan that serves
-- every argument (Postgres makes one after five calls on a connection) knows neither which argument is null nor how long a page is, takes a
-- tenth of the room for its length, and reads all of it.
-- Locks: none.

create function echoroom.get_messages(
    session_id uuid,
    page_limit integer default 50,
    page_offset integer default 0,
    before_timestamp timestamptz default null,
    before_seq bigint default null
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
    v_limit integer := least(greatest(coalesce(page_limit, 50), 1), 200);
    v_offset integer := greatest(coalesce(page_offset, 0), 0);
    v_ids uuid[];
begin
    perform echoroom_private.check_reader(get_messages.session_id);
    -- What is passed over is read all the same.
    if v_offset > 10000 then
        perform echoroom_private.fail(
            'PT422', 'invalid_page_offset', 'At most 10000 messages can be passed over.', 'Send the seq of the oldest message that you have as before_seq.'
        );
    end if;

    if before_seq is not null then
        v_ids := array(
            select older.id
            from (
                select m.id, m.seq
                from echoroom.chat_messages m
                where m.session_id = get_messages.session_id
                    and m.seq < get_messages.before_seq
                    and (get_messages.before_timestamp is null or m.created_at < get_messages.before_timestamp)
                order by m.seq desc
                limit 10200
            ) older
            order by older.seq desc
            limit v_limit
            offset v_offset
        );
    elsif before_timestamp is not null then
        v_ids := array(
            select older.id
            from (
                select m.id, m.created_at, m.seq
                from echoroom.chat_messages m
                where m.session_id = get_messages.session_id and m.created_at < get_messages.before_timestamp
                order by m.created_at desc, m.seq desc
                limit 10200
            ) older
            order by older.created_at desc, older.seq desc
            limit v_limit
            offset v_offset
        );
    else
        v_ids := array(
            select latest.id
            from (
                select m.id, m.created_at, m.seq
                from echoroom.chat_messages m
                where m.session_id = get_messages.session_id
                order by m.created_at desc, m.seq desc
                limit 10200
            ) latest
            order by latest.created_at desc, latest.seq desc
            limit v_limit
            offset v_offset
        );
    end if;
    return echoroom_private.messages_json(v_ids);
end
$$;

comment on function echoroom.get_messages is
    'A page of a room''s messages, newest first, each with its reactions [{emoji, count, reacted}]. page_limit 1 to 200. The next page: before_seq, the seq of the oldest one so far; or before_timestamp, or page_offset up to 10000. PT422 invalid_page_offset.';

create function echoroom.messages_since(session_id uuid, after_seq bigint)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
    v_page constant integer := 500;
    v_window constant integer := 512;
    v_last_seq bigint;
    v_until bigint := greatest(coalesce(after_seq, 0), 0);
    v_ids uuid[] := array[]::uuid[];
    v_numbers bigint[] := array[]::bigint[];
    v_found_ids uuid[];
    v_found_numbers bigint[];
begin
    perform echoroom_private.check_reader(messages_since.session_id);

    -- Stable, so all of it reads one snapshot: what is numbered up to last_seq is in it.
    select s.last_seq into v_last_seq from echoroom.sessions s where s.id = messages_since.session_id;

    -- The numbers of a room have no gaps, so a window of them holds at most as many messages. It may hold none: where every message was
    -- changed again later, its number is further on. Twenty thousand numbers a call, then has_more.
    for v_round in 1..40 loop
        exit when v_until >= coalesce(v_last_seq, 0) or cardinality(v_ids) > v_page;
        select array_agg(found.id order by found.number), array_agg(found.number order by found.number)
        into v_found_ids, v_found_numbers
        from (
            select sent.id, sent.seq as number
            from (
                select m.id, m.seq
                from echoroom.chat_messages m
                where m.session_id = messages_since.session_id and m.seq > v_until and m.seq <= v_until + v_window
                order by m.seq
                limit 512
            ) sent
            where (select c.seq from echoroom_private.message_changes c where c.message_id = sent.id) is null
            union all
            select changed.message_id, changed.seq
            from (
                select c.message_id, c.seq
                from echoroom_private.message_changes c
                where c.session_id = messages_since.session_id and c.seq > v_until and c.seq <= v_until + v_window
                order by c.seq
                limit 512
            ) changed
        ) found;
        v_ids := v_ids || v_found_ids;
        v_numbers := v_numbers || v_found_numbers;
        v_until := v_until + v_window;
    end loop;

    return jsonb_build_object(
        'messages', echoroom_private.messages_json(v_ids[:v_page], v_numbers[:v_page]),
        'last_seq', case
            when cardinality(v_ids) > v_page then v_numbers[v_page]
            when v_until < v_last_seq then v_until
            else v_last_seq
        end,
        'has_more', cardinality(v_ids) > v_page or v_until < coalesce(v_last_seq, 0)
    );
end
$$;

comment on function echoroom.messages_since is
    'Catch-up: every message that changed after a number, in its present state and in order of change, at most 500. Returns {messages, last_seq, has_more}; last_seq is the next after_seq, also of a page without messages.';

-- Rights ----------------------------------------------------------------------------------------------------------------------

revoke execute on all functions in schema echoroom, echoroom_private from public;

grant execute on function
    echoroom.get_messages(uuid, integer, integer, timestamptz, bigint),
    echoroom.messages_since(uuid, bigint)
to authenticated, service_role;

notify pgrst, 'reload schema';
