-- What a worker does with jobs: takes them on a lease, extends it, and says how it went. Granted to parley_worker alone.
--
-- A worker whose lease has run out may still be alive. The lease is named by the number of times that pgmq has handed the message out:
-- once another worker has the job, the first one can neither finish nor extend nor bury it, and is told so.
-- An attempt counts when it begins, so a job that kills its worker is tried no more often than one that fails.
-- Locks: creates only. Afterwards: the job's message, then its row here. Nobody waits for a job that somebody else holds, but for who
-- enqueues it again at that moment, and that until he commits.

-- Jobs that a worker gave up, until an operator replays or drops them.
create table parley.dead_letters (
    id bigint generated always as identity,
    queue text collate "C" not null,
    kind text not null,
    payload jsonb not null,
    job_key text collate "C",
    deaths integer not null default 1,
    attempts integer not null,
    last_error text not null,
    enqueued_at timestamptz not null,
    died_at timestamptz not null default clock_timestamp(),
    constraint dead_letters_pkey primary key (id),
    -- What dies again and again, a scheduled job for example, fills one row.
    constraint dead_letters_queue_job_key_key unique (queue, job_key),
    constraint dead_letters_job_key_check check (char_length(job_key) between 1 and 200),
    constraint dead_letters_deaths_check check (deaths > 0),
    constraint dead_letters_attempts_check check (attempts >= 0),
    constraint dead_letters_kind_check check (char_length(kind) <= 63),
    constraint dead_letters_last_error_check check (char_length(last_error) <= 2000)
);

alter table parley.dead_letters enable row level security;

comment on table parley.dead_letters is 'Jobs that were given up, with the reason. edge_worker dead-letters lists, replays and drops them.';
comment on column parley.dead_letters.job_key is 'Its key. The row goes by itself when a later job with the key succeeds.';
comment on column parley.dead_letters.deaths is 'How many jobs with this key were given up, this being the last.';
comment on column parley.dead_letters.attempts is 'How many times it was tried, all of its lives together.';

-- Whether this lease is the one under which the job is running; if so the job is held until the caller ends.
create function parley.hold_job(queue text, job bigint, lease integer) returns boolean
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    last_lease integer;
begin
    execute format('select message.read_ct from pgmq.%I as message where message.msg_id = $1 for update', 'q_parley_' || queue)
    into last_lease
    using job;
    -- A worker that asks twice, because the answer was lost, has given up its lease the first time.
    return coalesce(last_lease = lease, false) and exists (
        select
        from parley.jobs as running
        where running.queue = hold_job.queue collate "C" and running.message_id = job and running.is_running
    );
end
$$;

-- For a job that is held. Nothing here can refuse: a job that cannot be buried would come back for ever.
create function parley.bury(queue text, job bigint, error text) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    buried parley.jobs;
    body jsonb;
    sent_at timestamptz;
begin
    delete from parley.jobs as dying
    where dying.queue = bury.queue collate "C" and dying.message_id = job
    returning * into buried;
    execute format('select message.message, message.enqueued_at from pgmq.%I as message where message.msg_id = $1', 'q_parley_' || queue)
    into body, sent_at
    using job;
    perform pgmq.delete('parley_' || queue, job);
    insert into parley.dead_letters as dead (queue, kind, payload, job_key, attempts, last_error, enqueued_at)
    values (
        bury.queue,
        coalesce(left(body ->> 'kind', 63), ''),
        coalesce(body -> 'payload', body, 'null'),
        buried.job_key,
        coalesce(buried.attempts, 0),
        left(coalesce(error, ''), 2000),
        sent_at
    )
    on conflict on constraint dead_letters_queue_job_key_key do update
    set
        kind = excluded.kind,
        payload = excluded.payload,
        deaths = dead.deaths + 1,
        attempts = dead.attempts + excluded.attempts,
        last_error = excluded.last_error,
        died_at = excluded.died_at;
end
$$;

