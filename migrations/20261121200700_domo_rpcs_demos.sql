-- Domo, RPCs of demos: publish, archive, counts, the dashboard, the stream.
--
-- They run with the caller's rights: row level security decides whose demos there are. Somebody else's demo is one that does not exist.
-- Locks: publishing and archiving hold the demo.

create function domo.publish_demo(demo_id uuid)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_demo domo.demos;
begin
    update domo.demos d
    set status = 'published'
    where d.id = publish_demo.demo_id and d.deleted_at is null and d.status <> 'published'
    returning * into v_demo;
    if not found then
        select d.* into v_demo from domo.demos d where d.id = publish_demo.demo_id and d.deleted_at is null;
        if not found then
            perform domo_private.demo_not_found();
        end if;
    end if;
    return to_jsonb(v_demo);
end
$$;

comment on function domo.publish_demo is
    'Publishes a demo and returns it; twice is once. PT404 demo_not_found, PT410 demo_archived, PT409 videos_not_ready, PT422 demo_empty, cta_incomplete.';

create function domo.archive_demo(demo_id uuid)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_demo domo.demos;
begin
    update domo.demos d
    set status = 'archived'
    where d.id = archive_demo.demo_id and d.deleted_at is null and d.status <> 'archived'
    returning * into v_demo;
    if not found then
        select d.* into v_demo from domo.demos d where d.id = archive_demo.demo_id and d.deleted_at is null;
        if not found then
            perform domo_private.demo_not_found();
        end if;
    end if;
    return to_jsonb(v_demo);
end
$$;

comment on function domo.archive_demo is
    'Archives a demo and returns it; twice is once. Its running calls are ended. Set the status to draft to get it back. PT404 demo_not_found.';

create function domo.get_demo_stats(demo_uuid uuid)
returns table (
    video_count bigint,
    knowledge_chunk_count bigint,
    total_video_duration integer,
    last_conversation_at timestamptz
)
language plpgsql
stable
rows 1
set search_path = ''
as $$
begin
    -- The row is there from the beginning, so this reads one row however much there is to count.
    return query
    select s.video_count, s.knowledge_chunk_count, s.total_video_duration::integer, s.last_conversation_at
    from domo.demo_stats s
    join domo.demos d on d.id = s.demo_id
    where s.demo_id = demo_uuid and d.deleted_at is null;
    if not found then
        perform domo_private.demo_not_found();
    end if;
end
$$;

comment on function domo.get_demo_stats is 'The counts of a demo. PT404 demo_not_found.';

create function domo.demo_dashboard()
returns table (
    id uuid,
    name text,
    description text,
    created_at timestamptz,
    updated_at timestamptz,
    user_id uuid,
    agent_name text,
    agent_personality text,
    agent_greeting text,
    cta_text text,
    cta_link text,
    status text,
    published_url text,
    published_at timestamptz,
    tavus_persona_id text,
    tavus_conversation_id text,
    video_storage_path text,
    metadata jsonb,
    video_count bigint,
    knowledge_count bigint,
    pending_count bigint,
    total_video_duration integer,
    conversation_count bigint,
    last_activity timestamptz
)
language plpgsql
stable
rows 20
set search_path = ''
as $$
begin
    return query
    select
        d.id, d.name, d.description, d.created_at, d.updated_at, d.user_id, d.agent_name, d.agent_personality, d.agent_greeting, d.cta_text,
        d.cta_link, d.status, d.published_url, d.published_at, d.tavus_persona_id, d.tavus_conversation_id, d.video_storage_path, d.metadata,
        s.video_count,
        s.knowledge_chunk_count,
        s.knowledge_chunk_count - s.embedded_chunk_count,
        s.total_video_duration::integer,
        s.conversation_count,
        s.last_conversation_at
    from domo.demos d
    join domo.demo_stats s on s.demo_id = d.id
    where d.user_id = (select auth.uid()) and d.deleted_at is null
    order by d.updated_at desc, d.id;
end
$$;

comment on function domo.demo_dashboard is 'The caller''s demos with their counts, the latest changed first.';

create function domo.events_since(demo_id uuid, after_seq bigint default null, page_limit integer default 500)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
    v_limit integer := least(greatest(coalesce(page_limit, 500), 1), 1000);
    v_stats domo.demo_stats;
    v_oldest bigint;
    v_events jsonb := '[]'::jsonb;
    v_reached bigint;
begin
    -- Stable, so that all of it reads one snapshot: the number and the events belong together.
    select s.* into v_stats from domo.demo_stats s where s.demo_id = events_since.demo_id;
    if not found then
        perform domo_private.demo_not_found();
    end if;
    v_reached := v_stats.last_seq;
    if after_seq is not null then
        select
            coalesce(jsonb_agg(
                jsonb_build_object('seq', page.seq, 'event', page.event, 'payload', page.payload, 'created_at', page.created_at) order by page.seq
            ), '[]'),
            coalesce(max(page.seq), v_stats.last_seq)
        into v_events, v_reached
        from (
            select e.seq, e.event, e.payload, e.created_at
            from domo.demo_stream e
            where e.demo_id = events_since.demo_id and e.seq > after_seq
            order by e.seq
            limit v_limit
        ) page;
    end if;
    select min(e.seq) into v_oldest from domo.demo_stream e where e.demo_id = events_since.demo_id;
    return jsonb_build_object(
        'topic', 'domo:' || v_stats.demo_id || ':' || v_stats.epoch,
        'events', v_events,
        'last_seq', v_reached,
        'has_more', v_reached < v_stats.last_seq,
        -- False when some of what was asked for is forgotten already, or was never said: load everything anew.
        'is_complete', after_seq is null
            or after_seq <= v_stats.last_seq and after_seq >= coalesce(v_oldest, v_stats.last_seq + 1) - 1
    );
end
$$;

comment on function domo.events_since is
    'What the Realtime channel of a demo was told after a number: { topic, events, last_seq, has_more, is_complete }, at most page_limit (1 to 1000) events. Without a number only the topic and where it is now. is_complete false: some of it is forgotten, so load everything anew. PT404 demo_not_found.';

revoke execute on all functions in schema domo from public;
grant execute on function
    domo.publish_demo(uuid),
    domo.archive_demo(uuid),
    domo.get_demo_stats(uuid),
    domo.demo_dashboard(),
    domo.events_since(uuid, bigint, integer)
to authenticated, service_role;

notify pgrst, 'reload schema';
