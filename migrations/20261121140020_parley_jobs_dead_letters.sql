-- What an operator does with jobs that were given up. The filters are all optional; those that are given must all match.
--
-- Locks: the letters that are replayed or dropped; replaying enqueues, with the locks of that.

create function parley.list_dead_letters(queue text default null, kind text default null, id bigint default null, max_letters integer default 100)
    returns setof parley.dead_letters
    language plpgsql stable security definer
    set search_path = ''
    as $$
begin
    if max_letters is null or max_letters not between 1 and 10000 then
        raise exception using errcode = '22023', message = 'List 1 to 10000 dead letters at once.';
    end if;
    return query
    select dead.*
    from parley.dead_letters as dead
    where (list_dead_letters.queue is null or dead.queue = list_dead_letters.queue collate "C")
        and (list_dead_letters.kind is null or dead.kind = list_dead_letters.kind)
        and (list_dead_letters.id is null or dead.id = list_dead_letters.id)
    order by dead.id desc
    limit max_letters;
end
$$;
comment on function parley.list_dead_letters(text, text, bigint, integer) is 'The dead letters, the newest first.';

create function parley.replay_dead_letters(queue text default null, kind text default null, id bigint default null)
    returns table (letter bigint, job bigint)
    language plpgsql volatile security definer
    set search_path = ''
    as $$
declare
    dead parley.dead_letters;
begin
    for dead in
        select letters.*
        from parley.dead_letters as letters
        where (replay_dead_letters.queue is null or letters.queue = replay_dead_letters.queue collate "C")
            and (replay_dead_letters.kind is null or letters.kind = replay_dead_letters.kind)
            and (replay_dead_letters.id is null or letters.id = replay_dead_letters.id)
        -- The order of the keys, in which everybody enqueues.
        order by letters.queue, letters.job_key, letters.id
        for update skip locked
    loop
        -- It may be anything that somebody put into pgmq's queue.
        continue when dead.kind collate "C" !~ '^[a-z][a-z0-9_]{0,62}$' or jsonb_typeof(dead.payload) <> 'object';
        letter := dead.id;
        job := parley.enqueue_job(dead.queue, dead.kind, dead.payload, dead.job_key);
        delete from parley.dead_letters as letters where letters.id = dead.id;
        return next;
    end loop;
end
$$;
comment on function parley.replay_dead_letters(text, text, bigint) is
    'Enqueues them from the beginning and returns which job each became. Letters that are no job, or that another session is replaying, stay.';

create function parley.drop_dead_letters(queue text default null, kind text default null, id bigint default null)
    returns bigint
    language plpgsql volatile security definer
    set search_path = ''
    as $$
declare
    dropped bigint;
begin
    delete from parley.dead_letters as letters
    where (drop_dead_letters.queue is null or letters.queue = drop_dead_letters.queue collate "C")
        and (drop_dead_letters.kind is null or letters.kind = drop_dead_letters.kind)
        and (drop_dead_letters.id is null or letters.id = drop_dead_letters.id);
    get diagnostics dropped = row_count;
    return dropped;
end
$$;
comment on function parley.drop_dead_letters(text, text, bigint) is 'Forgets them; returns how many.';

revoke execute on all functions in schema parley from public;

grant execute on function
    parley.list_dead_letters(text, text, bigint, integer),
    parley.replay_dead_letters(text, text, bigint),
    parley.drop_dead_letters(text, text, bigint)
to parley_worker;

select parley.keep_implementation();
