-- Domo, whose files: a demo is not made under the id of one that is gone while its files are still there, or they would be its owner's.
-- Locks: the trigger takes SHARE ROW EXCLUSIVE on domo.demos until commit, hence the lock_timeout.

set lock_timeout = '10s';

create function domo_private.refuse_taken_folder()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    -- Operators bring demos back, with their files already in place.
    if domo_private.is_service() then
        return new;
    end if;
    -- An upsert of a demo that is there: its key decides, and then its owner.
    if exists (select from domo.demos d where d.id = new.id) then
        return new;
    end if;
    if exists (
        select
        from storage.objects o
        where o.bucket_id in ('demo-videos', 'demo-documents') and o.name like new.id::text || '/%'
    ) then
        perform domo_private.fail('PT409', 'demo_id_taken', 'There are files of another demo with this id.', 'Leave the id out: every demo gets one of its own.');
    end if;
    return new;
end
$$;

comment on function domo_private.refuse_taken_folder is 'Trigger: files in the folder of a demo that is erased are nobody''s, whoever makes one with the same id. PT409 demo_id_taken.';

create trigger demos_refuse_taken_folder
    before insert on domo.demos
    for each row execute function domo_private.refuse_taken_folder();

reset lock_timeout;

revoke execute on all functions in schema domo_private from public;
