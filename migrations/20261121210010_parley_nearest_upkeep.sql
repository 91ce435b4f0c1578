-- nearest, upkeep: the narrow copies follow the app's table in the same statement, whoever writes.
--
-- A row without a vector, or whose vector has no direction, is not searched. Deletes go tenant by tenant with an array of ids, and the two
-- transition tables of an update meet without a nested loop: plans are kept, and the one made for a single row must suit ten thousand.
-- Locks: maintain_nearest, stop_nearest and repair_nearest take SHARE ROW EXCLUSIVE on the app's table: writers wait, readers do not.

-- The last step of a search, as nearest_sets has it.
create function parley.nearest_ranking(kept parley.nearest_sets) returns text
    language plpgsql stable
    set search_path = ''
    as $$
begin
    return format(
        'select jsonb_build_object(''is_exact'', $5, ''rows'', coalesce(jsonb_agg(jsonb_build_object(''id'', r.id, ''distance'', r.distance) order by r.distance, r.id), ''[]''))'
        ' from (select t.%I as id, t.%I operator(extensions.<=>) q.query as distance'
        ' from %s as t cross join (select $2::extensions.vector as query offset 0) as q'
        ' where t.%I = any ($1) order by 2, 1 limit $3) as r'
        ' where $4 is null or 1 - r.distance > $4',
        kept.id_column, kept.vector_column, kept.source, kept.id_column);
end
$$;
comment on function parley.nearest_ranking(parley.nearest_sets) is 'The statement that compares the rows that are left of a search by their vectors.';

-- The rows of a relation that are searched, as tenant, id and embedding.
create function parley.nearest_searched(kept parley.nearest_sets, relation text) returns text
    language plpgsql stable
    set search_path = ''
    as $$
begin
    return format(
        '(select e.%1$I as tenant, e.%2$I as id, e.%3$I as embedding from %4$s as e where e.%1$I is not null and e.%3$I operator(extensions.<=>) e.%3$I <> ''NaN''%5$s)',
        kept.tenant_column, kept.id_column, kept.vector_column, relation, coalesce(' and (' || kept.only_when || ')', ''));
end
$$;
comment on function parley.nearest_searched(parley.nearest_sets, text) is 'The query of the rows of a relation that nearest searches.';

-- Copies the rows of a query; again where they are there.
create function parley.nearest_copying(kept parley.nearest_sets, rows_query text) returns text
    language plpgsql stable
    set search_path = ''
    as $$
begin
    return format(
        'with fresh as materialized (
            select f.tenant, f.id, extensions.l2_normalize(f.embedding) as unit, parley.nearest_code(f.embedding) as code from %s as f
        ),
        halves as (
            insert into parley.nearest_halves (set_id, tenant, id, half)
            select %s, f.tenant, f.id, f.unit::extensions.halfvec from fresh as f
            on conflict on constraint nearest_halves_pkey do update set half = excluded.half
        )
        insert into parley.nearest_codes (set_id, tenant, id, code)
        select %2$s, f.tenant, f.id, f.code from fresh as f
        on conflict on constraint nearest_codes_pkey do update set code = excluded.code, shelf = 0',
        rows_query, kept.id);
end
$$;
comment on function parley.nearest_copying(parley.nearest_sets, text) is 'The statement that copies the rows of a query.';

create function parley.nearest_body(kept parley.nearest_sets, operation text) returns text
    language plpgsql stable
    set search_path = ''
    as $$
declare
    v_old constant text := parley.nearest_searched(kept, 'parley_old');
    v_new constant text := parley.nearest_searched(kept, 'parley_new');
    v_forgetting constant text := format(
        'for v_tenant, v_ids in select g.tenant, array_agg(g.id) from %%s as g group by g.tenant order by g.tenant loop
            delete from parley.nearest_halves as h where h.set_id = %s and h.tenant = v_tenant and h.id = any (v_ids);
            delete from parley.nearest_codes as c where c.set_id = %1$s and c.tenant = v_tenant and c.id = any (v_ids);
        end loop;',
        kept.id);
