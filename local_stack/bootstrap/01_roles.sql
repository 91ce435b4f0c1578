-- The roles of a Supabase project with the attributes and memberships that migrations and services rely on.
-- Passwords are for a private cluster that listens on loopback only.
-- Takes row locks in the shared role catalogues.

alter role supabase_admin with superuser createdb createrole replication bypassrls password 'postgres';

-- What the API acts as. None of them can log in.
create role anon nologin inherit;
create role authenticated nologin inherit;
create role service_role nologin inherit bypassrls;

-- What PostgREST logs in as; it has no rights of its own and switches to one of the three above per request.
create role authenticator login noinherit password 'postgres';
grant anon, authenticated, service_role to authenticator;

-- What migrations run as. Not a superuser, so that a migration that would fail on Supabase fails here too.
create role postgres login inherit nosuperuser createdb createrole replication bypassrls password 'postgres';

do $membership$
begin
    if pg_catalog.current_setting('server_version_num')::integer >= 160000 then
        grant anon, authenticated, service_role to postgres with admin option;
    else
        grant anon, authenticated, service_role to postgres;
    end if;
end
$membership$;

grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;

-- The owners of what the services keep in the database.
create role supabase_auth_admin login noinherit createrole password 'postgres';
create role supabase_storage_admin login noinherit createrole password 'postgres';
create role supabase_realtime_admin nologin noinherit;
create role dashboard_user nologin createdb createrole replication;

grant authenticator to supabase_storage_admin;
grant anon, authenticated, service_role to supabase_realtime_admin;

-- The one deliberate deviation. On Supabase an extension lets postgres create policies on tables that it does not own; on a
-- plain Postgres only the owner may, so postgres inherits from the two owners. They get no CREATE on their schemas, so
-- creating objects in `storage` or `realtime` fails here as it does there.
grant supabase_storage_admin, supabase_realtime_admin to postgres;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';

alter role supabase_admin set search_path = "$user", public, auth, extensions;
alter role postgres set search_path = "$user", public, extensions;
alter role supabase_auth_admin set search_path = auth;
alter role supabase_auth_admin set idle_in_transaction_session_timeout = '60s';
alter role supabase_storage_admin set search_path = storage;
alter role supabase_realtime_admin set search_path = public, extensions, realtime;
