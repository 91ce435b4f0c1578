-- Aggregates that are always right: a count, a sum or a latest value of child rows, kept in a column of their parent row.
--
-- A registry says what is kept; triggers on the child keep it. They fire once a statement, over transition tables, so a bulk insert
-- costs one grouping and one update a parent. They update parents one key after the other in the order of the key, so two sessions
-- that touch the same parents queue up and never deadlock. The update takes the parent's row lock, so the value is exact under
-- concurrency, and a capacity can be enforced at the moment that the row is counted.
--
-- The portable kernel generates one PL/pgSQL function an aggregate and operation: static SQL, planned once a session. (One generic
-- function with dynamic SQL would plan every statement anew.) The native kernel is one C function that gets the same facts as trigger
-- arguments. Either runs with the rights of the tables' owner, so that a client who may insert a child needs no right on the parent.
--
-- Limits: rows written directly into a partition of a partitioned child do not fire statement triggers of the whole; after renaming a
-- table or column call parley.use_native again, which writes the triggers anew.
--
-- One pass a statement and event: an upsert or a merge that both inserts and updates fires two, so two of those over the same
-- parents can deadlock; order their rows, or split them.
--
-- This file: the registry and the bodies of the portable trigger functions. The next one: attaching them, drift and repair.
-- Locks: none on existing objects.

create table parley.aggregates (
    id bigint generated always as identity,
    kind text not null,
    child regclass not null,
    child_key name not null,
    parent regclass not null,
    parent_key name not null,
    target name not null,
    capacity name,
    value name,
    only_when text,
    constraint aggregates_pkey primary key (id),
    constraint aggregates_parent_target_key unique (parent, target),
    constraint aggregates_kind_check check (kind in ('count', 'sum', 'max')),
    constraint aggregates_value_check check ((kind = 'count') = (value is null)),
    constraint aggregates_capacity_check check (capacity is null or kind = 'count')
);
comment on table parley.aggregates is 'What the kernel keeps: parent.target = kind(child.value) over the child rows that match only_when.';
alter table parley.aggregates enable row level security;

-- Null where the table has no such column.
create function parley.column_type(relation regclass, column_name name) returns text
    language sql stable strict
    set search_path = ''
    as $$
    select format_type(atttypid, null)
    from pg_catalog.pg_attribute
    where attrelid = relation and attname = column_name and attnum > 0 and not attisdropped
$$;
comment on function parley.column_type(regclass, name) is 'The type of a column as SQL text, or null where there is no such column.';

-- What is right: the aggregate of one parent, as an SQL expression over the key given as SQL text.
create function parley_portable.aggregate_recount(aggregate parley.aggregates, key_expression text) returns text
    language sql stable
    set search_path = ''
    as $$
    select format(
        '(select %s from %s as child where child.%I = %s%s)',
        case aggregate.kind
            when 'count' then 'count(*)'
            when 'sum' then format('coalesce(sum(child.%I), 0)', aggregate.value)
            else format('max(child.%I)', aggregate.value)
        end,
        aggregate.child,
        aggregate.child_key,
        key_expression,
        coalesce(' and (' || aggregate.only_when || ')', ''))
$$;
comment on function parley_portable.aggregate_recount(parley.aggregates, text) is 'SQL that recounts one parent''s aggregate from its children.';

-- The rows of one transition table that count, with their key.
create function parley_portable.aggregate_rows(aggregate parley.aggregates, transition_table text, columns text) returns text
    language sql stable
    set search_path = ''
    as $$
    select format(
        'select child.%I as key, %s from %s as child where child.%I is not null%s',
        aggregate.child_key,
        columns,
        transition_table,
        aggregate.child_key,
        coalesce(' and (' || aggregate.only_when || ')', ''))
$$;
comment on function parley_portable.aggregate_rows(parley.aggregates, text, text) is 'SQL for the counted rows of a transition table.';