begin
    return 'declare v_tenant uuid; v_ids uuid[]; begin '
        || case operation
            when 'insert' then parley.nearest_copying(kept, v_new) || ';'
            when 'delete' then format(v_forgetting, v_old)
            when 'update' then
                format(
                    v_forgetting,
                    format('(select o.tenant, o.id from %s as o where not exists (select from %s as n where n.id = o.id and n.tenant = o.tenant))', v_old, v_new))
                -- What leaves the vector as it was, and the row as searched as it was, writes nothing.
                || parley.nearest_copying(
                    kept,
                    format(
                        '(select n.* from %s as n where not exists (select from %s as o where o.id = n.id and o.tenant = n.tenant and o.embedding operator(extensions.=) n.embedding))',
                        v_new, v_old))
                || ';'
            else
                format(
                    'delete from parley.nearest_halves as h where h.set_id = %s; delete from parley.nearest_codes as c where c.set_id = %1$s; delete from parley.nearest_shelves as s where s.set_id = %1$s;',
                    kept.id)
        end
        || ' return null; end';
end
$$;
comment on function parley.nearest_body(parley.nearest_sets, text) is 'The body of a trigger that keeps the copies.';

create function parley.stop_nearest(source regclass) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    v_set parley.nearest_sets;
    v_operation text;
begin
    select s.* into v_set from parley.nearest_sets as s where s.source = stop_nearest.source;
    if not found then
        return;
    end if;
    foreach v_operation in array array['insert', 'update', 'delete', 'truncate'] loop
        execute format('drop function if exists parley_portable.%I() cascade', format('nearest_%s_%s', v_set.id, v_operation));
    end loop;
    execute format('drop function if exists parley_portable.%I', format('nearest_%s_rank', v_set.id));
    delete from parley.nearest_shelves as s where s.set_id = v_set.id;
    delete from parley.nearest_halves as h where h.set_id = v_set.id;
    delete from parley.nearest_codes as c where c.set_id = v_set.id;
    delete from parley.nearest_sets as s where s.id = v_set.id;
end
$$;
comment on function parley.stop_nearest(regclass) is 'Ends what maintain_nearest began. Call it before you drop the table.';

create function parley.maintain_nearest(source regclass, tenant name, id name, embedding name, only_when text default null) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    v_set parley.nearest_sets;
    v_operation text;
    v_name text;
    v_dimensions integer;
begin
    select a.atttypmod into v_dimensions
    from pg_catalog.pg_attribute as a
    where a.attrelid = source and a.attname = embedding and not a.attisdropped and a.atttypid = 'extensions.vector'::regtype;
    if v_dimensions is null or v_dimensions not between 1 and 2000 then
        raise exception using
            errcode = '22023',
            message = format('Column %I of %s must be a vector of 1 to 2000 dimensions.', embedding, source);
    end if;
    if 2 <> (
        select count(*)
        from pg_catalog.pg_attribute as a
        where a.attrelid = source and a.attname in (tenant, id) and not a.attisdropped and a.atttypid = 'pg_catalog.uuid'::regtype
    ) then
        raise exception using errcode = '22023', message = format('Columns %I and %I of %s must be two, and of type uuid.', tenant, id, source);
    end if;
    if not exists (
        select from pg_catalog.pg_index as i
        join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attname = maintain_nearest.id
        where i.indrelid = source and i.indisunique and i.indpred is null and i.indnkeyatts = 1 and i.indkey[0] = a.attnum
    ) then
        raise exception using errcode = '22023', message = format('Column %I of %s must be unique: rows are found by it.', id, source);
    end if;

    execute format('lock table %s in share row exclusive mode', source);
    perform parley.stop_nearest(source);
    insert into parley.nearest_sets (source, tenant_column, id_column, vector_column, dimensions, only_when)
    values (source, tenant, id, embedding, v_dimensions, only_when)
    returning * into v_set;
    update parley.nearest_sets as s set ranking = parley.nearest_ranking(v_set) where s.id = v_set.id returning * into v_set;
    foreach v_operation in array array['insert', 'update', 'delete', 'truncate'] loop
        v_name := format('nearest_%s_%s', v_set.id, v_operation);
        execute format(
            'create function parley_portable.%I() returns trigger language plpgsql volatile security definer set search_path = '''' set enable_nestloop = off as %L',
            v_name, parley.nearest_body(v_set, v_operation));
        execute format('revoke execute on function parley_portable.%I() from public', v_name);
        execute format('comment on function parley_portable.%I() is %L', v_name, format('Keeps what nearest reads of %s.', source));
        execute format(
            'create trigger %I after %s on %s %s for each statement execute function parley_portable.%I()',
            'parley_' || v_name, v_operation, source,
            case v_operation
                when 'insert' then 'referencing new table as parley_new'
                when 'update' then 'referencing old table as parley_old new table as parley_new'
                when 'delete' then 'referencing old table as parley_old'
                else ''
            end,
            v_name);
    end loop;
    v_name := format('nearest_%s_rank', v_set.id);
    execute format(
        'create function parley_portable.%I(uuid[], real[], integer, double precision, boolean) returns jsonb language plpgsql stable set search_path = '''' as %L',
        v_name, format('begin return (%s); end', v_set.ranking));
    execute format('revoke execute on function parley_portable.%I from public', v_name);
    execute format('comment on function parley_portable.%I is %L', v_name, format('The last step of nearest for %s.', source));
    execute parley.nearest_copying(v_set, parley.nearest_searched(v_set, source::text));
