-- What makes two deliveries from Tavus the same event. Tavus sends no event id, and tells one event in several ways: callbacks may come
-- twice, the list of a conversation's events (verbose) holds the same events without the envelope, and names are in motion. Whoever takes
-- events in asks here, so that a callback and a reconciliation claim the same key:
--
--     parley.claim_event('tavus', parley.tavus_event_key(body), parley.tavus_event_digest(body))
--
-- Once-a-conversation events have the key conversation/type; others conversation/type/timestamp/digest.
-- Locks: none.

-- The type under its old name: personas are becoming "pals", and system.pal_joined is sent beside system.replica_joined.
create function parley_portable.tavus_event_type(event jsonb) returns text
    language plpgsql immutable parallel safe
    set search_path = ''
    as $$
declare
    event_type constant text collate "C" :=
        replace(replace((event ->> 'event_type') collate "C", '.pal_', '.replica_'), '.pal.', '.replica.');
begin
    if event is null or jsonb_typeof(event) <> 'object' then
        raise exception using errcode = '22023', message = 'The event must be a JSON object.';
    end if;
    if jsonb_typeof(event -> 'event_type') is distinct from 'string' or length(event_type) not between 1 and 100 then
        raise exception using errcode = '22023', message = 'The event_type must be a text of 1 to 100 characters.';
    end if;
    return event_type;
end
$$;
comment on function parley_portable.tavus_event_type(jsonb) is
    'The type of an event of Tavus, of its several names the oldest. 22023 for what is no event.';

-- A member under its old name; where both names are there, the one that says something.
create function parley_portable.tavus_renamed(properties jsonb, new_name text, old_name text) returns jsonb
    language sql immutable strict parallel safe
    set search_path = ''
    as $$
    select case
        when properties ? new_name then (properties - new_name)
            || jsonb_build_object(old_name, coalesce(nullif(properties -> old_name, 'null'), properties -> new_name))
        else properties
    end
$$;
comment on function parley_portable.tavus_renamed(jsonb, text, text) is 'An object with one member under its old name.';

create function parley_portable.tavus_event_digest(event jsonb) returns text
    language plpgsql immutable parallel safe
    set search_path = ''
    as $$
declare
    event_type constant text collate "C" := parley_portable.tavus_event_type(event);
    properties jsonb := coalesce(nullif(event -> 'properties', 'null'), '{}');
    reason text collate "C";
begin
    if event_type not like 'system.%' and event_type not like 'application.%' then
        -- In-call events that a client passed on (seq and inference_id tell them apart), and kinds that nobody knows yet.
        return parley_portable.content_digest(
            (event || jsonb_build_object('event_type', event_type))
                - array['conversation_id', 'webhook_url', 'message_type', 'timestamp']);
    end if;

    -- The rest is the envelope, which the verbose list leaves out, and which may grow.
    if jsonb_typeof(properties) = 'object' then
        properties := parley_portable.tavus_renamed(properties, 'face_id', 'replica_id');
        properties := parley_portable.tavus_renamed(properties, 'pal_id', 'persona_id');
        if event_type = 'system.shutdown' then
            -- `reason` in the verbose list. The same reason is known with and without this ending.
            properties := parley_portable.tavus_renamed(properties, 'reason', 'shutdown_reason');
            reason := properties ->> 'shutdown_reason';
            if reason like '% reached' then
                properties := properties || jsonb_build_object('shutdown_reason', left(reason, -8));
            end if;
        elsif event_type = 'application.transcription_ready' and jsonb_typeof(properties -> 'transcript') = 'array' then
            -- The times of its entries are known as seconds and as ISO 8601.
            properties := properties || jsonb_build_object('transcript', (
                select coalesce(jsonb_agg(
                    case jsonb_typeof(entry.value) when 'object' then entry.value - 'timestamp' else entry.value end
                    order by entry.position), '[]')
                from jsonb_array_elements(properties -> 'transcript') with ordinality as entry (value, position)
            ));
        end if;
    end if;
    return parley_portable.content_digest(jsonb_build_object('event_type', event_type, 'properties', properties));
end
$$;
comment on function parley_portable.tavus_event_digest(jsonb) is
    'The digest of what an event of Tavus says, without what may differ between two deliveries. 22023 for what is no event, 54000 when nested deeper than 256 levels.';

create function parley_portable.tavus_event_key(event jsonb, conversation_id text default null) returns text
    language plpgsql immutable parallel safe
    set search_path = ''
    as $$
declare
    event_type constant text collate "C" := parley_portable.tavus_event_type(event);
    conversation text collate "C" := conversation_id;
    said_at constant jsonb := event -> 'timestamp';
    moment text collate "C" := '-';
    parts text[];
begin
    if conversation is null and jsonb_typeof(event -> 'conversation_id') = 'string' then
        conversation := event ->> 'conversation_id';
    end if;
    if conversation is null or length(conversation) not between 1 and 100 then
        raise exception using errcode = '22023', message = 'The conversation_id must be a text of 1 to 100 characters.';
    end if;

    if event_type in (
        'system.replica_joined', 'system.shutdown', 'application.transcription_ready',
        'application.perception_analysis', 'application.perception_unavailable'
    ) then
        -- Once a conversation, whatever time a second delivery may bear.
        return conversation || '/' || event_type;
    end if;

    -- One moment has one spelling; what is no moment counts as it stands.
    if jsonb_typeof(said_at) = 'number' then
        moment := parley_portable.canonical_json(said_at);
    elsif jsonb_typeof(said_at) = 'string' then
        moment := said_at #>> '{}';
        parts := regexp_match(
            moment,
            '^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(?:Z|\+00(?::?00)?)?$');
        if parts is not null then
            moment := parts[1] || 'T' || parts[2] || coalesce('.' || nullif(rtrim(parts[3], '0'), ''), '') || 'Z';
        end if;
    end if;
    if length(moment) > 40 then
        moment := encode(sha256(convert_to(moment, 'UTF8')), 'hex');
    end if;
    return concat_ws('/', conversation, event_type, moment, parley_portable.tavus_event_digest(event));
end
$$;
comment on function parley_portable.tavus_event_key(jsonb, text) is
    'The key of an event of Tavus. The conversation''s id is taken from the event where it is not given. 22023 for what is no event.';

create function parley.tavus_event_digest(event jsonb) returns text
    language sql immutable parallel safe
    as $$ select parley_portable.tavus_event_digest(event) $$;
comment on function parley.tavus_event_digest(jsonb) is
    'The digest under which to claim an event of Tavus: what it says, without what may differ between two deliveries (envelope, timestamp, names in motion). 22023 for what is no event, 54000 when nested deeper than 256 levels.';

create function parley.tavus_event_key(event jsonb, conversation_id text default null) returns text
    language sql immutable parallel safe
    as $$ select parley_portable.tavus_event_key(event, conversation_id) $$;
comment on function parley.tavus_event_key(jsonb, text) is
    'The key under which to claim an event of Tavus, from a callback''s body or from an entry of the verbose list, which wants the conversation''s id as second argument. Once-a-conversation events: conversation and type; others: conversation, type, timestamp and digest. 22023 for what is no event.';

revoke execute on all functions in schema parley, parley_portable from public;
