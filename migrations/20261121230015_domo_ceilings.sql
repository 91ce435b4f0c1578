-- Domo, ceilings: how many demos, files and pieces of knowledge a person has, how many wait, how often processing is asked for, and how much is stored.
--
-- People write these tables directly, so triggers of the statements count: one count a statement, however many rows it has. Who writes is whose the
-- rows are, by the policies. The server itself (service_role, the worker, an import) is not limited.
-- Locks: SHARE ROW EXCLUSIVE on the tables until commit, and ACCESS EXCLUSIVE on storage.objects for its policy, hence the lock_timeout.
-- Afterwards: an advisory lock of the writer's own ceiling, until the transaction ends.

set lock_timeout = '10s';

create function domo_private.limited_person()
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
    return case when not parley.is_service() and not domo_private.is_importing() then (select auth.uid()) end;
end
$$;

comment on function domo_private.limited_person is 'Whose ceilings count for what is written now; null for the server.';

-- Demos -------------------------------------------------------------------------------------------------------------------------

create function domo_private.limit_demos()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_person uuid := domo_private.limited_person();
    v_new integer := (select count(*) from new_rows);
begin
    if v_person is null or v_new = 0 then
        return null;
    end if;
    perform parley.lock_ceiling('domo.demos', v_person);
    perform parley.check_ceiling(
        'domo.demos',
        v_person,
        (select count(*) from domo.demos d where d.user_id = v_person),
        'A person may have %s demos.',
        'Erase one first: deleted ones that can be restored count as well.'
    );
    perform parley.limit_rate('domo.daily_demos', events => v_new);
    return null;
end
$$;

comment on function domo_private.limit_demos is 'Trigger: the ceiling and the rate of demos. PT409 limit_reached, PT429 rate_limited.';

create trigger demos_limit
    after insert on domo.demos
    referencing new table as new_rows
    for each statement execute function domo_private.limit_demos();

-- Files -------------------------------------------------------------------------------------------------------------------------

create function domo_private.limit_files()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_person uuid := domo_private.limited_person();
    v_asked integer;
    v_is_taken boolean;
begin
    if v_person is null then
        return null;
    end if;
    if tg_op = 'INSERT' then
        v_asked := (select count(*) from new_rows n where n.processing_status = 'pending' and n.deleted_at is null);
    else
        -- As the triggers that enqueue.
        v_asked := (
            select count(*)
            from new_rows n
            join old_rows o on o.id = n.id
            where n.processing_status = 'pending' and n.deleted_at is null
                and (o.processing_status, o.storage_url, o.deleted_at) is distinct from (n.processing_status, n.storage_url, n.deleted_at)
        );
        if v_asked = 0 then
            return null;
        end if;
    end if;
    perform parley.lock_ceiling('domo.files', v_person);
    if tg_op = 'INSERT' then
        perform parley.check_ceiling(
            'domo.files',
            v_person,
            (
                select count(*)
                from domo.demos d
                cross join lateral (
                    select from domo.demo_videos v where v.demo_id = d.id
                    union all
                    select from domo.demo_documents f where f.demo_id = d.id
                ) files
                where d.user_id = v_person
            ),
            'A person may have %s videos and documents.',
            'Erase one first: deleted ones that can be restored count as well.'
        );
    end if;
    if v_asked > 0 then
        -- One row a file: each is processed on its own, and a transcription costs money.
        if tg_table_name = 'demo_videos' then
            v_is_taken := exists (
                select
                from new_rows n
                join domo.demo_videos v on v.demo_id = n.demo_id and v.storage_url = n.storage_url and v.id <> n.id and v.deleted_at is null
                where n.deleted_at is null
            );
        else
            v_is_taken := exists (
                select
                from new_rows n
                join domo.demo_documents f on f.demo_id = n.demo_id and f.storage_url = n.storage_url and f.id <> n.id and f.deleted_at is null
                where n.deleted_at is null
            );
        end if;
        if v_is_taken then
            perform domo_private.fail(
                'PT409', 'file_taken', 'This file is in the demo already.', 'Use the row that is there: set its processing_status to pending to have it processed again.'
            );
        end if;
        perform parley.check_ceiling(
            'domo.unfinished_files',
            v_person,
            (
                select count(*)
                from domo.demos d
                cross join lateral (
                    select
                    from domo.demo_videos v
                    where v.demo_id = d.id and v.processing_status in ('pending', 'processing') and v.deleted_at is null
                    union all
                    select
                    from domo.demo_documents f
                    where f.demo_id = d.id and f.processing_status in ('pending', 'processing') and f.deleted_at is null
                ) files
                where d.user_id = v_person
            ),
            'At most %s videos and documents of a person are processed at once.',
            'Wait until some of them are completed, or delete those that will not be.'
        );
        perform parley.limit_rate('domo.daily_files', events => v_asked);
    end if;
    return null;
