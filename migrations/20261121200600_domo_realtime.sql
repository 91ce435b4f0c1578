-- Domo, Realtime: what the channel of a demo is told, the stream that keeps it, and who may listen.
--
-- Triggers tell, so a direct write of service_role, a webhook and an RPC sound alike. Every event takes the next number of the demo, under the
-- lock of its counts, and is kept in demo_stream: events_since gives what a listener missed, in order and without gaps. An event names what
-- changed and how it is now, so hearing it twice does no harm.
-- Locks: creating a policy on realtime.messages takes ACCESS EXCLUSIVE on it until commit, hence the lock_timeout. Afterwards: the demo's row of
-- demo_stats, last of all, until the transaction ends. Holding it keeps the demo on its topic.

create function domo_private.tell_demo(p_demo_id uuid, p_event text, p_payload jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_epoch integer;
    v_seq bigint;
begin
    if domo_private.is_importing() then
        return;
    end if;
    -- Of a demo that is just being deleted nobody is told: triggers fire when all that hangs on it is gone, this row among it.
    update domo.demo_stats s
    set last_seq = s.last_seq + 1
    where s.demo_id = p_demo_id
    returning s.epoch, s.last_seq into v_epoch, v_seq;
    if found then
        insert into domo.demo_stream (demo_id, seq, event, payload)
        values (p_demo_id, v_seq, p_event, p_payload);
        perform parley.broadcast(domo_private.topic(p_demo_id, v_epoch), p_event, p_payload || jsonb_build_object('seq', v_seq));
    end if;
end
$$;

comment on function domo_private.tell_demo is 'Numbers an event of a demo, keeps it, and broadcasts it with its seq.';

-- Demos -------------------------------------------------------------------------------------------------------------------------

create function domo_private.tell_demo_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform domo_private.tell_demo(new.id, 'demo-changed', jsonb_build_object(
        'id', new.id,
        'name', new.name,
        'status', new.status,
        'deleted_at', new.deleted_at,
        'updated_at', new.updated_at
    ));
    return null;
end
$$;

comment on function domo_private.tell_demo_change is 'Trigger: demo-changed.';

-- Not that a call began or ended: conversation-changed says that.
create trigger demos_tell
    after update on domo.demos
    for each row
    when (
        (
            old.name, old.description, old.agent_name, old.agent_personality, old.agent_greeting, old.cta_text, old.cta_link, old.status,
            old.published_url, old.tavus_persona_id, old.video_storage_path, old.metadata, old.deleted_at
        ) is distinct from (
            new.name, new.description, new.agent_name, new.agent_personality, new.agent_greeting, new.cta_text, new.cta_link, new.status,
            new.published_url, new.tavus_persona_id, new.video_storage_path, new.metadata, new.deleted_at
        )
    )
    execute function domo_private.tell_demo_change();

-- Videos ------------------------------------------------------------------------------------------------------------------------

create function domo_private.tell_video_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op = 'DELETE' then
        perform domo_private.tell_demo(old.demo_id, 'video-deleted', jsonb_build_object('id', old.id));
    else
        perform domo_private.tell_demo(new.demo_id, 'video-changed', jsonb_build_object(
            'id', new.id,
            'title', new.title,
            'order_index', new.order_index,
            'duration_seconds', new.duration_seconds,
            'processing_status', new.processing_status,
            'failure', new.failure,
            'deleted_at', new.deleted_at
        ));
    end if;
    return null;
end
$$;

comment on function domo_private.tell_video_change is 'Trigger: video-changed, video-deleted.';

create trigger demo_videos_tell
    after insert or delete on domo.demo_videos
    for each row execute function domo_private.tell_video_change();

create trigger demo_videos_tell_update
    after update on domo.demo_videos
    for each row
    when (
        (old.title, old.order_index, old.duration_seconds, old.processing_status, old.failure, old.deleted_at)
        is distinct from (new.title, new.order_index, new.duration_seconds, new.processing_status, new.failure, new.deleted_at)
    )
    execute function domo_private.tell_video_change();

-- Knowledge -----------------------------------------------------------------------------------------------------------------------

create function domo_private.tell_knowledge(p_demo_ids uuid[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_stats record;
begin
    -- One event a statement and demo, however many chunks: what a progress bar needs.
    for v_stats in
        select s.demo_id, s.knowledge_chunk_count, s.embedded_chunk_count
        from domo.demo_stats s
        where s.demo_id = any (p_demo_ids)
        order by s.demo_id
    loop
        perform domo_private.tell_demo(v_stats.demo_id, 'knowledge-changed', jsonb_build_object(
            'knowledge_chunk_count', v_stats.knowledge_chunk_count,
            'embedded_chunk_count', v_stats.embedded_chunk_count
        ));
    end loop;
end
$$;

comment on function domo_private.tell_knowledge is 'knowledge-changed, with how many chunks there are and how many have their embedding.';

create function domo_private.tell_knowledge_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op = 'INSERT' then
        perform domo_private.tell_knowledge(array(select distinct n.demo_id from new_rows n));
    elsif tg_op = 'DELETE' then
        perform domo_private.tell_knowledge(array(select distinct o.demo_id from old_rows o));
    else
        perform domo_private.tell_knowledge(array(
            select distinct n.demo_id
            from new_rows n
            join old_rows o on o.id = n.id
            where (n.content_digest, n.source, n.deleted_at, n.embedded_at) is distinct from (o.content_digest, o.source, o.deleted_at, o.embedded_at)
        ));
    end if;
    return null;
end
$$;

comment on function domo_private.tell_knowledge_change is 'Trigger: knowledge-changed.';

-- Triggers fire in the order of their names: these after the kernel's, which count.
create trigger tell_knowledge_insert
    after insert on domo.knowledge_chunks
    referencing new table as new_rows
    for each statement execute function domo_private.tell_knowledge_change();

create trigger tell_knowledge_update
    after update on domo.knowledge_chunks
    referencing old table as old_rows new table as new_rows
    for each statement execute function domo_private.tell_knowledge_change();

create trigger tell_knowledge_delete
    after delete on domo.knowledge_chunks
    referencing old table as old_rows
    for each statement execute function domo_private.tell_knowledge_change();

-- Calls -------------------------------------------------------------------------------------------------------------------------

create function domo_private.tell_conversation_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform domo_private.tell_demo(new.demo_id, 'conversation-changed', jsonb_build_object(
        'id', new.id,
        'conversation_id', new.conversation_id,
        'conversation_url', new.conversation_url,
        'status', new.status,
        'replica_joined_at', new.replica_joined_at,
        'end_requested_at', new.end_requested_at,
        'ended_at', new.ended_at,
        'shutdown_reason', new.shutdown_reason,
        'failure', new.failure,
        'transcript_ready_at', new.transcript_ready_at
    ));
    return null;
end
$$;

comment on function domo_private.tell_conversation_change is 'Trigger: conversation-changed.';

create trigger conversations_tell_insert
    after insert on domo.conversations
    for each row
    when (new.demo_id is not null)
    execute function domo_private.tell_conversation_change();

create trigger conversations_tell_update
    after update on domo.conversations
    for each row
    when (
        new.demo_id is not null
        and (
            old.conversation_id, old.conversation_url, old.status, old.replica_joined_at, old.end_requested_at, old.ended_at,
            old.shutdown_reason, old.failure, old.transcript_ready_at
        ) is distinct from (
            new.conversation_id, new.conversation_url, new.status, new.replica_joined_at, new.end_requested_at, new.ended_at,
            new.shutdown_reason, new.failure, new.transcript_ready_at
        )
    )
    execute function domo_private.tell_conversation_change();

create function domo_private.tell_event()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    -- The event itself is in the table: a broadcast has a size limit, a transcript has none.
    perform domo_private.tell_demo(new.demo_id, 'conversation-event', jsonb_build_object(
        'id', new.id,
        'conversation', new.conversation,
        'conversation_id', new.conversation_id,
        'event_type', new.event_type,
        'processed_at', new.processed_at
    ));
    return null;
end
$$;

comment on function domo_private.tell_event is 'Trigger: conversation-event.';

create trigger processed_webhook_events_tell
    after insert on domo.processed_webhook_events
    for each row execute function domo_private.tell_event();

-- The topic -----------------------------------------------------------------------------------------------------------------------

create function domo_private.rotate_topic(p_demo_id uuid)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_epoch integer;
    v_seq bigint;
    v_topic text;
begin
    -- Whoever speaks holds this row until commit, so nothing is said on the old topic after this.
    update domo.demo_stats s
    set epoch = s.epoch + 1, last_seq = s.last_seq + 1
    where s.demo_id = p_demo_id
    returning s.epoch, s.last_seq into v_epoch, v_seq;
    if not found then
        perform domo_private.demo_not_found();
    end if;
    v_topic := domo_private.topic(p_demo_id, v_epoch);
    insert into domo.demo_stream (demo_id, seq, event, payload)
    values (p_demo_id, v_seq, 'topic-rotated', jsonb_build_object('topic', v_topic, 'epoch', v_epoch));
    perform parley.broadcast(
        domo_private.topic(p_demo_id, v_epoch - 1), 'topic-rotated', jsonb_build_object('topic', v_topic, 'epoch', v_epoch, 'seq', v_seq)
    );
    return v_topic;
end
$$;

comment on function domo_private.rotate_topic is
    'For operators: moves a demo to its next topic, for a listener who must hear no more: Realtime asks again who joins that one. The old topic''s last event names it.';

create function domo_private.my_topics()
returns setof text
language plpgsql
stable
security definer
rows 10
set search_path = ''
as $$
begin
    return query
    select domo_private.topic(s.demo_id, s.epoch)
    from domo.demo_stats s
    where s.user_id = (select auth.uid());
end
$$;

comment on function domo_private.my_topics is 'The Realtime topics of the caller''s demos. For policies.';

create function domo_private.prune_stream(p_days integer default 7, p_batch integer default 10000)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
-- A plan made while there were few events would read all of them for as long as the session keeps the plan.
set enable_seqscan = off
as $$
declare
    v_passed constant timestamptz := coalesce(parley.prune_position('domo.stream'), '-infinity')::timestamptz;
    v_range record;
    v_reached timestamptz;
    v_found bigint := 0;
    v_gone bigint;
    v_pruned bigint := 0;
begin
    if p_days is null or p_days not between 1 and 36500 then
        raise exception using errcode = '22023', message = 'A stream is kept for 1 to 36500 days.';
    end if;
    if p_batch is null or p_batch not between 1 and 100000 then
        raise exception using errcode = '22023', message = 'The batch must have 1 to 100000 events.';
    end if;
    -- The oldest first, and of each demo all between its first and its last: what is left of a stream is its end, without gaps, also where the
    -- server's clock went back. One after the other, since a join with all of them could be planned as a scan of every stream.
    for v_range in
        with doomed as materialized (
            select e.demo_id, e.seq, e.created_at
            from domo.demo_stream e
            where e.created_at < now() - make_interval(hours => 24 * p_days) and e.created_at >= v_passed
            order by e.created_at
            limit p_batch
        )
        select doomed.demo_id, min(doomed.seq) as first_seq, max(doomed.seq) as last_seq, count(*) as events, max(doomed.created_at) as latest_at
        from doomed
        group by doomed.demo_id
        order by doomed.demo_id
    loop
        delete from domo.demo_stream e
        where e.demo_id = v_range.demo_id and e.seq between v_range.first_seq and v_range.last_seq;
        get diagnostics v_gone = row_count;
        v_pruned := v_pruned + v_gone;
        v_found := v_found + v_range.events;
        v_reached := greatest(v_reached, v_range.latest_at);
    end loop;
    perform parley.set_prune_position('domo.stream', case when v_found >= p_batch then v_reached::text end);
    return v_pruned;
end
$$;

comment on function domo_private.prune_stream is
    'Forgets the events of streams above an age, at most a batch; returns how many: call it again while the batch is full. Who missed one of them is told by events_since to load anew.';

revoke execute on all functions in schema domo_private from public;
grant execute on function domo_private.my_topics() to authenticated;
grant usage on schema domo_private to parley_worker;

set lock_timeout = '10s';

-- To hear, not to speak: only the database has something to say there.
create policy "domo owners listen to their demos" on realtime.messages
    for select
    to authenticated
    using (extension = 'broadcast' and topic in (select domo_private.my_topics()));

reset lock_timeout;
