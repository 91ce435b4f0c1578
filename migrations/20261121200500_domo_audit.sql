-- Domo, the audit trail: who changed which demo, video, chunk or call, and what it was before.
--
-- One row for each row changed, written once a statement. Of an update only what changed is kept; embeddings never; a long text is cut. What goes
-- with its demo is not listed again: the demo's own row says that all of it went. Nobody but these triggers writes the trail.
-- Locks: none but on the new rows.

create function domo_private.audit_values(p_values jsonb, p_other jsonb default null)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
    return (
        select jsonb_object_agg(
            entry.key,
            case
                -- As text, whatever it was: metadata may have 64 kB, and one statement may change it of every demo.
                when char_length(entry.value #>> '{}') > 1000 then to_jsonb(left(entry.value #>> '{}', 1000) || '…')
                else entry.value
            end
        )
        from jsonb_each(p_values) as entry
        where entry.value is distinct from p_other -> entry.key and (p_other is not null or entry.value <> 'null')
    );
end
$$;

comment on function domo_private.audit_values is 'Of some values those that differ from the other ones (without others: all that are there), each cut to 1,000 characters. Null when there are none.';

create function domo_private.actor()
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
    -- A token outlives its account by up to an hour.
    return (select u.id from auth.users u where u.id = (select auth.uid()));
end
$$;

comment on function domo_private.actor is 'Who is acting, for the trail; null for the server.';

create function domo_private.audit_demos()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_actor uuid := domo_private.actor();
    v_kept text[] := array['created_at', 'updated_at', 'tavus_conversation_id'];
begin
    if domo_private.is_importing() then
        return null;
    end if;
    if tg_op = 'INSERT' then
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, new_values)
        select n.user_id, n.id, v_actor, 'insert', 'demos', n.id, domo_private.audit_values(to_jsonb(n) - v_kept)
        from new_rows n;
    elsif tg_op = 'UPDATE' then
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, old_values, new_values)
        select
            n.user_id, n.id, v_actor, 'update', 'demos', n.id,
            domo_private.audit_values(to_jsonb(o) - v_kept, to_jsonb(n) - v_kept),
            domo_private.audit_values(to_jsonb(n) - v_kept, to_jsonb(o) - v_kept)
        from new_rows n
        join old_rows o on o.id = n.id
        where to_jsonb(n) - v_kept <> to_jsonb(o) - v_kept;
    else
        -- When the account goes, its trail goes with it.
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, old_values)
        select o.user_id, o.id, v_actor, 'delete', 'demos', o.id, domo_private.audit_values(to_jsonb(o) - v_kept)
        from old_rows o
        join auth.users u on u.id = o.user_id;
    end if;
    return null;
end
$$;

comment on function domo_private.audit_demos is 'Trigger: the trail of demos.';

create function domo_private.audit_videos()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_actor uuid := domo_private.actor();
    v_kept text[] := array['demo_id', 'created_at', 'updated_at'];
begin
    if domo_private.is_importing() then
        return null;
    end if;
    if tg_op = 'INSERT' then
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, new_values)
        select d.user_id, d.id, v_actor, 'insert', 'demo_videos', n.id, domo_private.audit_values(to_jsonb(n) - v_kept)
        from new_rows n
        join domo.demos d on d.id = n.demo_id;
    elsif tg_op = 'UPDATE' then
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, old_values, new_values)
        select
            d.user_id, d.id, v_actor, 'update', 'demo_videos', n.id,
            domo_private.audit_values(to_jsonb(o) - v_kept, to_jsonb(n) - v_kept),
            domo_private.audit_values(to_jsonb(n) - v_kept, to_jsonb(o) - v_kept)
        from new_rows n
        join old_rows o on o.id = n.id
        join domo.demos d on d.id = n.demo_id
        where to_jsonb(n) - v_kept <> to_jsonb(o) - v_kept;
    else
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, old_values)
        select d.user_id, d.id, v_actor, 'delete', 'demo_videos', o.id, domo_private.audit_values(to_jsonb(o) - v_kept)
        from old_rows o
        join domo.demos d on d.id = o.demo_id;
    end if;
    return null;
end
$$;

comment on function domo_private.audit_videos is 'Trigger: the trail of videos.';