end
$$;
comment on function parley.maintain_nearest(regclass, name, name, name, text) is
    'Makes a table''s vectors searchable by parley.nearest, from now on and as they are: its tenant and its unique id (uuid), its vector, and which rows. Again: with other columns, and after a renaming. 22023 for columns of other types.';

-- Compared by key and by vector. Bare of rights of its own: whoever calls it reads the app's table.
create function parley.nearest_drift() returns table (source regclass, missing bigint, stale bigint, extra bigint)
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    v_set parley.nearest_sets;
begin
    for v_set in
        select s.* from parley.nearest_sets as s where exists (select from pg_catalog.pg_class as c where c.oid = s.source) order by s.id
    loop
        return query execute format(
            'select $2, count(*) filter (where d.is_missing), count(*) filter (where d.is_stale), count(*) filter (where d.is_extra)
            from (
                select
                    h.id is null or c.id is null as is_missing,
                    h.half operator(extensions.<>) extensions.l2_normalize(e.embedding)::extensions.halfvec
                        or e.id = c.id and (c.code is distinct from parley.nearest_code(e.embedding) or c.is_astray) as is_stale,
                    e.id is null as is_extra
                from %s as e
                full join (select h.* from parley.nearest_halves as h where h.set_id = $1) as h on h.tenant = e.tenant and h.id = e.id
                full join (
                    select
                        c.*,
                        c.shelf <> 0 and not exists (
                            select from parley.nearest_shelves as s where s.set_id = c.set_id and s.tenant = c.tenant and s.shelf = c.shelf
                        ) as is_astray
                    from parley.nearest_codes as c
                    where c.set_id = $1
                ) as c on c.tenant = coalesce(e.tenant, h.tenant) and c.id = coalesce(e.id, h.id)
            ) as d
            having bool_or(d.is_missing or d.is_stale or d.is_extra)',
            parley.nearest_searched(v_set, v_set.source::text)) using v_set.id, v_set.source;
    end loop;
end
$$;
comment on function parley.nearest_drift() is
    'Tables whose copies differ from their vectors, and how: nothing, unless somebody wrote with triggers off (a restore of data alone does).';

create function parley.repair_nearest() returns bigint
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    v_set parley.nearest_sets;
    v_repaired bigint := 0;
    v_drift record;
begin
    for v_drift in select d.* from parley.nearest_drift() as d loop
        select s.* into v_set from parley.nearest_sets as s where s.source = v_drift.source;
        execute format('lock table %s in share row exclusive mode', v_set.source);
        delete from parley.nearest_halves as h where h.set_id = v_set.id;
        delete from parley.nearest_codes as c where c.set_id = v_set.id;
        delete from parley.nearest_shelves as s where s.set_id = v_set.id;
        execute parley.nearest_copying(v_set, parley.nearest_searched(v_set, v_set.source::text));
        v_repaired := v_repaired + v_drift.missing + v_drift.stale + v_drift.extra;
    end loop;
    return v_repaired;
end
$$;
comment on function parley.repair_nearest() is 'Makes the copies anew of every table where they differ; returns how many rows did.';

revoke execute on all functions in schema parley, parley_portable from public;

select parley.keep_implementation();

notify pgrst, 'reload schema';
