-- Refuses to run where it would do harm: anywhere but on an empty private cluster whose superuser is supabase_admin.
-- Takes no lock.

do $guard$
begin
    if current_user <> 'supabase_admin' or not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
        raise exception 'the bootstrap runs as the superuser supabase_admin, not as %', current_user
            using hint = 'Create the cluster with: initdb --username=supabase_admin';
    end if;

    if current_database() <> 'postgres' then
        raise exception 'the bootstrap runs in the database postgres, not in %', current_database();
    end if;

    if pg_catalog.current_setting('server_version_num')::integer < 150000 then
        raise exception 'PostgreSQL 15 or newer is needed, this is %', pg_catalog.current_setting('server_version');
    end if;

    -- Supabase's own services keep their migration history in these tables; the bootstrap never creates them.
    if pg_catalog.to_regclass('auth.schema_migrations') is not null
        or pg_catalog.to_regclass('storage.migrations') is not null
        or pg_catalog.to_regclass('realtime.schema_migrations') is not null
    then
        raise exception 'this is a real Supabase database; the local bootstrap must not touch it'
            using hint = 'Run the migrations alone: supabase db push';
    end if;

    if pg_catalog.to_regnamespace('auth') is not null or pg_catalog.to_regnamespace('realtime') is not null then
        raise exception 'this database has been bootstrapped already'
            using hint = 'Empty the data directory with: local_stack reset';
    end if;
end
$guard$;
