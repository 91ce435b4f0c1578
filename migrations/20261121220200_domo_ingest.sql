-- Domo, ingest: the jobs that make knowledge of files, and what the worker reads and writes for them. Granted to parley_worker alone.
--
-- A worker takes a file (ingest_take), says how far it is (ingest_progress), and stores everything it found in one transaction
-- (ingest_complete): a worker that dies before has written nothing, one that dies after has nothing left to do. processing_started_at is the
-- claim: whoever takes the file later, an owner who wants it processed again, and a deletion make the claims before it void, and a void claim
-- writes nothing.
-- What a transcription gave is paid for: it is kept as soon as it is there (ingest_heard), for the next worker, and for whoever wants the same version
-- of the file processed again.
-- Embeddings are stored where the text is still the one that they were made of.
-- Locks: SHARE ROW EXCLUSIVE on domo.demo_videos and domo.demo_documents until commit, for triggers, hence the lock_timeout. Afterwards: the
-- demo (KEY SHARE), the file, its chunks, the demo's counts.

set lock_timeout = '10s';

-- Jobs --------------------------------------------------------------------------------------------------------------------------

create function domo_private.enqueue_file()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_owner uuid := (select d.user_id from domo.demos d where d.id = new.demo_id);
begin
    if domo_private.is_importing() then
        return null;
    end if;
    if tg_table_name = 'demo_videos' then
        perform domo_private.enqueue('knowledge', 'transcribe_video', jsonb_build_object('video', new.id), 'transcribe_video:' || new.id, v_owner);
    else
        perform domo_private.enqueue('knowledge', 'read_document', jsonb_build_object('document', new.id), 'read_document:' || new.id, v_owner);
    end if;
    return null;
end
$$;

comment on function domo_private.enqueue_file is 'Trigger: a file that waits for processing gets a job.';

create trigger demo_videos_enqueue_insert
    after insert on domo.demo_videos
    for each row
    when (new.processing_status = 'pending' and new.deleted_at is null)
    execute function domo_private.enqueue_file();

create trigger demo_videos_enqueue_update
    after update on domo.demo_videos
    for each row
    when (
        new.processing_status = 'pending' and new.deleted_at is null
        and (old.processing_status, old.storage_url, old.deleted_at) is distinct from (new.processing_status, new.storage_url, new.deleted_at)
    )
    execute function domo_private.enqueue_file();

create trigger demo_documents_enqueue_insert
    after insert on domo.demo_documents
    for each row
    when (new.processing_status = 'pending' and new.deleted_at is null)
    execute function domo_private.enqueue_file();

create trigger demo_documents_enqueue_update
    after update on domo.demo_documents
    for each row
    when (
        new.processing_status = 'pending' and new.deleted_at is null
        and (old.processing_status, old.storage_url, old.deleted_at) is distinct from (new.processing_status, new.storage_url, new.deleted_at)
    )
    execute function domo_private.enqueue_file();

-- What a video cost. A transcription is paid for, so it is kept as soon as it is there, and a worker that dies before it has stored the chunks
-- leaves the next one the rest of the work only.
create table domo_private.heard_videos (
    video_id uuid not null,
    version text,
    found jsonb,
    created_at timestamptz not null default now(),
    constraint heard_videos_pkey primary key (video_id),
    constraint heard_videos_video_id_fkey foreign key (video_id) references domo.demo_videos (id) on delete cascade
);
-- Packing a hundred kilobytes takes longer than writing them, and they are read once at most.
alter table domo_private.heard_videos alter column found set storage external;

comment on table domo_private.heard_videos is 'Transcripts, in chunks, by the version of the file: the same version is transcribed once, however often it is asked for.';
comment on column domo_private.heard_videos.version is 'Of the object, as storage numbers it; null where it says nothing.';
comment on column domo_private.heard_videos.found is 'Null until the transcript is there.';
alter table domo_private.heard_videos enable row level security;
revoke all on domo_private.heard_videos from public, anon, authenticated, service_role;

