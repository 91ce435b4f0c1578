-- rate_limit: at most so many events a window, for one bucket (a user and an action, say).
--
-- The generic cell rate algorithm (ITU-T I.371; "leaky bucket as a meter"): one row a bucket holds the theoretical arrival time of the
-- next event that keeps the pace. A burst of max_events passes at once, then one every window / max_events. One upsert decides and
-- counts under the row's lock, so callers cannot race past the limit. What a rolled-back caller used is given back with it.
-- The table is unlogged: after a crash of the server every bucket starts empty, which is right, and it costs no WAL.
-- Locks: the row of the bucket, until the caller commits.

create unlogged table parley.rate_limits (
    bucket text not null,
    tat timestamptz not null,
    constraint rate_limits_pkey primary key (bucket),
    constraint rate_limits_bucket_check check (length(bucket) between 1 and 400)
);
comment on table parley.rate_limits is 'The theoretical arrival time (tat) of each rate-limited bucket.';
alter table parley.rate_limits enable row level security;

create function parley_portable.rate_limit(bucket text, max_events integer, "window" interval) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    this_moment constant timestamptz := clock_timestamp();
    spacing interval;
    tolerance interval;
    seconds_left bigint;
begin
    if bucket is null or length(bucket) not between 1 and 400 then
        raise exception using errcode = '22023', message = 'The bucket must have 1 to 400 characters.';
    end if;
    if max_events is null or max_events < 1 then
        raise exception using errcode = '22023', message = 'max_events must be at least 1.';
    end if;
    if "window" is null or extract(epoch from "window") not between 0.000001 and 31622400 then
        raise exception using errcode = '22023', message = 'The window must be longer than nothing and at most 366 days.';
    end if;

    spacing := make_interval(secs => extract(epoch from "window")::double precision / max_events);
    tolerance := spacing * (max_events - 1);

    insert into parley.rate_limits as kept (bucket, tat)
    values (rate_limit.bucket, this_moment + spacing)
    on conflict on constraint rate_limits_pkey do update
    set tat = greatest(kept.tat, this_moment) + spacing
    where kept.tat <= this_moment + tolerance;
    if not found then
        select greatest(1, ceil(extract(epoch from kept.tat - tolerance - this_moment)))::bigint into seconds_left
        from parley.rate_limits as kept
        where kept.bucket = rate_limit.bucket;
        raise exception using
            errcode = 'PT429',
            message = format('Too many requests: try again in %s s.', coalesce(seconds_left, 1)),
            detail = 'rate_limited',
            hint = format('Wait %s s before the next try.', coalesce(seconds_left, 1));
    end if;
end
$$;
comment on function parley_portable.rate_limit(text, integer, interval) is
    'Counts one event of a bucket; PT429 with the seconds to wait when there were more than max_events in the window. 22023 for arguments out of range.';

create function parley.rate_limit(bucket text, max_events integer, "window" interval) returns void
    language sql volatile
    as $$ select parley_portable.rate_limit(bucket, max_events, "window") $$;
comment on function parley.rate_limit(text, integer, interval) is
    'Counts one event of a bucket; PT429 (detail rate_limited) with the seconds to wait when the caller is too fast. A burst of max_events passes, then one every window / max_events.';

revoke execute on all functions in schema parley, parley_portable from public;
