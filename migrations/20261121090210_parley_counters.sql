-- Attaching aggregates, comparing them with a recount, putting them right. What is kept, and how, is in the file before this one.
--
-- Locks: attaching takes SHARE ROW EXCLUSIVE on child and parent, and recounts.

-- Writes the triggers of one aggregate for one of the two kernels, replacing those of the other.
create function parley.attach_triggers(aggregate parley.aggregates, is_native boolean) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    operation text;
    function_name text;
    call text;
begin
    foreach operation in array array['insert', 'update', 'delete', 'truncate'] loop
        function_name := format('aggregate_%s_%s', aggregate.id, operation);
        if is_native then
            call := format(
                'parley_native.maintain_aggregate(%L, %L, %L, %L, %L, %L, %L, %L)',
                aggregate.kind, aggregate.child_key, aggregate.parent::text, aggregate.parent_key, aggregate.target,
                coalesce(aggregate.capacity, ''), coalesce(aggregate.value, ''), coalesce(aggregate.only_when, ''));
        else
            execute format(
                'create or replace function parley_portable.%I() returns trigger language plpgsql volatile security definer set search_path = '''' as %L',
                function_name, parley_portable.aggregate_body(aggregate, operation));
            execute format('revoke execute on function parley_portable.%I() from public', function_name);
            execute format(
                'comment on function parley_portable.%I() is %L',
                function_name, format('Keeps %s.%I.', aggregate.parent, aggregate.target));
            call := format('parley_portable.%I()', function_name);
        end if;
        execute format(
            'create or replace trigger %I after %s on %s %s for each statement execute function %s',
            format('parley_%s_%s', aggregate.id, operation),
            operation,
            aggregate.child,
            case operation
                when 'insert' then 'referencing new table as parley_new'
                when 'update' then 'referencing old table as parley_old new table as parley_new'
                when 'delete' then 'referencing old table as parley_old'
                else ''
            end,
            call);
        if is_native and to_regprocedure(format('parley_portable.%I()', function_name)) is not null then
            execute format('drop function parley_portable.%I()', function_name);
        end if;
    end loop;
    perform parley.attach_parent_trigger(aggregate);
    perform parley.attach_lock_triggers(aggregate.child);
end
$$;
comment on function parley.attach_triggers(parley.aggregates, boolean) is 'Writes the triggers of one aggregate for the native or the portable kernel.';

-- Named so as to fire before the triggers of all aggregates, whose numbers start at one: triggers fire in the order of their names.
create function parley.attach_lock_triggers(child regclass) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    operation text;
    trigger_name text;
    body text;
    function_name text;
    replaced regprocedure;
begin
    foreach operation in array array['insert', 'update', 'delete'] loop
        trigger_name := format('parley_0_%s', operation);
        body := parley_portable.lock_body(child, operation);
        function_name := format(
            'lock_parents_%s_%s',
            (select min(kept.id) from parley.aggregates as kept where kept.child = attach_lock_triggers.child),
            operation);
        replaced := (
            select t.tgfoid::regprocedure
            from pg_catalog.pg_trigger as t
            where t.tgrelid = attach_lock_triggers.child and t.tgname = trigger_name
        );
        if body is not null then
            execute format(
                'create or replace function parley_portable.%I() returns trigger language plpgsql volatile security definer set search_path = '''' as %L',
                function_name, body);
            execute format('revoke execute on function parley_portable.%I() from public', function_name);
            execute format(
                'comment on function parley_portable.%I() is %L',
                function_name, format('Locks the parents that a statement on %s changes, in key order.', child));
            execute format(
                'create or replace trigger %I after %s on %s referencing %s for each statement execute function parley_portable.%I()',
                trigger_name,
                operation,
                child,
                case operation
                    when 'insert' then 'new table as parley_new'
                    when 'update' then 'old table as parley_old new table as parley_new'
                    else 'old table as parley_old'
                end,
                function_name);
        elsif replaced is not null then
            execute format('drop trigger %I on %s', trigger_name, child);
        end if;
        if replaced is not null and (body is null or replaced <> to_regprocedure(format('parley_portable.%I()', function_name))) then
            execute format('drop function %s', replaced);
        end if;
    end loop;
end
$$;
comment on function parley.attach_lock_triggers(regclass) is 'Writes, or drops, the triggers that lock the parents which several aggregates of a child share.';