reset lock_timeout;

create function domo_private.keep_knowledge(p_seconds integer default 60)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_lost record;
    v_count integer := 0;
    -- What is younger has the job that it was given.
    v_before timestamptz := clock_timestamp() - make_interval(secs => p_seconds);
begin
    -- What an import brought, and wishes whose job was lost. What a worker gave up is an operator's to replay.
    for v_lost in
        select lost.kind, lost.payload, lost.kind || ':' || lost.id as key, lost.owner
        from (
            select 'transcribe_video' as kind, v.id, jsonb_build_object('video', v.id) as payload, d.user_id as owner
            from domo.demo_videos v
            join domo.demos d on d.id = v.demo_id and d.deleted_at is null
            where v.processing_status in ('pending', 'processing') and v.deleted_at is null and v.updated_at < v_before
            union all
            select 'read_document', f.id, jsonb_build_object('document', f.id), d.user_id
            from domo.demo_documents f
            join domo.demos d on d.id = f.demo_id and d.deleted_at is null
            where f.processing_status in ('pending', 'processing') and f.deleted_at is null and f.updated_at < v_before
            union all
            select 'embed_knowledge', waiting.demo_id, jsonb_build_object('demo', waiting.demo_id), d.user_id
            from (
                select distinct k.demo_id
                from domo.knowledge_chunks k
                where k.vector_embedding is null and k.deleted_at is null and k.updated_at < v_before
            ) waiting
            join domo.demos d on d.id = waiting.demo_id and d.deleted_at is null
        ) lost
        where not exists (
                select from parley.dead_letters l where l.queue = 'knowledge' and l.job_key = (lost.kind || ':' || lost.id) collate "C"
            )
          -- A job that is running would be told to run again, though nothing is new.
          and not exists (select from parley.jobs j where j.queue = 'knowledge' and j.job_key = (lost.kind || ':' || lost.id) collate "C")
        order by key
        limit 1000
    loop
        perform domo_private.enqueue('knowledge', v_lost.kind, v_lost.payload, v_lost.key, v_lost.owner);
        v_count := v_count + 1;
    end loop;
    return v_count;
end
$$;

comment on function domo_private.keep_knowledge is 'Enqueues files and chunks that have waited so long and have no job: what an import brought, and lost wishes. How many.';

-- Files -------------------------------------------------------------------------------------------------------------------------

create function domo_private.hold_file(p_kind text, p_id uuid, p_claim timestamptz)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_demo_id uuid;
begin
    -- The demo first: whoever deletes it holds it, and takes the file then.
    perform
    from domo.demos d
    where d.deleted_at is null
      and d.id = case p_kind
          when 'video' then (select v.demo_id from domo.demo_videos v where v.id = p_id)
          else (select f.demo_id from domo.demo_documents f where f.id = p_id)
      end
    for key share;
    if not found then
        return null;
    end if;
    if p_kind = 'video' then
        select v.demo_id
        into v_demo_id
        from domo.demo_videos v
        where v.id = p_id and v.deleted_at is null and v.processing_status = 'processing' and v.processing_started_at = p_claim
        for no key update;
    else
        select f.demo_id
        into v_demo_id
        from domo.demo_documents f
        where f.id = p_id and f.deleted_at is null and f.processing_status = 'processing' and f.processing_started_at = p_claim
        for no key update;
    end if;
    return v_demo_id;
end
$$;

comment on function domo_private.hold_file is 'Locks a file under its claim, and its demo before it. Its demo; null when the claim is void: the file is gone, deleted, asked for again or another''s.';

create function domo_private.version_of_video(p_path text)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
    return (
        select nullif(concat_ws(' ', o.version, o.metadata ->> 'eTag', o.metadata ->> 'size'), '')
        from storage.objects o
        where o.bucket_id = 'demo-videos' and o.name = p_path
    );
