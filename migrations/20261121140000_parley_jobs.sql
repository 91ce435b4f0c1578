-- Queued jobs: work for the outside world, enqueued in the transaction that wants it, done by the worker later, at least once.
--
-- A job is a message of pgmq (which keeps it, hides it while a worker has it, and shows it again when that worker is gone) and a row here
-- beside it with what pgmq does not keep: the key, the failures, and whether somebody wanted it again meanwhile. Of pgmq only what 1.4 has
-- too is used: hosted Supabase is not always up to date.
--
-- A key stands for a piece of work. As long as a job with the key is unfinished there is no second one: who asks again gets the first. A
-- job that is running may have read what the asking transaction is about to change, so it then runs once more. For that the asker holds
-- the message until it commits, and workers pass by messages that are held.
-- A queue that people fill is fair between them (start-time fair queueing): a job gets a place in the line, one behind the last one of its owner's,
-- and never before the place that was served last. The lowest place is taken first, so whoever has few jobs passes whoever has many. Jobs of
-- nobody, such as the end of a call, wait behind nobody's crowd. A job that is hidden (delayed, or with a worker) has no place until it is due.
-- Locks: creates only. Afterwards: the message of a key that is enqueued again, until the caller ends; so several keys in one
-- transaction are enqueued in their order, as with all locks, or two transactions may wait for each other (40P01).

do $available$
begin
    if not exists (select from pg_catalog.pg_available_extensions where name = 'pgmq') then
        raise exception using
            errcode = '0A000',
            message = 'The extension pgmq is not available on this server.',
            hint = 'Supabase has it. Elsewhere bin/setup installs it, or copy its control and SQL files into the server''s extension folder.';
    end if;
end
$available$;

create extension if not exists pgmq;

create table parley.job_queues (
    name text collate "C" not null,
    created_at timestamptz not null default now(),
    constraint job_queues_pkey primary key (name),
    constraint job_queues_name_check check (name ~ '^[a-z][a-z0-9_]{0,30}$')
);

create table parley.jobs (
    queue text collate "C" not null,
    message_id bigint not null,
    job_key text collate "C",
    attempts integer not null default 0,
    is_running boolean not null default false,
    is_wanted_again boolean not null default false,
    last_error text,
    last_failed_at timestamptz,
    owner uuid,
    place bigint,
    due_at timestamptz,
    constraint jobs_pkey primary key (queue, message_id),
    constraint jobs_queue_job_key_key unique (queue, job_key),
    constraint jobs_job_key_check check (char_length(job_key) between 1 and 200),
    constraint jobs_attempts_check check (attempts >= 0),
    constraint jobs_last_error_check check (char_length(last_error) <= 2000),
    constraint jobs_place_check check ((place is null) <> (due_at is null))
);

-- The line, the hidden jobs by their time, and the jobs of a person.
create index jobs_queue_place_idx on parley.jobs (queue, place, message_id) where place is not null;
create index jobs_queue_due_at_idx on parley.jobs (queue, due_at) where due_at is not null;
create index jobs_owner_queue_place_idx on parley.jobs (owner, queue, place) where owner is not null;

-- No account is named here: a row outlives the job, and may outlive the account.
create table parley.job_turns (
    queue text collate "C" not null,
    owner_hash bigint not null,
    last_place bigint not null,
    constraint job_turns_pkey primary key (queue, owner_hash)
);
create index job_turns_queue_last_place_idx on parley.job_turns (queue, last_place);

alter table parley.job_turns enable row level security;
alter table parley.job_queues enable row level security;
alter table parley.jobs enable row level security;

