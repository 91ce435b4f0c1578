-- Domo, what the rows keep by themselves, whoever writes them: keys that never move, the checks of publishing, digests of the knowledge, and
-- the counts of a demo.
--
-- Locks: triggers and counters take SHARE ROW EXCLUSIVE on the new tables until commit. Afterwards: the counts of a demo (its row of
-- demo_stats) with every statement that changes them, until its transaction ends.

-- Demos -------------------------------------------------------------------------------------------------------------------------

create function domo_private.keep_demo()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_waiting bigint;
begin
    if tg_op = 'UPDATE' then
        if new.id <> old.id or new.user_id <> old.user_id then
            perform domo_private.fail(
                'PT422', 'immutable_key', 'A demo keeps its id and its owner.', 'Make a new demo, and import into it what you want to keep.'
            );
        end if;
        if new.status = old.status then
            return new;
        end if;
    end if;
    if new.status <> 'published' or domo_private.is_importing() then
        return new;
    end if;

    -- Now somebody publishes it.
    if tg_op = 'UPDATE' then
        if old.status = 'archived' then
            perform domo_private.fail('PT410', 'demo_archived', 'This demo is archived.', 'Set its status to draft first.');
        end if;
    end if;
    if (new.cta_text is null) <> (new.cta_link is null) then
        perform domo_private.fail(
            'PT422', 'cta_incomplete', 'The call to action needs both a text and a link, or neither.', 'Set cta_text and cta_link, or both to null.'
        );
    end if;
    select count(*)
    into v_waiting
    from domo.demo_videos v
    where v.demo_id = new.id and v.deleted_at is null and v.processing_status in ('pending', 'processing');
    if v_waiting > 0 then
        perform domo_private.fail(
            'PT409', 'videos_not_ready', format('Videos are still being processed: %s.', v_waiting), 'Wait until each is completed, or delete those that will not be.'
        );
    end if;
    if not exists (
        select from domo.demo_videos v where v.demo_id = new.id and v.deleted_at is null and v.processing_status = 'completed'
        union all
        select from domo.knowledge_chunks k where k.demo_id = new.id and k.deleted_at is null
    ) then
        perform domo_private.fail(
            'PT422', 'demo_empty', 'There is nothing in this demo yet: no processed video and no knowledge.', 'Add a video, or knowledge with add_knowledge.'
        );
    end if;
    new.published_at := clock_timestamp();
    return new;
end
$$;

comment on function domo_private.keep_demo is 'Trigger: a demo keeps its keys, and is published when there is something to show.';

create trigger demos_keep
    before insert or update on domo.demos
    for each row execute function domo_private.keep_demo();

-- That a call began or ended is no change of the demo.
create trigger update_demos_updated_at
    before update on domo.demos
    for each row
    when (new.tavus_conversation_id is not distinct from old.tavus_conversation_id)
    execute function parley.touch_updated_at();

create function domo_private.make_stats()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into domo.demo_stats (demo_id, user_id)
    values (new.id, new.user_id);
    return null;
end
$$;

comment on function domo_private.make_stats is 'Trigger: a demo has a row of counts from the start.';

create trigger demos_make_stats
    after insert on domo.demos
    for each row execute function domo_private.make_stats();

-- Videos ------------------------------------------------------------------------------------------------------------------------

create function domo_private.keep_video()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    -- With the rights of who writes: clients ask for processing, the server says how it went.
    if current_user in ('authenticated', 'anon') and new.processing_status <> 'pending' then
        if tg_op = 'INSERT' or new.processing_status is distinct from old.processing_status then
            perform domo_private.fail(
                'PT403', 'reserved_status', 'Only the server says how processing went.', 'Leave processing_status out, or set it to pending to try again.'
            );
        end if;
    end if;
    if tg_op = 'UPDATE' then
        if new.id <> old.id or new.demo_id <> old.demo_id then
            perform domo_private.fail('PT422', 'immutable_key', 'A video keeps its id and its demo.', 'Add it to the other demo anew.');
        end if;
        if new.processing_status = 'pending' and old.processing_status <> 'pending' then
            new.failure := null;
        end if;
    end if;
    return new;
end
$$;

comment on function domo_private.keep_video is 'Trigger: a video keeps its keys; clients may ask for processing again and no more.';

create trigger demo_videos_keep
    before insert or update on domo.demo_videos
    for each row execute function domo_private.keep_video();

create trigger update_demo_videos_updated_at
    before update on domo.demo_videos
    for each row execute function parley.touch_updated_at();

create function domo_private.delete_video_knowledge()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    update domo.knowledge_chunks k
    set deleted_at = new.deleted_at
    where k.demo_id = new.demo_id and k.video_id = new.id and k.deleted_at is not distinct from old.deleted_at;
    return null;
end
$$;

