-- Domo, export and import: with the documents.
-- Locks: none.

create or replace function domo.export_demo_data(demo_id uuid default null, after_line text default null, page_limit integer default null)
returns setof jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
    -- Parents first. Rows are in the order of their ids, so that a page can begin where the last one ended.
    v_tables constant text[] := array[
        'demos', 'demo_videos', 'demo_documents', 'knowledge_chunks', 'conversations', 'processed_webhook_events', 'conversation_messages', 'audit_logs'
    ];
    v_demo_ids uuid[] := array(
        select d.id from domo.demos d where export_demo_data.demo_id is null or d.id = export_demo_data.demo_id order by d.id
    );
    v_left bigint := case when page_limit is null then 9223372036854775807 else greatest(page_limit, 1) end;
    v_begun integer := 0;
    v_after uuid;
    v_table text;
    v_count bigint;
begin
    if export_demo_data.demo_id is not null and cardinality(v_demo_ids) = 0 then
        perform domo_private.demo_not_found();
    end if;
    if after_line = 'end' then
        return;
    end if;
    if after_line is null then
        return next jsonb_build_object(
            'line', 'header', 'format', 'domo', 'version', 1, 'exported_at', clock_timestamp(), 'demos', to_jsonb(v_demo_ids)
        );
        v_left := v_left - 1;
    elsif after_line <> 'header' then
        v_begun := array_position(v_tables, split_part(after_line, '/', 1));
        if v_begun is null or after_line !~* '^[a-z_]+/[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then
            perform domo_private.fail(
                'PT422', 'invalid_after_line', 'There is no such line to go on after.', 'Send line of the last object that you got, as it was.'
            );
        end if;
        v_after := split_part(after_line, '/', 2)::uuid;
    end if;
    for v_table in
        select t.name from unnest(v_tables) with ordinality as t (name, place) where t.place >= v_begun order by t.place
    loop
        exit when v_left = 0;
        return query execute format(
            $query$
                select jsonb_build_object('line', %1$L || '/' || t.id, 'table', %1$L, 'row', to_jsonb(t))
                from domo.%1$I t
                where t.%2$I = any ($1) and ($2 is null or t.id > $2)
                order by t.id
                limit $3
            $query$,
            v_table, case v_table when 'demos' then 'id' else 'demo_id' end
        )
        using v_demo_ids, v_after, v_left;
        get diagnostics v_count = row_count;
        v_left := v_left - v_count;
        v_after := null;
    end loop;
    if v_left > 0 then
        return next jsonb_build_object('line', 'end');
    end if;
end
$$;

create or replace function domo_private.import_demo_data(p_lines regclass, p_owner uuid default null)
returns bigint
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_tables constant text[] := array[
        'demos', 'demo_videos', 'demo_documents', 'knowledge_chunks', 'conversations', 'processed_webhook_events', 'conversation_messages', 'audit_logs'
    ];
    v_headers bigint;
    v_ends bigint;
    v_unknown bigint;
    v_table text;
    v_columns text;
    v_count bigint;
    v_imported bigint := 0;
begin
    execute format(
        $query$
            select
                count(*) filter (where l.line ->> 'line' = 'header' and l.line ->> 'format' = 'domo' and l.line ->> 'version' = '1') as headers,
                count(*) filter (where l.line ->> 'line' = 'end') as ends,
                count(*) filter (where l.line ? 'row' and (l.line ->> 'table' = any ($1)) is not true) as unknown
            from %s l
        $query$,
        p_lines
    )
    into v_headers, v_ends, v_unknown
    using v_tables;
    if v_headers <> 1 then
        raise exception using errcode = '22023', message = format('There are %s headers of version 1 in these lines: one export has one.', v_headers);
    end if;
    if v_ends <> 1 then
        raise exception using errcode = '22023', message = 'The last line is missing: the export was cut off.';
    end if;
    if v_unknown > 0 then
        raise exception using errcode = '22023', message = format('There are %s rows of tables that are not known here.', v_unknown);
    end if;

    perform set_config('domo.importing', 'on', true);
    foreach v_table in array v_tables loop
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
        into v_columns
        from pg_catalog.pg_attribute a
        where a.attrelid = format('domo.%I', v_table)::regclass and a.attnum > 0 and not a.attisdropped;
        execute format(
            $query$
                insert into domo.%1$I (%2$s)
                select %2$s
                from %3$s l
                cross join lateral jsonb_populate_record(
                    null::domo.%1$I,
                    l.line -> 'row' || case l.line ->> 'table'
                        when 'demos' then jsonb_build_object('user_id', coalesce($1::text, l.line #>> '{row,user_id}'))
                        when 'conversations' then jsonb_build_object(
                            'started_by', (select u.id from auth.users u where u.id::text = l.line #>> '{row,started_by}'),
                            'claimed_until', null
                        ) || case l.line #>> '{row,status}'
                            -- Whoever asked for it has gone home.
                            when 'starting' then '{"status": "failed", "failure": "The call had not begun when the data was exported."}'
                            else '{}'
                        end::jsonb
                        when 'audit_logs' then jsonb_build_object(
                            'owner_id', coalesce($1::text, l.line #>> '{row,owner_id}'),
                            'user_id', (select u.id from auth.users u where u.id::text = l.line #>> '{row,user_id}')
                        )
                        else '{}'
                    end
                ) r
                where l.line ->> 'table' = %1$L and l.line ? 'row'
                %4$s
            $query$,
            v_table, v_columns, p_lines,
            -- What outlives its demo is there still when a demo comes back that somebody erased.
            case v_table
                when 'conversations' then
                    'on conflict (id) do update set demo_id = excluded.demo_id where conversations.demo_id is null'
                when 'audit_logs' then 'on conflict (id) do nothing'
                else ''
            end
        )
        using p_owner;
        get diagnostics v_count = row_count;
        v_imported := v_imported + v_count;
    end loop;

    -- A sender may still repeat what the export holds: it has been applied.
    execute format(
        $query$
            select parley.claim_event('tavus', claim.key, claim.digest)
            from (
                select
                    parley.tavus_event_key(l.line #> '{row,event_data}', l.line #>> '{row,conversation_id}') as key,
                    parley.tavus_event_digest(l.line #> '{row,event_data}') as digest
                from %s l
                where l.line ->> 'table' = 'processed_webhook_events' and l.line #>> '{row,is_conflicting}' = 'false'
                order by 1
            ) claim
        $query$,
        p_lines
    );
    perform set_config('domo.importing', '', true);
    return v_imported;
end
$$;

revoke execute on all functions in schema domo, domo_private from public;
