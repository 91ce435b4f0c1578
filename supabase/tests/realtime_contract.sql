-- The contract of the database half of Realtime: what realtime.send and realtime.broadcast_changes do, which our migrations rely on. It holds
-- on Supabase as role postgres and on the stand-in alike, and uses nothing that only the stand-in has. The server makes the partitions of
-- realtime.messages and their publication when a first client connects: on a new project, connect one before.
--
-- A message that is lost is reported as a WARNING, which SQL cannot see: here it is a row that is missing and a caller that carries on;
-- tests/js/realtime_contract.test.mjs listens for the warnings of the same calls.
begin;
-- Those warnings are expected.
set local client_min_messages = error;
create extension if not exists pgtap with schema extensions;
select plan(77);
select 'contract:' || gen_random_uuid() as topic \gset

create function pg_temp.sent(sent_to text) returns bigint
    language sql volatile
    as $$ select count(*) from realtime.messages m where m.topic = sent_to $$;
-- The one message of a topic.
create function pg_temp.the_message(sent_to text) returns realtime.messages
    language sql volatile
    as $$ select m.* from realtime.messages m where m.topic = sent_to $$;
-- Sends as a role, with the claims of a request, and says how many messages arrived.
create function pg_temp.send_as(sender name, payload jsonb, sent_to text) returns bigint
    language plpgsql volatile
    as $$
begin
    perform set_config('request.jwt.claims', jsonb_build_object('role', sender, 'sub', gen_random_uuid())::text, true);
    perform set_config('role', sender, true);
    perform realtime.send(payload, 'said', sent_to);
    perform set_config('role', 'none', true);
    return pg_temp.sent(sent_to);
end
$$;

-- What there is ------------------------------------------------------------------------------------------------------------------

select has_function('realtime', 'send', array['jsonb', 'text', 'text', 'boolean'], 'realtime.send takes payload, event, topic, private');
select has_function(
    'realtime', 'broadcast_changes', array['text', 'text', 'text', 'text', 'text', 'record', 'record', 'text'],
    'realtime.broadcast_changes takes topic, event, operation, table, schema, new, old, level'
);
select function_returns('realtime', 'topic', array[]::text[], 'text', 'realtime.topic() is a text');
select volatility_is('realtime', 'topic', array[]::text[], 'stable', 'and stable, so that a policy may use it in a sub-select');
select is(pg_get_function_arguments('realtime.send(jsonb,text,text,boolean)'::regprocedure), 'payload jsonb, event text, topic text, private boolean DEFAULT true', 'its arguments have these names, and private is the default');
select is_empty(
    $$select p.oid::regprocedure from pg_proc p where p.pronamespace = 'realtime'::regnamespace and p.proname in ('send', 'broadcast_changes', 'topic') and p.prosecdef$$,
    'they run with the rights of their caller'
);
select is_empty(
    $$
        select p.oid::regprocedure, r.rolname
        from pg_proc p, pg_roles r
        where p.pronamespace = 'realtime'::regnamespace and p.proname in ('send', 'broadcast_changes', 'topic')
            and r.rolname in ('postgres', 'anon', 'authenticated', 'service_role') and not has_function_privilege(r.oid, p.oid, 'execute')
    $$,
    'everybody may call them: row level security decides'
);
select ok(bool_and(has_schema_privilege(r.oid, 'realtime', 'usage')), 'and reach the schema')
from pg_roles r
where r.rolname in ('postgres', 'anon', 'authenticated', 'service_role');

