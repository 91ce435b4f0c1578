-- EchoRoom, who was removed from which room: without a memory a removal would last until the next join_room.
-- Locks: the table is new; its foreign keys take SHARE ROW EXCLUSIVE on auth.users and echoroom.sessions until commit, hence the
-- lock_timeout.

set lock_timeout = '10s';

create table echoroom.removed_participants (
    session_id uuid not null,
    user_id uuid not null,
    user_name text not null,
    removed_at timestamptz not null default now(),
    constraint removed_participants_pkey primary key (session_id, user_id),
    constraint removed_participants_session_id_fkey foreign key (session_id) references echoroom.sessions (id) on delete cascade,
    constraint removed_participants_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade,
    constraint removed_participants_user_name_check check (char_length(user_name) <= 40)
);

create index removed_participants_user_id_idx on echoroom.removed_participants (user_id);

reset lock_timeout;

comment on table echoroom.removed_participants is 'Who may not take a seat in a room again. Written by remove_participant and readmit_participant only.';
comment on column echoroom.removed_participants.user_name is 'The name that the person had in the room, so that the creator knows whom to readmit.';

-- Who reads it -----------------------------------------------------------------------------------------------------------------

create function echoroom_private.my_created_session_ids()
returns setof uuid
language plpgsql
stable
security definer
rows 4
set search_path = ''
as $$
begin
    return query
    select s.id
    from echoroom.sessions s
    where s.created_by = (select auth.uid());
end
$$;

comment on function echoroom_private.my_created_session_ids is 'The rooms that the caller has opened. For policies.';

revoke execute on all functions in schema echoroom_private from public;
grant execute on function echoroom_private.my_created_session_ids() to authenticated;

alter table echoroom.removed_participants enable row level security;

create policy "creators read who was removed" on echoroom.removed_participants
    for select
    to authenticated
    using (session_id in (select echoroom_private.my_created_session_ids()));

revoke all on echoroom.removed_participants from public, anon, authenticated, service_role;
grant select on echoroom.removed_participants to authenticated;
-- A row without the rest of a removal would not bite, so not even service_role inserts one.
grant select, delete on echoroom.removed_participants to service_role;

notify pgrst, 'reload schema';
