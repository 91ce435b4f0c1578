-- EchoRoom, erasing: what goes with an account, with a room, with a call, and with time. docs/erasing.md has all of it.
--
-- What hangs on an account or a room may be a million rows, and a statement on Supabase ends after 8 seconds. So no foreign key does it: a room
-- with much in it is closed and emptied of people at once, a person who wrote much is noted, and maintenance does the rest in batches. What is
-- little goes at once. Nobody reads a room that is being erased, for nobody has a seat there.
-- Locks: SHARE ROW EXCLUSIVE on echoroom.sessions, echoroom.conversations and auth.users until commit, for the triggers, hence the lock_timeout.
-- Afterwards the order is account, rooms by their ids, then seats, messages and reactions: whoever writes holds the own account (FOR KEY SHARE)
-- before the room.

set lock_timeout = '10s';

-- Rooms -------------------------------------------------------------------------------------------------------------------------

create table echoroom_private.erased_rooms (
    session_id uuid not null,
    requested_at timestamptz not null default clock_timestamp(),
    constraint erased_rooms_pkey primary key (session_id),
    constraint erased_rooms_session_id_fkey foreign key (session_id) references echoroom.sessions (id) on delete cascade
);

comment on table echoroom_private.erased_rooms is 'Rooms that were deleted and have much in them: closed and empty of people, until maintenance has removed the rest.';
alter table echoroom_private.erased_rooms enable row level security;

create function echoroom_private.erase_room()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if exists (select from echoroom_private.erased_rooms e where e.session_id = old.id) then
        -- By maintenance when all is gone; by anybody else it is on its way already.
        if exists (select from echoroom.chat_messages m where m.session_id = old.id) then
            return null;
        end if;
        return old;
    end if;

    -- What was said in its calls goes with it, and the calls end.
    update echoroom.conversations c
    set session_id = null
    where c.session_id = old.id;
    if (select count(*) from (select from echoroom.chat_messages m where m.session_id = old.id limit 1001) few) <= 1000
        and (select count(*) from (select from echoroom.message_reactions r where r.session_id = old.id limit 1001) few) <= 1000
    then
        return old;
    end if;

    insert into echoroom_private.erased_rooms (session_id)
    values (old.id);
    -- The one thing that its people are told: room-changed, to a room that is not active.
    update echoroom.sessions s
    set is_active = false
    where s.id = old.id and s.is_active;
    perform set_config('echoroom.erases', 'room', true);
    delete from echoroom.participants p
    where p.session_id = old.id;
    perform set_config('echoroom.erases', '', true);
    perform parley.request_maintenance('echoroom_erase_rooms');
    return null;
end
$$;

comment on function echoroom_private.erase_room is
    'Trigger: a room with more than 1,000 messages or reactions is closed and emptied of people instead of deleted, and removed by maintenance.';

create trigger sessions_erase
    before delete on echoroom.sessions
    for each row execute function echoroom_private.erase_room();

create function echoroom_private.erase_rooms(p_batch integer default 2000)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_session_id uuid;
    v_done bigint;
    v_messages bigint;
begin
    select e.session_id
    into v_session_id
    from echoroom_private.erased_rooms e
    order by e.requested_at, e.session_id
    limit 1
    for update skip locked;
    if not found then
        return 0;
    end if;
    -- Somebody who wrote here may be erased at the same time.
    perform
    from echoroom.sessions s
    where s.id = v_session_id
    for no key update;
    perform set_config('echoroom.erases', 'room', true);
    -- Reactions first: those of one message may be more than a batch.
    delete from echoroom.message_reactions r
    where r.id = any (array(select few.id from echoroom.message_reactions few where few.session_id = v_session_id limit p_batch));
    get diagnostics v_done = row_count;
    if v_done < p_batch then
        -- The latest first: an answer goes before what it answers, so no row is changed that is deleted afterwards.
        delete from echoroom.chat_messages m
        where m.id = any (array(
            select few.id
            from echoroom.chat_messages few
            where few.session_id = v_session_id
            order by few.seq desc
            limit p_batch - v_done
        ));
        get diagnostics v_messages = row_count;
        v_done := v_done + v_messages;
    end if;
    if v_done < p_batch then
        delete from echoroom.sessions s
        where s.id = v_session_id;
        -- Others may wait.
        v_done := p_batch;
    end if;
    perform set_config('echoroom.erases', '', true);
    return v_done;
end
$$;

comment on function echoroom_private.erase_rooms is
    'Removes at most a batch of the oldest deleted room, and the room when nothing is left of it; how much, a full batch while there may be more.';