select results_eq(
    $$
        select a.attname::text collate "default", format_type(a.atttypid, a.atttypmod), a.attnotnull
        from pg_attribute a
        where a.attrelid = 'realtime.messages'::regclass and a.attnum > 0 and not a.attisdropped
            and a.attname in ('topic', 'extension', 'payload', 'event', 'private', 'updated_at', 'inserted_at', 'id')
        order by a.attname
    $$,
    $$
        values
            ('event', 'text', false), ('extension', 'text', true), ('id', 'uuid', true), ('inserted_at', 'timestamp without time zone', true),
            ('payload', 'jsonb', false), ('private', 'boolean', false), ('topic', 'text', true), ('updated_at', 'timestamp without time zone', true)
    $$,
    'a message has these columns'
);
select is((select pg_get_partkeydef('realtime.messages'::regclass)), 'RANGE (inserted_at)', 'messages are partitioned by inserted_at');
select is((select pg_get_userbyid(relowner)::text from pg_class where oid = 'realtime.messages'::regclass), 'supabase_realtime_admin', 'they belong to Realtime''s own role');
select is(
    (select jsonb_build_array(relrowsecurity, relforcerowsecurity) from pg_class where oid = 'realtime.messages'::regclass), '[true, false]',
    'row level security is on and not forced'
);
select is(
    (
        select jsonb_object_agg(r.rolname, (
            select jsonb_agg(wanted order by position)
            from unnest(array['select', 'insert', 'update', 'delete', 'truncate']) with ordinality as w (wanted, position)
            where has_table_privilege(r.oid, 'realtime.messages'::regclass, wanted)
        ))
        from pg_roles r
        where r.rolname in ('anon', 'authenticated', 'service_role', 'postgres')
    ),
    '{
        "anon": ["select", "insert", "update"], "authenticated": ["select", "insert", "update"], "service_role": ["select", "insert", "update"],
        "postgres": ["select", "insert", "update", "delete", "truncate"]
    }',
    'API roles may read, insert and update, as far as policies let them; postgres everything'
);
select ok((select rolbypassrls from pg_roles where rolname = 'service_role'), 'no policy holds service_role back');
select ok((select rolbypassrls from pg_roles where rolname = 'postgres'), 'nor postgres, as whom our definer functions send');

-- Partitions and publications ------------------------------------------------------------------------------------------------------

select isnt_empty($$select from pg_inherits where inhparent = 'realtime.messages'::regclass$$, 'there are partitions');
select is_empty(
    $$
        select i.inhrelid::regclass
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'realtime.messages'::regclass
            and (c.relname !~ '^messages_\d{4}_\d{2}_\d{2}$' or c.relnamespace <> 'realtime'::regnamespace)
    $$,
    'each is called after its day'
);
select is_empty(
    $$
        select i.inhrelid::regclass, pg_get_expr(c.relpartbound, c.oid)
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'realtime.messages'::regclass
            and pg_get_expr(c.relpartbound, c.oid) <> format(
                'FOR VALUES FROM (''%s 00:00:00'') TO (''%s 00:00:00'')',
                to_date(c.relname, '"messages_"YYYY_MM_DD'), to_date(c.relname, '"messages_"YYYY_MM_DD') + 1
            )
    $$,
    'and holds exactly that day'
);
select is_empty(
    $$
        select i.inhrelid::regclass, pg_get_userbyid(c.relowner)
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'realtime.messages'::regclass and pg_get_userbyid(c.relowner) <> 'supabase_realtime_admin'
    $$,
    'they belong to Realtime''s own role as well'
);
select is_empty(
    $$
        select day::date
        from generate_series((now() at time zone 'UTC')::date - 1, (now() at time zone 'UTC')::date + 1, interval '1 day') as day
        where to_regclass('realtime.' || to_char(day, '"messages_"YYYY_MM_DD')) is null
    $$,
    'yesterday, today and tomorrow, by UTC, have one'
);
select results_eq(
    $$
        select p.pubinsert, p.pubviaroot, p.puballtables
        from pg_publication p
        where p.pubname = 'supabase_realtime_messages_publication'
    $$,
    'values (true, false, false)',
    'messages are published as they are inserted, not in the name of the whole'
);
select set_eq(
    $$select schemaname || '.' || tablename from pg_publication_tables where pubname = 'supabase_realtime_messages_publication'$$,
    $$select inhrelid::regclass::text from pg_inherits where inhparent = 'realtime.messages'::regclass$$,
    'so the stream names the partitions, every one of them'
);
select isnt_empty($$select from pg_publication where pubname = 'supabase_realtime'$$, 'the publication for postgres_changes is there');