-- From the beginning, as if it had just been enqueued. For a job that is held.
create function parley.restart_job(queue text, job bigint) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
begin
    update parley.jobs as again
    set
        attempts = 0,
        is_running = false,
        is_wanted_again = false,
        last_error = null,
        last_failed_at = null,
        place = parley.next_place(again.queue, again.owner),
        due_at = null
    where again.queue = restart_job.queue collate "C" and again.message_id = job;
    perform pgmq.set_vt('parley_' || queue, job, 0);
    perform pg_notify('parley_jobs', queue);
end
$$;

-- Jobs whose time has come get their place: a delay is over, or a worker never came back. At most so many, of which nobody holds the row.
create function parley.line_up(queue text, most integer) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    due parley.jobs;
begin
    for due in
        select hidden.*
        from parley.jobs as hidden
        where hidden.queue = line_up.queue collate "C" and hidden.due_at <= clock_timestamp()
        order by hidden.due_at
        limit most
        for update skip locked
    loop
        update parley.jobs as hidden
        set place = parley.next_place(due.queue, due.owner), due_at = null
        where hidden.queue = due.queue and hidden.message_id = due.message_id;
    end loop;
end
$$;

-- The next messages, hidden for the lease: first those that stand in the line; then, where there are too few, what somebody has sent to or moved
-- in the queue of pgmq by hand. Messages and rows that somebody holds are passed by, so that nobody waits here.
create function parley.claim_messages(queue text, max_jobs integer, lease_seconds integer) returns bigint[]
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    claimed bigint[] := array[]::bigint[];
    found_ids bigint[];
    source text;
    lock_mode text;
