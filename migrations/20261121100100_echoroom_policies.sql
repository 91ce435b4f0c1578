-- EchoRoom, policies and table grants. Clients read; every write goes through an RPC, so that nobody can forge a number, a counter,
-- a type or a sender. service_role bypasses row level security and still needs the grants.

create function echoroom_private.my_session_ids()
returns setof uuid
language plpgsql
stable
security definer
rows 4
set search_path = ''
as $$
begin
    return query
    select p.session_id
    from echoroom.participants p
    where p.user_id = (select auth.uid());
end
$$;

comment on function echoroom_private.my_session_ids is 'The rooms in which the caller has a seat. For policies.';

revoke execute on all functions in schema echoroom_private from public;
grant execute on function echoroom_private.my_session_ids() to authenticated;

alter table echoroom.sessions enable row level security;
alter table echoroom.participants enable row level security;
alter table echoroom.chat_messages enable row level security;
alter table echoroom.message_reactions enable row level security;
alter table echoroom_private.message_changes enable row level security;
alter table echoroom.persona enable row level security;
-- No policy at all: the log is for service_role.
alter table echoroom_private.audit_log enable row level security;
alter table echoroom_private.erased_people enable row level security;
alter table echoroom_private.temporary_rooms enable row level security;

-- Everybody else has list_sessions, which does not say who opened a room, nor how much is going on there.
create policy "members read their sessions" on echoroom.sessions
    for select
    to authenticated
    using (id in (select echoroom_private.my_session_ids()));

create policy "members read participants" on echoroom.participants
    for select
    to authenticated
    using (session_id in (select echoroom_private.my_session_ids()));

create policy "members read messages" on echoroom.chat_messages
    for select
    to authenticated
    using (session_id in (select echoroom_private.my_session_ids()));

create policy "members read changes" on echoroom_private.message_changes
    for select
    to authenticated
    using (session_id in (select echoroom_private.my_session_ids()));

create policy "members read reactions" on echoroom.message_reactions
    for select
    to authenticated
    using (session_id in (select echoroom_private.my_session_ids()));

create policy "everyone reads personas" on echoroom.persona
    for select
    to anon, authenticated
    using (true);

revoke all on all tables in schema echoroom, echoroom_private from public, anon, authenticated, service_role;

grant select on echoroom.persona to anon, authenticated;
grant select on echoroom.sessions, echoroom.participants, echoroom.chat_messages, echoroom.message_reactions to authenticated;
-- Not by the API, which does not serve this schema: the RPCs that read history run with the caller's rights.
grant select on echoroom_private.message_changes to authenticated, service_role;

grant select, insert, update, delete on echoroom.sessions, echoroom.participants, echoroom.chat_messages, echoroom.persona to service_role;
-- A reaction is added or removed, never changed.
grant select, insert, delete on echoroom.message_reactions to service_role;
grant select, delete on echoroom_private.audit_log to service_role;

notify pgrst, 'reload schema';
