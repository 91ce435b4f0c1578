-- What the database says about the API: `pgrst.*` of the role that is logged in, and the settings of the roles that it may switch to.
with
setting_of as (
    select s.setrole, s.setdatabase, pg_catalog.split_part(v.setting, '=', 1) as name, pg_catalog.substr(v.setting, pg_catalog.strpos(v.setting, '=') + 1) as value
    from pg_catalog.pg_db_role_setting as s
    cross join pg_catalog.unnest(s.setconfig) as v (setting)
    where s.setdatabase = 0
       or s.setdatabase = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
),
own as (
    select distinct on (s.name) pg_catalog.substr(s.name, 7) as name, s.value
    from setting_of as s
    join pg_catalog.pg_roles as r on r.oid = s.setrole and r.rolname = session_user
    where s.name like 'pgrst.%'
    -- What is said for this database goes before what is said for all.
    order by s.name, s.setdatabase desc
),
other as (
    select r.rolname, pg_catalog.json_object_agg(s.name, s.value) as settings
    from pg_catalog.pg_auth_members as m
    join pg_catalog.pg_roles as l on l.oid = m.member and l.rolname = session_user
    join pg_catalog.pg_roles as r on r.oid = m.roleid
    join setting_of as s on s.setrole = r.oid and s.setdatabase = 0
    join pg_catalog.pg_settings as p on p.name = s.name
    where p.context = 'user' or pg_catalog.has_parameter_privilege(session_user, p.name, 'set')
    group by r.rolname
)
select pg_catalog.json_build_object(
    'api', (select coalesce(pg_catalog.json_object_agg(name, value), '{}') from own),
    'roles', (select coalesce(pg_catalog.json_object_agg(rolname, settings), '{}') from other)
)::text
