-- On Supabase the role postgres may create a list of extensions, publications of all tables, and foreign data wrappers, which a
-- plain Postgres reserves for superusers. Here an event trigger lends the role that right for the one statement: the change of the
-- role is part of the statement's own transaction, so no other session ever sees it, and an error takes it back.
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

-- Who runs the statement. It shows in the setting `role`, or as the session's own user: an event trigger that may change the role
-- runs as its owner.
create function extensions.local_is_postgres()
returns boolean
language sql
stable
set search_path = ''
as $$
    select coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user) = 'postgres'
$$;

create function extensions.local_make_superuser()
returns void
language plpgsql
set search_path = ''
as $$
begin
    -- One at a time: two sessions that change the same role fail instead of waiting.
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('extensions.local_make_superuser'));
    alter role postgres superuser;
end
$$;

create function extensions.local_lend_superuser()
returns event_trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    -- The name of an extension is not known before the statement has run, so the text decides whether help may be needed, and the
    -- second trigger decides whether it was deserved.
    if extensions.local_is_postgres()
        and (
            tg_tag not in ('CREATE EXTENSION', 'ALTER EXTENSION')
            or exists (
                select
                from pg_catalog.pg_available_extensions as available
                where available.name = any (extensions.local_privileged_extensions())
                  and pg_catalog.strpos(pg_catalog.lower(pg_catalog.current_query()), available.name) > 0
            )
        )
    then
        perform extensions.local_make_superuser();
    end if;
end
$$;

create function extensions.local_return_superuser()
returns event_trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    refused text;
begin
    if not (select rolsuper from pg_catalog.pg_roles where rolname = 'postgres') then
        return;
    end if;

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
end
$$;

revoke execute on function extensions.local_privileged_extensions() from public;
revoke execute on function extensions.local_is_postgres() from public;
revoke execute on function extensions.local_make_superuser() from public;
revoke execute on function extensions.local_lend_superuser() from public;
revoke execute on function extensions.local_return_superuser() from public;

-- The event triggers are made in the next file, where their order matters.
