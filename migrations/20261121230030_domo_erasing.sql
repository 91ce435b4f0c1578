-- Domo, erasing: what goes with an account, with a demo, with a call, and with time. docs/erasing.md has all of it.
--
-- Rows of a demo with little in it go with it by foreign keys. One with much becomes nobody's at once, so that nobody reads it any more, and
-- maintenance does the rest in batches; so does it with the trail of an account. What demos leave: files in Storage, which the worker removes; calls,
-- which somebody has to end first.
-- Locks: SHARE ROW EXCLUSIVE on domo.demos, domo.conversations and auth.users until commit, for the triggers, hence the lock_timeout. Afterwards the
-- order is account, demo, call, as everywhere.

set lock_timeout = '10s';

-- Files -------------------------------------------------------------------------------------------------------------------------

create table domo_private.erased_files (
    path text collate "C" not null,
    erased_at timestamptz not null default clock_timestamp(),
    constraint erased_files_pkey primary key (path)
);

comment on table domo_private.erased_files is
    'Files that nothing refers to any more: a path, or all below a folder where it ends in /. For a day, as an upload that had begun may still end.';
alter table domo_private.erased_files enable row level security;
revoke all on domo_private.erased_files from public, anon, authenticated, service_role;

create function domo_private.nobody()
returns uuid
language plpgsql
immutable
parallel safe
set search_path = ''
as $$
begin
    return uuid '00000000-0000-0000-0000-000000000000';
end
$$;

comment on function domo_private.nobody is 'Whose a demo is while it is being erased: no account has this id, so no policy lets anybody in.';

create function domo_private.files_to_remove(p_path text, p_limit integer default 100)
returns table (bucket text, name text)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
    v_demo_id uuid;
begin
    if not exists (select from domo_private.erased_files f where f.path = p_path collate "C") then
        return;
    end if;
    -- Triggers wrote the path, so it begins with the id of a demo.
    v_demo_id := split_part(p_path, '/', 1)::uuid;
    if p_path like '%/' then
        -- It may have come back by an import.
        if exists (select from domo.demos d where d.id = v_demo_id and d.user_id <> domo_private.nobody()) then
            return;
        end if;
        return query
        select o.bucket_id::text, o.name::text
        from storage.objects o
        where o.bucket_id in ('demo-videos', 'demo-documents') and o.name like p_path || '%'
        order by o.bucket_id, o.name
        limit p_limit;
    elsif not exists (
        select from domo.demo_videos v where v.demo_id = v_demo_id and v.storage_url = p_path
        union all
        select from domo.demo_documents f where f.demo_id = v_demo_id and f.storage_url = p_path
        union all
        select from domo.demos d where d.id = v_demo_id and d.video_storage_path = p_path
    ) then
        return query
        select o.bucket_id::text, o.name::text
        from storage.objects o
        where o.bucket_id in ('demo-videos', 'demo-documents') and o.name = p_path
        order by o.bucket_id, o.name
        limit p_limit;
    end if;
end
$$;

comment on function domo_private.files_to_remove is 'The next files of an erased path that are still in Storage.';

create function domo_private.files_removed(p_path text)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    delete from domo_private.erased_files f
    where f.path = p_path collate "C" and f.erased_at < now() - interval '1 day';
end
$$;

comment on function domo_private.files_removed is 'Storage has none of these files any more. What was erased a day ago is forgotten.';

