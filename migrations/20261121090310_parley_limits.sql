-- limits: how fast, how many at once, and how long it is kept. One table that functions, triggers and jobs read and an operator changes.
--
-- A rate is so many events a window for one person, a ceiling so many things of one person at once, a retention so many days.
-- Anonymous people have numbers of their own, because an account costs them nothing. Null is no limit.
-- The row is read at every call, by its primary key, so a change is in force at once; there is no cache to go stale.
-- Locks: none but rate_limit's bucket, and lock_ceiling's advisory lock until the caller ends.

create table parley.limits (
    name text collate "C" not null,
    kind text collate "C" not null,
    allowed bigint,
    allowed_anonymous bigint,
    window_seconds integer,
    description text not null,
    constraint limits_pkey primary key (name),
    constraint limits_name_check check (name ~ '^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$' and char_length(name) <= 100),
    constraint limits_kind_check check (kind in ('rate', 'ceiling', 'retention')),
    constraint limits_allowed_check check (allowed >= case kind when 'ceiling' then 0 else 1 end),
    constraint limits_allowed_anonymous_check check (
        allowed_anonymous >= case kind when 'ceiling' then 0 else 1 end and (kind <> 'retention' or allowed_anonymous is null)
    ),
    constraint limits_window_seconds_check check ((kind = 'rate') = (window_seconds is not null) and window_seconds between 1 and 31622400)
);

comment on table parley.limits is 'Rates, ceilings a person and days of retention. Operators change allowed and allowed_anonymous; null is no limit. docs/limits.md.';
comment on column parley.limits.name is 'The app (or parley) and what is limited: echoroom.message.';
comment on column parley.limits.kind is 'rate: events a window; ceiling: so many at once; retention: days.';
comment on column parley.limits.allowed is 'For people who have signed in, or days. Null: no limit.';
comment on column parley.limits.allowed_anonymous is 'For people who have signed in anonymously. Null: no limit.';

alter table parley.limits enable row level security;

-- What a later release adds. The numbers of a limit that is there are the operator's and stay.
create function parley.define_limit(
    name text,
    kind text,
    allowed bigint,
    description text,
    allowed_anonymous bigint default null,
    window_seconds integer default null
) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
begin
    insert into parley.limits as known (name, kind, allowed, allowed_anonymous, window_seconds, description)
    values (
        define_limit.name,
        define_limit.kind,
        define_limit.allowed,
        case when define_limit.kind <> 'retention' then coalesce(define_limit.allowed_anonymous, define_limit.allowed) end,
        define_limit.window_seconds,
        define_limit.description
    )
    on conflict on constraint limits_pkey do update set description = excluded.description;
end
$$;
comment on function parley.define_limit(text, text, bigint, text, bigint, integer) is
    'For migrations: a limit with its defaults; one that is there keeps its numbers. Anonymous people have those of the others where none are given.';

-- Whether the request's own token is an anonymous person's: no table is read.
create function parley.is_anonymous() returns boolean
    language plpgsql stable
    set search_path = ''
    as $$
begin
    return coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'is_anonymous' = 'true', false);
end
$$;
comment on function parley.is_anonymous() is 'Whether the caller has signed in anonymously, by the claim in the token.';

create function parley.is_service() returns boolean
    language plpgsql stable
    set search_path = ''
    as $$
begin
    -- The role that the request runs as, seen from inside a definer function: current_user would be this function's owner there.
    return pg_has_role(coalesce(nullif(current_setting('role', true), 'none'), session_user)::name, 'service_role', 'usage');
end
$$;
comment on function parley.is_service() is 'Whether the caller acts as service_role (or as a role that inherits it).';

-- rate_limit for several events at once, of which all pass or none does: the bucket moves on by as many spacings.
create function parley.rate_limit_many(bucket text, max_events integer, period interval, events integer) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    this_moment constant timestamptz := clock_timestamp();
    spacing constant interval := make_interval(secs => extract(epoch from period)::double precision / max_events);
    tolerance constant interval := spacing * (max_events - events);
    seconds_left bigint;
begin
    if events <= max_events then
        insert into parley.rate_limits as kept (bucket, tat)
        values (rate_limit_many.bucket, this_moment + spacing * events)
        on conflict on constraint rate_limits_pkey do update
        set tat = greatest(kept.tat, this_moment) + spacing * events
        where kept.tat <= this_moment + tolerance;
        if found then
            return;
        end if;
    end if;
    select greatest(1, ceil(extract(epoch from kept.tat - tolerance - this_moment)))::bigint into seconds_left
    from parley.rate_limits as kept
    where kept.bucket = rate_limit_many.bucket;
    raise exception using
        errcode = 'PT429',
        message = format('Too many at once: at most %s. Try again in %s s.', max_events, coalesce(seconds_left, 1)),
        detail = 'rate_limited',
        hint = format('Wait %s s before the next try, or send fewer at once.', coalesce(seconds_left, 1));
