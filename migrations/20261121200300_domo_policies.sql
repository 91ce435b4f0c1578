-- Domo, policies and grants: owners write demos, videos and knowledge, and read what the server keeps of their demos; nobody else sees
-- anything. Calls, events, messages, counts and the audit trail are written by definer functions alone.
--
-- What a client may write is granted column by column: counters, digests, times and what Tavus says are not among them. The keys are, for
-- upserts send them along; triggers keep them as they are. service_role bypasses row level security and still needs the grants.
-- Policies have the specification's names.
-- Locks: a policy on storage.objects takes ACCESS EXCLUSIVE on it (on hosted Supabase on more tables) until commit, hence the lock_timeout.

set lock_timeout = '10s';

create function domo_private.my_demo_ids()
returns setof uuid
language plpgsql
stable
security definer
rows 10
set search_path = ''
as $$
begin
    return query
    select d.id
    from domo.demos d
    where d.user_id = (select auth.uid());
end
$$;

comment on function domo_private.my_demo_ids is 'The demos of the caller. For policies.';

create function domo_private.my_demo_folders()
returns setof text
language plpgsql
stable
security definer
rows 10
set search_path = ''
as $$
begin
    return query
    select d.id::text
    from domo.demos d
    where d.user_id = (select auth.uid());
end
$$;

comment on function domo_private.my_demo_folders is 'The folders of the caller''s demos in the bucket demo-videos. For policies; as text, since a path may hold anything.';

revoke execute on all functions in schema domo_private from public;
grant execute on function domo_private.my_demo_ids(), domo_private.my_demo_folders() to authenticated;

alter table domo.demos enable row level security;
alter table domo.demo_videos enable row level security;
alter table domo.knowledge_chunks enable row level security;
alter table domo.conversations enable row level security;
alter table domo.processed_webhook_events enable row level security;
alter table domo.conversation_messages enable row level security;
alter table domo.audit_logs enable row level security;
alter table domo.demo_stats enable row level security;
alter table domo.demo_stream enable row level security;

-- Demos -----------------------------------------------------------------------------------------------------------------------

create policy "Users can view their own demos" on domo.demos
    for select
    to authenticated
    using ((select auth.uid()) = user_id);

create policy "Users can insert their own demos" on domo.demos
    for insert
    to authenticated
    with check ((select auth.uid()) = user_id);

create policy "Users can update their own demos" on domo.demos
    for update
    to authenticated
    using ((select auth.uid()) = user_id)
    with check ((select auth.uid()) = user_id);

create policy "Users can delete their own demos" on domo.demos
    for delete
    to authenticated
    using ((select auth.uid()) = user_id);

-- Videos ----------------------------------------------------------------------------------------------------------------------

create policy "Users can select their demo videos" on domo.demo_videos
    for select
    to authenticated
    using (demo_id in (select domo_private.my_demo_ids()));

create policy "Users can insert their demo videos" on domo.demo_videos
    for insert
    to authenticated
    with check (demo_id in (select domo_private.my_demo_ids()));

create policy "Users can update their demo videos" on domo.demo_videos
    for update
    to authenticated
    using (demo_id in (select domo_private.my_demo_ids()))
    with check (demo_id in (select domo_private.my_demo_ids()));

create policy "Users can delete their demo videos" on domo.demo_videos
    for delete
    to authenticated
    using (demo_id in (select domo_private.my_demo_ids()));

-- Knowledge -------------------------------------------------------------------------------------------------------------------

create policy "Users can select their knowledge chunks" on domo.knowledge_chunks
    for select
    to authenticated
    using (demo_id in (select domo_private.my_demo_ids()));

create policy "Users can insert their knowledge chunks" on domo.knowledge_chunks
    for insert
    to authenticated
    with check (demo_id in (select domo_private.my_demo_ids()));

create policy "Users can update their knowledge chunks" on domo.knowledge_chunks
    for update
    to authenticated
    using (demo_id in (select domo_private.my_demo_ids()))
    with check (demo_id in (select domo_private.my_demo_ids()));

create policy "Users can delete their knowledge chunks" on domo.knowledge_chunks
    for delete
    to authenticated
    using (demo_id in (select domo_private.my_demo_ids()));