create function domo_private.enqueue_file_removal(p_path text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    perform domo_private.enqueue('maintenance', 'remove_files', jsonb_build_object('path', p_path), 'remove_files:' || left(p_path, 180));
end
$$;

comment on function domo_private.enqueue_file_removal is 'The job that removes the files of an erased path.';

create function domo_private.erase_demo_files()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into domo_private.erased_files (path)
    values (old.id::text || '/')
    on conflict on constraint erased_files_pkey do update set erased_at = clock_timestamp();
    perform domo_private.enqueue_file_removal(old.id::text || '/');
    return null;
end
$$;

comment on function domo_private.erase_demo_files is 'Trigger: the files of an erased demo are removed by the worker.';

create trigger demos_erase_files
    after delete on domo.demos
    for each row execute function domo_private.erase_demo_files();

create function domo_private.requeue_file_removals(p_batch integer default 1000)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_path text;
    v_count bigint := 0;
begin
    for v_path in
        select f.path
        from domo_private.erased_files f
        where f.erased_at < now() - interval '1 day'
            or exists (select from domo_private.files_to_remove(f.path, 1))
        order by f.path
        limit p_batch
    loop
        perform domo_private.enqueue_file_removal(v_path);
        v_count := v_count + 1;
    end loop;
    -- A full batch would find the same again at once.
    return least(v_count, p_batch - 1);
end
$$;

comment on function domo_private.requeue_file_removals is 'Enqueues the removal of files that came after their demo was erased, or whose job was lost; how many.';

-- Demos -------------------------------------------------------------------------------------------------------------------------

create table domo_private.erased_demos (
    demo_id uuid not null,
    requested_at timestamptz not null default clock_timestamp(),
    constraint erased_demos_pkey primary key (demo_id),
    constraint erased_demos_demo_id_fkey foreign key (demo_id) references domo.demos (id) on delete cascade
);
create index erased_demos_requested_at_idx on domo_private.erased_demos (requested_at, demo_id);

comment on table domo_private.erased_demos is 'Demos that were erased and have much in them: nobody''s, until maintenance has removed the rest.';
alter table domo_private.erased_demos enable row level security;
revoke all on domo_private.erased_demos from public, anon, authenticated, service_role;

create function domo_private.disown_demo(p_demo domo.demos)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    -- Calls that run are to end; the others wait with the rest.
    update domo.conversations c
    set demo_id = null
    where c.demo_id = p_demo.id and c.status in ('starting', 'active');
    -- The trail of an owner who is there says what it says of a small one.
    insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, old_values)
    select
        p_demo.user_id, p_demo.id, domo_private.actor(), 'delete', 'demos', p_demo.id,
        domo_private.audit_values(to_jsonb(p_demo) - array['created_at', 'updated_at', 'tavus_conversation_id'])
    where not domo_private.is_importing() and exists (select from auth.users u where u.id = p_demo.user_id);
    insert into domo_private.erased_demos (demo_id)
    values (p_demo.id);
    perform set_config('domo.importing', 'on', true);
    update domo.demos d
    set user_id = domo_private.nobody(), deleted_at = coalesce(d.deleted_at, clock_timestamp())
    where d.id = p_demo.id;
    update domo.demo_stats s
    set user_id = domo_private.nobody()
    where s.demo_id = p_demo.id;
    perform set_config('domo.importing', '', true);
    insert into domo_private.erased_files (path)
    values (p_demo.id::text || '/')
    on conflict on constraint erased_files_pkey do update set erased_at = clock_timestamp();
    perform parley.request_maintenance('domo_erase_demos');
    perform domo_private.enqueue_file_removal(p_demo.id::text || '/');
end
$$;

comment on function domo_private.disown_demo is 'Makes a demo nobody''s and leaves the rest to maintenance. With the demo locked.';

create function domo_private.erase_demo()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if old.user_id = domo_private.nobody() then
        -- By maintenance when all is gone; by anybody else it is on its way already.
        if exists (
            select from domo.knowledge_chunks k where k.demo_id = old.id
            union all
            select from domo.conversation_messages m where m.demo_id = old.id
            union all
            select from domo.processed_webhook_events e where e.demo_id = old.id
            union all
            select from domo.conversations c where c.demo_id = old.id
        ) then
            return null;
        end if;
        return old;
    end if;
    if (select count(*) from (select from domo.knowledge_chunks k where k.demo_id = old.id limit 501) few) <= 500
        and (select count(*) from (select from domo.conversation_messages m where m.demo_id = old.id limit 1001) few) <= 1000
        and (select count(*) from (select from domo.processed_webhook_events e where e.demo_id = old.id limit 501) few) <= 500
        and (select count(*) from (select from domo.conversations c where c.demo_id = old.id limit 101) few) <= 100
    then
        return old;
    end if;
    perform domo_private.disown_demo(old);
    return null;
end
$$;

comment on function domo_private.erase_demo is
    'Trigger: a demo with more than 500 chunks, 1,000 messages, 500 events or 100 calls becomes nobody''s instead of being deleted, and is removed by maintenance.';

create trigger demos_erase
    before delete on domo.demos
    for each row execute function domo_private.erase_demo();

create function domo_private.erase_demos(p_batch integer default 500)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
-- For a batch a scan of everybody's rows may look cheaper while they are some thousands, and a plan is kept.
set enable_seqscan = off
as $$
declare
    v_demo_id uuid;
    v_done bigint;
