-- Database settings, the schemas `public`, `extensions` and `graphql_public`, and the extensions every project starts with.
-- Takes ACCESS EXCLUSIVE locks on nothing that is in use: the database is new.

alter database postgres set timezone to 'UTC';
-- The owner may change the database's settings, which migrations do.
alter database postgres owner to postgres;
grant create, connect, temporary on database postgres to postgres;
grant create, connect, temporary on database postgres to dashboard_user;

-- The state of a project created since May 2026: the API roles may look into `public`, and nothing is granted on what is
-- created there. Every migration grants explicitly.
alter schema public owner to postgres;
revoke create on schema public from public;
grant usage, create on schema public to postgres;
grant usage on schema public to anon, authenticated, service_role;

create schema extensions authorization supabase_admin;
grant usage on schema extensions to postgres, anon, authenticated, service_role, dashboard_user;

create schema graphql_public authorization supabase_admin;
grant usage on schema graphql_public to postgres, anon, authenticated, service_role;

create extension if not exists pgcrypto with schema extensions;
create extension if not exists "uuid-ossp" with schema extensions;
create extension if not exists pg_stat_statements with schema extensions;
