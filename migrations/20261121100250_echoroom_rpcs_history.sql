-- EchoRoom, RPCs that read the stream: pages of history, and catch-up after a gap. Row level security decides what they see.
-- Locks: none.

create function echoroom.get_messages(
    session_id uuid, page_limit integer default 50, page_offset integer default 0, before_timestamp timestamptz default null,
    before_seq bigint default null
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
    v_page jsonb;
begin
    perform echoroom_private.check_reader(get_messages.session_id);

    with page as materialized (
        -- One of the two runs, each on its own index.
        (
            select m.*
            from echoroom.chat_messages m
            where before_seq is null
                and m.session_id = get_messages.session_id
                and (before_timestamp is null or m.created_at < before_timestamp)
            order by m.created_at desc, m.seq desc
            limit least(greatest(coalesce(page_limit, 50), 1), 200)
            offset greatest(coalesce(page_offset, 0), 0)
        )
        union all
        (
            select m.*
            from echoroom.chat_messages m
            where before_seq is not null
                and m.session_id = get_messages.session_id
                and m.seq < before_seq
                and (before_timestamp is null or m.created_at < before_timestamp)
            order by m.seq desc
            limit least(greatest(coalesce(page_limit, 50), 1), 200)
            offset greatest(coalesce(page_offset, 0), 0)
        )
    )
    select coalesce(
        jsonb_agg(
            to_jsonb(page) || jsonb_build_object('reactions', coalesce(r.reactions, '[]'::jsonb))
            order by case when before_seq is null then page.created_at end desc, page.seq desc
        ),
        '[]'::jsonb
    )
    into v_page
    from page
    left join echoroom_private.reactions_of(
        array(select shown.id from page shown where shown.deleted_at is null)
    ) r on r.message_id = page.id;
    return v_page;
end
$$;

comment on function echoroom.get_messages is 'A page of a room''s messages, newest first, each with its reactions [{emoji, count, reacted}]. page_limit 1 to 200. The next page: before_seq, the seq of the last one; a time that a client has rounded may pass messages over.';

create function echoroom.messages_since(session_id uuid, after_seq bigint)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
    v_answer jsonb;
begin
    perform echoroom_private.check_reader(messages_since.session_id);

    -- Stable, so all of it reads one snapshot: what is numbered up to last_seq is in it.
    with page as materialized (
        select m.*
        from echoroom.chat_messages m
        where m.session_id = messages_since.session_id and m.changed_seq > coalesce(after_seq, 0)
        order by m.changed_seq
        limit 501
    ),
    kept as (
        select *
        from page
        order by page.changed_seq
        limit 500
    )
    select jsonb_build_object(
        'messages', coalesce(
            jsonb_agg(
                to_jsonb(kept) || jsonb_build_object('reactions', coalesce(r.reactions, '[]'::jsonb))
                order by kept.changed_seq
            ),
            '[]'::jsonb
        ),
        'last_seq', case
            when (select count(*) from page) > 500 then max(kept.changed_seq)
            else (select s.last_seq from echoroom.sessions s where s.id = messages_since.session_id)
        end,
        'has_more', (select count(*) from page) > 500
    )
    into v_answer
    from kept
    left join echoroom_private.reactions_of(
        array(select shown.id from kept shown where shown.deleted_at is null)
    ) r on r.message_id = kept.id;
    return v_answer;
end
$$;

comment on function echoroom.messages_since is
    'Catch-up: every message that changed after a number, in its present state and in order of change, at most 500. Returns {messages, last_seq, has_more}; last_seq is the next after_seq.';

-- Rights ----------------------------------------------------------------------------------------------------------------------

revoke execute on all functions in schema echoroom, echoroom_private from public;

grant execute on function
    echoroom.get_messages(uuid, integer, integer, timestamptz, bigint),
    echoroom.messages_since(uuid, bigint)
to authenticated, service_role;

notify pgrst, 'reload schema';