-- What is sent ---------------------------------------------------------------------------------------------------------------------

select is(realtime.topic(), null, 'before anything is sent there is no topic');
select is(realtime.send('{"text": "hello"}', 'said', :'topic')::text, '', 'realtime.send returns nothing');
select is(pg_temp.sent(:'topic'), 1::bigint, 'an object is one row');
select is(
    (select jsonb_build_object('event', m.event, 'extension', m.extension, 'private', m.private) from pg_temp.the_message(:'topic') m),
    '{"event": "said", "extension": "broadcast", "private": true}',
    'a private broadcast of that event'
);
select is(
    (select m.payload from pg_temp.the_message(:'topic') m),
    (select jsonb_build_object('text', 'hello', 'id', m.id) from pg_temp.the_message(:'topic') m),
    'its payload gets the id of the row'
);
select ok((select m.inserted_at = now() at time zone current_setting('TimeZone') from pg_temp.the_message(:'topic') m), 'and the row the time at which the transaction began');
select is(realtime.topic(), :'topic', 'realtime.topic() is then the topic of what was sent');
select realtime.send('{}', 'said', :'topic' || ':next');
select is(realtime.topic(), :'topic' || ':next', 'of what was sent last');
select is((select m.payload from pg_temp.the_message(:'topic' || ':next') m), (select jsonb_build_object('id', m.id) from pg_temp.the_message(:'topic' || ':next') m), 'an empty object gets an id too');

select realtime.send('{"id": "mine", "text": "hello"}', 'said', :'topic' || ':id');
select is((select m.payload from pg_temp.the_message(:'topic' || ':id') m), '{"id": "mine", "text": "hello"}', 'an id of its own is kept');
select isnt((select m.id::text from pg_temp.the_message(:'topic' || ':id') m), 'mine', 'and the row has another');
select realtime.send('{"id": null}', 'said', :'topic' || ':null id');
select is((select m.payload from pg_temp.the_message(:'topic' || ':null id') m), '{"id": null}', 'an id that is null is one');
select realtime.send('{"inner": {"id": 1}}', 'said', :'topic' || ':inner id');
select ok((select m.payload ? 'id' from pg_temp.the_message(:'topic' || ':inner id') m), 'an id further inside is none');
select realtime.send('{}', 'said', :'topic' || ':public', false);
select is((select m.private from pg_temp.the_message(:'topic' || ':public') m), false, 'what is sent as public is public');
select realtime.send(null, 'said', :'topic' || ':null');
select is(pg_temp.sent(:'topic' || ':null'), 1::bigint, 'an SQL null is one row');
select is((select m.payload from pg_temp.the_message(:'topic' || ':null') m), null, 'without a payload, which nobody will hear');

-- What is lost, without an error -----------------------------------------------------------------------------------------------------

select realtime.send('{}', 'said', :'topic' || ':before');
select lives_ok(format('select realtime.send(''[1, 2]'', ''said'', %L)', :'topic' || ':array'), 'sending an array is no error');
select is(pg_temp.sent(:'topic' || ':array'), 0::bigint, 'and is lost');
select lives_ok(format('select realtime.send(%L, ''said'', %L)', scalar, :'topic' || ':scalar'), 'sending ' || scalar || ' is no error')
from unnest(array['42', 'true', '"text"', 'null']) as scalar;
select is(pg_temp.sent(:'topic' || ':scalar'), 0::bigint, 'and is lost');
select lives_ok($$select realtime.send('{}', 'said', null)$$, 'sending to no topic is no error');
select is_empty($$select from realtime.messages where topic is null$$, 'and is lost');
select is(realtime.topic(), :'topic' || ':before', 'what is lost leaves realtime.topic() as it was: all of the call is undone');