begin
    for source, lock_mode in
        values
            ('from parley.jobs as job join pgmq.%1$I as message on message.msg_id = job.message_id
                where job.queue = $1 collate "C" and job.place is not null and message.vt <= clock_timestamp()
                order by job.place, job.message_id', 'of message, job'),
            ('from pgmq.%1$I as message join parley.jobs as job on job.queue = $1 collate "C" and job.message_id = message.msg_id
                where message.vt <= clock_timestamp() and job.place is null
                order by message.msg_id', 'of message, job'),
            ('from pgmq.%1$I as message
                where message.vt <= clock_timestamp()
                    and not exists (select from parley.jobs as job where job.queue = $1 collate "C" and job.message_id = message.msg_id)
                order by message.msg_id', 'of message')
    loop
        exit when cardinality(claimed) >= max_jobs;
        execute format(
            'with next as materialized (select message.msg_id ' || source || ' limit $2 for update ' || lock_mode || ' skip locked),
            hidden as (
                update pgmq.%1$I as message
                set vt = clock_timestamp() + make_interval(secs => $3), read_ct = message.read_ct + 1
                from next
                where message.msg_id = next.msg_id
                returning message.msg_id
            )
            select coalesce(array_agg(hidden.msg_id), ''{}'') from hidden',
            'q_parley_' || queue)
        into found_ids
        using queue, max_jobs - cardinality(claimed), lease_seconds;
        claimed := claimed || found_ids;
    end loop;
    return claimed;
end
$$;

create function parley.take_jobs(queue text, max_jobs integer, lease_seconds integer, max_attempts integer)
    returns table (id bigint, lease integer, kind text, payload jsonb, attempt integer, enqueued_at timestamptz)
    language plpgsql volatile security definer
    set search_path = ''
    as $$
declare
    found_id bigint;
    read_count integer;
    sent_at timestamptz;
    body jsonb;
    owner uuid;
    place bigint;
begin
    if not exists (select from parley.job_queues as known where known.name = take_jobs.queue collate "C") then
        raise exception using errcode = '22023', message = 'There is no such queue of jobs.';
    end if;
    if max_jobs is null or max_jobs not between 1 and 1000 then
        raise exception using errcode = '22023', message = 'Take 1 to 1000 jobs at once.';
    end if;
    if lease_seconds is null or lease_seconds not between 1 and 3600 then
        raise exception using errcode = '22023', message = 'A lease has 1 to 3600 seconds.';
    end if;
    if max_attempts is null or max_attempts < 1 then
        raise exception using errcode = '22023', message = 'A job is tried at least once.';
    end if;

    perform parley.line_up(queue, max_jobs + 100);
    for found_id, read_count, sent_at, body, owner, place in
        execute format(
            'select message.msg_id, message.read_ct, message.enqueued_at, message.message as body, job.owner, job.place
            from pgmq.%I as message
            left join parley.jobs as job on job.queue = $1 collate "C" and job.message_id = message.msg_id
            where message.msg_id = any ($2)
            order by job.owner, job.place, message.msg_id',
            'q_parley_' || queue)
        using queue, parley.claim_messages(queue, max_jobs, lease_seconds)
    loop
        if owner is not null and place is not null then
            insert into parley.job_turns as turn (queue, owner_hash, last_place)
            values (take_jobs.queue, hashtextextended(owner::text, 0), place)
            on conflict on constraint job_turns_pkey do update
            set last_place = greatest(turn.last_place, excluded.last_place);
        end if;
        -- Whoever wanted it again has committed by now, and this attempt will see that.
        insert into parley.jobs as running (queue, message_id, attempts, is_running, due_at)
        values (take_jobs.queue, found_id, 1, true, clock_timestamp() + make_interval(secs => lease_seconds))
        on conflict on constraint jobs_pkey do update
        set attempts = running.attempts + 1, is_running = true, is_wanted_again = false, place = null, due_at = excluded.due_at
        returning running.attempts into attempt;
        if attempt > max_attempts then
            update parley.jobs as running
            set attempts = max_attempts
            where running.queue = take_jobs.queue collate "C" and running.message_id = found_id;
            perform parley.bury(take_jobs.queue, found_id, 'The last worker that took it never came back.');
            continue;
        end if;
        id := found_id;
        lease := read_count;
        kind := coalesce(body ->> 'kind', '');
        payload := coalesce(body -> 'payload', 'null');
        enqueued_at := sent_at;
        return next;
    end loop;
end
$$;
comment on function parley.take_jobs(text, integer, integer, integer) is
    'Takes the next jobs that are due, owners in turn and of each the oldest first, each for lease_seconds and under a lease that the other functions want to see. attempt counts from 1. A job of which max_attempts ended without a word goes to the dead letters.';

create function parley.extend_job(queue text, job bigint, lease integer, lease_seconds integer) returns boolean
    language plpgsql volatile security definer
    set search_path = ''
    as $$
begin
    if lease_seconds is null or lease_seconds not between 1 and 3600 then
        raise exception using errcode = '22023', message = 'A lease has 1 to 3600 seconds.';
    end if;
    if not parley.hold_job(queue, job, lease) then
        return false;
    end if;
    perform pgmq.set_vt('parley_' || queue, job, lease_seconds);
    return true;
end
$$;
comment on function parley.extend_job(text, bigint, integer, integer) is 'The lease runs that long from now. False: somebody else has the job, or it is over.';

create function parley.finish_job(queue text, job bigint, lease integer) returns boolean
    language plpgsql volatile security definer
    set search_path = ''
    as $$
declare
    done parley.jobs;
begin
    if not parley.hold_job(queue, job, lease) then
        return false;
    end if;
    select * into done
    from parley.jobs as running
    where running.queue = finish_job.queue collate "C" and running.message_id = job;
    if done.is_wanted_again then
        perform parley.restart_job(queue, job);
    else
        delete from parley.jobs as running
        where running.queue = finish_job.queue collate "C" and running.message_id = job;
        perform pgmq.delete('parley_' || queue, job);
    end if;
    delete from parley.dead_letters as dead
    where dead.queue = finish_job.queue collate "C" and dead.job_key = done.job_key;
    return true;
end
$$;
comment on function parley.finish_job(text, bigint, integer) is
    'It is done; earlier deaths under its key are forgotten. False: somebody else has the job, or it is over.';

create function parley.retry_job(queue text, job bigint, lease integer, delay_seconds integer, error text) returns boolean
    language plpgsql volatile security definer
    set search_path = ''
    as $$
begin
    if delay_seconds is null or delay_seconds not between 0 and 2592000 then
        raise exception using errcode = '22023', message = 'The delay of a job is 0 to 2592000 seconds.';
    end if;
    if not parley.hold_job(queue, job, lease) then
        return false;
    end if;
    update parley.jobs as failed
    set
        is_running = false,
        last_error = left(error, 2000),
        last_failed_at = clock_timestamp(),
        place = null,
        due_at = clock_timestamp() + make_interval(secs => delay_seconds)
    where failed.queue = retry_job.queue collate "C" and failed.message_id = job;
    perform pgmq.set_vt('parley_' || queue, job, delay_seconds);
    return true;
end
$$;
comment on function parley.retry_job(text, bigint, integer, integer, text) is
    'The attempt failed; another one after the delay. False: somebody else has the job, or it is over.';

create function parley.release_job(queue text, job bigint, lease integer) returns boolean
    language plpgsql volatile security definer
    set search_path = ''
    as $$
begin
    if not parley.hold_job(queue, job, lease) then
        return false;
    end if;
    update parley.jobs as released
    -- It has waited already.
    set is_running = false, attempts = greatest(released.attempts - 1, 0), place = parley.next_place(released.queue, null), due_at = null
    where released.queue = release_job.queue collate "C" and released.message_id = job;
    perform pgmq.set_vt('parley_' || queue, job, 0);
    perform pg_notify('parley_jobs', queue);
    return true;
end
$$;
comment on function parley.release_job(text, bigint, integer) is
    'A worker that stops gives the job back: due at once, and the attempt does not count. False: somebody else has the job, or it is over.';

create function parley.bury_job(queue text, job bigint, lease integer, error text) returns boolean
    language plpgsql volatile security definer
    set search_path = ''
    as $$
begin
    if not parley.hold_job(queue, job, lease) then
        return false;
    end if;
    if exists (
        select
        from parley.jobs as running
        where running.queue = bury_job.queue collate "C" and running.message_id = job and running.is_wanted_again
    ) then
        -- Who asked meanwhile has not seen it fail yet.
        perform parley.restart_job(queue, job);
    else
        perform parley.bury(queue, job, error);
    end if;
    return true;
end
$$;
comment on function parley.bury_job(text, bigint, integer, text) is
    'It will not succeed: to the dead letters with the reason, or once more from the beginning where it was enqueued again meanwhile. False: somebody else has the job, or it is over.';

create function parley.job_stats()
    returns table (queue text, ready bigint, delayed bigint, running bigint, oldest_ready_seconds double precision, dead bigint)
    language plpgsql stable security definer
    set search_path = ''
    as $$
begin
    for queue in select known.name from parley.job_queues as known order by known.name loop
        execute format(
            'select count(*) filter (where message.vt <= clock_timestamp()),
                count(*) filter (where message.vt > clock_timestamp() and job.is_running is not true),
                count(*) filter (where message.vt > clock_timestamp() and job.is_running),
                coalesce(greatest(extract(epoch from clock_timestamp() - min(message.vt)), 0), 0)
            from pgmq.%I as message
            left join parley.jobs as job on job.queue = $1 and job.message_id = message.msg_id',
            'q_parley_' || queue)
        into ready, delayed, running, oldest_ready_seconds
        using queue;
        select count(*) into dead from parley.dead_letters as letter where letter.queue = job_stats.queue collate "C";
        return next;
    end loop;
end
$$;
comment on function parley.job_stats() is
    'One row a queue: jobs that are due, that wait for their time, that workers have; how long the oldest is due; dead letters.';

revoke execute on all functions in schema parley from public;

grant usage on schema parley to parley_worker;
grant execute on function
    parley.take_jobs(text, integer, integer, integer),
    parley.extend_job(text, bigint, integer, integer),
    parley.finish_job(text, bigint, integer),
    parley.retry_job(text, bigint, integer, integer, text),
    parley.release_job(text, bigint, integer),
    parley.bury_job(text, bigint, integer, text),
    parley.job_stats()
to parley_worker;

select parley.keep_implementation();
