-- Everything the API has to know of a database, as one JSON value. $1: the exposed schemas; $2: the schemas on the search path besides.
-- Run it with an empty search_path, so that every type and expression is written with its schema.
with recursive
base_type (type_oid, base_oid) as (
    select t.oid, t.oid from pg_catalog.pg_type as t where t.typtype <> 'd'
    union all
    select d.oid, b.base_oid
    from base_type as b
    join pg_catalog.pg_type as d on d.typtype = 'd' and d.typbasetype = b.type_oid
),
relation as (
    select c.oid, n.nspname, c.relname, c.relkind, c.reltype
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f')
      and not c.relispartition
      and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
      and not pg_catalog.pg_is_other_temp_schema(n.oid)
),
column_of as (
    select
        a.attrelid,
        pg_catalog.json_agg(pg_catalog.json_build_object(
            'number', a.attnum,
            'name', a.attname,
            'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
            'base_type', pg_catalog.format_type(b.base_oid, null),
            'default', case
                when a.attidentity = 'd' then (
                    select pg_catalog.format('nextval(%L)', s.objid::pg_catalog.regclass)
                    from pg_catalog.pg_depend as s
                    where s.refobjid = a.attrelid and s.refobjsubid = a.attnum and s.deptype = 'i'
                      and s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    limit 1
                )
                when a.attgenerated <> '' then null
                when d.adbin is not null then pg_catalog.pg_get_expr(d.adbin, d.adrelid)
                when t.typtype = 'd' then pg_catalog.pg_get_expr(t.typdefaultbin, 0)
            end,
            'is_required', (a.attnotnull or t.typnotnull)
        ) order by a.attnum) as columns
    from relation as r
    join pg_catalog.pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type as t on t.oid = a.atttypid
    join base_type as b on b.type_oid = t.oid
    left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    group by a.attrelid
),
argument as (
    select
        p.oid,
        pg_catalog.json_agg(pg_catalog.json_build_object(
            'name', coalesce(i.name, ''),
            'type', i.type::pg_catalog.regtype,
            -- Without a length these would mean a length of one.
            'call_type', case i.type
                when 'pg_catalog.bit'::pg_catalog.regtype then 'bit varying'
                when 'pg_catalog.bit[]'::pg_catalog.regtype then 'bit varying[]'
                when 'pg_catalog.bpchar'::pg_catalog.regtype then 'character varying'
                when 'pg_catalog.bpchar[]'::pg_catalog.regtype then 'character varying[]'
                else i.type::pg_catalog.regtype::text
            end,
            'is_required', i.place <= p.pronargs - p.pronargdefaults,
            'is_variadic', coalesce(i.mode = 'v', false)
        ) order by i.place) as arguments,
        pg_catalog.count(*) filter (where coalesce(i.name, '') = '') as nameless,
        pg_catalog.count(*) as total,
        pg_catalog.min(i.type::pg_catalog.oid) as first_type
    from pg_catalog.pg_proc as p
    cross join lateral (
        select u.name, u.type, u.mode, u.place
        from rows from (
            pg_catalog.unnest(p.proargnames), pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]), pg_catalog.unnest(p.proargmodes)
        ) with ordinality as u (name, type, mode, place)
        where p.proargmodes is null and u.type is not null
        union all
        -- With `out` arguments the names run over all of them, the types of the input only over the input.
        select u.name, u.type, u.mode, pg_catalog.row_number() over (order by u.place)
        from rows from (
            pg_catalog.unnest(p.proargnames), pg_catalog.unnest(p.proallargtypes), pg_catalog.unnest(p.proargmodes)
        ) with ordinality as u (name, type, mode, place)
        where p.proargmodes is not null and u.mode in ('i', 'b', 'v')
    ) as i
    where p.prokind = 'f'
    group by p.oid
)
select pg_catalog.json_build_object(
    'relations', (
        select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
            'id', r.oid::bigint,
            'schema', r.nspname,
            'name', r.relname,
            'is_view', r.relkind in ('v', 'm'),
            'events', case when r.relkind in ('r', 'p') then 28 else pg_catalog.pg_relation_is_updatable(r.oid, true) end,
            'key', (
                select coalesce(pg_catalog.array_agg(k.number order by k.place), '{}')
                from pg_catalog.pg_constraint as c
                cross join pg_catalog.unnest(c.conkey) with ordinality as k (number, place)
                where c.conrelid = r.oid and c.contype = 'p'
            ),
            'columns', coalesce(o.columns, '[]'),
            'definition', case
                when r.relkind in ('v', 'm') and r.nspname = any ($1::text[] || $2::text[])
                    then (select w.ev_action::text from pg_catalog.pg_rewrite as w where w.ev_class = r.oid and w.rulename = '_RETURN')
            end
        )), '[]')
        from relation as r
        left join column_of as o on o.attrelid = r.oid
    ),
    'foreign_keys', (
        select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
            'name', c.conname,
            'from', c.conrelid::bigint,
            'from_columns', c.conkey,
            'to', c.confrelid::bigint,
            'to_columns', c.confkey,
            'is_unique', exists (
                select
                from pg_catalog.pg_constraint as u
                where u.conrelid = c.conrelid and u.contype in ('p', 'u') and u.conkey @> c.conkey and u.conkey <@ c.conkey
            )
        ) order by c.conname), '[]')
        from pg_catalog.pg_constraint as c
        where c.contype = 'f' and c.conparentid = 0
    ),
    'functions', (
        select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
            'schema', n.nspname,
            'name', p.proname,
            'arguments', coalesce(g.arguments, '[]'),
            'returns', pg_catalog.json_build_object(
                'schema', tn.nspname,
                'name', coalesce(tc.relname, t.typname),
                'is_set', p.proretset,
                'is_composite', t.typtype = 'c' or coalesce(p.proargmodes::text[] && '{t,b,o}', false)
            ),
            'volatility', p.provolatile,
            'settings', (
                select coalesce(pg_catalog.array_agg(s.setting), '{}')
                from pg_catalog.unnest(p.proconfig) as s (setting)
                where s.setting like any (array[
                    'statement_timeout=%', 'plan_filter.statement_cost_limit=%', 'default_transaction_isolation=%'
                ])
            )
        ) order by n.nspname, p.proname, p.pronargs, p.oid), '[]')
        from pg_catalog.pg_proc as p
        join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
        join base_type as b on b.type_oid = p.prorettype
        join pg_catalog.pg_type as t on t.oid = b.base_oid
        join pg_catalog.pg_namespace as tn on tn.oid = t.typnamespace
        left join pg_catalog.pg_class as tc on tc.oid = t.typrelid
        left join argument as g on g.oid = p.oid
        where n.nspname = any ($1::text[])
          and p.prokind = 'f'
          and t.oid not in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
          and (
              coalesce(g.nameless, 0) = 0
              or g.total = 1 and g.first_type in (
                  'pg_catalog.bytea'::pg_catalog.regtype, 'pg_catalog.json'::pg_catalog.regtype,
                  'pg_catalog.jsonb'::pg_catalog.regtype, 'pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.xml'::pg_catalog.regtype
              )
          )
    ),
    'computed', (
        select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
            'schema', n.nspname,
            'name', p.proname,
            'from', a.oid::bigint,
            'to', f.oid::bigint,
            'is_single', not p.proretset or p.prorows = 1
        )), '[]')
        from pg_catalog.pg_proc as p
        join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
        join relation as a on a.reltype = p.proargtypes[0]
        join relation as f on f.reltype = p.prorettype
        where p.pronargs = 1
    )
)::text