end
$$;

comment on function domo_private.version_of_video is 'What tells an object from another one that is put in its place; null where there is none.';

create function domo_private.ingest_take(p_kind text, p_id uuid)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_taken jsonb;
begin
    -- One that is processing was another worker's, which is dead or has lost its lease: there is one job a file.
    if p_kind = 'video' then
        perform
        from domo.demo_videos v
        where v.id = p_id
        for no key update;
        -- One that is asked for may be another file under the same name.
        insert into domo_private.heard_videos as h (video_id, version)
        select v.id, domo_private.version_of_video(v.storage_url)
        from domo.demo_videos v
        where v.id = p_id
        on conflict on constraint heard_videos_pkey do update
        set
            version = excluded.version,
            found = case
                when h.version = excluded.version
                    or excluded.version is null
                        and exists (select from domo.demo_videos v where v.id = p_id and v.processing_status = 'processing')
                    then h.found
            end;
        update domo.demo_videos v
        set processing_status = 'processing', processing_started_at = clock_timestamp(), progress = 0, failure = null
        from domo.demos d
        where v.id = p_id and v.deleted_at is null and v.processing_status in ('pending', 'processing')
          and d.id = v.demo_id and d.deleted_at is null
        returning jsonb_build_object(
            'demo', v.demo_id, 'title', v.title, 'path', v.storage_url, 'claim', v.processing_started_at,
            'found', (select h.found from domo_private.heard_videos h where h.video_id = v.id)
        ) into v_taken;
    elsif p_kind = 'document' then
        update domo.demo_documents f
        set processing_status = 'processing', processing_started_at = clock_timestamp(), progress = 0, failure = null
        from domo.demos d
        where f.id = p_id and f.deleted_at is null and f.processing_status in ('pending', 'processing')
          and d.id = f.demo_id and d.deleted_at is null
        returning jsonb_build_object('demo', f.demo_id, 'title', f.title, 'path', f.storage_url, 'claim', f.processing_started_at) into v_taken;
    end if;
    return v_taken;
end
$$;

comment on function domo_private.ingest_take is
    'Takes a file that waits, or whose worker is gone: its demo, title, path and claim, and what that worker had found in a video. Null when there is nothing to do: it is gone, deleted, done or failed.';

create function domo_private.ingest_progress(p_kind text, p_id uuid, p_claim timestamptz, p_progress real)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    if domo_private.hold_file(p_kind, p_id, p_claim) is null then
        return false;
    end if;
    if p_kind = 'video' then
        update domo.demo_videos v
        set progress = greatest(v.progress, p_progress)
        where v.id = p_id;
    else
        update domo.demo_documents f
        set progress = greatest(f.progress, p_progress)
        where f.id = p_id;
    end if;
    return true;
end
$$;

comment on function domo_private.ingest_progress is 'Says how far a file is. False when the claim is void: then stop.';

create function domo_private.ingest_heard(p_id uuid, p_claim timestamptz, p_progress real, p_found jsonb)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    if not domo_private.ingest_progress('video', p_id, p_claim, p_progress) then
        return false;
    end if;
    -- The row is there since the video was taken, with the version that was read.
    insert into domo_private.heard_videos (video_id, found)
    values (p_id, p_found)
    on conflict on constraint heard_videos_pkey do update
    set found = excluded.found, created_at = now();
    return true;
end
$$;

comment on function domo_private.ingest_heard is
    'Keeps what a transcription gave, and says how far it is. False when the claim is void: then nothing is written.';

create function domo_private.ingest_complete(
    p_kind text,
    p_id uuid,
    p_claim timestamptz,
    p_chunks jsonb,
    p_model text,
    p_transcript text default null,
    p_duration_seconds integer default null,
    p_embeddings real[] default null
)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_demo_id uuid := domo_private.hold_file(p_kind, p_id, p_claim);
    v_dimensions integer := cardinality(p_embeddings) / nullif(jsonb_array_length(p_chunks), 0);