-- What the server keeps -----------------------------------------------------------------------------------------------------------

create policy "owners read the calls of their demos" on domo.conversations
    for select
    to authenticated
    using (demo_id in (select domo_private.my_demo_ids()));

create policy "owners read the events of their demos" on domo.processed_webhook_events
    for select
    to authenticated
    using (demo_id in (select domo_private.my_demo_ids()));

create policy "owners read the messages of their demos" on domo.conversation_messages
    for select
    to authenticated
    using (demo_id in (select domo_private.my_demo_ids()));

create policy "owners read their audit trail" on domo.audit_logs
    for select
    to authenticated
    using ((select auth.uid()) = owner_id);

create policy "owners read the counts of their demos" on domo.demo_stats
    for select
    to authenticated
    using ((select auth.uid()) = user_id);

create policy "owners read the stream of their demos" on domo.demo_stream
    for select
    to authenticated
    using (demo_id in (select domo_private.my_demo_ids()));

-- Grants ------------------------------------------------------------------------------------------------------------------------

revoke all on all tables in schema domo, domo_private from public, anon, authenticated, service_role;

grant
    select,
    insert (
        id, user_id, name, description, agent_name, agent_personality, agent_greeting, cta_text, cta_link, status, published_url,
        tavus_persona_id, video_storage_path, metadata, deleted_at
    ),
    update (
        id, user_id, name, description, agent_name, agent_personality, agent_greeting, cta_text, cta_link, status, published_url,
        tavus_persona_id, video_storage_path, metadata, deleted_at
    ),
    delete
on domo.demos to authenticated;

grant
    select,
    insert (id, demo_id, title, storage_url, order_index, duration_seconds, processing_status, transcript, deleted_at),
    update (id, demo_id, title, storage_url, order_index, duration_seconds, processing_status, transcript, deleted_at),
    delete
on domo.demo_videos to authenticated;

grant
    select,
    insert (
        id, demo_id, content, question, answer, source, vector_embedding, embedding_model, video_id, chunk_index, start_seconds, end_seconds,
        deleted_at
    ),
    update (
        id, demo_id, content, question, answer, source, vector_embedding, embedding_model, video_id, chunk_index, start_seconds, end_seconds,
        deleted_at
    ),
    delete
on domo.knowledge_chunks to authenticated;

grant select
on domo.conversations, domo.processed_webhook_events, domo.conversation_messages, domo.audit_logs, domo.demo_stats, domo.demo_stream
to authenticated;

grant select, insert, update, delete on domo.demos, domo.demo_videos, domo.knowledge_chunks to service_role;
-- Events, messages and the trail are history: service_role erases by age, and notes what it has found out about a message.
grant select, delete
on domo.conversations, domo.processed_webhook_events, domo.conversation_messages, domo.audit_logs, domo.demo_stream
to service_role;
grant update (sentiment, intent, confidence) on domo.conversation_messages to service_role;
grant select on domo.demo_stats to service_role;

-- Files -------------------------------------------------------------------------------------------------------------------------

insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values ('demo-videos', 'demo-videos', false, 104857600, array['video/*', 'audio/*'])
on conflict (id) do nothing;

create policy "Users can view their own videos" on storage.objects
    for select
    to authenticated
    using (bucket_id = 'demo-videos' and (storage.foldername(name))[1] in (select domo_private.my_demo_folders()));

create policy "Users can upload their own videos" on storage.objects
    for insert
    to authenticated
    with check (bucket_id = 'demo-videos' and (storage.foldername(name))[1] in (select domo_private.my_demo_folders()));

create policy "Users can update their own videos" on storage.objects
    for update
    to authenticated
    using (bucket_id = 'demo-videos' and (storage.foldername(name))[1] in (select domo_private.my_demo_folders()))
    with check (bucket_id = 'demo-videos' and (storage.foldername(name))[1] in (select domo_private.my_demo_folders()));

create policy "Users can delete their own videos" on storage.objects
    for delete
    to authenticated
    using (bucket_id = 'demo-videos' and (storage.foldername(name))[1] in (select domo_private.my_demo_folders()));

reset lock_timeout;