begin
    select e.demo_id
    into v_demo_id
    from domo_private.erased_demos e
    order by e.requested_at, e.demo_id
    limit 1
    for update skip locked;
    if not found then
        return 0;
    end if;
    perform
    from domo.demos d
    where d.id = v_demo_id
    for no key update;
    -- Nobody is told, and nothing is written down.
    perform set_config('domo.importing', 'on', true);
    -- One kind a call, so that a call stays short.
    delete from domo.knowledge_chunks k
    where k.id = any (array(select few.id from domo.knowledge_chunks few where few.demo_id = v_demo_id limit p_batch));
    get diagnostics v_done = row_count;
    if v_done = 0 then
        delete from domo.conversation_messages m
        where m.id = any (array(select few.id from domo.conversation_messages few where few.demo_id = v_demo_id limit 4 * p_batch));
        get diagnostics v_done = row_count;
    end if;
    if v_done = 0 then
        delete from domo.processed_webhook_events e
        where e.id = any (array(select few.id from domo.processed_webhook_events few where few.demo_id = v_demo_id limit p_batch));
        get diagnostics v_done = row_count;
    end if;
    if v_done = 0 then
        -- Over, so erase_calls takes them.
        update domo.conversations c
        set demo_id = null
        where c.id = any (array(select few.id from domo.conversations few where few.demo_id = v_demo_id limit p_batch));
        get diagnostics v_done = row_count;
    end if;
    if v_done = 0 then
        delete from domo.demo_stream e
        where e.demo_id = v_demo_id and e.seq = any (array(select few.seq from domo.demo_stream few where few.demo_id = v_demo_id limit 4 * p_batch));
        get diagnostics v_done = row_count;
    end if;
    if v_done = 0 then
        delete from domo.demos d
        where d.id = v_demo_id;
    end if;
    perform set_config('domo.importing', '', true);
    -- There may be more, of this one or another.
    return p_batch;
end
$$;

comment on function domo_private.erase_demos is
    'Removes a batch of the demo that was erased the longest time ago, and the demo when nothing is left of it; a full batch while there may be more.';

-- Calls -------------------------------------------------------------------------------------------------------------------------

create function domo_private.empty_call()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    new.conversation_url := null;
    new.started_by := null;
    new.client_id := null;
    new.perception_analysis := null;
    new.recording := null;
    new.recordings := null;
    return new;
end
$$;

comment on function domo_private.empty_call is 'Trigger: a call whose demo is gone holds what is needed to end it, and no more.';

create trigger conversations_empty
    before update on domo.conversations
    for each row
    when (new.demo_id is null)
    execute function domo_private.empty_call();

create function domo_private.erase_call()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    -- Thousands may go at once: all of them are nobody's, so a call that somebody wants waits for one of them at most.
    perform domo_private.enqueue(
        'tavus',
        'erase_call',
        jsonb_build_object('call', old.conversation_id),
        'erase_call:' || old.conversation_id,
        domo_private.nobody()
    );
    return null;
end
$$;

comment on function domo_private.erase_call is 'Trigger: a call whose row goes is erased at its provider as well, recordings among it.';

create trigger conversations_erase_call
    after delete on domo.conversations
    for each row
    when (old.conversation_id is not null)
    execute function domo_private.erase_call();

create index conversations_orphaned_idx on domo.conversations (id) where demo_id is null;
create index conversations_ended_at_idx on domo.conversations (ended_at);

create function domo_private.erase_calls(p_batch integer default 200)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
set enable_seqscan = off
as $$
declare
    -- The end is Tavus' word, the row's own age is ours: a call that is new here is not old, whatever its events say.
    v_cutoff timestamptz := now() - parley.retention('domo.calls');
    v_calls uuid[] := array(
        (select o.id from domo.conversations o where o.demo_id is null and o.status in ('ended', 'failed') limit p_batch)
        union
        (select o.id from domo.conversations o where o.ended_at < v_cutoff and o.created_at < v_cutoff and o.status in ('ended', 'failed') order by o.ended_at limit p_batch)
    );