comment on table parley.job_queues is 'The queues of jobs. Each is the queue parley_<name> of pgmq.';
comment on table parley.jobs is 'What pgmq does not keep of an unfinished job.';
comment on column parley.jobs.message_id is 'The job: the id of its message in pgmq.';
comment on column parley.jobs.job_key is 'The work that it stands for; there is one unfinished job a key.';
comment on column parley.jobs.attempts is 'How many times a worker took it, without those that gave it back untried.';
comment on column parley.jobs.is_running is 'A worker has it, or had it and died; pgmq knows until when its lease runs.';
comment on column parley.jobs.owner is 'The person whose work it is, for turns between people; null for nobody''s.';
comment on column parley.jobs.place is 'Its place in the line: the lowest is taken first, and of equals the oldest. Null while it is hidden.';
comment on column parley.jobs.due_at is 'While it is hidden: when it gets a place again, unless it is done by then.';
comment on table parley.job_turns is 'The last place that was served of each owner, by hashtextextended(owner, 0). Pruned when others are ahead.';
comment on column parley.jobs.is_wanted_again is 'Enqueued again while it was running: it runs once more.';

create function parley.create_job_queue(name text) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
begin
    insert into parley.job_queues (name) values (create_job_queue.name);
    perform pgmq.create('parley_' || create_job_queue.name);
    -- Supabase's dashboard offers to open queues to clients, and looks at this.
    execute format('alter table pgmq.%I enable row level security', 'q_parley_' || create_job_queue.name);
    execute format('alter table pgmq.%I enable row level security', 'a_parley_' || create_job_queue.name);
    execute format(
        'revoke all on table pgmq.%I, pgmq.%I from public, anon, authenticated, service_role',
        'q_parley_' || create_job_queue.name,
        'a_parley_' || create_job_queue.name
    );
end
$$;
comment on function parley.create_job_queue(text) is 'For migrations: a queue of jobs. A name has up to 31 lower-case letters, digits and _.';

-- The unfinished job with this key, held until the caller ends; null where there is none. Where it is running, it may be told to run once
-- more.
create function parley.unfinished_job(queue text, job_key text, run_again boolean) returns bigint
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    unfinished bigint;
    is_there boolean;
begin
    select job.message_id into unfinished
    from parley.jobs as job
    where job.queue = unfinished_job.queue collate "C" and job.job_key = unfinished_job.job_key collate "C";
    if not found then
        return null;
    end if;
    -- Waits for a worker that is just finishing it.
    execute format('select true from pgmq.%I as message where message.msg_id = $1 for update', 'q_parley_' || unfinished_job.queue)
    into is_there
    using unfinished;
    if is_there then
        update parley.jobs as job
        set is_wanted_again = true
        where job.queue = unfinished_job.queue collate "C" and job.message_id = unfinished
            and run_again and job.is_running and not job.is_wanted_again;
        return unfinished;
    end if;
    -- Finished meanwhile, and its row with it; or somebody has purged the queue, which must not lock the key for ever.
    delete from parley.jobs as job
    where job.queue = unfinished_job.queue collate "C" and job.message_id = unfinished;
    return null;
end
$$;

-- Reads without locking: two jobs that are enqueued at once may get the same place, and then the older one goes first.
create function parley.next_place(queue text, owner uuid) returns bigint
    language plpgsql volatile
    set search_path = ''
    -- Planned while the table was small, the plan would read all of it when there is a crowd.
    set enable_seqscan = off
    as $$
declare
    served bigint := (
        select turn.last_place
        from parley.job_turns as turn
        where turn.queue = next_place.queue collate "C"
        order by turn.last_place desc
        limit 1
    );
begin
    if owner is null then
        return coalesce(served, 0);
    end if;
    return greatest(
        0,
        served,
        1 + (
            select turn.last_place
            from parley.job_turns as turn
            where turn.queue = next_place.queue collate "C" and turn.owner_hash = hashtextextended(next_place.owner::text, 0)
        ),
        1 + (
            -- Not max(), which the planner is free to read all of the owner's jobs for.
            select waiting.place
            from parley.jobs as waiting
            where waiting.owner = next_place.owner and waiting.queue = next_place.queue collate "C" and waiting.place is not null
            order by waiting.place desc
            limit 1
        )
    );