end
$$;
comment on function parley.rate_limit_many(text, integer, interval, integer) is
    'Counts several events of a bucket, all or none; PT429 with the seconds to wait.';

create function parley.limit_rate(name text, subject text default null, is_anonymous boolean default null, events integer default 1)
    returns void
    language plpgsql volatile
    set search_path = ''
    as $$
declare
    known parley.limits;
    most bigint;
begin
    if subject is null then
        if parley.is_service() then
            return;
        end if;
        subject := auth.uid()::text;
        if subject is null then
            raise exception using
                errcode = 'PT401',
                message = 'You are not signed in.',
                detail = 'not_signed_in',
                hint = 'Sign in first; an anonymous sign-in is enough.';
        end if;
    end if;
    select rate.* into known from parley.limits as rate where rate.name = limit_rate.name collate "C" and rate.kind = 'rate';
    if not found then
        raise exception using errcode = '22023', message = format('There is no rate %L.', limit_rate.name);
    end if;
    most := case when coalesce(limit_rate.is_anonymous, parley.is_anonymous()) then known.allowed_anonymous else known.allowed end;
    if most is null then
        return;
    end if;
    if events = 1 then
        perform parley.rate_limit(
            limit_rate.name || ':' || subject,
            least(most, 2147483647)::integer,
            make_interval(secs => known.window_seconds)
        );
    else
        perform parley.rate_limit_many(
            limit_rate.name || ':' || subject,
            least(most, 2147483647)::integer,
            make_interval(secs => known.window_seconds),
            events
        );
    end if;
end
$$;
comment on function parley.limit_rate(text, text, boolean, integer) is
    'Counts one event of a rate, or several of which all pass or none does: of the caller, or of the subject that is given (a call, an owner), whom service_role is no exception from. PT429 rate_limited with the seconds to wait, PT401 not_signed_in, 22023 for a name that is no rate. For definer functions of apps.';

create function parley.allowed(name text, user_id uuid, is_anonymous boolean default null) returns bigint
    language plpgsql stable
    set search_path = ''
    as $$
declare
    known parley.limits;
begin
    select ceiling.* into known from parley.limits as ceiling where ceiling.name = allowed.name collate "C" and ceiling.kind = 'ceiling';
    if not found then
        raise exception using errcode = '22023', message = format('There is no ceiling %L.', allowed.name);
    end if;
    if known.allowed is not distinct from known.allowed_anonymous then
        return known.allowed;
    end if;
    return case
        when coalesce(
            allowed.is_anonymous,
            exists (select from auth.users as person where person.id = allowed.user_id and person.is_anonymous)
        ) then known.allowed_anonymous
        else known.allowed
    end;
end
$$;
comment on function parley.allowed(text, uuid, boolean) is
    'How many things of a ceiling a person may have, or people of a kind; null without a limit. 22023 for a name that is no ceiling. For definer functions of apps.';

-- Two transactions of one person that both count before either commits would pass together, so they take turns.
create function parley.lock_ceiling(name text, user_id uuid) returns void
    language plpgsql volatile
    set search_path = ''
    as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('parley.limits:' || name || ':' || user_id, 0));
end
$$;
comment on function parley.lock_ceiling(text, uuid) is 'Held until the caller ends: nobody else counts this person''s things of this ceiling meanwhile.';

create function parley.check_ceiling(name text, user_id uuid, used bigint, message text, hint text) returns void
    language plpgsql stable
    set search_path = ''
    as $$
declare
    most bigint;
begin
    if parley.is_service() then
        return;
    end if;
    most := parley.allowed(name, user_id);
    if used > most then
        raise exception using
            errcode = 'PT409',
            message = format(check_ceiling.message, most),
            detail = 'limit_reached',
            hint = check_ceiling.hint;
    end if;
end
$$;
comment on function parley.check_ceiling(text, uuid, bigint, text, text) is
    'PT409 limit_reached when a person has more than the ceiling; message is a format with one %s for the number. service_role is not limited. Call lock_ceiling before counting.';

create function parley.retention(name text) returns interval
    language plpgsql stable
    set search_path = ''
    as $$
declare
    known parley.limits;
begin
    select retained.* into known
    from parley.limits as retained
    where retained.name = retention.name collate "C" and retained.kind = 'retention';
    if not found then
        raise exception using errcode = '22023', message = format('There is no retention %L.', retention.name);
    end if;
    return make_interval(days => least(known.allowed, 1000000)::integer);
end
$$;
comment on function parley.retention(text) is 'How long something is kept; null for ever. 22023 for a name that is no retention.';

select parley.define_limit(
    'parley.waiting_jobs', 'ceiling', 500, 'Unfinished jobs of the worker that a person''s requests have asked for.', 100
);

revoke execute on all functions in schema parley from public;