comment on function domo_private.delete_video_knowledge is 'Trigger: what was said in a video is deleted, and comes back, with the video.';

create trigger demo_videos_delete_knowledge
    after update on domo.demo_videos
    for each row
    when (new.deleted_at is distinct from old.deleted_at)
    execute function domo_private.delete_video_knowledge();

-- Knowledge -----------------------------------------------------------------------------------------------------------------------

create function domo_private.chunk_digest(p_question text, p_answer text, p_content text)
returns text
language plpgsql
immutable
parallel safe
set search_path = ''
as $$
begin
    return encode(sha256(convert_to(jsonb_build_array(p_question, p_answer, p_content)::text, 'UTF8')), 'hex');
end
$$;

comment on function domo_private.chunk_digest is 'SHA-256, hex, of what an embedding is made of.';

create function domo_private.keep_chunk()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
    v_has_new_embedding boolean := new.vector_embedding is not null;
begin
    if tg_op = 'UPDATE' then
        if new.id <> old.id or new.demo_id <> old.demo_id then
            perform domo_private.fail('PT422', 'immutable_key', 'A chunk keeps its id and its demo.', 'Add it to the other demo anew.');
        end if;
        v_has_new_embedding := new.vector_embedding is not null
            and (old.vector_embedding is null or new.vector_embedding operator(extensions.<>) old.vector_embedding);
        -- The old embedding is of the old text.
        if not v_has_new_embedding
            and (new.content, new.question, new.answer) is distinct from (old.content, old.question, old.answer)
        then
            new.vector_embedding := null;
        end if;
        new.embedded_at := old.embedded_at;
    end if;
    new.content_digest := domo_private.chunk_digest(new.question, new.answer, new.content);
    if new.vector_embedding is null then
        new.embedding_model := null;
        new.embedded_at := null;
    elsif v_has_new_embedding then
        -- Also where the numbers are so small that their squares vanish: what cannot be compared with itself cannot be compared.
        if new.vector_embedding operator(extensions.<=>) new.vector_embedding = 'NaN' then
            perform domo_private.fail(
                'PT422', 'zero_vector', 'The embedding is all zeros, or too small to have a direction.', 'Send the embedding of the text, or null to have it made.'
            );
        end if;
        if tg_op = 'UPDATE' or new.embedded_at is null then
            new.embedded_at := clock_timestamp();
        end if;
    end if;
    return new;
end
$$;

comment on function domo_private.keep_chunk is 'Trigger: a chunk keeps its keys; its digest is that of its text, and its embedding is of its text or none.';

-- Not when only a place or a time in the source changes, or the chunk is deleted: the embedding would be read for nothing.
create trigger knowledge_chunks_keep
    before insert or update of id, demo_id, content, question, answer, vector_embedding, embedding_model, content_digest, embedded_at
    on domo.knowledge_chunks
    for each row execute function domo_private.keep_chunk();

create trigger update_knowledge_chunks_updated_at
    before update on domo.knowledge_chunks
    for each row execute function parley.touch_updated_at();

create function domo_private.chunk_state(p_chunk domo.knowledge_chunks)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    -- 1,536 numbers are of no use to whoever added a sentence.
    return jsonb_build_object(
        'id', p_chunk.id,
        'demo_id', p_chunk.demo_id,
        'content', p_chunk.content,
        'question', p_chunk.question,
        'answer', p_chunk.answer,
        'source', p_chunk.source,
        'content_digest', p_chunk.content_digest,
        'is_embedded', p_chunk.vector_embedding is not null,
        'created_at', p_chunk.created_at,
        'updated_at', p_chunk.updated_at
    );
end
$$;

comment on function domo_private.chunk_state is 'A chunk without its embedding.';

create function domo_private.enqueue_embedding()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_demo record;
begin
    if domo_private.is_importing() then
        return null;
    end if;
    for v_demo in
        select d.id, d.user_id
        from domo.demos d
        where d.id in (select n.demo_id from new_rows n where n.vector_embedding is null and n.deleted_at is null)
        order by d.id
    loop
        perform domo_private.enqueue(
            'knowledge', 'embed_knowledge', jsonb_build_object('demo', v_demo.id), 'embed_knowledge:' || v_demo.id, v_demo.user_id
        );
    end loop;
    return null;
end
$$;

comment on function domo_private.enqueue_embedding is 'Trigger: chunks that wait for an embedding get a job, one a demo.';

create trigger knowledge_chunks_enqueue_insert
    after insert on domo.knowledge_chunks
    referencing new table as new_rows
    for each statement execute function domo_private.enqueue_embedding();

create trigger knowledge_chunks_enqueue_update
    after update on domo.knowledge_chunks
    referencing new table as new_rows
    for each statement execute function domo_private.enqueue_embedding();

-- Calls -------------------------------------------------------------------------------------------------------------------------