select is(pg_temp.send_as('anon', '{}', :'topic' || ':anon'), 0::bigint, 'what anon sends without a policy is lost');
select is(pg_temp.send_as('authenticated', '{}', :'topic' || ':user'), 0::bigint, 'what a user sends without a policy is lost');
select is(pg_temp.send_as('service_role', '{}', :'topic' || ':service'), 1::bigint, 'what service_role sends arrives');
select is(pg_temp.send_as('postgres', '{}', :'topic' || ':postgres'), 1::bigint, 'and what postgres sends');

set local lock_timeout = '10s';
create policy "users speak in the contract" on realtime.messages
    for insert
    to authenticated
    with check (topic = (select realtime.topic()) and topic like 'contract:%:allowed');
set local lock_timeout = 0;
select is(pg_temp.send_as('authenticated', '{}', :'topic' || ':allowed'), 1::bigint, 'what a user sends with a policy for inserting arrives');
select is(pg_temp.send_as('authenticated', '{}', :'topic' || ':other'), 0::bigint, 'but on no other topic');
select is(pg_temp.send_as('anon', '{}', :'topic' || ':anon:allowed'), 0::bigint, 'and from nobody else');

-- A transaction that only reads. Only this block is one, so that pgTAP can go on writing.
create function pg_temp.sent_while_reading_only(sent_to text) returns text
    language plpgsql volatile
    as $$
begin
    begin
        perform set_config('transaction_read_only', 'on', true);
        perform realtime.send('{}', 'said', sent_to);
        raise exception 'carried on with % messages', pg_temp.sent(sent_to) using errcode = 'XX999';
    exception when sqlstate 'XX999' then
        return sqlerrm;
    end;
end
$$;
select is(pg_temp.sent_while_reading_only(:'topic' || ':reading'), 'carried on with 0 messages', 'what is sent in a read-only transaction is lost');

-- A statement of our own is not swallowed: this is how to tell.
select throws_ok(
    format('insert into realtime.messages (topic, extension, inserted_at) values (%L, ''broadcast'', ''2000-01-01'')', :'topic' || ':old'),
    '23514', null, 'inserting where there is no partition is an error'
);
select throws_ok(format('insert into realtime.messages (topic) values (%L)', :'topic' || ':bare'), '23502', null, 'so is inserting without an extension');
set local role authenticated;
select throws_ok(format('insert into realtime.messages (topic, extension) values (%L, ''broadcast'')', :'topic' || ':forged'), '42501', null, 'so is inserting what no policy allows');
set local role none;
select lives_ok(format('insert into realtime.messages (topic, extension, payload) values (%L, ''broadcast'', ''[1]'')', :'topic' || ':own'), 'and postgres may insert what realtime.send would not');

-- The day is taken in the time zone of the session -------------------------------------------------------------------------------------

create function pg_temp.hours_from_utc(sent_to text) returns numeric
    language sql volatile
    as $$ select round(extract(epoch from m.inserted_at - (now() at time zone 'UTC')) / 3600, 2) from realtime.messages m where m.topic = sent_to $$;

set local timezone = 'Asia/Kolkata';
select realtime.send('{}', 'said', :'topic' || ':east');
select is(pg_temp.hours_from_utc(:'topic' || ':east'), 5.5, 'realtime.send files a message by the clock of the session, here India''s');
select parley.broadcast(:'topic' || ':pinned', 'said', '{}');
select is(pg_temp.hours_from_utc(:'topic' || ':pinned'), 0.0, 'parley.broadcast files it by UTC');
select is(current_setting('timezone'), 'Asia/Kolkata', 'and leaves the session its zone');