-- What a statement changed for one aggregate: rows of (key, amount), and for a latest value whether the row came or went. Amounts that
-- went are negative; as numeric, since the least integer has no positive twin.
create function parley_portable.aggregate_changes(aggregate parley.aggregates, operation text) returns text
    language sql stable
    set search_path = ''
    as $$
    select concat_ws(
        ' union all ',
        case when operation in ('insert', 'update') then
            parley_portable.aggregate_rows(aggregate, 'parley_new', case aggregate.kind
                when 'count' then '1 as amount'
                when 'sum' then format('coalesce(child.%I, 0) as amount', aggregate.value)
                else format('child.%I as amount, true as has_come', aggregate.value)
            end)
        end,
        case when operation in ('delete', 'update') then
            parley_portable.aggregate_rows(aggregate, 'parley_old', case aggregate.kind
                when 'count' then '-1 as amount'
                when 'sum' then format('-coalesce(child.%I, 0)::numeric as amount', aggregate.value)
                else format('child.%I as amount, false as has_come', aggregate.value)
            end)
        end)
$$;
comment on function parley_portable.aggregate_changes(parley.aggregates, text) is 'SQL for what a statement changed for one aggregate.';

-- Whether a group of those rows, of one key, asks for anything.
create function parley_portable.aggregate_has_changed(aggregate parley.aggregates) returns text
    language sql immutable
    set search_path = ''
    as $$
    select case aggregate.kind
        when 'max' then 'max(changed.amount) filter (where changed.has_come) is distinct from max(changed.amount) filter (where not changed.has_come)'
        else 'sum(changed.amount) <> 0'
    end
$$;
comment on function parley_portable.aggregate_has_changed(parley.aggregates) is 'SQL for whether the changes of one key ask for an update.';

-- The body of the portable trigger function of a count or a sum.
create function parley_portable.aggregate_body_delta(aggregate parley.aggregates, operation text) returns text
    language plpgsql stable
    set search_path = ''
    as $body$
declare
    has_check constant boolean := aggregate.capacity is not null and operation <> 'delete';
    source constant text := case operation when 'delete' then 'parley_old' else 'parley_new' end;
    counted constant text := coalesce(' where (' || aggregate.only_when || ')', '');
    key constant text := format('child.%I', aggregate.child_key);
    -- What the row of a one-row update counts for, or null; equal before and after means that nothing counted has changed.
    worth constant text := case aggregate.kind when 'sum' then format('row(%s, child.%I)', key, aggregate.value) else key end;
    addition constant text := $code$update %s as parent
        set %I = coalesce(parent.%I, 0) + %s
        where parent.%I = %s%s;$code$;
    returned constant text := case when has_check then format(
        $code$
        returning parent.%I as total, parent.%I as capacity into kept$code$, aggregate.target, aggregate.capacity) else '' end;
    checked constant text := case when has_check then $code$
        if %skept.total > kept.capacity then
            raise exception using
                errcode = 'PT409',
                message = format('There is no free place: the capacity is %%s.', kept.capacity),
                detail = 'capacity_exceeded',
                hint = 'Wait until a place is free, or choose another one.';
        end if;$code$ else '' end;
begin
    return format(
        $code$
#variable_conflict use_column
declare
    delta record;%s
begin%s
    for delta in
        select changed.key, sum(changed.amount) as amount
        from (%s) as changed
        group by changed.key
        having %s
        order by changed.key
    loop
        %s%s
    end loop;
    return null;
end
$code$,
        case when has_check then '
    kept record;' else '' end,
        -- Most statements write one row. It needs no grouping, no order and no loop: half of the work.
        case operation
            when 'update' then format(
                $code$
    if (select count(*) from parley_new) = 1
        and (select %1$s from parley_old as child%2$s) is not distinct from (select %1$s from parley_new as child%2$s)
    then
        return null;
    end if;$code$,
                worth, counted)
            else format(
                $code$
    if (select count(*) from %s) = 1 then
        %s%s
        return null;
    end if;$code$,
                source,
                format(
                    addition, aggregate.parent, aggregate.target, aggregate.target,
                    case
                        when aggregate.kind = 'count' and operation = 'delete' then '-1'
                        when aggregate.kind = 'count' then '1'
                        when operation = 'delete' then format('-(select coalesce(child.%I, 0) from parley_old as child)::numeric', aggregate.value)
                        else format('(select coalesce(child.%I, 0) from parley_new as child)', aggregate.value)
                    end,
                    aggregate.parent_key,
                    format('(select %s from %s as child%s)', key, source, counted),
                    returned),
                format(checked, ''))
        end,
        parley_portable.aggregate_changes(aggregate, operation),
        parley_portable.aggregate_has_changed(aggregate),
        format(
            addition, aggregate.parent, aggregate.target, aggregate.target, 'delta.amount', aggregate.parent_key, 'delta.key', returned),
        format(checked, 'delta.amount > 0 and '));