begin
    v_calls := v_calls[1:p_batch];
    -- The demos first, in the order of their ids.
    perform
    from domo.demos d
    where d.id in (select c.demo_id from domo.conversations c where c.id = any (v_calls))
    order by d.id
    for no key update;
    -- Age is no event, and nobody's doing: neither the channel nor the trail says it.
    perform set_config('domo.importing', 'on', true);
    delete from domo.conversations c
    where c.id = any (v_calls);
    perform set_config('domo.importing', '', true);
    return cardinality(v_calls);
end
$$;

comment on function domo_private.erase_calls is
    'Deletes calls that are over and whose demo is gone, and those above the retention domo.calls, at most a batch; how many.';

-- People ------------------------------------------------------------------------------------------------------------------------

create table domo_private.erased_people (
    user_id uuid not null,
    requested_at timestamptz not null default clock_timestamp(),
    constraint erased_people_pkey primary key (user_id)
);

comment on table domo_private.erased_people is 'Deleted accounts with a long trail: maintenance deletes it, and the row when that is done.';
alter table domo_private.erased_people enable row level security;
revoke all on domo_private.erased_people from public, anon, authenticated, service_role;

create function domo_private.erase_trail(p_user_id uuid, p_batch integer)
returns bigint
language plpgsql
volatile
set search_path = ''
set enable_seqscan = off
as $$
declare
    v_done bigint;
    v_acted bigint;
    v_started bigint;
begin
    delete from domo.audit_logs a
    where a.id = any (array(select few.id from domo.audit_logs few where few.owner_id = p_user_id limit p_batch));
    get diagnostics v_done = row_count;
    -- What they did in demos of others, which an operator may have given away.
    update domo.audit_logs a
    set user_id = null
    where a.id = any (array(select few.id from domo.audit_logs few where few.user_id = p_user_id limit p_batch - v_done));
    get diagnostics v_acted = row_count;
    update domo.conversations c
    set started_by = null
    where c.id = any (array(select few.id from domo.conversations few where few.started_by = p_user_id limit p_batch - v_done - v_acted));
    get diagnostics v_started = row_count;
    return v_done + v_acted + v_started;
end
$$;

comment on function domo_private.erase_trail is 'Deletes the trail of a deleted account, at most a batch; how many.';

create function domo_private.erase_people(p_batch integer default 2000)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_user_id uuid;
    v_done bigint;
begin
    select e.user_id
    into v_user_id
    from domo_private.erased_people e
    order by e.requested_at, e.user_id
    limit 1
    for update skip locked;
    if not found then
        return 0;
    end if;
    v_done := domo_private.erase_trail(v_user_id, p_batch);
    if v_done < p_batch then
        delete from domo_private.erased_people e
        where e.user_id = v_user_id;
        -- Others may wait.
        v_done := p_batch;
    end if;
    return v_done;
end
$$;

comment on function domo_private.erase_people is
    'erase_trail for the account that was deleted the longest time ago; a full batch while there may be more.';

create function domo_private.erase_account()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_demo domo.demos;
    v_count integer := 0;
begin
    -- In the order of their ids. Of some hundred even small ones would take seconds.
    for v_demo in
        select d.*
        from domo.demos d
        where d.user_id = old.id
        order by d.id
        for no key update
    loop
        v_count := v_count + 1;
        if v_count <= 10 and not parley.is_deferring() then
            delete from domo.demos d
            where d.id = v_demo.id;
        else
            perform domo_private.disown_demo(v_demo);
        end if;
    end loop;
    if domo_private.erase_trail(old.id, 500) < 500 then
        return null;
    end if;
    insert into domo_private.erased_people (user_id)
    values (old.id)
    on conflict on constraint erased_people_pkey do nothing;
    perform parley.request_maintenance('domo_erase_people');
    return null;
end
$$;

comment on function domo_private.erase_account is 'Trigger on auth.users: the demos and the trail of a deleted account go, at once where they are small, else by maintenance.';

create trigger domo_erase
    after delete on auth.users
    for each row execute function domo_private.erase_account();

-- Time --------------------------------------------------------------------------------------------------------------------------

create function domo_private.prune_events(p_batch integer default 2000)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    return parley.prune_by_age('domo.processed_webhook_events', 'processed_at', 'domo.call_events', p_batch);
end
$$;

comment on function domo_private.prune_events is 'Forgets events of calls above the retention domo.call_events, at most a batch; how many. What was said stays with the call.';

create function domo_private.prune_audit_logs(p_batch integer default 5000)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    return parley.prune_by_age('domo.audit_logs', 'created_at', 'domo.audit_logs', p_batch);
end
$$;

