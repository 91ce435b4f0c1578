-- Pruning in batches: where the batch before ended.
--
-- What was deleted stays in its index until the next vacuum. A batch that begins at the oldest entry therefore passes over all that the
-- batches before it deleted, and the hundredth takes many times as long as the first. So a pruner notes how far it came and goes on there; the
-- note goes when a batch was not full, and the next run begins at the beginning: what came in late is found then.
-- Locks: the row of the pruner, until the caller commits.

create table parley.prune_positions (
    name text collate "C" not null,
    position text not null,
    constraint prune_positions_pkey primary key (name),
    constraint prune_positions_name_check check (char_length(name) <= 100),
    constraint prune_positions_position_check check (char_length(position) <= 1000)
);
comment on table parley.prune_positions is 'How far each pruner has come while its batches are full.';
comment on column parley.prune_positions.position is 'The last value of the index that it reads, as text.';
alter table parley.prune_positions enable row level security;

create function parley.prune_position(name text) returns text
    language plpgsql stable strict
    set search_path = ''
    as $$
begin
    return (select kept.position from parley.prune_positions as kept where kept.name = prune_position.name collate "C");
end
$$;
comment on function parley.prune_position(text) is 'Where a pruner''s last full batch ended; null from the beginning.';

create function parley.set_prune_position(name text, "position" text) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
begin
    if "position" is null then
        delete from parley.prune_positions as kept where kept.name = set_prune_position.name collate "C";
    else
        insert into parley.prune_positions as kept (name, position)
        values (set_prune_position.name, set_prune_position."position")
        on conflict on constraint prune_positions_pkey do update
        set position = excluded.position;
    end if;
end
$$;
comment on function parley.set_prune_position(text, text) is 'Notes where a full batch ended; null when it was the last one.';

-- A bucket whose time has passed is the same as none. In the order of the key, since an index on the time would cost every call that is limited;
-- by its index, which bitmaps and sorts would read whole.
create function parley.prune_rate_limits(batch integer default 10000) returns bigint
    language plpgsql volatile
    set search_path = ''
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_sort = off
    as $$
declare
    passed constant text := coalesce(parley.prune_position('parley.rate_limits'), '');
    reached text;
    pruned bigint;
begin
    if batch is null or batch not between 1 and 100000 then
        raise exception using errcode = '22023', message = 'The batch must have 1 to 100000 buckets.';
    end if;
    with doomed as materialized (
        select kept.ctid as place, kept.bucket
        from parley.rate_limits as kept
        where kept.bucket > passed and kept.tat < clock_timestamp()
        order by kept.bucket
        limit batch
        for update skip locked
    ),
    gone as (
        delete from parley.rate_limits as kept
        where kept.ctid = any (array(select doomed.place from doomed))
        returning 1
    )
    select (select count(*) from gone), (select max(doomed.bucket) from doomed) into pruned, reached;
    perform parley.set_prune_position('parley.rate_limits', case when pruned >= batch then reached end);
    return pruned;
end
$$;
comment on function parley.prune_rate_limits(integer) is
    'Deletes a batch of the buckets that hold nothing back any more; returns how many: call it again while the batch is full.';

revoke execute on all functions in schema parley from public;