-- A parent that appears, or takes another key, starts with what its children say, whatever the writer put there. This is off the hot
-- path, so both kernels share it.
create function parley.attach_parent_trigger(aggregate parley.aggregates) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    function_name constant text := format('aggregate_%s_parent', aggregate.id);
begin
    execute format(
        'create or replace function parley_portable.%I() returns trigger language plpgsql stable security definer set search_path = '''' as %L',
        function_name,
        format(
            E'#variable_conflict use_column\nbegin if tg_op = ''INSERT'' or new.%1$I is distinct from old.%1$I then new.%2$I := %3$s; end if; return new; end',
            aggregate.parent_key, aggregate.target,
            parley_portable.aggregate_recount(aggregate, format('new.%I', aggregate.parent_key))));
    execute format('revoke execute on function parley_portable.%I() from public', function_name);
    execute format(
        'comment on function parley_portable.%I() is %L',
        function_name, format('Starts %s.%I with what the children say.', aggregate.parent, aggregate.target));
    execute format(
        'create or replace trigger %I before insert or update of %I on %s for each row execute function parley_portable.%I()',
        format('parley_%s_parent', aggregate.id), aggregate.parent_key, aggregate.parent, function_name);
end
$$;
comment on function parley.attach_parent_trigger(parley.aggregates) is 'Makes new parents, and parents whose key moves, start with a recount.';

-- Sets right every parent of one aggregate that differs from a recount, in key order and under its lock. Returns how many.
create function parley.repair_aggregate(aggregate parley.aggregates) returns bigint
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    recount constant text := parley_portable.aggregate_recount(aggregate, format('parent.%I', aggregate.parent_key));
    this_parent constant text := format('parent.%I = $1::%s', aggregate.parent_key, parley.column_type(aggregate.parent, aggregate.parent_key));
    drifted_key text;
    touched bigint;
    repaired bigint := 0;
begin
    for drifted_key in execute format(
        'select parent.%1$I::text from %2$s as parent where parent.%3$I is distinct from %4$s order by parent.%1$I',
        aggregate.parent_key, aggregate.parent, aggregate.target, recount)
    loop
        -- Lock first, recount in the next statement: a writer of children holds this lock until it commits.
        execute format('select 1 from %s as parent where %s for no key update', aggregate.parent, this_parent) using drifted_key;
        execute format(
            'update %1$s as parent set %2$I = %3$s where %4$s and parent.%2$I is distinct from %3$s',
            aggregate.parent, aggregate.target, recount, this_parent)
            using drifted_key;
        get diagnostics touched = row_count;
        repaired := repaired + touched;
    end loop;
    return repaired;
end
$$;
comment on function parley.repair_aggregate(parley.aggregates) is 'Sets right every parent of one aggregate; returns how many differed.';

-- Dropping a table does not tell the registry, so whoever goes through it asks here.
create function parley.live_aggregates() returns setof parley.aggregates
    language sql stable
    set search_path = ''
    as $$
    select kept.*
    from parley.aggregates as kept
    where exists (select from pg_catalog.pg_class where oid = kept.child)
        and exists (select from pg_catalog.pg_class where oid = kept.parent)
    order by kept.id
$$;
comment on function parley.live_aggregates() is 'The registered aggregates whose tables are both there, oldest first.';

-- Takes one aggregate out of the registry with its triggers and functions. Its tables may be gone already, and its triggers with them.
create function parley.detach_aggregate(aggregate parley.aggregates) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    made record;
begin
    delete from parley.aggregates where id = aggregate.id;
    for made in
        select t.tgname, t.tgrelid::regclass as relation
        from pg_catalog.pg_trigger as t
        where t.tgrelid in (aggregate.child, aggregate.parent) and t.tgname ~ format('^parley_%s_', aggregate.id) and t.tgparentid = 0
    loop
        execute format('drop trigger %I on %s', made.tgname, made.relation);
    end loop;
    if exists (select from pg_catalog.pg_class where oid = aggregate.child) then
        perform parley.attach_lock_triggers(aggregate.child);
    end if;
    for made in
        select p.oid::regprocedure as function
        from pg_catalog.pg_proc as p
        where p.pronamespace = 'parley_portable'::regnamespace
            and p.proname ~ format('^(aggregate|lock_parents)_%s_', aggregate.id)
    loop
        execute format('drop function %s', made.function);
    end loop;
end
$$;
comment on function parley.detach_aggregate(parley.aggregates) is 'Removes one aggregate: its triggers, its functions, its line in the registry.';

-- Registers an aggregate after checking that it can be kept, writes its triggers and counts what is there.
create function parley.attach_aggregate(wanted parley.aggregates) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    whole_numbers constant text[] := array['smallint', 'integer', 'bigint', 'numeric'];
    relation regclass;
    place record;
    attached parley.aggregates;
begin
    foreach relation in array array[wanted.child, wanted.parent] loop
        if relation is null then
            raise exception using errcode = '22023', message = 'The child and the parent table must be given.';
        end if;
        if not exists (select from pg_catalog.pg_class where oid = relation and relkind in ('r', 'p')) then
            raise exception using errcode = '22023', message = format('%s is not a table.', relation);
        end if;
        if not exists (
            select from pg_catalog.pg_class where oid = relation and pg_catalog.pg_has_role(relowner, 'usage')
        ) then
            raise exception using errcode = '42501', message = format('You must own %s to attach an aggregate to it.', relation);
        end if;
    end loop;

    for place in
        select needed.relation, needed.column_name, parley.column_type(needed.relation, needed.column_name) as type
        from (values
            (wanted.child, wanted.child_key, true),
            (wanted.parent, wanted.parent_key, true),
            (wanted.parent, wanted.target, true),
            (wanted.parent, wanted.capacity, wanted.capacity is not null),
            (wanted.child, wanted.value, wanted.kind <> 'count')
        ) as needed (relation, column_name, is_needed)
        where needed.is_needed
    loop
        if place.type is null then
            raise exception using
                errcode = '42703',
                message = format('%s has no column %I.', place.relation, coalesce(place.column_name, ''));
        end if;
    end loop;

    if parley.column_type(wanted.child, wanted.child_key) <> parley.column_type(wanted.parent, wanted.parent_key) then
        raise exception using
            errcode = '22023',
            message = format(
                'The keys differ in type: %s.%I is %s, %s.%I is %s.',
                wanted.child, wanted.child_key, parley.column_type(wanted.child, wanted.child_key),
                wanted.parent, wanted.parent_key, parley.column_type(wanted.parent, wanted.parent_key));
    end if;
    if not exists (
        select
        from pg_catalog.pg_index as i
        join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid = wanted.parent and i.indisunique and i.indisvalid and i.indimmediate
            and i.indnkeyatts = 1 and i.indpred is null and a.attname = wanted.parent_key
    ) then
        raise exception using errcode = '22023', message = format('%s.%I is not unique.', wanted.parent, wanted.parent_key);
    end if;
    -- One order of locks for all aggregates between two tables needs one key to order by.
    if exists (
        select from parley.aggregates as kept
        where kept.child = wanted.child and kept.parent = wanted.parent and kept.parent_key <> wanted.parent_key
    ) then
        raise exception using
            errcode = '22023',
            message = format('%s is kept by another key already: all aggregates between two tables must use the same one.', wanted.parent);
    end if;
    if wanted.kind in ('count', 'sum') and parley.column_type(wanted.parent, wanted.target) <> all (whole_numbers) then
        raise exception using
            errcode = '22023',
            message = format('%s.%I must be smallint, integer, bigint or numeric.', wanted.parent, wanted.target);
    end if;
    -- Sums of floating-point numbers depend on the order of addition, so no kept sum of them could equal its recount.
    if wanted.kind = 'sum' and parley.column_type(wanted.child, wanted.value) <> all (whole_numbers) then
        raise exception using
            errcode = '22023',
            message = format('%s.%I must be smallint, integer, bigint or numeric.', wanted.child, wanted.value);
    end if;
    if wanted.kind = 'max'
        and parley.column_type(wanted.child, wanted.value) <> parley.column_type(wanted.parent, wanted.target)
    then
        raise exception using
            errcode = '22023',
            message = format(
                '%s.%I and %s.%I must have the same type.', wanted.child, wanted.value, wanted.parent, wanted.target);
    end if;
    if wanted.capacity is not null and parley.column_type(wanted.parent, wanted.capacity) <> all (whole_numbers) then
        raise exception using
            errcode = '22023',
            message = format('%s.%I must be smallint, integer, bigint or numeric.', wanted.parent, wanted.capacity);
    end if;

    -- Tables that were dropped leave their lines behind; their number may come again.
    perform parley.detach_aggregate(kept)
    from parley.aggregates as kept
    where kept.id not in (select live.id from parley.live_aggregates() as live);
    if exists (select from parley.aggregates where parent = wanted.parent and target = wanted.target) then
        raise exception using
            errcode = '42710',
            message = format('%s.%I is kept already.', wanted.parent, wanted.target),
            hint = 'Call parley.stop_maintaining first.';
    end if;

    -- A recount of nothing finds a predicate that does not parse before anything is written.
    execute 'select ' || parley_portable.aggregate_recount(
        wanted, format('null::%s', parley.column_type(wanted.child, wanted.child_key)));

    execute format('lock table %s, %s in share row exclusive mode', wanted.child, wanted.parent);
    insert into parley.aggregates (kind, child, child_key, parent, parent_key, target, capacity, value, only_when)
    values (wanted.kind, wanted.child, wanted.child_key, wanted.parent, wanted.parent_key, wanted.target,
        wanted.capacity, wanted.value, wanted.only_when)
    returning * into attached;
    perform parley.attach_triggers(attached, parley.implementation() = 'native');
    perform parley.repair_aggregate(attached);
end
$$;
comment on function parley.attach_aggregate(parley.aggregates) is 'Checks, registers and attaches one aggregate, and counts what is there.';

create function parley.maintain_count(
    child regclass, child_key name, parent regclass, parent_key name, counter name,
    capacity name default null, only_when text default null
) returns void
    language sql volatile
    set search_path = ''
    as $$
    select parley.attach_aggregate(row(null, 'count', child, child_key, parent, parent_key, counter, capacity, null, only_when)::parley.aggregates)
$$;
comment on function parley.maintain_count(regclass, name, regclass, name, name, name, text) is
    'Keeps parent.counter equal to the number of child rows (matching only_when). With capacity, a statement that would exceed parent.capacity fails with PT409, detail capacity_exceeded. Exact under concurrency. 22023, 42703: the columns do not fit; 42710: kept already.';

create function parley.maintain_sum(
    child regclass, child_key name, value name, parent regclass, parent_key name, total name, only_when text default null
) returns void
    language sql volatile
    set search_path = ''
    as $$
    select parley.attach_aggregate(row(null, 'sum', child, child_key, parent, parent_key, total, null, value, only_when)::parley.aggregates)
$$;
comment on function parley.maintain_sum(regclass, name, name, regclass, name, name, text) is
    'Keeps parent.total equal to the sum of child.value (0 where there is none). Whole and decimal numbers only.';

create function parley.maintain_max(
    child regclass, child_key name, value name, parent regclass, parent_key name, latest name, only_when text default null
) returns void
    language sql volatile
    set search_path = ''
    as $$
    select parley.attach_aggregate(row(null, 'max', child, child_key, parent, parent_key, latest, null, value, only_when)::parley.aggregates)
$$;
comment on function parley.maintain_max(regclass, name, name, regclass, name, name, text) is
    'Keeps parent.latest equal to the greatest child.value, null where there is none; exact after deletes too, so index the child by (key, value).';

create function parley.stop_maintaining(parent regclass, target name) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    kept parley.aggregates;
begin
    select * into kept
    from parley.aggregates as registered
    where registered.parent = stop_maintaining.parent and registered.target = stop_maintaining.target;
    if not found then
        raise exception using errcode = '42704', message = format('%s.%I is not kept.', parent, target);
    end if;
    perform parley.detach_aggregate(kept);
end
$$;
comment on function parley.stop_maintaining(regclass, name) is
    'Ends a kept aggregate; the column stays as it is. Call it before, or after, dropping the child table. 42704 when it is not kept.';

create function parley.counter_drift()
    returns table (child regclass, parent regclass, counter name, key text, stored text, actual text)
    language plpgsql stable
    set search_path = ''
    as $$
declare
    aggregate parley.aggregates;
begin
    for aggregate in select * from parley.live_aggregates() loop
        for child, parent, counter, key, stored, actual in execute format(
            'select $1, $2, $3, drifted.key, drifted.stored, drifted.actual from ('
            'select parent.%1$I::text as key, parent.%2$I::text as stored, %3$s::text as actual, parent.%2$I is distinct from %3$s as differs '
            'from %4$s as parent) as drifted where drifted.differs order by drifted.key',
            aggregate.parent_key, aggregate.target,
            parley_portable.aggregate_recount(aggregate, format('parent.%I', aggregate.parent_key)),
            aggregate.parent)
            using aggregate.child, aggregate.parent, aggregate.target
        loop
            return next;
        end loop;
    end loop;
end
$$;
comment on function parley.counter_drift() is 'Every parent whose kept aggregate differs from a recount: none, unless somebody wrote the column by hand.';

create function parley.repair_counters() returns bigint
    language sql volatile
    set search_path = ''
    as $$
    select coalesce(sum(parley.repair_aggregate(kept)), 0)::bigint
    from parley.live_aggregates() as kept
$$;
comment on function parley.repair_counters() is 'Puts right what counter_drift shows; returns how many parents differed.';

revoke execute on all functions in schema parley, parley_portable from public;