end
$body$;
comment on function parley_portable.aggregate_body_delta(parley.aggregates, text) is 'PL/pgSQL that adds to and takes from counts and sums.';

-- The body of the portable trigger function of a latest value. Rows that came can only raise it; rows that went ask for a recount when
-- they may have held it. The recount runs in a statement of its own after the parent is locked, so that it sees every child whose
-- writer held that lock before.
create function parley_portable.aggregate_body_max(aggregate parley.aggregates, operation text) returns text
    language plpgsql stable
    set search_path = ''
    as $body$
begin
    return format(
        $code$
#variable_conflict use_column
declare
    delta record;
begin
    for delta in
        select
            changed.key,
            max(changed.amount) filter (where changed.has_come) as gained,
            max(changed.amount) filter (where not changed.has_come) as lost
        from (%s) as changed
        group by changed.key
        having %s
        order by changed.key
    loop
        if delta.lost is null or delta.gained > delta.lost then
            update %s as parent
            set %I = greatest(parent.%I, delta.gained)
            where parent.%I = delta.key;
        else
            perform 1
            from %s as parent
            where parent.%I = delta.key
            for no key update;
            if found then
                update %s as parent
                set %I = %s
                where parent.%I = delta.key and (parent.%I is null or parent.%I <= delta.lost);
            end if;
        end if;
    end loop;
    return null;
end
$code$,
        parley_portable.aggregate_changes(aggregate, operation),
        parley_portable.aggregate_has_changed(aggregate),
        aggregate.parent, aggregate.target, aggregate.target, aggregate.parent_key,
        aggregate.parent, aggregate.parent_key,
        aggregate.parent, aggregate.target, parley_portable.aggregate_recount(aggregate, 'delta.key'), aggregate.parent_key,
        aggregate.target, aggregate.target);
end
$body$;
comment on function parley_portable.aggregate_body_max(parley.aggregates, text) is 'PL/pgSQL that keeps a latest value.';

create function parley_portable.aggregate_body(aggregate parley.aggregates, operation text) returns text
    language sql stable
    set search_path = ''
    as $$
    select case
        when operation = 'truncate' then format(
            'begin update %1$s as parent set %2$I = %3$s where parent.%2$I is distinct from %3$s; return null; end',
            aggregate.parent, aggregate.target, case aggregate.kind when 'max' then 'null' else '0' end)
        when aggregate.kind = 'max' then parley_portable.aggregate_body_max(aggregate, operation)
        else parley_portable.aggregate_body_delta(aggregate, operation)
    end
$$;
comment on function parley_portable.aggregate_body(parley.aggregates, text) is 'PL/pgSQL of the portable trigger function for one operation.';

-- Several aggregates between the same two tables fire one after the other, each over the parents that it changes. Left alone, one
-- statement could lock parent 5 and then 3 where another locks 3 and then 5. So the first thing to fire on a child is a trigger that
-- locks, in key order, every parent that any of them will change. Both kernels use it, and only where there are several.
create function parley_portable.lock_body(child regclass, operation text) returns text
    language sql stable
    set search_path = ''
    as $body$
    select format(E'#variable_conflict use_column\nbegin%s\n    return null;\nend', string_agg(
        format(
            $code$
    declare
        keys constant %1$s[] := array(%2$s);
    begin
        perform 1 from %3$s as parent where parent.%4$I = any (keys) order by parent.%4$I for no key update;
    end;$code$,
            parley.column_type(siblings.parent, siblings.parent_key), siblings.changed_keys, siblings.parent, siblings.parent_key),
        '' order by siblings.first_id))
    from (
        select
            kept.parent,
            kept.parent_key,
            min(kept.id) as first_id,
            string_agg(
                format(
                    'select changed.key from (%s) as changed group by changed.key having %s',
                    parley_portable.aggregate_changes(kept, lock_body.operation), parley_portable.aggregate_has_changed(kept)),
                ' union ' order by kept.id) as changed_keys
        from parley.aggregates as kept
        where kept.child = lock_body.child
        group by kept.parent, kept.parent_key
        having count(*) > 1
    ) as siblings
    having count(*) > 0
$body$;
comment on function parley_portable.lock_body(regclass, text) is
    'PL/pgSQL that locks the parents which several aggregates of a child are about to change; null where no two aggregates share a parent.';

revoke execute on all functions in schema parley, parley_portable from public;
