-- The switch between the kernels, for databases that had the native kernel before the API grew: use_native(true) updates the extension
-- where a function of the API has no native twin yet, and keep_implementation lets the new functions follow.
-- Locks: as before, SHARE ROW EXCLUSIVE on every table with a kernel trigger.

-- The functions of the API that the native kernel in this database does not have; none where it is as new as the migrations.
create function parley.missing_in_native() returns setof text
    language sql stable
    set search_path = ''
    as $$
    select twin.name
    from pg_catalog.pg_proc as p
    cross join lateral (select regexp_replace(p.oid::regprocedure::text, '^parley\.', 'parley_native.')) as twin (name)
    where p.pronamespace = 'parley'::regnamespace
        and p.prosrc ~ '^ select parley_(portable|native)\.'
        and to_regprocedure(twin.name) is null
    order by twin.name
$$;
comment on function parley.missing_in_native() is 'The functions of the API that the installed native kernel does not have: it is older than the migrations.';

create or replace function parley.use_native(native boolean) returns text
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
    if native and exists (select from parley.missing_in_native()) then
        execute 'alter extension parley update';
        if exists (select from parley.missing_in_native()) then
            raise exception using
                errcode = '55000',
                message = 'The native kernel on this server is older than the migrations.',
                detail = format('It has no %s.', (select string_agg(name, ', ') from parley.missing_in_native() as missing (name))),
                hint = 'Install the extension of this release on the server, then run: select parley.use_native(true)';
        end if;
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
    'Points the API and every kernel trigger at the native kernel or at the portable one; returns which runs. Call it again after installing an app, and before dropping the extension. Updates the extension where it lacks a function. 55000 when the native kernel is not installed, or older than the migrations.';

-- For the end of a migration that adds to the API.
create function parley.keep_implementation() returns text
    language plpgsql volatile
    set search_path = ''
    as $$
begin
    return parley.use_native(parley.implementation() = 'native');
exception
    -- The server has an older release, the extension is somebody else's, or this session has loaded the older one already.
    when object_not_in_prerequisite_state or insufficient_privilege or undefined_function or undefined_file then
        raise warning using
            message = format('The portable kernel runs from now on: %s', sqlerrm),
            hint = 'Install the extension of this release on the server, then run: select parley.use_native(true)';
        return parley.use_native(false);
end
$$;
comment on function parley.keep_implementation() is
    'Points what a migration has added to the API at the kernel that runs; returns which. Where the native kernel on the server is older than the migration, all of the API goes portable, with a warning: slower, and right.';

revoke execute on all functions in schema parley from public;

select parley.keep_implementation();

notify pgrst, 'reload schema';