end
$$;
comment on function parley.next_place(text, uuid) is 'Where a job of this owner goes in the line of a queue.';

create function parley.enqueue_job(
    queue text,
    kind text,
    payload jsonb,
    job_key text default null,
    delay_seconds integer default 0,
    owner uuid default null
) returns bigint
    language plpgsql volatile security definer
    set search_path = ''
    as $$
declare
    job bigint;
begin
    if not exists (select from parley.job_queues as known where known.name = enqueue_job.queue collate "C") then
        raise exception using errcode = '22023', message = 'There is no such queue of jobs.';
    end if;
    if kind is null or kind collate "C" !~ '^[a-z][a-z0-9_]{0,62}$' then
        raise exception using errcode = '22023', message = 'A kind of job has 1 to 63 lower-case letters, digits and _, and begins with a letter.';
    end if;
    if payload is null or jsonb_typeof(payload) <> 'object' then
        raise exception using errcode = '22023', message = 'The payload of a job is a JSON object.';
    end if;
    if octet_length(payload::text) > 65536 then
        raise exception using errcode = '22023', message = 'The payload of a job has at most 65536 bytes.';
    end if;
    if length(job_key) not between 1 and 200 then
        raise exception using errcode = '22023', message = 'The key of a job has 1 to 200 characters.';
    end if;
    if delay_seconds is null or delay_seconds not between 0 and 2592000 then
        raise exception using errcode = '22023', message = 'The delay of a job is 0 to 2592000 seconds.';
    end if;

    -- Also for a job that is there: workers who looked at it meanwhile have passed it by.
    if delay_seconds = 0 then
        perform pg_notify('parley_jobs', queue);
    end if;
    for attempt in 1..10 loop
        if job_key is not null then
            job := parley.unfinished_job(queue, job_key, run_again => true);
            if job is not null then
                return job;
            end if;
        end if;
        -- What the worker goes on with in a person's name is no request of theirs, and is never refused.
        if owner = (select auth.uid()) then
            perform parley.lock_ceiling('parley.waiting_jobs', owner);
            perform parley.check_ceiling(
                'parley.waiting_jobs',
                owner,
                1 + (select count(*) from parley.jobs as waiting where waiting.owner = enqueue_job.owner),
                'You have %s things waiting for the server already.',
                'Wait until some of them are done.'
            );
        end if;
        job := pgmq.send('parley_' || queue, jsonb_build_object('kind', kind, 'payload', payload), delay_seconds);
        insert into parley.jobs (queue, message_id, job_key, owner, place, due_at)
        values (
            enqueue_job.queue,
            job,
            enqueue_job.job_key,
            enqueue_job.owner,
            case when delay_seconds = 0 then parley.next_place(enqueue_job.queue, enqueue_job.owner) end,
            case when delay_seconds > 0 then clock_timestamp() + make_interval(secs => delay_seconds) end
        )
        on conflict on constraint jobs_queue_job_key_key do nothing;
        if found then
            return job;
        end if;
        -- Somebody else enqueued the key between the two, and the insert has waited for him: look again.
        perform pgmq.delete('parley_' || queue, job);
    end loop;
    -- Only where the other one's job is finished each time, between the two statements.
    raise exception using errcode = '40001', message = 'The job was enqueued and finished by others at the same time: try again.';
end
$$;
comment on function parley.enqueue_job(text, text, jsonb, text, integer, uuid) is
    'Enqueues a job in the caller''s transaction and returns its id; with a key of which an unfinished job is in the queue, that one''s. Owners of jobs take turns. For definer functions of apps. Wakes the workers at commit. 22023 for arguments out of range.';

select parley.create_job_queue('tavus');
select parley.create_job_queue('maintenance');

revoke execute on all functions in schema parley from public;

select parley.keep_implementation();
