-- broadcast: a private message to everybody on a Realtime topic, sent when the caller commits.
--
-- realtime.send swallows its errors into warnings, so what it would lose is refused here: no topic, no event, a payload that is not
-- an object. It files messages by the session's time zone, which a PostgREST client may set, so the zone is pinned.
-- Locks: none.

create function parley_portable.broadcast(topic text, event text, payload jsonb) returns void
    language plpgsql volatile
    set search_path = ''
    set timezone = 'UTC'
    as $$
begin
    if topic is null or topic = '' then
        raise exception using errcode = '22023', message = 'The topic must not be empty.';
    end if;
    if event is null or event = '' then
        raise exception using errcode = '22023', message = 'The event must not be empty.';
    end if;
    if payload is null or jsonb_typeof(payload) <> 'object' then
        raise exception using errcode = '22023', message = 'The payload must be a JSON object.';
    end if;
    if to_regprocedure('realtime.send(jsonb,text,text,boolean)') is not null then
        perform realtime.send(payload, event, topic, true);
    end if;
end
$$;
comment on function parley_portable.broadcast(text, text, jsonb) is
    'Private Realtime broadcast through realtime.send; does nothing where there is none. 22023 for an empty topic or event, or a payload that is no object.';

create function parley.broadcast(topic text, event text, payload jsonb) returns void
    language sql volatile
    as $$ select parley_portable.broadcast(topic, event, payload) $$;
comment on function parley.broadcast(text, text, jsonb) is
    'Private Realtime broadcast to a topic, delivered when the caller commits; does nothing where there is no schema realtime.';

revoke execute on all functions in schema parley, parley_portable from public;
