-- EchoRoom, jobs: what becomes of a wish for an avatar, and what comes round by itself.
--
-- Triggers enqueue, in the transaction that writes the wish down, so a direct write of service_role and a deleted room count like an RPC.
-- Locks: SHARE ROW EXCLUSIVE on echoroom.sessions, echoroom.conversations and echoroom_private.conversation_events until commit, for the
-- triggers and the index, hence the lock_timeout. Afterwards nothing but what enqueueing holds, and that last.

set lock_timeout = '10s';

create function echoroom_private.enqueue_start(p_conversation uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    perform parley.enqueue_job(
        'tavus',
        'start_conversation',
        jsonb_build_object('app', 'echoroom', 'conversation', p_conversation),
        'start_conversation:echoroom:' || p_conversation,
        owner => (select c.started_by from echoroom.conversations c where c.id = p_conversation)
    );
end
$$;

comment on function echoroom_private.enqueue_start is 'The job that starts a call, once however often it is asked for.';

create function echoroom_private.enqueue_end(p_conversation uuid, p_reason text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    perform parley.enqueue_job(
        'tavus',
        'end_conversation',
        jsonb_build_object('app', 'echoroom', 'conversation', p_conversation, 'reason', p_reason),
        'end_conversation:echoroom:' || p_conversation
    );
end
$$;

comment on function echoroom_private.enqueue_end is 'The job that ends a call, once however often it is asked for, and before anybody''s line: a call costs money until then. The reason is kept with the conversation.';

create function echoroom_private.enqueue_conversation_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op = 'INSERT' then
        perform echoroom_private.enqueue_start(new.id);
    elsif new.end_requested_at is not null and old.end_requested_at is null then
        perform echoroom_private.enqueue_end(new.id, 'requested');
    else
        perform echoroom_private.enqueue_end(new.id, 'room_deleted');
    end if;
    return null;
end
$$;

comment on function echoroom_private.enqueue_conversation_change is 'Trigger: a call that is wanted is started, one that is not is ended.';

create trigger conversations_enqueue_start
    after insert on echoroom.conversations
    for each row
    when (new.status = 'starting')
    execute function echoroom_private.enqueue_conversation_change();

create trigger conversations_enqueue_end
    after update on echoroom.conversations
    for each row
    when (
        new.status in ('starting', 'active')
        and (
            new.end_requested_at is not null and old.end_requested_at is null
            or new.session_id is null and old.session_id is not null
        )
    )
    execute function echoroom_private.enqueue_conversation_change();

create function echoroom_private.enqueue_room_closed()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform echoroom_private.enqueue_end(c.id, 'room_closed')
    from echoroom.conversations c
    where c.session_id = new.id and c.status in ('starting', 'active');
    return null;
end
$$;

comment on function echoroom_private.enqueue_room_closed is 'Trigger: the avatar of a room that closes is ended.';

create trigger sessions_enqueue_closed
    after update on echoroom.sessions
    for each row
    when (old.is_active and not new.is_active)
    execute function echoroom_private.enqueue_room_closed();

-- What comes round by itself ------------------------------------------------------------------------------------------------------

create function echoroom_private.keep_orphans()
returns table (to_start integer, to_end integer)
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_orphan record;
begin
    to_start := 0;
    to_end := 0;
    for v_orphan in select o.id from echoroom_private.tavus_to_start(1000) o order by o.id loop
        perform echoroom_private.enqueue_start(v_orphan.id);
        to_start := to_start + 1;
    end loop;
    for v_orphan in select o.id, o.reason from echoroom_private.tavus_to_end(1000) o order by o.id loop
        perform echoroom_private.enqueue_end(v_orphan.id, v_orphan.reason);
        to_end := to_end + 1;
    end loop;
    return next;
end
$$;

comment on function echoroom_private.keep_orphans is
    'Enqueues what triggers cannot know of: calls whose room is empty, and wishes whose job was lost. Those whose job is in the queue stay as they are.';

create index conversation_events_received_at_idx on echoroom_private.conversation_events (received_at);

create function echoroom_private.prune_conversation_events(p_days integer default 90, p_batch integer default 5000)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
-- A plan made while there were few events would read all of them for as long as the session keeps the plan.
set enable_seqscan = off
as $$
declare
    v_passed constant timestamptz := coalesce(parley.prune_position('echoroom.call_events'), '-infinity')::timestamptz;
    v_reached timestamptz;
    v_found bigint;
    v_pruned bigint;
begin
    if p_days is null or p_days not between 4 and 36500 then
        raise exception using errcode = '22023', message = 'Events are kept for 4 to 36500 days.';
    end if;
    if p_batch is null or p_batch not between 1 and 100000 then
        raise exception using errcode = '22023', message = 'The batch must have 1 to 100000 events.';
    end if;
    with doomed as materialized (
        select e.ctid as place, e.received_at
        from echoroom_private.conversation_events e
        where e.received_at < now() - make_interval(hours => 24 * p_days) and e.received_at >= v_passed
        order by e.received_at
        limit p_batch
        for update skip locked
    ),
    gone as (
        delete from echoroom_private.conversation_events e
        where e.ctid = any (array(select doomed.place from doomed))
        returning 1
    )
    select (select count(*) from gone), (select count(*) from doomed), (select max(doomed.received_at) from doomed)
    into v_pruned, v_found, v_reached;
    perform parley.set_prune_position('echoroom.call_events', case when v_found >= p_batch then v_reached::text end);
    return v_pruned;
end
$$;

comment on function echoroom_private.prune_conversation_events is
    'Forgets Tavus'' events above an age as they came, system prompts among them; what they did stays in the conversation. At most a batch; returns how many: call it again while the batch is full.';

select parley.define_limit('echoroom.call_events', 'retention', 90, 'Days that Tavus'' events of a call are kept as they came.');

-- A seat has a lease of 60 seconds.
select parley.define_maintenance('echoroom_expire_seats', 'select echoroom_private.release_expired_seats()', 10, 500);
select parley.define_maintenance('echoroom_keep_orphans', 'select orphans.to_start + orphans.to_end from echoroom_private.keep_orphans() as orphans', 30);
select parley.define_maintenance(
    'echoroom_prune', 'select echoroom_private.prune_conversation_events(parley.retention_days(''echoroom.call_events'', 4), $1)', 3600, 5000
);

insert into parley.job_schedules (name, queue, kind, payload, every_seconds)
values ('echoroom_reconcile', 'tavus', 'reconcile', '{"app": "echoroom"}', 300);

reset lock_timeout;

revoke execute on all functions in schema echoroom_private from public;
