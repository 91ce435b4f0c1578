-- EchoRoom, reconciliation: whose turn it is. A call that has no transcript a day after its end is asked for again and again; without turns
-- some hundreds of such would keep a run from ever coming to the others.
--
-- Running calls are asked for in every run, ended ones ever less often: when a third as long has gone by as since their end, which is 25 times
-- in the day that they are asked for. Whoever was asked for the longest time ago comes first.
-- Locks: the new foreign key takes SHARE ROW EXCLUSIVE on echoroom.conversations until commit, hence the lock_timeout.

set lock_timeout = '10s';

-- A table of its own: a note in the conversation itself would be a change of the conversation.
create table echoroom_private.conversation_looks (
    conversation uuid not null,
    looked_at timestamptz not null default clock_timestamp(),
    constraint conversation_looks_pkey primary key (conversation),
    constraint conversation_looks_conversation_fkey foreign key (conversation) references echoroom.conversations (id) on delete cascade
);

reset lock_timeout;

comment on table echoroom_private.conversation_looks is 'When Tavus was last asked for the events of a conversation.';

alter table echoroom_private.conversation_looks enable row level security;

create function echoroom_private.tavus_looked(p_conversation uuid)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    insert into echoroom_private.conversation_looks (conversation)
    select c.id
    from echoroom.conversations c
    where c.id = p_conversation
    on conflict on constraint conversation_looks_pkey do update set looked_at = excluded.looked_at;
end
$$;

comment on function echoroom_private.tavus_looked is 'Tavus was asked for the events of a conversation just now.';

create or replace function echoroom_private.tavus_open(p_limit integer default 200)
returns table (id uuid, conversation_id text, created_at timestamptz)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
    return query
    select c.id, c.conversation_id, c.created_at
    from echoroom.conversations c
    left join echoroom_private.conversation_looks l on l.conversation = c.id
    where c.conversation_id is not null
      and (
          c.status = 'active'
          -- A transcript may come minutes after the end. Nobody misses that of a room that is gone.
          or c.ended_at > now() - interval '1 day'
          and c.transcript is null
          and c.session_id is not null
          and (l.looked_at is null or l.looked_at < now() - (now() - c.ended_at) / 3)
      )
    order by l.looked_at nulls first, c.created_at
    limit least(greatest(p_limit, 1), 10000);
end
$$;

comment on function echoroom_private.tavus_open is
    'Conversations of which events may be missing, for reconciliation: those that were asked for the longest time ago first.';

revoke execute on all functions in schema echoroom_private from public;
grant execute on function echoroom_private.tavus_looked(uuid) to parley_worker;
