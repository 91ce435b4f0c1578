-- What is inside Tavus' events, read the same way by every app that takes them in: a moment, and a transcript without the system prompt.
--
-- Plain SQL in both kernels: an event has one of each. Locks: none.

create function parley.tavus_moment(value jsonb) returns timestamptz
    language plpgsql immutable parallel safe
    set search_path = ''
    set timezone = 'UTC'
    as $$
declare
    spelled constant text := value #>> '{}';
    seconds numeric;
begin
    if jsonb_typeof(value) = 'number' or jsonb_typeof(value) = 'string' and spelled ~ '^[0-9]{1,14}(\.[0-9]{1,9})?$' then
        seconds := spelled::numeric;
        -- The year 5138 in seconds is March 1973 in milliseconds, and nobody called anybody that way before.
        if seconds >= 100000000000 then
            seconds := seconds / 1000;
        end if;
        return case when seconds between 0 and 100000000000 then to_timestamp(seconds::double precision) end;
    end if;
    -- Only what begins like ISO 8601: Postgres also takes "now", "infinity" and much else for a time.
    if jsonb_typeof(value) = 'string' and spelled ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}' then
        return spelled::timestamptz;
    end if;
    return null;
exception
    -- A time that cannot be read is no reason to lose the event.
    when data_exception then
        return null;
end
$$;
comment on function parley.tavus_moment(jsonb) is
    'A moment as Tavus writes it: ISO 8601 (UTC where it names no zone), or Unix seconds or milliseconds; null when it is none of these.';

create function parley.tavus_transcript(entries jsonb) returns jsonb
    language plpgsql immutable parallel safe
    set search_path = ''
    as $$
begin
    -- The first entry usually is the whole system prompt, which is nobody's business; of what is unknown only what people read is kept.
    return (
        select coalesce(
            jsonb_agg(
                jsonb_strip_nulls(jsonb_build_object(
                    'role', entry.value -> 'role',
                    'content', entry.value -> 'content',
                    'timestamp', entry.value -> 'timestamp',
                    'seconds_from_start', entry.value -> 'seconds_from_start',
                    'duration', entry.value -> 'duration',
                    'inference_id', entry.value -> 'inference_id'
                ))
                order by entry.position
            ),
            '[]'::jsonb
        )
        from jsonb_array_elements(case jsonb_typeof(entries) when 'array' then entries else '[]'::jsonb end)
            with ordinality as entry (value, position)
        where jsonb_typeof(entry.value) = 'object' and entry.value ->> 'role' is distinct from 'system'
    );
end
$$;
comment on function parley.tavus_transcript(jsonb) is
    'The entries of a transcript without the system prompt, in order; an empty array for what is no transcript.';

revoke execute on all functions in schema parley from public;

select parley.keep_implementation();
