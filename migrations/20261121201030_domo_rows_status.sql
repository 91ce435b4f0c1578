-- Domo, how processing went: the server's to say, whatever roles a deployment adds beside Supabase's own.
-- Locks: none.

create or replace function domo_private.keep_video()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    -- With the rights of who writes: clients ask for processing, the server says how it went.
    if new.processing_status <> 'pending' and not pg_has_role(current_user, 'service_role', 'member') then
        if tg_op = 'INSERT' or new.processing_status is distinct from old.processing_status then
            perform domo_private.fail(
                'PT403', 'reserved_status', 'Only the server says how processing went.', 'Leave processing_status out, or set it to pending to try again.'
            );
        end if;
    end if;
    if tg_op = 'UPDATE' then
        if new.id <> old.id or new.demo_id <> old.demo_id then
            perform domo_private.fail('PT422', 'immutable_key', 'A video keeps its id and its demo.', 'Add it to the other demo anew.');
        end if;
        if new.processing_status = 'pending' and old.processing_status <> 'pending' then
            new.failure := null;
        end if;
    end if;
    return new;
end
$$;

revoke execute on all functions in schema domo_private from public;