begin
    if v_demo_id is null then
        return false;
    end if;
    -- What is said again keeps its embedding: the old chunks are read as they were before this statement. Deleting and inserting are one
    -- statement, and one transaction with the status.
    with gone as (
        delete from domo.knowledge_chunks k
        where k.demo_id = v_demo_id and (p_kind = 'video' and k.video_id = p_id or p_kind = 'document' and k.document_id = p_id)
    ),
    said as (
        select
            c.content,
            c.source,
            c.start_seconds,
            c.end_seconds,
            c.place::integer - 1 as chunk_index,
            domo_private.chunk_digest(null, null, c.content) as digest
        from rows from (
            jsonb_to_recordset(p_chunks) as (content text, source text, start_seconds numeric, end_seconds numeric)
        ) with ordinality as c (content, source, start_seconds, end_seconds, place)
    )
    insert into domo.knowledge_chunks (
        demo_id, video_id, document_id, content, source, chunk_index, start_seconds, end_seconds, vector_embedding, embedding_model
    )
    select
        v_demo_id,
        case p_kind when 'video' then p_id end,
        case p_kind when 'document' then p_id end,
        s.content,
        s.source,
        s.chunk_index,
        s.start_seconds,
        s.end_seconds,
        coalesce(
            p_embeddings[s.chunk_index * v_dimensions + 1 : (s.chunk_index + 1) * v_dimensions]::extensions.vector,
            known.vector_embedding
        ),
        case when p_embeddings is null then known.embedding_model else p_model end
    from said s
    left join lateral (
        select k.vector_embedding, k.embedding_model
        from domo.knowledge_chunks k
        where p_embeddings is null and k.demo_id = v_demo_id and k.content_digest = s.digest and k.embedding_model = p_model and k.vector_embedding is not null
        limit 1
    ) known on true;
    if p_kind = 'video' then
        update domo.demo_videos v
        set
            processing_status = 'completed',
            progress = 1,
            failure = null,
            transcript = p_transcript,
            duration_seconds = coalesce(p_duration_seconds, v.duration_seconds)
        where v.id = p_id;
        -- Nobody could say later whether it is still the same file.
        delete from domo_private.heard_videos h
        where h.video_id = p_id and h.version is null;
    else
        update domo.demo_documents f
        set processing_status = 'completed', progress = 1, failure = null
        where f.id = p_id;
    end if;
    return true;
end
$$;

comment on function domo_private.ingest_complete is
    'Stores what was found in a file, in the place of what was found before, and completes it, all in one transaction. With embeddings, one a chunk after the other, they are stored at once; without, those by that model of the same texts are kept and the others wait. False when the claim is void: then nothing is written.';

create function domo_private.ingest_failed(p_kind text, p_id uuid, p_claim timestamptz, p_failure text)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    -- Without a claim: the job was given up, whoever had it last.
    if p_kind = 'video' then
        update domo.demo_videos v
        set processing_status = 'failed', failure = left(p_failure, 500), progress = null
        where v.id = p_id and v.processing_status in ('pending', 'processing') and (p_claim is null or v.processing_started_at = p_claim);
    else
        update domo.demo_documents f
        set processing_status = 'failed', failure = left(p_failure, 500), progress = null
        where f.id = p_id and f.processing_status in ('pending', 'processing') and (p_claim is null or f.processing_started_at = p_claim);
    end if;
    return found;
end
$$;

comment on function domo_private.ingest_failed is 'A file could not be processed; the reason is shown to people. What was found in it before stays.';

-- Embeddings --------------------------------------------------------------------------------------------------------------------

create function domo_private.embed_next(p_demo uuid, p_model text, p_after uuid default null, p_limit integer default 128)
returns table (id uuid, content_digest text, content text)
language plpgsql
volatile
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
    v_ids uuid[];
    v_twins uuid[];
