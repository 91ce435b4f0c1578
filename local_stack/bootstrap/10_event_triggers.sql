-- On Supabase the role postgres may create event triggers, which a plain Postgres reserves for superusers. Such a statement fires no
-- event trigger, so nothing here can lend the right for it alone: a transaction in which postgres creates or replaces a function that
-- returns event_trigger has it until its end, but not inside any statement that does fire event triggers, which is all other DDL.
-- Takes a row lock on one row of pg_authid until that transaction ends.

-- One row while the transaction that wrote it has the right. It is gone when the transaction commits, so no other one sees it.
create table extensions.local_event_trigger_loan (
    is_lent boolean not null default true,
    constraint local_event_trigger_loan_pkey primary key (is_lent)
);

alter table extensions.local_event_trigger_loan enable row level security;

create function extensions.local_end_loan()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    alter role postgres nosuperuser;
    delete from extensions.local_event_trigger_loan where is_lent;
    return null;
end
$$;

create constraint trigger local_end_loan
after insert on extensions.local_event_trigger_loan
deferrable initially deferred
for each row execute function extensions.local_end_loan();

create function extensions.local_pause_loan()
returns event_trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if exists (select from extensions.local_event_trigger_loan) then
        alter role postgres nosuperuser;
    end if;
end
$$;

create function extensions.local_resume_loan()
returns event_trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_tag = 'CREATE FUNCTION' and extensions.local_is_postgres() and exists (
        select
        from pg_catalog.pg_event_trigger_ddl_commands() as command
        join pg_catalog.pg_proc as routine on routine.oid = command.objid
        where command.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
          and routine.prorettype = 'pg_catalog.event_trigger'::pg_catalog.regtype
    ) then
        insert into extensions.local_event_trigger_loan default values on conflict do nothing;
    end if;

    if exists (select from extensions.local_event_trigger_loan) then
        perform extensions.local_make_superuser();
    end if;
end
$$;

revoke execute on function extensions.local_end_loan() from public;
revoke execute on function extensions.local_pause_loan() from public;
revoke execute on function extensions.local_resume_loan() from public;

-- Event triggers fire in the order of their names: pausing comes before lending for one statement, resuming after that is returned.
create event trigger local_1_pause_loan on ddl_command_start
execute function extensions.local_pause_loan();

create event trigger local_2_lend_superuser on ddl_command_start
when tag in ('CREATE EXTENSION', 'ALTER EXTENSION', 'CREATE PUBLICATION', 'CREATE FOREIGN DATA WRAPPER')
execute function extensions.local_lend_superuser();

create event trigger local_3_return_superuser on ddl_command_end
when tag in ('CREATE EXTENSION', 'ALTER EXTENSION', 'CREATE PUBLICATION', 'CREATE FOREIGN DATA WRAPPER')
execute function extensions.local_return_superuser();

create event trigger local_4_resume_loan on ddl_command_end
execute function extensions.local_resume_loan();
