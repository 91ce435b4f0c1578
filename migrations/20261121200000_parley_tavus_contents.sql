-- What is inside Tavus' events, read the same way by every app that takes them in: a moment, what was spoken in a transcript, and
-- the recordings of a call.
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

create function parley.tavus_role(entry jsonb) returns text
    language sql immutable parallel safe
    set search_path = ''
    as $$
    -- In any case: senders write "User" too. The letters of these words are those of ASCII, whatever the database's locale thinks of an i.
    select case
        when lower(entry ->> 'role' collate "C") = 'user' then 'user'
        when lower(entry ->> 'role' collate "C") in ('assistant', 'replica', 'pal') then 'assistant'
        when lower(entry ->> 'role' collate "C") in ('system', 'developer') then 'system'
        when lower(entry ->> 'role' collate "C") in ('tool', 'function') then 'tool'
    end
$$;
comment on function parley.tavus_role(jsonb) is
    'Who speaks in an entry of a transcript: user, assistant, system or tool; null for a role that is not known, and for what is no entry.';

create function parley.tavus_spoken(entry jsonb) returns text
    language plpgsql immutable parallel safe
    set search_path = ''
    as $$
declare
    content constant jsonb := entry -> 'content';
    words text;
begin
    -- The first entry usually is the whole system prompt. Results of tools hold what a look-up found, whoever may read it. A role that is
    -- not known yet is shown to nobody.
    if coalesce(parley.tavus_role(entry) not in ('user', 'assistant'), true) then
        return null;
    end if;
    if jsonb_typeof(content) = 'string' then
        words := content #>> '{}';
    else
        -- In parts, as chat models write it: a list of them, or one.
        select string_agg(
            case
                when jsonb_typeof(part.value) = 'string' then part.value #>> '{}'
                when jsonb_typeof(part.value -> 'text') = 'string' then nullif(part.value ->> 'text', '')
            end,
            ' ' order by part.position
        )
        into words
        from jsonb_array_elements(case jsonb_typeof(content) when 'array' then content else jsonb_build_array(content) end)
            with ordinality as part (value, position);
    end if;
    -- A turn that is only a call of a tool has no words.
    return case when btrim(words, E' \t\r\n') <> '' then words end;
end
$$;
comment on function parley.tavus_spoken(jsonb) is
    'The words of an entry of a transcript that people said or heard; null for the system prompt, results and calls of tools, and what is no entry.';

create function parley.tavus_transcript(entries jsonb) returns jsonb
    language plpgsql immutable parallel safe
    set search_path = ''
    as $$
begin
    -- Of what is unknown only what people read is kept.
    return (
        select coalesce(
            jsonb_agg(
                jsonb_strip_nulls(jsonb_build_object(
                    'role', parley.tavus_role(entry.value),
                    'content', entry.words,
                    'timestamp', entry.value -> 'timestamp',
                    'seconds_from_start', entry.value -> 'seconds_from_start',
                    'duration', entry.value -> 'duration'
                ))
                order by entry.position
            ),
            '[]'::jsonb
        )
        from (
            select every.value, every.position, parley.tavus_spoken(every.value) as words
            from jsonb_array_elements(case jsonb_typeof(entries) when 'array' then entries else '[]'::jsonb end)
                with ordinality as every (value, position)
        ) entry
        where entry.words is not null
    );
end
$$;
comment on function parley.tavus_transcript(jsonb) is
    'What was spoken in a transcript, in order, by user or assistant; an empty array for what is no transcript.';

create function parley.tavus_recordings(recordings jsonb, events jsonb[]) returns jsonb
    language plpgsql immutable parallel safe
    set search_path = ''
    as $$
begin
    -- By the time of the event, not of its delivery: no order of delivery makes another list. Times of one width sort as texts.
    return (
        select jsonb_agg(every.recording order by every.recording ->> 'ready_at' collate "C" nulls first, every.recording)
        from (
            select kept.value as recording
            from jsonb_array_elements(recordings) as kept (value)
            union
            select jsonb_build_object(
                'ready_at', to_char(parley.tavus_moment(event -> 'timestamp') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                'properties', case jsonb_typeof(event -> 'properties') when 'object' then event -> 'properties' else '{}'::jsonb end
            )
            from unnest(events) as event
        ) every
    );
end
$$;
comment on function parley.tavus_recordings(jsonb, jsonb[]) is
    'The recordings of a call, [{ready_at, properties}], and those that further events tell of, the latest last; the same for any order. Null when there are none.';

revoke execute on all functions in schema parley from public;

select parley.keep_implementation();