-- As far from UTC as Postgres goes, nearly a week: no partition is there yet.
set local timezone = '167';
select lives_ok(format('select realtime.send(''{}'', ''said'', %L)', :'topic' || ':next week'), 'sending where there is no partition is no error');
select is(pg_temp.sent(:'topic' || ':next week'), 0::bigint, 'and is lost');
select parley.broadcast(:'topic' || ':today', 'said', '{}');
select is(pg_temp.hours_from_utc(:'topic' || ':today'), 0.0, 'parley.broadcast is not');
set local timezone = 'UTC';

select throws_ok(format('select parley.broadcast(%L, ''said'', %L)', :'topic', lost), '22023', null, 'parley.broadcast refuses what would be lost or heard by nobody: ' || coalesce(lost, 'null'))
from unnest(array['[1]', '42', null]) as lost;

-- broadcast_changes ------------------------------------------------------------------------------------------------------------------

create schema realtime_contract;
create table realtime_contract.notes (id bigint primary key, body text, tags text[]);
create function realtime_contract.tell() returns trigger
    language plpgsql security definer set search_path = ''
    as $$
begin
    perform realtime.broadcast_changes(tg_argv[0], 'note ' || lower(tg_op), tg_op, tg_table_name, tg_table_schema, new, old);
    return null;
end
$$;
select format('create trigger notes_tell after insert or update or delete on realtime_contract.notes for each row execute function realtime_contract.tell(%L)', :'topic' || ':notes') as statement \gset
:statement;
create function pg_temp.change(wanted text, sent_to text) returns jsonb
    language sql volatile
    as $$ select m.payload - 'id' from realtime.messages m where m.topic = sent_to and m.event = 'note ' || wanted $$;

insert into realtime_contract.notes values (1, 'first', '{a,b}');
update realtime_contract.notes set body = null where id = 1;
delete from realtime_contract.notes where id = 1;
select is(
    pg_temp.change('insert', :'topic' || ':notes'),
    '{"operation": "INSERT", "table": "notes", "schema": "realtime_contract", "record": {"id": 1, "body": "first", "tags": ["a", "b"]}, "old_record": null}',
    'an insert has the new record and no old one'
);
select is(
    pg_temp.change('update', :'topic' || ':notes'),
    '{
        "operation": "UPDATE", "table": "notes", "schema": "realtime_contract",
        "record": {"id": 1, "body": null, "tags": ["a", "b"]}, "old_record": {"id": 1, "body": "first", "tags": ["a", "b"]}
    }',
    'an update has both, all columns of them, whatever the replica identity'
);
select is(
    pg_temp.change('delete', :'topic' || ':notes'),
    '{"operation": "DELETE", "table": "notes", "schema": "realtime_contract", "record": null, "old_record": {"id": 1, "body": null, "tags": ["a", "b"]}}',
    'a deletion has the old record and no new one'
);
select is(
    (select count(*) from realtime.messages m where m.topic = :'topic' || ':notes' and m.private and m.extension = 'broadcast' and m.payload ->> 'id' = m.id::text),
    3::bigint,
    'all are private broadcasts, and their payloads have the id of the row'
);
select throws_ok(
    format('select realtime.broadcast_changes(%L, ''said'', ''INSERT'', ''notes'', ''realtime_contract'', null::realtime_contract.notes, null::realtime_contract.notes, ''STATEMENT'')', :'topic' || ':statement'),
    'P0001', null, 'a trigger for each statement is refused, with an error'
);
select throws_ok(
    format('select realtime.broadcast_changes(%L, ''said'', ''TRUNCATE'', ''notes'', ''realtime_contract'', null::realtime_contract.notes, null::realtime_contract.notes)', :'topic' || ':statement'),
    'P0001', null, 'so is an operation on no row'
);
select is(pg_temp.sent(:'topic' || ':statement'), 0::bigint, 'and nothing is sent');

select * from finish();
rollback;
