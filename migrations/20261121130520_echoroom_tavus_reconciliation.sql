-- EchoRoom, reconciliation: whose turn it is. A call that has no transcript a day after its end is asked for again and again; without turns
-- some hundreds of such would keep a run from ever coming to the others.
--
-- Running calls are asked for in every run, ended ones ever less often: when a third as long has gone by as since their end, which is 25 times
-- in the day that they are asked for. Whoever was asked for the longest time ago comes first.
-- Locks: the new foreign key and the index take SHARE ROW EXCLUSIVE and SHARE on echoroom.conversations until commit, hence the lock_timeout.

set lock_timeout = '10s';

-- A table of its own: a note in the conversation itself would be a change of the conversation.
create table echoroom_private.conversation_looks (
    conversation uuid not null,
    looked_at timestamptz not null default clock_timestamp(),
    constraint conversation_looks_pkey primary key (conversation),
    constraint conversation_looks_conversation_fkey foreign key (conversation) references echoroom.conversations (id) on delete cascade
);

-- Calls that are over and have no transcript: those of the latest day are asked for.
create index conversations_awaited_idx on echoroom.conversations (ended_at)
    where conversation_id is not null and transcript is null;

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
    from (
        select
            r.id, r.conversation_id, r.created_at, null::timestamptz as ended_at,
            -- By a scalar subquery: a join could be planned as a scan of all looks.
            (select l.looked_at from echoroom_private.conversation_looks l where l.conversation = r.id) as looked_at
        from echoroom.conversations r
        where r.status = 'active' and r.conversation_id is not null
        union all
        -- A transcript may come minutes after the end. Nobody misses that of a room that is gone.
        select
            e.id, e.conversation_id, e.created_at, e.ended_at,
            (select l.looked_at from echoroom_private.conversation_looks l where l.conversation = e.id)
        from echoroom.conversations e
        where e.status <> 'active'
            and e.ended_at > now() - interval '1 day'
            and e.conversation_id is not null
            and e.transcript is null
            and e.session_id is not null
    ) c
    where c.ended_at is null or c.looked_at is null or c.looked_at < now() - (now() - c.ended_at) / 3
    order by c.looked_at nulls first, c.created_at
    limit least(greatest(p_limit, 1), 10000);
end
$$;

comment on function echoroom_private.tavus_open is
    'Conversations of which events may be missing, for reconciliation: those that were asked for the longest time ago first.';

revoke execute on all functions in schema echoroom_private from public;
grant execute on function echoroom_private.tavus_looked(uuid) to parley_worker;
