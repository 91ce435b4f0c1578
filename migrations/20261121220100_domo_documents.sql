-- Domo, documents: files that a demo's agent has read, and how far the processing of files has come.
--
-- A document goes the way of a video: the owner uploads the file, makes the row, and the worker makes chunks of it. Both say how far they are.
-- Locks: ACCESS EXCLUSIVE on domo.demo_videos and domo.knowledge_chunks for an instant (new columns without a default) and on domo.audit_logs
-- while its check is read through, SHARE ROW EXCLUSIVE on the first two for triggers and the foreign key, ACCESS EXCLUSIVE on storage.objects for its policies; all until commit, hence the lock_timeout.

set lock_timeout = '10s';

alter table domo.demo_videos
    add column progress real,
    add column processing_started_at timestamptz,
    add constraint demo_videos_progress_check check (progress between 0 and 1);

comment on column domo.demo_videos.progress is 'How far the worker is, from 0 to 1; null while it waits.';
comment on column domo.demo_videos.processing_started_at is 'When a worker took it last. A worker that took it before has no say any more.';

create table domo.demo_documents (
    id uuid not null default gen_random_uuid(),
    demo_id uuid not null,
    title text not null,
    storage_url text not null,
    processing_status text not null default 'pending',
    progress real,
    failure text,
    processing_started_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint demo_documents_pkey primary key (id),
    constraint demo_documents_demo_id_id_key unique (demo_id, id),
    constraint demo_documents_demo_id_fkey foreign key (demo_id) references domo.demos (id) on delete cascade,
    constraint demo_documents_title_check check (char_length(title) <= 255 and parley.trim_text(title) is not null and parley.is_one_line(title)),
    -- The worker reads the file with its own rights: a path outside the demo's folder would be somebody else's file.
    constraint demo_documents_storage_url_check check (
        char_length(storage_url) <= 1000
        and starts_with(storage_url, demo_id::text || '/')
        and storage_url !~ '(^|/)\.{0,2}(/|$)|[[:cntrl:]]'
    ),
    constraint demo_documents_processing_status_check check (processing_status in ('pending', 'processing', 'completed', 'failed')),
    constraint demo_documents_progress_check check (progress between 0 and 1),
    constraint demo_documents_failure_check check (char_length(failure) <= 500)
);

create index demo_documents_processing_status_idx on domo.demo_documents (processing_status);

comment on table domo.demo_documents is 'Documents of a demo: plain text, Markdown, HTML or PDF. Written by the demo''s owner; read by the worker.';
comment on column domo.demo_documents.storage_url is 'Path in the bucket demo-documents: <id of the demo>/...';
comment on column domo.demo_documents.processing_status is 'pending until the worker takes it, then processing, then completed or failed. The owner may set it back to pending.';
comment on column domo.demo_documents.progress is 'How far the worker is, from 0 to 1; null while it waits.';
comment on column domo.demo_documents.failure is 'Why processing failed, in one sentence for people.';
comment on column domo.demo_documents.processing_started_at is 'When a worker took it last. A worker that took it before has no say any more.';

alter table domo.knowledge_chunks
    add column document_id uuid,
    -- What was read in a document goes with the document.
    add constraint knowledge_chunks_demo_id_document_id_fkey
        foreign key (demo_id, document_id) references domo.demo_documents (demo_id, id) on delete cascade,
    add constraint knowledge_chunks_file_check check (video_id is null or document_id is null);
create index knowledge_chunks_demo_id_document_id_idx
    on domo.knowledge_chunks (demo_id, document_id, chunk_index) where document_id is not null;

-- Rows --------------------------------------------------------------------------------------------------------------------------

create or replace function domo_private.keep_video()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    -- With the rights of who writes: clients ask for processing, the server says how it went.
    if new.processing_status <> 'pending' and not pg_has_role(current_user, 'service_role', 'member') then
        if tg_op = 'INSERT' or new.processing_status is distinct from old.processing_status then
            perform domo_private.fail(
                'PT403', 'reserved_status', 'Only the server says how processing went.', 'Leave processing_status out, or set it to pending to try again.'
            );
        end if;
    end if;
    if tg_op = 'UPDATE' then
        if new.id <> old.id or new.demo_id <> old.demo_id then
            perform domo_private.fail(
                'PT422',
                'immutable_key',
                format('A %s keeps its id and its demo.', case tg_table_name when 'demo_videos' then 'video' else 'document' end),
                'Add it to the other demo anew.'
            );
        end if;
        -- Another file is another text.
        if new.storage_url <> old.storage_url and new.processing_status = old.processing_status then
            new.processing_status := 'pending';
        end if;
        if new.processing_status = 'pending' and old.processing_status <> 'pending' then
            new.failure := null;
            new.progress := null;
            new.processing_started_at := null;
        end if;
    end if;
    return new;
end
$$;

comment on function domo_private.keep_video is
    'Trigger: a video or document keeps its keys; clients may ask for processing again and no more; another file is processed again.';

create trigger demo_documents_keep
    before insert or update on domo.demo_documents
    for each row execute function domo_private.keep_video();

