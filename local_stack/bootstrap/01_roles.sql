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
        -- Since 16 the settings of a role are changed by who administers it. On Supabase an extension allows that for this one too.
        execute 'grant authenticator to postgres with admin true, inherit false, set false';
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

-- What Supabase lets postgres set for sessions, roles and the database, and a plain Postgres reserves for superusers: PostgREST's
-- configuration in the database, how much is logged and measured, and triggers that are silent while data is restored. Names of
-- modules that are not loaded here are kept as they are given.
do $parameters$
declare
    parameter text;
begin
    foreach parameter in array array[
        'pgrst.db_aggregates_enabled', 'pgrst.db_anon_role', 'pgrst.db_extra_search_path', 'pgrst.db_hoisted_tx_settings',
        'pgrst.db_max_rows', 'pgrst.db_plan_enabled', 'pgrst.db_pre_config', 'pgrst.db_pre_request', 'pgrst.db_prepared_statements',
        'pgrst.db_root_spec', 'pgrst.db_schemas', 'pgrst.db_timezone_enabled', 'pgrst.db_tx_end', 'pgrst.jwt_aud',
        'pgrst.jwt_cache_max_entries', 'pgrst.jwt_cache_max_lifetime', 'pgrst.jwt_role_claim_key', 'pgrst.jwt_secret',
        'pgrst.jwt_secret_is_base64', 'pgrst.openapi_mode', 'pgrst.openapi_security_active', 'pgrst.openapi_server_proxy_uri',
        'pgrst.server_cors_allowed_origins', 'pgrst.server_timing_enabled', 'pgrst.server_trace_header',
        'auto_explain.log_analyze', 'auto_explain.log_buffers', 'auto_explain.log_format', 'auto_explain.log_min_duration',
        'auto_explain.log_nested_statements', 'auto_explain.log_settings', 'auto_explain.log_timing', 'auto_explain.log_triggers',
        'auto_explain.log_verbose', 'auto_explain.log_wal', 'auto_explain.sample_rate',
        'log_lock_waits', 'log_min_duration_statement', 'log_min_messages', 'log_statement', 'pg_net.batch_size', 'pg_net.ttl',
        'pg_stat_statements.track', 'pg_stat_statements.track_planning', 'pg_stat_statements.track_utility',
        'pgaudit.log', 'pgaudit.log_catalog', 'pgaudit.log_client', 'pgaudit.log_level', 'pgaudit.log_parameter',
        'pgaudit.log_relation', 'pgaudit.log_rows', 'pgaudit.log_statement', 'pgaudit.log_statement_once', 'pgaudit.role',
        'plan_filter.limit_select_only', 'plan_filter.module_loaded', 'plan_filter.statement_cost_limit', 'safeupdate.enabled',
        'session_replication_role', 'track_functions', 'track_io_timing'
    ]
    loop
        execute pg_catalog.format('grant set on parameter %I to postgres', parameter);
    end loop;
end
$parameters$;