-- People ------------------------------------------------------------------------------------------------------------------------

revoke all on echoroom_private.erased_rooms from public, anon, authenticated, service_role;

-- As the foreign key would that is missing.
create function echoroom_private.hold_creator()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform echoroom_private.hold_account(new.created_by);
    return new;
end
$$;

comment on function echoroom_private.hold_creator is 'Trigger: the creator of a room has an account.';

create trigger sessions_hold_creator
    before insert or update of created_by on echoroom.sessions
    for each row
    when (new.created_by is not null)
    execute function echoroom_private.hold_creator();

create function echoroom_private.wrote_little(p_user_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
    return not parley.is_deferring()
        and (select count(*) from (select from echoroom.chat_messages m where m.user_id = p_user_id limit 201) few) <= 200
        and (select count(*) from (select from echoroom.message_reactions r where r.user_id = p_user_id limit 201) few) <= 200;
end
$$;

comment on function echoroom_private.wrote_little is 'Whether what a person wrote is so little (200 messages, 200 reactions) that it goes with the account at once.';

create function echoroom_private.erase_person(p_user_id uuid, p_batch integer)
returns bigint
language plpgsql
volatile
set search_path = ''
set enable_seqscan = off
as $$
declare
    v_reactions uuid[] := array(select r.id from echoroom.message_reactions r where r.user_id = p_user_id limit p_batch);
    v_messages uuid[] := array(
        select m.id from echoroom.chat_messages m where m.user_id = p_user_id limit p_batch - cardinality(v_reactions)
    );
    v_done bigint := cardinality(v_reactions) + cardinality(v_messages);
    v_logged bigint;
begin
    perform
    from echoroom.sessions s
    where s.id in (
        select r.session_id from echoroom.message_reactions r where r.id = any (v_reactions)
        union
        select m.session_id from echoroom.chat_messages m where m.id = any (v_messages)
        union
        select o.id from echoroom.sessions o where o.created_by = p_user_id
    )
    order by s.id
    for no key update;
    delete from echoroom.message_reactions r
    where r.id = any (v_reactions);
    -- What the texts were before somebody edited or deleted them, whoever it was.
    update echoroom_private.audit_log a
    set old_content = null
    where a.message_id = any (v_messages) and a.old_content is not null;
    update echoroom.chat_messages m
    set user_id = null
    where m.id = any (v_messages);
    update echoroom.sessions s
    set created_by = null
    where s.created_by = p_user_id;
    update echoroom.conversations c
    set started_by = null
    where c.started_by = p_user_id;
    if v_done < p_batch then
        delete from echoroom_private.audit_log a
        where a.id = any (array(select few.id from echoroom_private.audit_log few where few.user_id = p_user_id limit p_batch - v_done));
        get diagnostics v_logged = row_count;
        v_done := v_done + v_logged;
    end if;
    return v_done;
end
$$;

comment on function echoroom_private.erase_person is
    'Takes a person out of at most a batch of rows: reactions go, messages and rooms lose their id, the log forgets what they did and their texts. How many.';

create function echoroom_private.erase_people(p_batch integer default 1000)
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
    from echoroom_private.erased_people e
    order by e.requested_at, e.user_id
    limit 1
    for update skip locked;
    if not found then
        return 0;
    end if;
    perform set_config('echoroom.erases', 'person', true);
    v_done := echoroom_private.erase_person(v_user_id, p_batch);
    perform set_config('echoroom.erases', '', true);
    if v_done < p_batch then
        delete from echoroom_private.erased_people e
        where e.user_id = v_user_id;
        -- Others may wait.
        v_done := p_batch;
    end if;
    return v_done;
end
$$;

comment on function echoroom_private.erase_people is
    'erase_person for the account that was deleted the longest time ago; a full batch while there may be more.';

-- A deleted account gives its seats back, which moves their rooms; and where it wrote little, its messages and reactions change in many rooms.
-- The rooms are locked in the order of their ids, and as strongly as the first needs, so this meets no RPC from the other side.
create function echoroom_private.lock_rooms_of_user()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_wrote_little boolean := echoroom_private.wrote_little(old.id);
begin
    perform
    from echoroom.sessions s
    where s.id in (
        select p.session_id from echoroom.participants p where p.user_id = old.id
        union
        select o.id from echoroom.sessions o where v_wrote_little and o.created_by = old.id
        union
        select m.session_id from echoroom.chat_messages m where v_wrote_little and m.user_id = old.id
        union
        select r.session_id from echoroom.message_reactions r where v_wrote_little and r.user_id = old.id
    )
    order by s.id
    for update;
    -- Not by the foreign key: what is written down of a seat would then come after everything that erase_account does.
    delete from echoroom.participants p
    where p.user_id = old.id;
    return old;
end
$$;

comment on function echoroom_private.lock_rooms_of_user is
    'Trigger on auth.users: locks the rooms that the deletion of an account changes, and gives its seats back. The account is locked already.';

create trigger echoroom_lock_rooms
    before delete on auth.users
    for each row execute function echoroom_private.lock_rooms_of_user();

create function echoroom_private.erase_account()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if echoroom_private.wrote_little(old.id) and echoroom_private.erase_person(old.id, 1000) < 1000 then
        return null;
    end if;
    insert into echoroom_private.erased_people (user_id)
    values (old.id)
    on conflict on constraint erased_people_pkey do nothing;
    perform parley.request_maintenance('echoroom_erase_people');
    return null;
end
$$;

comment on function echoroom_private.erase_account is
    'Trigger on auth.users: what a deleted account wrote loses its id at once where it is little, else by maintenance.';

create trigger echoroom_erase
    after delete on auth.users
    for each row execute function echoroom_private.erase_account();

-- Calls -------------------------------------------------------------------------------------------------------------------------

-- A call outlives its room, for somebody has to end it; what was said, seen and recorded in it does not.
create function echoroom_private.empty_call()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    new.conversation_url := null;
    new.started_by := null;
    new.transcript := null;
    new.perception_analysis := null;
    new.recording := null;
    new.recordings := null;
    if old.session_id is not null then
        delete from echoroom_private.conversation_events e
        where e.conversation = new.id;
    end if;
    return new;
end
$$;

comment on function echoroom_private.empty_call is 'Trigger: a call whose room is gone holds what is needed to end it, and no more.';

create trigger conversations_empty
    before update on echoroom.conversations
    for each row
    when (new.session_id is null)
    execute function echoroom_private.empty_call();

create function echoroom_private.drop_orphan_event()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if exists (select from echoroom.conversations c where c.id = new.conversation and c.session_id is null) then
        return null;
    end if;
    return new;
end
$$;

comment on function echoroom_private.drop_orphan_event is 'Trigger: of a call whose room is gone no event is kept.';

create trigger conversation_events_drop_orphan
    before insert on echoroom_private.conversation_events
    for each row execute function echoroom_private.drop_orphan_event();

-- Who is removed from a room knows the address of its call, and Tavus lets in whoever has it: a token for a call is made once, with the call.
-- So the call ends with the removal. The epoch moves when somebody is removed, and then alone.
create function echoroom_private.end_call_of_removed()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform echoroom_private.enqueue_end(c.id, 'participant_removed')
    from echoroom.conversations c
    where c.session_id = new.id and c.status in ('starting', 'active');
    update echoroom.conversations c
    set end_requested_at = clock_timestamp()
    where c.session_id = new.id and c.status in ('starting', 'active') and c.end_requested_at is null;
    return null;
end
$$;

comment on function echoroom_private.end_call_of_removed is 'Trigger: the call of a room ends when somebody is removed from the room.';

create trigger sessions_end_call_of_removed
    after update of epoch on echoroom.sessions
    for each row
    when (new.epoch <> old.epoch)
    execute function echoroom_private.end_call_of_removed();

create function echoroom_private.erase_call()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    -- Thousands may go at once: all of them are one owner's, so a call that somebody wants waits for one of them at most.
    perform parley.enqueue_job(
        'tavus',
        'erase_call',
        jsonb_build_object('app', 'echoroom', 'call', old.conversation_id),
        'erase_call:' || old.conversation_id,
        owner => uuid '00000000-0000-0000-0000-000000000000'
    );
    return null;
end
$$;

comment on function echoroom_private.erase_call is 'Trigger: a call whose row goes is erased at its provider as well, recordings among it.';

create trigger conversations_erase_call
    after delete on echoroom.conversations
    for each row
    when (old.conversation_id is not null)
    execute function echoroom_private.erase_call();

create index conversations_orphaned_idx on echoroom.conversations (id) where session_id is null;
create index conversations_ended_at_idx on echoroom.conversations (ended_at);

create function echoroom_private.erase_calls(p_batch integer default 500)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
set enable_seqscan = off
as $$
declare
    -- The end is Tavus' word, the row's own age is ours: a call that is new here is not old, whatever its events say.
    v_cutoff timestamptz := now() - parley.retention('echoroom.calls');
    v_done bigint;
begin
    delete from echoroom.conversations c
    where c.id in (
        select over.id
        from (
            (select o.id from echoroom.conversations o where o.session_id is null and o.status in ('ended', 'failed') limit p_batch)
            union
            (select o.id from echoroom.conversations o where o.ended_at < v_cutoff and o.created_at < v_cutoff and o.status in ('ended', 'failed') order by o.ended_at limit p_batch)
        ) over
        limit p_batch
    );
    get diagnostics v_done = row_count;
    return v_done;
end
$$;

comment on function echoroom_private.erase_calls is
    'Deletes calls that are over and whose room is gone, and those above the retention echoroom.calls, at most a batch; how many.';

reset lock_timeout;

-- Time --------------------------------------------------------------------------------------------------------------------------

create function echoroom_private.prune_messages(p_batch integer default 2000)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_cutoff timestamptz := now() - parley.retention('echoroom.messages');
    v_rooms uuid[];
    v_messages uuid[];
begin
    if v_cutoff is null then
        return 0;
    end if;
    -- Room by room, by the index that pages of messages use: an index by age alone would cost every message of all rooms.
    select array_agg(distinct old.session_id), array_agg(old.id)
    into v_rooms, v_messages
    from (
        select found.id, found.session_id
        from echoroom.sessions s
        cross join lateral (
            select m.id, m.session_id
            from echoroom.chat_messages m
            where m.session_id = s.id and m.created_at < v_cutoff
            order by m.created_at
            limit p_batch
        ) found
        limit p_batch
    ) old;
    if v_rooms is null then
        return 0;
    end if;
    perform
    from echoroom.sessions s
    where s.id = any (v_rooms)
    order by s.id
    for no key update;
    -- No change of the stream: what is that old nobody has to be told of.
    perform set_config('echoroom.erases', 'room', true);
    delete from echoroom.chat_messages m
    where m.id = any (v_messages);
    perform set_config('echoroom.erases', '', true);
    return cardinality(v_messages);
end
$$;

comment on function echoroom_private.prune_messages is 'Deletes messages above the retention echoroom.messages, at most a batch; how many.';

create function echoroom_private.prune_audit_log(p_batch integer default 5000)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    return parley.prune_by_age('echoroom_private.audit_log', 'happened_at', 'echoroom.audit_log', p_batch);
end
$$;

comment on function echoroom_private.prune_audit_log is 'Forgets what is above the retention echoroom.audit_log, at most a batch; how many.';

create function echoroom_private.prune_closed_rooms(p_batch integer default 20)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_cutoff timestamptz := now() - parley.retention('echoroom.closed_rooms');
    v_session_id uuid;
    v_done bigint := 0;
begin
    for v_session_id in
        select s.id
        from echoroom.sessions s
        where not s.is_active and s.updated_at < v_cutoff
            and not exists (select from echoroom_private.erased_rooms e where e.session_id = s.id)
        order by s.id
        limit p_batch
        for update skip locked
    loop
        delete from echoroom.sessions s
        where s.id = v_session_id;
        v_done := v_done + 1;
    end loop;
    return v_done;
end
$$;

comment on function echoroom_private.prune_closed_rooms is 'Deletes rooms that have been closed for longer than the retention echoroom.closed_rooms, at most a batch; how many.';

select parley.define_limit('echoroom.messages', 'retention', 90, 'Days that a message is kept in a room.');
select parley.define_limit('echoroom.audit_log', 'retention', 30, 'Days that moderators see who came and went, and what texts were before they were edited or deleted.');
select parley.define_limit('echoroom.calls', 'retention', 90, 'Days that a call that is over is kept, with its transcript and recordings.');
select parley.define_limit('echoroom.closed_rooms', 'retention', 30, 'Days that a closed room is kept.');

select parley.define_maintenance('echoroom_erase_people', 'select echoroom_private.erase_people($1)', 60, 1000);
select parley.define_maintenance('echoroom_erase_rooms', 'select echoroom_private.erase_rooms($1)', 60, 2000);
select parley.define_maintenance('echoroom_erase_calls', 'select echoroom_private.erase_calls($1)', 60, 500);
select parley.define_maintenance('echoroom_prune_messages', 'select echoroom_private.prune_messages($1)', 3600, 2000);
select parley.define_maintenance('echoroom_prune_audit_log', 'select echoroom_private.prune_audit_log($1)', 3600, 5000);
select parley.define_maintenance('echoroom_prune_closed_rooms', 'select echoroom_private.prune_closed_rooms($1)', 3600, 20);

revoke execute on all functions in schema echoroom_private from public;