create trigger update_demo_documents_updated_at
    before update on domo.demo_documents
    for each row execute function parley.touch_updated_at();

create function domo_private.delete_document_knowledge()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    update domo.knowledge_chunks k
    set deleted_at = new.deleted_at
    where k.demo_id = new.demo_id and k.document_id = new.id and k.deleted_at is not distinct from old.deleted_at;
    return null;
end
$$;

comment on function domo_private.delete_document_knowledge is 'Trigger: what was read in a document is deleted, and comes back, with the document.';

create trigger demo_documents_delete_knowledge
    after update on domo.demo_documents
    for each row
    when (new.deleted_at is distinct from old.deleted_at)
    execute function domo_private.delete_document_knowledge();

-- As before, and a document counts as a video does.
create or replace function domo_private.keep_demo()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_waiting bigint;
begin
    if tg_op = 'INSERT' and new.user_id is not null then
        -- As the foreign key would that is missing. An upsert of a row that is there comes by here as well.
        perform
        from auth.users u
        where u.id = new.user_id
        for key share;
        if not found then
            raise exception using errcode = '23503', message = 'There is no account with this user id.';
        end if;
    end if;
    if tg_op = 'UPDATE' then
        -- What is being erased becomes nobody's, see erasing.
        if new.id <> old.id or new.user_id <> old.user_id and not domo_private.is_importing() then
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
    select count(*)
    into v_waiting
    from domo.demo_documents f
    where f.demo_id = new.id and f.deleted_at is null and f.processing_status in ('pending', 'processing');
    if v_waiting > 0 then
        perform domo_private.fail(
            'PT409', 'documents_not_ready', format('Documents are still being read: %s.', v_waiting), 'Wait until each is completed, or delete those that will not be.'
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

comment on function domo.publish_demo is
    'Publishes a demo and returns it; twice is once. PT404 demo_not_found, PT410 demo_archived, PT409 videos_not_ready, documents_not_ready, PT422 demo_empty, cta_incomplete.';

-- The trail ---------------------------------------------------------------------------------------------------------------------

alter table domo.audit_logs
    drop constraint audit_logs_table_name_check,
    add constraint audit_logs_table_name_check
        check (table_name in ('demos', 'demo_videos', 'demo_documents', 'knowledge_chunks', 'conversations'));

create or replace function domo_private.audit_videos()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_actor uuid := domo_private.actor();
    v_kept text[] := array['demo_id', 'created_at', 'updated_at', 'progress', 'processing_started_at'];
begin
    if domo_private.is_importing() then
        return null;
    end if;
    if tg_op = 'INSERT' then
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, new_values)
        select d.user_id, d.id, v_actor, 'insert', 'demo_videos', n.id, domo_private.audit_values(to_jsonb(n) - v_kept)
        from new_rows n
        join domo.demos d on d.id = n.demo_id;
    elsif tg_op = 'UPDATE' then
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, old_values, new_values)
        select
            d.user_id, d.id, v_actor, 'update', 'demo_videos', n.id,
            domo_private.audit_values(to_jsonb(o) - v_kept, to_jsonb(n) - v_kept),
            domo_private.audit_values(to_jsonb(n) - v_kept, to_jsonb(o) - v_kept)
        from new_rows n
        join old_rows o on o.id = n.id
        join domo.demos d on d.id = n.demo_id
        where to_jsonb(n) - v_kept <> to_jsonb(o) - v_kept;
    else
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, old_values)
        select d.user_id, d.id, v_actor, 'delete', 'demo_videos', o.id, domo_private.audit_values(to_jsonb(o) - v_kept)
        from old_rows o
        join domo.demos d on d.id = o.demo_id;
    end if;
    return null;
end
$$;


create function domo_private.audit_documents()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_actor uuid := domo_private.actor();
    v_kept text[] := array['demo_id', 'created_at', 'updated_at', 'progress', 'processing_started_at'];
begin
    if domo_private.is_importing() then
        return null;
    end if;
    if tg_op = 'INSERT' then
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, new_values)
        select d.user_id, d.id, v_actor, 'insert', 'demo_documents', n.id, domo_private.audit_values(to_jsonb(n) - v_kept)
        from new_rows n
        join domo.demos d on d.id = n.demo_id;
    elsif tg_op = 'UPDATE' then
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, old_values, new_values)
        select
            d.user_id, d.id, v_actor, 'update', 'demo_documents', n.id,
            domo_private.audit_values(to_jsonb(o) - v_kept, to_jsonb(n) - v_kept),
            domo_private.audit_values(to_jsonb(n) - v_kept, to_jsonb(o) - v_kept)
        from new_rows n
        join old_rows o on o.id = n.id
        join domo.demos d on d.id = n.demo_id
        where to_jsonb(n) - v_kept <> to_jsonb(o) - v_kept;
    else
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, old_values)
        select d.user_id, d.id, v_actor, 'delete', 'demo_documents', o.id, domo_private.audit_values(to_jsonb(o) - v_kept)
        from old_rows o
        join domo.demos d on d.id = o.demo_id;
    end if;
    return null;
