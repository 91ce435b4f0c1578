-- Which kernel runs, and the switch between the two.
--
-- The wrappers in schema parley are one line of SQL each, so Postgres inlines them; switching rewrites that line, and the triggers that
-- the kernel attached. What runs is read off a wrapper, not stored beside it.
-- Locks: use_native takes SHARE ROW EXCLUSIVE on every table with a kernel trigger.

create function parley.implementation() returns text
    language sql stable
    set search_path = ''
    as $$
    select case when prosrc like '%parley\_native.%' then 'native' else 'portable' end
    from pg_catalog.pg_proc
    where oid = 'parley.content_digest(jsonb)'::regprocedure
$$;
comment on function parley.implementation() is 'Which kernel runs: native or portable.';

create function parley.use_native(native boolean) returns text
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    kernel constant text := case when native then 'parley_native' else 'parley_portable' end;
    wrapper record;
    touching record;
    aggregate parley.aggregates;
begin
    if native is null then
        raise exception using errcode = '22023', message = 'Say true for the native kernel or false for the portable one.';
    end if;
    if native and not exists (select from pg_catalog.pg_extension where extname = 'parley') then
        raise exception using
            errcode = '55000',
            message = 'The native kernel is not installed in this database.',
            hint = 'Run: create extension parley';
    end if;

    for wrapper in
        select pg_catalog.pg_get_functiondef(p.oid) as definition
        from pg_catalog.pg_proc as p
        where p.pronamespace = 'parley'::regnamespace and p.prosrc ~ '^ select parley_(portable|native)\.'
        order by p.oid
    loop
        execute regexp_replace(wrapper.definition, 'select parley_(portable|native)\.', format('select %s.', kernel));
    end loop;

    for touching in
        select pg_catalog.pg_get_triggerdef(t.oid) as definition
        from pg_catalog.pg_trigger as t
        join pg_catalog.pg_proc as p on p.oid = t.tgfoid
        where p.proname = 'touch_updated_at' and p.pronamespace::regnamespace::text in ('parley', 'parley_native')
            and t.tgparentid = 0
        order by t.oid
    loop
        execute regexp_replace(
            replace(touching.definition, 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER'),
            'EXECUTE FUNCTION parley(_native)?\.',
            format('EXECUTE FUNCTION %s.', case when native then 'parley_native' else 'parley' end));
    end loop;

    for aggregate in select * from parley.live_aggregates() loop
        perform parley.attach_triggers(aggregate, native);
    end loop;

    return parley.implementation();
end
$$;
comment on function parley.use_native(boolean) is
    'Points the API and every kernel trigger at the native kernel or at the portable one; returns which runs. Call it again after installing an app, and before dropping the extension. 55000 when the native kernel is not installed.';

revoke execute on all functions in schema parley from public;

-- Native where the server has it, unless the database says otherwise: alter database ... set parley.kernel = 'portable'.
do $$
begin
    if coalesce(current_setting('parley.kernel', true), '') <> 'portable'
        and exists (select from pg_catalog.pg_available_extensions where name = 'parley')
    then
        create extension if not exists parley;
        perform parley.use_native(true);
    else
        perform parley.use_native(false);
    end if;
end
$$;

notify pgrst, 'reload schema';