create trigger conversations_touch_updated_at
    before update on domo.conversations
    for each row execute function parley.touch_updated_at();

create function domo_private.follow_conversation()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    update domo.demos d
    set tavus_conversation_id = latest.conversation_id
    from (
        select (
            select c.conversation_id
            from domo.conversations c
            where c.demo_id = new.demo_id and c.status = 'active'
            order by c.created_at desc, c.id
            limit 1
        ) as conversation_id
    ) latest
    where d.id = new.demo_id and d.tavus_conversation_id is distinct from latest.conversation_id;
    return null;
end
$$;

comment on function domo_private.follow_conversation is 'Trigger: a demo names its latest running call.';

create trigger conversations_follow
    after update on domo.conversations
    for each row
    when (new.demo_id is not null and (new.status = 'active') <> (old.status = 'active'))
    execute function domo_private.follow_conversation();

create function domo_private.end_conversations()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    update domo.conversations c
    set end_requested_at = clock_timestamp()
    where c.demo_id = new.id and c.status in ('starting', 'active') and c.end_requested_at is null;
    return null;
end
$$;

comment on function domo_private.end_conversations is 'Trigger: the calls of a demo that is archived or deleted are to end.';

create trigger demos_end_conversations
    after update on domo.demos
    for each row
    when (
        new.status = 'archived' and old.status <> 'archived'
        or new.deleted_at is not null and old.deleted_at is null
    )
    execute function domo_private.end_conversations();

create function domo_private.end_orphan()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    new.end_requested_at := coalesce(new.end_requested_at, clock_timestamp());
    return new;
end
$$;

comment on function domo_private.end_orphan is 'Trigger: the call of a demo that is gone is to end.';

create trigger conversations_end_orphan
    before update of demo_id on domo.conversations
    for each row
    when (new.demo_id is null and old.demo_id is not null and new.status in ('starting', 'active'))
    execute function domo_private.end_orphan();

create function domo_private.enqueue_conversation()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if domo_private.is_importing() then
        return null;
    end if;
    if tg_op = 'INSERT' then
        perform domo_private.enqueue(
            'tavus', 'start_conversation', jsonb_build_object('conversation', new.id), 'start_conversation:domo:' || new.id, new.started_by
        );
    else
        perform domo_private.enqueue(
            'tavus',
            'end_conversation',
            jsonb_build_object('conversation', new.id, 'reason', case when new.demo_id is null then 'demo_deleted' else 'requested' end),
            'end_conversation:domo:' || new.id
        );
    end if;
    return null;
end
$$;

comment on function domo_private.enqueue_conversation is 'Trigger: a call that is wanted is started, one that is not is ended.';

create trigger conversations_enqueue_start
    after insert on domo.conversations
    for each row
    when (new.status = 'starting')
    execute function domo_private.enqueue_conversation();

create trigger conversations_enqueue_end
    after update on domo.conversations
    for each row
    when (new.status in ('starting', 'active') and new.end_requested_at is not null and old.end_requested_at is null)
    execute function domo_private.enqueue_conversation();

-- Counts ------------------------------------------------------------------------------------------------------------------------

select parley.maintain_count(
    child => 'domo.demo_videos', child_key => 'demo_id', parent => 'domo.demo_stats', parent_key => 'demo_id',
    counter => 'video_count', only_when => 'deleted_at is null'
);
select parley.maintain_sum(
    child => 'domo.demo_videos', child_key => 'demo_id', value => 'duration_seconds', parent => 'domo.demo_stats', parent_key => 'demo_id',
    total => 'total_video_duration', only_when => 'deleted_at is null'
);
select parley.maintain_count(
    child => 'domo.knowledge_chunks', child_key => 'demo_id', parent => 'domo.demo_stats', parent_key => 'demo_id',
    counter => 'knowledge_chunk_count', only_when => 'deleted_at is null'
);
select parley.maintain_count(
    child => 'domo.knowledge_chunks', child_key => 'demo_id', parent => 'domo.demo_stats', parent_key => 'demo_id',
    counter => 'embedded_chunk_count', only_when => 'deleted_at is null and vector_embedding is not null'
);
select parley.maintain_count(
    child => 'domo.conversations', child_key => 'demo_id', parent => 'domo.demo_stats', parent_key => 'demo_id', counter => 'conversation_count'
);
select parley.maintain_max(
    child => 'domo.processed_webhook_events', child_key => 'demo_id', value => 'processed_at', parent => 'domo.demo_stats', parent_key => 'demo_id',
    latest => 'last_conversation_at'
);

revoke execute on all functions in schema domo_private from public;
-- Called by a trigger that runs with the rights of who writes.
grant execute on function domo_private.chunk_digest(text, text, text) to authenticated, service_role;

-- Triggers made since the kernel was chosen follow it only when it is chosen again.
select parley.use_native(parley.implementation() = 'native');
