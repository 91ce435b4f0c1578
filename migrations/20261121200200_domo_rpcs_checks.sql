-- Domo, what functions check: who calls, whose demo it is, whether a text is one.
--
-- Errors that a client may see are raised by domo_private.fail; docs/errors.md lists them. Helpers are PL/pgSQL even where one query says it
-- all: a pinned search_path keeps Postgres from inlining an SQL function, and it would be planned anew at every call.
--
-- Locks. The order is demo (FOR NO KEY UPDATE, or KEY SHARE by foreign key), call, video or chunk, counts (demo_stats): every function here
-- and every webhook keeps it. A direct write of a video or chunk locks its row first: if it meets the deletion of the whole demo, Postgres
-- ends one of the two with 40P01, and it can be repeated.

create function domo_private.fail(status text, code text, message text, hint text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    raise exception using errcode = status, message = message, detail = code, hint = hint;
end
$$;

comment on function domo_private.fail is 'Raises an error that a client may see: HTTP status by SQLSTATE PTnnn, stable code in detail. See docs/errors.md.';

create function domo_private.is_service()
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
    -- The role that the request runs as, seen from inside a definer function: current_user would be this function's owner there.
    return pg_has_role(coalesce(nullif(current_setting('role', true), 'none'), session_user)::name, 'service_role', 'usage');
end
$$;

comment on function domo_private.is_service is 'Whether the caller acts as service_role (or as a role that inherits it).';

create function domo_private.is_importing()
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
    return coalesce(current_setting('domo.importing', true), '') = 'on';
end
$$;

comment on function domo_private.is_importing is 'Whether import_demo_data is at work: rows come as they were, so nothing is checked against today, logged or told.';

create function domo_private.me()
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
    v_user_id uuid := (select auth.uid());
begin
    if v_user_id is null then
        perform domo_private.fail('PT401', 'not_signed_in', 'You are not signed in.', 'Sign in first; an anonymous sign-in is enough.');
    end if;
    return v_user_id;
end
$$;

comment on function domo_private.me is 'The caller''s user id. PT401 not_signed_in without one.';

create function domo_private.demo_not_found()
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    perform domo_private.fail('PT404', 'demo_not_found', 'There is no such demo.', 'List yours with demo_dashboard.');
end
$$;

comment on function domo_private.demo_not_found is 'Raises PT404 demo_not_found.';

create function domo_private.lock_demo(p_demo_id uuid)
returns domo.demos
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_user_id uuid;
    v_demo domo.demos;
begin
    if not domo_private.is_service() then
        v_user_id := domo_private.me();
    end if;
    select d.*
    into v_demo
    from domo.demos d
    where d.id = p_demo_id and d.deleted_at is null and (v_user_id is null or d.user_id = v_user_id)
    for no key update;
    if not found then
        perform domo_private.demo_not_found();
    end if;
    return v_demo;
end
$$;

comment on function domo_private.lock_demo is 'Locks a demo of the caller (any, for service_role) for a change. PT404 demo_not_found. For definer helpers.';

create function domo_private.topic(p_demo_id uuid, p_epoch integer)
returns text
language plpgsql
immutable
strict
parallel safe
set search_path = ''
as $$
begin
    return 'domo:' || p_demo_id || ':' || p_epoch;
end
$$;

comment on function domo_private.topic is 'The Realtime topic of a demo in one epoch.';

create function domo_private.enqueue(p_queue text, p_kind text, p_payload jsonb, p_key text, p_owner uuid default null)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    -- The only place that knows how jobs are enqueued. A database without queues does without jobs: nothing is lost, the rows say what waits.
    if to_regprocedure('parley.enqueue_job(text,text,jsonb,text,integer,uuid)') is not null then
        execute format('select parley.%I($1, $2, $3, $4, owner => $5)', 'enqueue_job')
        using p_queue, p_kind, p_payload || '{"app": "domo"}', p_key, p_owner;
    end if;
end
$$;

comment on function domo_private.enqueue is 'Enqueues a job of this app in the caller''s transaction, once a key while it is unfinished; owners take turns. Nothing where the kernel has no queues.';

-- Transcribing and embedding take as long as their providers do; calls must not wait behind them.
do $queue$
begin
    if to_regprocedure('parley.create_job_queue(text)') is not null then
        execute 'select parley.create_job_queue($1)' using 'knowledge';
    end if;
end
$queue$;

revoke execute on all functions in schema domo_private from public;
grant execute on function domo_private.fail(text, text, text, text), domo_private.demo_not_found() to authenticated, service_role;
