-- touch_updated_at: a trigger for `before update ... for each row` that keeps updated_at.
-- Locks: none.

create function parley.touch_updated_at() returns trigger
    language plpgsql volatile
    set search_path = ''
    as $$
begin
    new.updated_at := now();
    return new;
end
$$;
comment on function parley.touch_updated_at() is 'Trigger, before update for each row: sets updated_at to the time of the transaction.';

revoke execute on function parley.touch_updated_at() from public;