end
$$;

comment on function domo_private.limit_files is
    'Trigger: the ceilings of files, and how often processing is asked for. PT409 limit_reached, file_taken, PT429 rate_limited.';

create trigger demo_videos_limit_insert
    after insert on domo.demo_videos
    referencing new table as new_rows
    for each statement execute function domo_private.limit_files();

create trigger demo_videos_limit_update
    after update on domo.demo_videos
    referencing old table as old_rows new table as new_rows
    for each statement execute function domo_private.limit_files();

create trigger demo_documents_limit_insert
    after insert on domo.demo_documents
    referencing new table as new_rows
    for each statement execute function domo_private.limit_files();

create trigger demo_documents_limit_update
    after update on domo.demo_documents
    referencing old table as old_rows new table as new_rows
    for each statement execute function domo_private.limit_files();

-- Knowledge ---------------------------------------------------------------------------------------------------------------------

create function domo_private.limit_knowledge()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_person uuid := domo_private.limited_person();
    v_new integer;
    v_bought integer;
begin
    if v_person is null then
        return null;
    end if;
    if tg_op = 'INSERT' then
        select count(*), count(*) filter (where n.embedded_at is null)
        into v_new, v_bought
        from new_rows n;
        perform parley.lock_ceiling('domo.knowledge_chunks', v_person);
        -- The counts of the demos are brought up to date after this.
        perform parley.check_ceiling(
            'domo.knowledge_chunks',
            v_person,
            v_new + (select coalesce(sum(s.knowledge_chunk_count), 0) from domo.demo_stats s where s.user_id = v_person)::bigint,
            'A person may have %s pieces of knowledge.',
            'Delete what is not needed first.'
        );
    else
        select count(*)
        into v_bought
        from new_rows n
        join old_rows o on o.id = n.id
        where n.content_digest <> o.content_digest and n.embedded_at is null;
    end if;
    if v_bought > 0 then
        perform parley.limit_rate('domo.daily_knowledge', events => v_bought);
    end if;
    return null;
end
$$;

comment on function domo_private.limit_knowledge is
    'Trigger: the ceiling of knowledge, and how much of it is embedded for a person in a day. PT409 limit_reached, PT429 rate_limited.';

create trigger knowledge_chunks_limit_insert
    after insert on domo.knowledge_chunks
    referencing new table as new_rows
    for each statement execute function domo_private.limit_knowledge();

create trigger knowledge_chunks_limit_update
    after update on domo.knowledge_chunks
    referencing old table as old_rows new table as new_rows
    for each statement execute function domo_private.limit_knowledge();

-- Storage -----------------------------------------------------------------------------------------------------------------------

create function domo_private.may_upload()
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    v_person uuid := (select auth.uid());
    v_files bigint;
    v_bytes numeric;
begin
    -- The service asks before it has the file, so its size cannot be a part of this: what counts is what is there. The operators are those of the
    -- service's own index of names.
    select count(*), coalesce(sum((o.metadata ->> 'size')::numeric), 0)
    into v_files, v_bytes
    from domo.demos d
    join storage.objects o
        on o.name operator(pg_catalog.~>=~) (d.id::text || '/') and o.name operator(pg_catalog.~<~) (d.id::text || '0')
    where d.user_id = v_person and o.bucket_id in ('demo-videos', 'demo-documents');
    return coalesce(v_files < parley.allowed('domo.stored_files', v_person), true)
        and coalesce(v_bytes < parley.allowed('domo.stored_megabytes', v_person) * 1048576.0, true);
end
$$;

comment on function domo_private.may_upload is 'Whether the caller has room for another file in the buckets. For the policy of uploads.';

alter policy "Users can upload their own videos" on storage.objects
    with check (
        bucket_id in ('demo-videos', 'demo-documents')
        and (storage.foldername(name))[1] in (select domo_private.my_demo_folders())
        and (select domo_private.may_upload())
    );

reset lock_timeout;

revoke execute on all functions in schema domo_private from public;
grant execute on function domo_private.may_upload() to authenticated;