-- The columns by name: a row as a whole would bring the embedding out of its storage. An embedding that comes or goes is no change here.
create function domo_private.audit_chunks()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_actor uuid := domo_private.actor();
begin
    if domo_private.is_importing() then
        return null;
    end if;
    if tg_op = 'INSERT' then
        -- The text is in the table as long as nobody changes it.
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, new_values)
        select
            d.user_id, d.id, v_actor, 'insert', 'knowledge_chunks', n.id,
            jsonb_strip_nulls(jsonb_build_object('source', n.source, 'video_id', n.video_id, 'content_digest', n.content_digest))
        from new_rows n
        join domo.demos d on d.id = n.demo_id;
    elsif tg_op = 'UPDATE' then
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, old_values, new_values)
        select
            d.user_id, d.id, v_actor, 'update', 'knowledge_chunks', n.id,
            domo_private.audit_values(changed.old_values, changed.new_values),
            domo_private.audit_values(changed.new_values, changed.old_values)
        from new_rows n
        join old_rows o on o.id = n.id
        join domo.demos d on d.id = n.demo_id
        cross join lateral (
            select
                jsonb_build_object(
                    'content', o.content, 'question', o.question, 'answer', o.answer, 'source', o.source, 'video_id', o.video_id,
                    'deleted_at', o.deleted_at
                ) as old_values,
                jsonb_build_object(
                    'content', n.content, 'question', n.question, 'answer', n.answer, 'source', n.source, 'video_id', n.video_id,
                    'deleted_at', n.deleted_at
                ) as new_values
        ) as changed
        where (n.content_digest, n.source, n.video_id, n.deleted_at) is distinct from (o.content_digest, o.source, o.video_id, o.deleted_at);
    else
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, old_values)
        select
            d.user_id, d.id, v_actor, 'delete', 'knowledge_chunks', o.id,
            domo_private.audit_values(jsonb_build_object(
                'content', o.content, 'question', o.question, 'answer', o.answer, 'source', o.source, 'video_id', o.video_id,
                'deleted_at', o.deleted_at
            ))
        from old_rows o
        join domo.demos d on d.id = o.demo_id;
    end if;
    return null;
end
$$;

comment on function domo_private.audit_chunks is 'Trigger: the trail of the knowledge.';

create function domo_private.audit_conversations()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_actor uuid := domo_private.actor();
begin
    if domo_private.is_importing() then
        return null;
    end if;
    if tg_op = 'INSERT' then
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, new_values)
        select d.user_id, d.id, v_actor, 'insert', 'conversations', n.id, jsonb_build_object('persona_id', n.persona_id, 'status', n.status)
        from new_rows n
        join domo.demos d on d.id = n.demo_id;
    elsif tg_op = 'UPDATE' then
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, old_values, new_values)
        select
            d.user_id, d.id, v_actor, 'update', 'conversations', n.id,
            jsonb_build_object('status', o.status),
            jsonb_strip_nulls(jsonb_build_object('status', n.status, 'end_requested_at', n.end_requested_at, 'conversation_id', n.conversation_id))
        from new_rows n
        join old_rows o on o.id = n.id
        join domo.demos d on d.id = n.demo_id
        where n.status <> o.status or n.end_requested_at is distinct from o.end_requested_at;
    else
        insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name, record_id, old_values)
        select
            d.user_id, d.id, v_actor, 'delete', 'conversations', o.id,
            jsonb_strip_nulls(jsonb_build_object('status', o.status, 'conversation_id', o.conversation_id, 'created_at', o.created_at))
        from old_rows o
        join domo.demos d on d.id = o.demo_id;
    end if;
    return null;
end
$$;

comment on function domo_private.audit_conversations is 'Trigger: the trail of calls, which cost money: who asked for them and for their end.';

do $triggers$
declare
    v_table text;
    v_function text;
begin
    for v_table, v_function in
        values ('demos', 'demos'), ('demo_videos', 'videos'), ('knowledge_chunks', 'chunks'), ('conversations', 'conversations')
    loop
        execute format(
            'create trigger %I after insert on domo.%I referencing new table as new_rows for each statement execute function domo_private.%I()',
            v_table || '_audit_insert', v_table, 'audit_' || v_function
        );
        execute format(
            'create trigger %I after update on domo.%I referencing old table as old_rows new table as new_rows for each statement execute function domo_private.%I()',
            v_table || '_audit_update', v_table, 'audit_' || v_function
        );
        execute format(
            'create trigger %I after delete on domo.%I referencing old table as old_rows for each statement execute function domo_private.%I()',
            v_table || '_audit_delete', v_table, 'audit_' || v_function
        );
    end loop;
end
$triggers$;

revoke execute on all functions in schema domo_private from public;
