-- Maintenance: what the database does for itself when somebody tells it to. One table says what, one kind of job does it all: a sweep needs no
-- code in the worker.
--
-- A statement does one batch and says how much that was; the worker commits and asks again while batches are full, so nothing is locked for
-- longer than a batch. It comes round by its schedule, which has its name, and at once when request_maintenance asks for it.
-- Locks: creates only. Afterwards what the statements take; prune_anonymous_accounts deletes accounts, with the locks of what hangs on them.

create table parley.maintenance (
    name text collate "C" not null,
    statement text not null,
    batch integer,
    constraint maintenance_pkey primary key (name),
    constraint maintenance_name_fkey foreign key (name) references parley.job_schedules (name) on delete cascade,
    constraint maintenance_statement_check check (starts_with(statement, 'select ')),
    constraint maintenance_batch_check check (batch between 1 and 100000)
);

comment on table parley.maintenance is 'What the database does for itself, by the schedules of the same names. Operators may change batch.';
comment on column parley.maintenance.statement is 'Does one batch, whose size is $1, and returns one number: how much that was.';
comment on column parley.maintenance.batch is 'As much as one transaction does; a full one is not the last. Null: one statement does it all.';

alter table parley.maintenance enable row level security;

create function parley.define_maintenance(name text, statement text, every_seconds integer, batch integer default null) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
begin
    insert into parley.job_schedules (name, queue, kind, payload, every_seconds)
    values (
        define_maintenance.name,
        'maintenance',
        'run_maintenance',
        jsonb_build_object('name', define_maintenance.name),
        define_maintenance.every_seconds
    );
    insert into parley.maintenance (name, statement, batch)
    values (define_maintenance.name, define_maintenance.statement, define_maintenance.batch);
end
$$;
comment on function parley.define_maintenance(text, text, integer, integer) is
    'For migrations: a statement that the worker runs every so many seconds, in batches of $1 where there is a batch.';

create function parley.request_maintenance(name text) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
begin
    -- The key of its schedule: what is asked for and what is due are one job.
    perform parley.enqueue_job(
        'maintenance', 'run_maintenance', jsonb_build_object('name', request_maintenance.name), 'schedule:' || request_maintenance.name
    );
end
$$;
comment on function parley.request_maintenance(text) is 'Has it run when the caller has committed, without waiting for its schedule. For definer functions of apps.';

create function parley.run_maintenance(name text) returns table (done bigint, has_more boolean)
    language plpgsql volatile security definer
    set search_path = ''
    as $$
declare
    known parley.maintenance;
begin
    select sweep.* into known from parley.maintenance as sweep where sweep.name = run_maintenance.name collate "C";
    if not found then
        raise exception using errcode = '22023', message = format('There is no maintenance %L.', run_maintenance.name);
    end if;
    execute known.statement into done using known.batch;
    done := coalesce(done, 0);
    has_more := coalesce(done >= known.batch, false);
    return next;
end
$$;
comment on function parley.run_maintenance(text) is
    'Does one batch; how much, and whether to call it again after a commit. 22023 for a name that is none.';

create function parley.retention_days(name text, least_days integer default 1) returns integer
    language plpgsql stable
    set search_path = ''
    as $$
begin
    -- A hundred years stand for ever.
    return coalesce(
        least(greatest(extract(day from parley.retention(retention_days.name))::integer, least_days), 36500),
        36500
    );
end
$$;
comment on function parley.retention_days(text, integer) is 'A retention as a number of days, at least so many; 36500 where it is for ever.';

create function parley.prune_by_age(pruned regclass, stamp name, retention text, batch integer) returns bigint
    language plpgsql volatile
    set search_path = ''
    -- For a batch a scan of the whole table may look cheaper while it has some thousands of rows.
    set enable_seqscan = off
    as $$
declare
    done bigint;
begin
    execute format(
        'delete from %1$s as gone
        where gone.id = any (array(select old.id from %1$s as old where old.%2$I < $1 order by old.%2$I limit $2))',
        pruned,
        stamp)
    using now() - parley.retention(prune_by_age.retention), batch;
    get diagnostics done = row_count;
    return done;
end
$$;
comment on function parley.prune_by_age(regclass, name, text, integer) is
    'For definer functions of apps: deletes rows above a retention by their time stamp, the oldest first and at most a batch; how many. The table has a key id and an index on the stamp.';

-- What the kernel forgets -------------------------------------------------------------------------------------------------------

create index dead_letters_died_at_idx on parley.dead_letters (died_at);

create function parley.prune_dead_letters(batch integer) returns bigint
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    cutoff timestamptz := now() - parley.retention('parley.dead_letters');
    pruned bigint;
begin
    delete from parley.dead_letters as dead
    where dead.id in (
        select old.id
        from parley.dead_letters as old
        where old.died_at < cutoff
        order by old.died_at
        limit batch
        for update skip locked
    );
    get diagnostics pruned = row_count;
    return pruned;
end
$$;
comment on function parley.prune_dead_letters(integer) is 'Forgets dead letters above the retention parley.dead_letters, at most a batch; how many.';

-- An account that somebody uses has a session that is refreshed about once an hour; the day of its sign-in says nothing. Found by reading all
-- anonymous accounts, as auth takes no index of ours, so many go at once. What hangs on them goes in batches of its own: see is_deferring.
create function parley.prune_anonymous_accounts(batch integer) returns bigint
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    cutoff timestamptz := now() - parley.retention('parley.anonymous_accounts');
    unused uuid;
    pruned bigint := 0;
begin
    if cutoff is null then
        return 0;
    end if;
    perform set_config('parley.defers_erasing', 'on', true);
    for unused in
        select person.id
        from auth.users as person
        where person.is_anonymous
            and greatest(person.created_at, person.last_sign_in_at, person.updated_at) < cutoff
            and not exists (
                select
                from auth.sessions as used
                where used.user_id = person.id
                    and greatest(used.created_at, used.updated_at, used.refreshed_at at time zone 'UTC') >= cutoff
            )
        limit batch
    loop
        delete from auth.users as person
        where person.id = unused;
        pruned := pruned + 1;
    end loop;
    perform set_config('parley.defers_erasing', '', true);
    return pruned;
end
$$;
comment on function parley.prune_anonymous_accounts(integer) is
    'Deletes anonymous accounts that nobody has used for longer than the retention parley.anonymous_accounts, at most a batch; how many.';

create function parley.is_deferring() returns boolean
    language plpgsql stable
    set search_path = ''
    as $$
begin
    return coalesce(current_setting('parley.defers_erasing', true), '') = 'on';
end
$$;
comment on function parley.is_deferring() is
    'Whether several accounts are deleted in one transaction. What an app does for a deleted account at once, it then leaves to its maintenance: locks of several people''s things are taken in no order.';

select parley.define_limit('parley.dead_letters', 'retention', 90, 'Days that a job which was given up waits for an operator.');
select parley.define_limit('parley.anonymous_accounts', 'retention', 90, 'Days without use after which an anonymous account is deleted, with all that is deleted with an account.');

select parley.define_maintenance('prune', 'select parley.prune($1)', 3600, 5000);
select parley.define_maintenance('prune_dead_letters', 'select parley.prune_dead_letters($1)', 86400, 1000);
select parley.define_maintenance('prune_anonymous_accounts', 'select parley.prune_anonymous_accounts($1)', 3600, 100);

revoke execute on all functions in schema parley from public;
grant execute on function parley.run_maintenance(text) to parley_worker;

select parley.keep_implementation();
