-- The worker's role: what edge_worker logs in as, with exactly the grants that apps give it.
--
-- Roles belong to the cluster, not to the database: after a reset the role is still there. It comes without a password, so nobody can log
-- in as it until an operator sets one: alter role parley_worker with password '...'.
-- Locks: a row in the role catalogue.

do $role$
begin
    if not exists (select from pg_catalog.pg_roles r where r.rolname = 'parley_worker') then
        create role parley_worker login noinherit connection limit 64;
    end if;
    -- Whoever migrates can act as the worker, to see what it may do.
    execute pg_catalog.format('grant parley_worker to %I', current_user);
end
$role$;

comment on role parley_worker is 'Parley''s worker: webhooks in, provider APIs out, queued jobs. Reads and writes through the functions that apps grant it.';

-- A webhook that waits for a lock answers 503 and is sent again; a stuck one must not hold the sender's connection.
alter role parley_worker set statement_timeout = '15s';
alter role parley_worker set lock_timeout = '5s';
alter role parley_worker set idle_in_transaction_session_timeout = '30s';
