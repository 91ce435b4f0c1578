-- A transcript as it is kept: the same from here as from the worker, which cleans the long ones before they come.
-- Locks: none.

create or replace function parley.tavus_transcript(entries jsonb) returns jsonb
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
                    'duration', entry.value -> 'duration'
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