end
$$;


comment on function domo_private.audit_documents is 'Trigger: the trail of documents.';

create trigger demo_documents_audit_insert
    after insert on domo.demo_documents
    referencing new table as new_rows
    for each statement execute function domo_private.audit_documents();

create trigger demo_documents_audit_update
    after update on domo.demo_documents
    referencing old table as old_rows new table as new_rows
    for each statement execute function domo_private.audit_documents();

create trigger demo_documents_audit_delete
    after delete on domo.demo_documents
    referencing old table as old_rows
    for each statement execute function domo_private.audit_documents();

-- Who may do what -----------------------------------------------------------------------------------------------------------------

alter table domo.demo_documents enable row level security;

create policy "Users can select their demo documents" on domo.demo_documents
    for select
    to authenticated
    using (demo_id in (select domo_private.my_demo_ids()));

create policy "Users can insert their demo documents" on domo.demo_documents
    for insert
    to authenticated
    with check (demo_id in (select domo_private.my_demo_ids()));

create policy "Users can update their demo documents" on domo.demo_documents
    for update
    to authenticated
    using (demo_id in (select domo_private.my_demo_ids()))
    with check (demo_id in (select domo_private.my_demo_ids()));

create policy "Users can delete their demo documents" on domo.demo_documents
    for delete
    to authenticated
    using (demo_id in (select domo_private.my_demo_ids()));

revoke all on domo.demo_documents from public, anon, authenticated, service_role;
grant
    select,
    insert (id, demo_id, title, storage_url, processing_status, deleted_at),
    update (id, demo_id, title, storage_url, processing_status, deleted_at),
    delete
on domo.demo_documents to authenticated;
grant select, insert, update, delete on domo.demo_documents to service_role;

insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values (
    'demo-documents', 'demo-documents', false, 20971520,
    -- Browsers say `text/plain;charset=UTF-8`, and some of Markdown nothing better: the worker goes by the first bytes.
    array['text/*', 'application/xhtml+xml', 'application/pdf']
)
on conflict (id) do nothing;

-- One permissive policy a role and command, so those of the videos speak of both buckets.
alter policy "Users can view their own videos" on storage.objects
    using (bucket_id in ('demo-videos', 'demo-documents') and (storage.foldername(name))[1] in (select domo_private.my_demo_folders()));
alter policy "Users can upload their own videos" on storage.objects
    with check (bucket_id in ('demo-videos', 'demo-documents') and (storage.foldername(name))[1] in (select domo_private.my_demo_folders()));
alter policy "Users can update their own videos" on storage.objects
    using (bucket_id in ('demo-videos', 'demo-documents') and (storage.foldername(name))[1] in (select domo_private.my_demo_folders()))
    with check (bucket_id in ('demo-videos', 'demo-documents') and (storage.foldername(name))[1] in (select domo_private.my_demo_folders()));
alter policy "Users can delete their own videos" on storage.objects
    using (bucket_id in ('demo-videos', 'demo-documents') and (storage.foldername(name))[1] in (select domo_private.my_demo_folders()));

-- What the channel is told --------------------------------------------------------------------------------------------------------

create or replace function domo_private.tell_video_change()
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
            'progress', new.progress,
            'failure', new.failure,
            'deleted_at', new.deleted_at
        ));
    end if;
    return null;
end
$$;

create or replace trigger demo_videos_tell_update
    after update on domo.demo_videos
    for each row
    when (
        (old.title, old.order_index, old.duration_seconds, old.processing_status, old.progress, old.failure, old.deleted_at)
        is distinct from (new.title, new.order_index, new.duration_seconds, new.processing_status, new.progress, new.failure, new.deleted_at)
    )
    execute function domo_private.tell_video_change();

create function domo_private.tell_document_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op = 'DELETE' then
        perform domo_private.tell_demo(old.demo_id, 'document-deleted', jsonb_build_object('id', old.id));
    else
        perform domo_private.tell_demo(new.demo_id, 'document-changed', jsonb_build_object(
            'id', new.id,
            'title', new.title,
            'processing_status', new.processing_status,
            'progress', new.progress,
            'failure', new.failure,
            'deleted_at', new.deleted_at
        ));
    end if;
    return null;
end
$$;

comment on function domo_private.tell_document_change is 'Trigger: document-changed, document-deleted.';

create trigger demo_documents_tell
    after insert or delete on domo.demo_documents
    for each row execute function domo_private.tell_document_change();

create trigger demo_documents_tell_update
    after update on domo.demo_documents
    for each row
    when (
        (old.title, old.processing_status, old.progress, old.failure, old.deleted_at)
        is distinct from (new.title, new.processing_status, new.progress, new.failure, new.deleted_at)
    )
    execute function domo_private.tell_document_change();

reset lock_timeout;

revoke execute on all functions in schema domo_private from public;

-- Triggers made since the kernel was chosen follow it only when it is chosen again.
select parley.use_native(parley.implementation() = 'native');

notify pgrst, 'reload schema';
