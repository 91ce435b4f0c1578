-- The table through which the database talks to Realtime, its partitions and the two publications.
-- Locks nothing that is in use: every object is new. Keeping the partitions later takes ACCESS EXCLUSIVE on realtime.messages
-- for an instant, once a day.

create schema realtime authorization supabase_admin;
grant usage on schema realtime to postgres with grant option;
grant usage on schema realtime to supabase_realtime_admin, anon, authenticated, service_role, dashboard_user;

-- `inserted_at` has no time zone on Supabase either; the server's day is the UTC day.
create table realtime.messages (
    topic text not null,
    extension text not null,
    payload jsonb,
    event text,
    private boolean default false,
    updated_at timestamp without time zone not null default now(),
    inserted_at timestamp without time zone not null default now(),
    id uuid not null default gen_random_uuid(),
    binary_payload bytea,
    constraint messages_pkey primary key (id, inserted_at)
)
partition by range (inserted_at);

alter table realtime.messages
    add constraint messages_payload_exclusive check (payload is null or binary_payload is null);

create index messages_inserted_at_topic_index on realtime.messages (inserted_at desc, topic)
    where extension = 'broadcast' and private is true;

alter table realtime.messages owner to supabase_realtime_admin;
alter table realtime.messages enable row level security;

grant all on realtime.messages to postgres, dashboard_user;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;

-- On Supabase the Realtime server does this when a client connects and in its janitor. Here the local stack calls it at start
-- and every hour.
create schema _realtime authorization supabase_admin;

create function _realtime.keep_partitions(present timestamptz default now())
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
    today date := (present at time zone 'UTC')::date;
    oldest date := ((present - interval '72 hours') at time zone 'UTC')::date;
    partition_day date;
    partition_name text;
    changes integer := 0;
begin
    -- One keeper at a time: two would try to create the same table.
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('_realtime.keep_partitions'));

    for partition_day in
        select d::date
        from pg_catalog.generate_series(today - 1, today + 3, interval '1 day') as d
    loop
        partition_name := pg_catalog.to_char(partition_day, '"messages_"YYYY_MM_DD');

        if pg_catalog.to_regclass('realtime.' || partition_name) is null then
            execute pg_catalog.format(
                'create table realtime.%I partition of realtime.messages for values from (%L) to (%L)',
                partition_name, partition_day, partition_day + 1
            );
            execute pg_catalog.format('alter table realtime.%I owner to supabase_realtime_admin', partition_name);
            changes := changes + 1;
        end if;
    end loop;

    for partition_name in
        select c.relname
        from pg_catalog.pg_inherits i
        join pg_catalog.pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'realtime.messages'::pg_catalog.regclass
          and c.relname ~ '^messages_\d{4}_\d{2}_\d{2}$'
          and pg_catalog.to_date(c.relname, '"messages_"YYYY_MM_DD') < oldest
    loop
        execute pg_catalog.format('drop table realtime.%I', partition_name);
        changes := changes + 1;
    end loop;

    return changes;
end
$$;

revoke execute on function _realtime.keep_partitions(timestamptz) from public;
comment on function _realtime.keep_partitions(timestamptz)
is 'Creates the daily partitions of realtime.messages from yesterday to three days ahead and drops those older than 72 hours. Returns how many tables it created or dropped.';

do $partitions$
begin
    perform _realtime.keep_partitions();
end
$partitions$;

create publication supabase_realtime_messages_publication for table realtime.messages;

-- Empty, and the project's own: a migration adds the tables whose changes clients may follow.
create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;