begin
    if not exists (select from domo.demos d where d.id = p_demo and d.deleted_at is null) then
        return;
    end if;
    -- The same text by the same model has been paid for.
    select array_agg(w.id order by w.id), array_agg(twin.id order by w.id)
    into v_ids, v_twins
    from (
        select k.id, k.content_digest
        from domo.knowledge_chunks k
        where k.demo_id = p_demo and k.vector_embedding is null and k.deleted_at is null and (p_after is null or k.id > p_after)
        order by k.id
        limit least(greatest(p_limit, 1), 1000)
    ) w
    cross join lateral (
        select k.id
        from domo.knowledge_chunks k
        where k.demo_id = p_demo and k.content_digest = w.content_digest and k.embedding_model = p_model
            and k.vector_embedding is not null
        limit 1
    ) twin;
    -- An update of no rows would run every trigger of the table all the same.
    if v_ids is not null then
        update domo.knowledge_chunks k
        set vector_embedding = twin.vector_embedding, embedding_model = p_model
        from unnest(v_ids, v_twins) as known (id, twin_id)
        join domo.knowledge_chunks twin on twin.id = known.twin_id and twin.embedding_model = p_model and twin.vector_embedding is not null
        where k.id = known.id and k.content_digest = twin.content_digest and k.vector_embedding is null and k.deleted_at is null;
    end if;
    return query
    select k.id, k.content_digest, concat_ws(e'\n', k.question, k.answer, k.content)
    from domo.knowledge_chunks k
    where k.demo_id = p_demo and k.vector_embedding is null and k.deleted_at is null and (p_after is null or k.id > p_after)
    order by k.id
    limit least(greatest(p_limit, 1), 1000);
end
$$;

comment on function domo_private.embed_next is
    'The next chunks of a demo that wait for an embedding, in the order of their ids, with the text that it is made of. Those whose text has an embedding by that model already get it here.';

create function domo_private.embed_store(p_demo uuid, p_model text, p_ids uuid[], p_digests text[], p_embeddings real[])
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_dimensions integer := cardinality(p_embeddings) / nullif(cardinality(p_ids), 0);
    v_stored integer;
begin
    -- The demo first, as everywhere; a deleted one wants nothing any more.
    perform
    from domo.demos d
    where d.id = p_demo and d.deleted_at is null
    for key share;
    if not found then
        return 0;
    end if;
    perform
    from domo.knowledge_chunks k
    where k.id = any (p_ids)
    order by k.id
    for no key update;
    update domo.knowledge_chunks k
    set
        vector_embedding = p_embeddings[(made.place - 1) * v_dimensions + 1 : made.place * v_dimensions]::extensions.vector,
        embedding_model = p_model
    from unnest(p_ids, p_digests) with ordinality as made (id, digest, place)
    where k.id = made.id
      and k.demo_id = p_demo
      and k.content_digest = made.digest
      and k.vector_embedding is null
      and k.deleted_at is null;
    get diagnostics v_stored = row_count;
    return v_stored;
end
$$;

comment on function domo_private.embed_store is
    'Stores embeddings, one after the other in one array, where the text is still the one that they were made of. How many. 22000 for a wrong dimension.';

revoke execute on all functions in schema domo_private from public;
grant execute on function
    domo_private.ingest_take(text, uuid),
    domo_private.ingest_progress(text, uuid, timestamptz, real),
    domo_private.ingest_heard(uuid, timestamptz, real, jsonb),
    domo_private.ingest_complete(text, uuid, timestamptz, jsonb, text, text, integer, real[]),
    domo_private.ingest_failed(text, uuid, timestamptz, text),
    domo_private.embed_next(uuid, text, uuid, integer),
    domo_private.embed_store(uuid, text, uuid[], text[], real[])
to parley_worker;

select parley.define_maintenance('domo_keep_knowledge', 'select domo_private.keep_knowledge()', 60);
