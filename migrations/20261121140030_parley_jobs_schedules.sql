-- Scheduled jobs: work that comes round by itself, once a period, however many workers run.
--
-- Every worker calls run_due_schedules again and again; who finds a schedule due takes its row, enqueues one job and moves the schedule on
-- to the next moment of its grid that is in the future. After a time without workers there is therefore one job, not one a missed period.
-- A run that is not over, waits for its retry for example, stands for the next one too.
-- Locks: the due schedules' rows until commit; others pass them by.

create table parley.job_schedules (
    name text collate "C" not null,
    queue text collate "C" not null,
    kind text not null,
    payload jsonb not null default '{}',
    every_seconds integer not null,
    is_enabled boolean not null default true,
    next_run_at timestamptz not null default now(),
    last_run_at timestamptz,
    constraint job_schedules_pkey primary key (name),
    constraint job_schedules_queue_fkey foreign key (queue) references parley.job_queues (name),
    constraint job_schedules_name_check check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint job_schedules_kind_check check (kind collate "C" ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint job_schedules_payload_check check (jsonb_typeof(payload) = 'object' and octet_length(payload::text) <= 65536),
    constraint job_schedules_every_seconds_check check (every_seconds between 1 and 2678400)
);
create index job_schedules_queue_idx on parley.job_schedules (queue);

alter table parley.job_schedules enable row level security;

comment on table parley.job_schedules is 'Jobs that come round by themselves. Operators may change every_seconds and is_enabled.';
comment on column parley.job_schedules.next_run_at is 'When the next job is due to be enqueued.';

create function parley.run_due_schedules() returns double precision
    language plpgsql volatile security definer
    set search_path = ''
    as $$
declare
    due parley.job_schedules;
begin
    for due in
        select schedule.*
        from parley.job_schedules as schedule
        where schedule.is_enabled and schedule.next_run_at <= clock_timestamp()
        order by schedule.name
        for update skip locked
    loop
        if parley.unfinished_job(due.queue, 'schedule:' || due.name, run_again => false) is null then
            perform parley.enqueue_job(due.queue, due.kind, due.payload, 'schedule:' || due.name);
        end if;
        update parley.job_schedules as schedule
        set
            last_run_at = clock_timestamp(),
            next_run_at = due.next_run_at + make_interval(secs => due.every_seconds * (
                floor(extract(epoch from clock_timestamp() - due.next_run_at) / due.every_seconds) + 1
            )::double precision)
        where schedule.name = due.name;
    end loop;
    return (
        select greatest(extract(epoch from schedule.next_run_at - clock_timestamp()), 0)
        from parley.job_schedules as schedule
        where schedule.is_enabled
        order by schedule.next_run_at
        limit 1
    );
end
$$;
comment on function parley.run_due_schedules() is
    'Enqueues a job for every schedule that is due, and moves it on. Returns the seconds until the next one is due, null when there is none. Any number of workers may call it at once.';

-- What the kernel itself forgets by age. One batch a call, as with prune_events.
create function parley.prune(batch integer default 5000) returns bigint
    language plpgsql volatile security definer
    set search_path = ''
    as $$
declare
    retained interval;
    pruned bigint := 0;
    queue text;
begin
    retained := parley.retention('parley.events');
    if retained is not null then
        -- Whatever an operator has set: senders repeat events for as long.
        pruned := parley.prune_events(greatest(retained, interval '4 days'), batch);
    end if;
    pruned := greatest(pruned, parley.prune_rate_limits(batch));
    -- Of jobs whose message somebody has deleted.
    for queue in select known.name from parley.job_queues as known order by known.name loop
        execute format(
            'delete from parley.jobs as job
            where job.queue = $1 and not exists (select from pgmq.%I as message where message.msg_id = job.message_id)',
            'q_parley_' || queue)
        using queue;
    end loop;
    -- An owner who was served last before others is where somebody new is.
    delete from parley.job_turns as turn
    where turn.last_place < (select max(latest.last_place) from parley.job_turns as latest where latest.queue = turn.queue);
    return pruned;
end
$$;
comment on function parley.prune(integer) is
    'Forgets claimed events that are older than the retention parley.events, a batch a call, and what is left of rate limits and of jobs that were deleted by hand. Returns how many it did of what it did most: call it again while the batch is full.';

select parley.define_limit('parley.events', 'retention', 30, 'Days that an event of a provider is known, so that a repetition does nothing; never less than 4.');

-- For edge_worker migrate-check: the CLI's ledger belongs to whoever migrates, and where others migrate there is none.
create function parley.applied_migrations() returns table (version text, name text)
    language plpgsql stable security definer
    set search_path = ''
    as $$
begin
    if to_regclass('supabase_migrations.schema_migrations') is not null then
        return query execute 'select m.version::text, m.name::text from supabase_migrations.schema_migrations as m order by m.version';
    end if;
end
$$;
comment on function parley.applied_migrations() is 'What the Supabase CLI has noted as applied; nothing where it was not the CLI.';

revoke execute on all functions in schema parley from public;

grant execute on function
    parley.run_due_schedules(),
    parley.applied_migrations()
to parley_worker;

select parley.keep_implementation();

notify pgrst, 'reload schema';
