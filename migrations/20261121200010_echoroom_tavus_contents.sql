-- EchoRoom, the contents of Tavus' events: read by the kernel, as in every app.
-- Locks: none.

create or replace function echoroom_private.tavus_time(p_value jsonb)
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
begin
    return parley.tavus_moment(p_value);
end
$$;

create or replace function echoroom_private.tavus_transcript(p_entries jsonb)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
    return parley.tavus_transcript(p_entries);
end
$$;

revoke execute on all functions in schema echoroom_private from public;
