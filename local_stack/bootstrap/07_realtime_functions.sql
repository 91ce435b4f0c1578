-- What SQL calls to reach a Realtime channel. They run with the rights of the caller, so row level security on
-- realtime.messages decides, and sending never fails the transaction it is part of. Locks nothing.

create function realtime.topic()
returns text
language sql
stable
as $$
    select nullif(current_setting('realtime.topic', true), '')
$$;

create function realtime.send(payload jsonb, event text, topic text, private boolean default true)
returns void
language plpgsql
as $$
declare
    message_id uuid := gen_random_uuid();
    message jsonb := payload;
begin
    -- The block is a subtransaction: whatever goes wrong inside is undone and reported, and the caller carries on.
    begin
        if jsonb_typeof(payload) <> 'object' then
            raise exception 'the payload is a JSON %, not an object', jsonb_typeof(payload);
        end if;

        if payload is not null and not payload ? 'id' then
            message := payload || jsonb_build_object('id', message_id);
        end if;

        perform set_config('realtime.topic', send.topic, true);

        insert into realtime.messages (id, payload, event, topic, private, extension)
        values (message_id, message, send.event, send.topic, send.private, 'broadcast');
    exception
        when others then
            raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
    end;
end
$$;

create function realtime.send_binary(payload bytea, event text, topic text, private boolean default true)
returns void
language plpgsql
as $$
begin
    begin
        perform set_config('realtime.topic', send_binary.topic, true);

        insert into realtime.messages (binary_payload, event, topic, private, extension)
        values (send_binary.payload, send_binary.event, send_binary.topic, send_binary.private, 'broadcast');
    exception
        when others then
            raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
    end;
end
$$;

create function realtime.broadcast_changes(
    topic_name text,
    event_name text,
    operation text,
    table_name text,
    table_schema text,
    new record,
    old record,
    level text default 'ROW'
)
returns void
language plpgsql
as $$
declare
    change jsonb;
begin
    if level = 'STATEMENT' then
        raise exception 'function can only be triggered for each row, not for each statement';
    end if;

    if operation not in ('INSERT', 'UPDATE', 'DELETE') then
        raise exception 'unexpected operation %', operation;
    end if;

    change := jsonb_build_object(
        'record', case when operation <> 'DELETE' then to_jsonb(new) end,
        'old_record', case when operation <> 'INSERT' then to_jsonb(old) end,
        'operation', operation,
        'table', table_name,
        'schema', table_schema
    );

    perform realtime.send(change, event_name, topic_name);
exception
    when others then
        raise exception 'Failed to process the row: %', sqlerrm;
end
$$;

do $owners$
declare
    routine regprocedure;
begin
    for routine in
        select p.oid::regprocedure
        from pg_catalog.pg_proc p
        where p.pronamespace = 'realtime'::regnamespace
    loop
        execute format('alter function %s owner to supabase_realtime_admin', routine);
        execute format('grant execute on function %s to postgres, dashboard_user', routine);
    end loop;
end
$owners$;
