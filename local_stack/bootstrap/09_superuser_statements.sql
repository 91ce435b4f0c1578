-- Statements that Supabase lets the role postgres run and a plain Postgres reserves for superusers. Event triggers lend the role that right:
-- the change of the role is part of the statement's own transaction, so no other session ever sees it, and an error takes it back.
--
-- A listed extension, a publication of all tables and a foreign data wrapper have it for the one statement. Creating an event trigger fires
-- no event trigger, so nothing can lend the right for it alone: a transaction in which postgres creates or replaces a function that returns
-- event_trigger has it until its end, but not inside any statement that does fire event triggers, which is all other DDL.
--
-- Takes a row lock on one row of pg_authid until the transaction ends, when there is such a statement.

create function extensions.local_privileged_extensions()
returns text[]
language sql
immutable
as $$
    select array[
        'address_standardizer', 'address_standardizer_data_us', 'autoinc', 'bloom', 'btree_gin', 'btree_gist', 'citext',
        'cube', 'dblink', 'dict_int', 'dict_xsyn', 'earthdistance', 'fuzzystrmatch', 'hstore', 'http', 'hypopg',
        'index_advisor', 'insert_username', 'intarray', 'isn', 'ltree', 'moddatetime', 'pg_buffercache', 'pg_cron',
        'pg_graphql', 'pg_hashids', 'pg_jsonschema', 'pg_net', 'pg_prewarm', 'pg_repack', 'pg_stat_monitor',
        'pg_stat_statements', 'pg_tle', 'pg_trgm', 'pg_walinspect', 'pgaudit', 'pgcrypto', 'pgjwt', 'pgroonga',
        'pgroonga_database', 'pgrouting', 'pgrowlocks', 'pgsodium', 'pgstattuple', 'pgtap', 'plpgsql_check', 'plv8',
        'postgis', 'postgis_raster', 'postgis_sfcgal', 'postgis_tiger_geocoder', 'postgis_topology', 'postgres_fdw',
        'refint', 'rum', 'seg', 'sslinfo', 'supabase_vault', 'tablefunc', 'tcn', 'timescaledb', 'tsm_system_rows',
        'tsm_system_time', 'unaccent', 'uuid-ossp', 'vector', 'wrappers'
    ]
$$;

-- What the right is lent for, while it is. The rows are gone when the transaction that wrote them commits, so no other one sees them.
create table extensions.local_superuser_loans (
    purpose text,
    constraint local_superuser_loans_pkey primary key (purpose),
    constraint local_superuser_loans_purpose_check check (purpose in ('extension', 'event trigger'))
);

alter table extensions.local_superuser_loans enable row level security;

create function extensions.local_lend_superuser()
returns void
language plpgsql
set search_path = ''
as $$
begin
    -- One at a time: two sessions that change the same role fail instead of waiting.
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('extensions.local_lend_superuser'));
    alter role postgres superuser;
end
$$;

create function extensions.local_end_loans()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    alter role postgres nosuperuser;
    delete from extensions.local_superuser_loans where true;
    return null;
end
$$;

-- At the end of the transaction, whatever happened in it.
create constraint trigger local_end_loans
after insert on extensions.local_superuser_loans
deferrable initially deferred
for each row execute function extensions.local_end_loans();

-- Who runs a statement shows in the setting `role`, or as the session's own user: these functions run as their owner.
create function extensions.local_is_postgres()
returns boolean
language sql
stable
set search_path = ''
as $$
    select coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user) = 'postgres'
$$;

create function extensions.local_before_statement()
returns event_trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    -- The statements of an extension's script are part of its creation.
    if exists (select from extensions.local_superuser_loans where purpose = 'extension') then
        return;
    end if;

    if exists (select from extensions.local_superuser_loans) then
        alter role postgres nosuperuser;
    end if;

    if not extensions.local_is_postgres() then
        return;
    end if;

    if tg_tag in ('CREATE PUBLICATION', 'CREATE FOREIGN DATA WRAPPER') then
        perform extensions.local_lend_superuser();
    -- The name of an extension is not known before the statement has run, so the text decides whether help may be needed, and what
    -- comes after the statement decides whether it was deserved.
    elsif tg_tag in ('CREATE EXTENSION', 'ALTER EXTENSION') and exists (
        select
        from pg_catalog.pg_available_extensions as available
        where available.name = any (extensions.local_privileged_extensions())
          and pg_catalog.strpos(pg_catalog.lower(pg_catalog.current_query()), available.name) > 0
    ) then
        insert into extensions.local_superuser_loans (purpose) values ('extension');
        perform extensions.local_lend_superuser();
    end if;
end
$$;

create function extensions.local_after_statement()
returns event_trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    refused text;
begin
    if tg_tag in ('CREATE EXTENSION', 'ALTER EXTENSION') then
        delete from extensions.local_superuser_loans where purpose = 'extension';
    elsif exists (select from extensions.local_superuser_loans where purpose = 'extension') then
        return;
    end if;

    if (select rolsuper from pg_catalog.pg_roles where rolname = 'postgres') then
        alter role postgres nosuperuser;

        select command.object_identity
        into refused
        from pg_catalog.pg_event_trigger_ddl_commands() as command
        join pg_catalog.pg_extension as installed on installed.oid = command.objid
        join pg_catalog.pg_available_extension_versions as available
            on available.name = installed.extname and available.version = installed.extversion
        where command.object_type = 'extension'
          and available.superuser
          and not available.trusted
          and installed.extname <> all (extensions.local_privileged_extensions())
        limit 1;

        if refused is not null then
            raise exception 'permission denied to create extension "%"', refused
                using errcode = '42501',
                      hint = 'Must be superuser to create this extension.';
        end if;
    end if;

    if tg_tag = 'CREATE FUNCTION' and extensions.local_is_postgres() and exists (
        select
        from pg_catalog.pg_event_trigger_ddl_commands() as command
        join pg_catalog.pg_proc as routine on routine.oid = command.objid
        where command.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
          and routine.prorettype = 'pg_catalog.event_trigger'::pg_catalog.regtype
    ) then
        insert into extensions.local_superuser_loans (purpose) values ('event trigger') on conflict do nothing;
    end if;

    if exists (select from extensions.local_superuser_loans) then
        perform extensions.local_lend_superuser();
    end if;
end
$$;

revoke execute on function extensions.local_privileged_extensions() from public;
revoke execute on function extensions.local_lend_superuser() from public;
revoke execute on function extensions.local_end_loans() from public;
revoke execute on function extensions.local_is_postgres() from public;
revoke execute on function extensions.local_before_statement() from public;
revoke execute on function extensions.local_after_statement() from public;

create event trigger local_before_statement on ddl_command_start
execute function extensions.local_before_statement();

create event trigger local_after_statement on ddl_command_end
execute function extensions.local_after_statement();
