-- Tells the REST API that its picture of the database is out of date, after every statement that changes what it can see.
-- Locks nothing.

create function extensions.pgrst_ddl_watch()
returns event_trigger
language plpgsql
as $$
begin
    -- One notification a transaction is enough, and equal ones are merged by Postgres.
    if exists (
        select
        from pg_catalog.pg_event_trigger_ddl_commands() as command
        where command.schema_name is distinct from 'pg_temp'
          and command.object_type in (
              'schema', 'table', 'table column', 'foreign table', 'view', 'materialized view', 'function', 'procedure',
              'aggregate', 'type', 'domain constraint', 'table constraint', 'rule', 'trigger', 'extension'
          )
    ) then
        perform pg_catalog.pg_notify('pgrst', 'reload schema');
    end if;
end
$$;

create function extensions.pgrst_drop_watch()
returns event_trigger
language plpgsql
as $$
begin
    if exists (
        select
        from pg_catalog.pg_event_trigger_dropped_objects() as dropped
        where not dropped.is_temporary
          and dropped.object_type in (
              'schema', 'table', 'table column', 'foreign table', 'view', 'materialized view', 'function', 'procedure',
              'aggregate', 'type', 'table constraint', 'rule', 'trigger', 'extension'
          )
    ) then
        perform pg_catalog.pg_notify('pgrst', 'reload schema');
    end if;
end
$$;

create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.pgrst_ddl_watch();
create event trigger pgrst_drop_watch on sql_drop execute function extensions.pgrst_drop_watch();