comment on function domo_private.prune_audit_logs is 'Forgets what is above the retention domo.audit_logs, at most a batch; how many.';

create index demos_deleted_at_idx on domo.demos (deleted_at) where deleted_at is not null;
create index demo_videos_deleted_at_idx on domo.demo_videos (deleted_at) where deleted_at is not null;
create index demo_documents_deleted_at_idx on domo.demo_documents (deleted_at) where deleted_at is not null;
create index knowledge_chunks_deleted_at_idx on domo.knowledge_chunks (deleted_at) where deleted_at is not null;

create function domo_private.prune_deleted(p_batch integer default 500)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
set enable_seqscan = off
as $$
declare
    v_cutoff timestamptz := now() - parley.retention('domo.deleted');
    v_ids uuid[];
    v_paths text[];
    v_path text;
    v_done bigint;
begin
    -- Age is nobody's doing, and what it erases is not written down again.
    perform set_config('domo.importing', 'on', true);
    -- One kind a call, and chunks before what they are of, so that a call stays short.
    v_ids := array(select k.id from domo.knowledge_chunks k where k.deleted_at < v_cutoff order by k.deleted_at limit p_batch);
    if cardinality(v_ids) > 0 then
        perform
        from domo.demos d
        where d.id in (select k.demo_id from domo.knowledge_chunks k where k.id = any (v_ids))
        order by d.id
        for key share;
        delete from domo.knowledge_chunks k
        where k.id = any (v_ids);
        return p_batch;
    end if;

    select array_agg(gone.id), array_agg(distinct gone.storage_url)
    into v_ids, v_paths
    from (
        select v.id, v.storage_url from domo.demo_videos v where v.deleted_at < v_cutoff
        union all
        select f.id, f.storage_url from domo.demo_documents f where f.deleted_at < v_cutoff
        limit p_batch
    ) gone;
    if v_ids is not null then
        delete from domo.demo_videos v
        where v.id = any (v_ids);
        delete from domo.demo_documents f
        where f.id = any (v_ids);
        -- A file that another row has too stays: files_to_remove looks.
        foreach v_path in array v_paths loop
            insert into domo_private.erased_files (path)
            values (v_path)
            on conflict on constraint erased_files_pkey do nothing;
            perform domo_private.enqueue_file_removal(v_path);
        end loop;
        return p_batch;
    end if;

    delete from domo.demos d
    where d.id in (select old.id from domo.demos old where old.deleted_at < v_cutoff order by old.deleted_at limit 1);
    get diagnostics v_done = row_count;
    return v_done * p_batch;
end
$$;

comment on function domo_private.prune_deleted is
    'Erases what was deleted longer ago than the retention domo.deleted: chunks, then files, then one demo; a full batch while there may be more.';

reset lock_timeout;

select parley.define_limit('domo.calls', 'retention', 365, 'Days that a call that is over is kept, with what was said in it.');
select parley.define_limit('domo.call_events', 'retention', 90, 'Days that Tavus'' events of a call are kept as they came.');
select parley.define_limit('domo.audit_logs', 'retention', 365, 'Days that the trail of a demo is kept.');
select parley.define_limit('domo.deleted', 'retention', 30, 'Days in which a deleted demo, video, document or chunk can be restored; then it is erased.');

select parley.define_maintenance('domo_erase_demos', 'select domo_private.erase_demos($1)', 60, 500);
select parley.define_maintenance('domo_erase_people', 'select domo_private.erase_people($1)', 60, 2000);
select parley.define_maintenance('domo_erase_calls', 'select domo_private.erase_calls($1)', 60, 200);
select parley.define_maintenance('domo_remove_files', 'select domo_private.requeue_file_removals($1)', 3600, 1000);
select parley.define_maintenance('domo_prune_events', 'select domo_private.prune_events($1)', 3600, 2000);
select parley.define_maintenance('domo_prune_audit_logs', 'select domo_private.prune_audit_logs($1)', 3600, 5000);
select parley.define_maintenance('domo_prune_deleted', 'select domo_private.prune_deleted($1)', 3600, 500);

revoke execute on all functions in schema domo_private from public;
grant execute on function
    domo_private.files_to_remove(text, integer),
    domo_private.files_removed(text)
to parley_worker;

notify pgrst, 'reload schema';
