-- What the channel of a demo is told, who may listen, and how one who was not listening catches up: in order, without gaps.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(48);
\ir domo_fixture.psql

-- A number to begin from: what the fixture did is told already.
create temporary table begun as select pg_temp.demo(1) as demo, last_seq from domo.demo_stats where demo_id = pg_temp.demo(1);
grant select on begun to public;
-- What has been told since, without ids and times.
create function pg_temp.fresh() returns table (event text, payload jsonb)
    language sql volatile security definer as $$
    select t.event, t.payload - array['id', 'updated_at'] from pg_temp.told(pg_temp.demo(1)) t, begun b where t.seq > b.last_seq order by t.seq
$$;
create function pg_temp.latest() returns jsonb
    language sql volatile security definer as $$
    select jsonb_build_object('event', t.event) || t.payload - array['id', 'updated_at'] from pg_temp.told(pg_temp.demo(1)) t order by t.seq desc limit 1
$$;

-- Demos and videos ----------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
update domo.demos set name = 'Renamed' where id = pg_temp.demo(1);
select is(pg_temp.latest(), '{"event": "demo-changed", "name": "Renamed", "status": "draft", "deleted_at": null}', 'a change of the demo is told');
update domo.demos set description = 'Twice in one transaction' where id = pg_temp.demo(1);
select is((select count(*) from pg_temp.fresh()), 2::bigint, 'each of them');
update domo.demos set description = description where id = pg_temp.demo(1);
select is((select count(*) from pg_temp.fresh()), 2::bigint, 'but not that nothing changed');
insert into domo.demo_videos (demo_id, title, storage_url, order_index) values (pg_temp.demo(1), 'New', pg_temp.demo(1) || '/new.mp4', 5);
select is(
    pg_temp.latest(),
    '{"event": "video-changed", "title": "New", "order_index": 5, "processing_status": "pending", "progress": null, "duration_seconds": null, "failure": null, "deleted_at": null}',
    'a new video is told'
);
update domo.demo_videos set transcript = 'Much text' where title = 'New';
select is((select count(*) from pg_temp.fresh()), 3::bigint, 'its transcript is not: it is in the table');
select pg_temp.act_as_service();
update domo.demo_videos set processing_status = 'failed', failure = 'There is no sound in it.' where title = 'New';
select is(pg_temp.latest() ->> 'failure', 'There is no sound in it.', 'how processing goes is told');
select pg_temp.act_as(1);
delete from domo.demo_videos where title = 'New';
select is(pg_temp.latest(), '{"event": "video-deleted"}', 'and that it is gone');

-- Knowledge -----------------------------------------------------------------------------------------------------------------------------

insert into domo.knowledge_chunks (demo_id, content) select pg_temp.demo(1), 'Bulk ' || n from generate_series(1, 20) as n;
select is(
    pg_temp.latest(), '{"event": "knowledge-changed", "knowledge_chunk_count": 22, "embedded_chunk_count": 1}',
    'knowledge is told once a statement, with the counts after it: a progress bar'
);
update domo.knowledge_chunks set vector_embedding = pg_temp.embedding(2) where content like 'Bulk 1%';
select is(pg_temp.latest(), '{"event": "knowledge-changed", "knowledge_chunk_count": 22, "embedded_chunk_count": 12}', 'and how embedding goes on');
update domo.knowledge_chunks set chunk_index = 3 where content = 'Bulk 3';
select is((select count(*) from pg_temp.fresh()), 7::bigint, 'where a chunk stands is not told');
delete from domo.knowledge_chunks where content like 'Bulk %';
select is(pg_temp.latest(), '{"event": "knowledge-changed", "knowledge_chunk_count": 2, "embedded_chunk_count": 1}', 'nor is a loss kept secret');
delete from domo.knowledge_chunks where content like 'Nothing like this';
select is((select count(*) from pg_temp.fresh()), 8::bigint, 'nothing deleted is nothing told');

-- Calls ---------------------------------------------------------------------------------------------------------------------------------

update domo.demos set tavus_persona_id = 'p' where id = pg_temp.demo(1);
select domo.start_conversation(pg_temp.demo(1)) ->> 'id' as call \gset
select is(pg_temp.latest() ->> 'event' || ' ' || (pg_temp.latest() ->> 'status'), 'conversation-changed starting', 'a call that is asked for is told');
select pg_temp.act_as_owner();
select count(domo_private.tavus_claim(:'call')) as claimed \gset
select is((select count(*) from pg_temp.fresh()), 10::bigint, 'that a worker has it is not');
select count(domo_private.tavus_started(:'call', 'c-told', 'https://tavus.daily.co/c-told')) as started \gset
select is(pg_temp.latest() ->> 'conversation_url', 'https://tavus.daily.co/c-told', 'where it is, is');
select domo_private.tavus_receive(:'call', '{"event_type": "system.replica_joined", "conversation_id": "c-told", "timestamp": "2026-11-21T10:00:00Z", "properties": {"replica_id": "r"}}');
select results_eq(
    $$ select event, coalesce(payload ->> 'replica_joined_at', payload ->> 'event_type') from pg_temp.fresh() offset 11 $$,
    $$ values ('conversation-changed', '2026-11-21T10:00:00+00:00'), ('conversation-event', 'system.replica_joined') $$,
    'an event is told, and what it changed'
);
select domo_private.tavus_receive(:'call', '{"event_type": "system.replica_joined", "conversation_id": "c-told", "timestamp": "2026-11-21T10:00:07Z", "properties": {"replica_id": "r"}}');
select is((select count(*) from pg_temp.fresh()), 13::bigint, 'once');

-- Numbers -------------------------------------------------------------------------------------------------------------------------------

select results_eq(
    $$ select seq from pg_temp.told(pg_temp.demo(1)) $$,
    $$ select generate_series(1::bigint, (select last_seq from domo.demo_stats where demo_id = pg_temp.demo(1))) $$,
    'the stream has no gap'
);
select results_eq(
    $$ select h.event collate "C", (h.payload ->> 'seq')::bigint from pg_temp.heard_of(pg_temp.demo(1)) h $$,
    $$ select t.event collate "C", t.seq from pg_temp.told(pg_temp.demo(1)) t $$,
    'and the channel was told the same, with the same numbers'
);
select is_empty(
    $$ select from pg_temp.heard_of(pg_temp.demo(1)) h where h.topic <> 'domo:' || pg_temp.demo(1) || ':1' $$, 'on the demo''s topic'
);
select is_empty(
    $$ select from realtime.messages m where m.topic like 'domo:%' and (m.extension <> 'broadcast' or not m.private) $$, 'in private'
);

-- Catching up -----------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
create function pg_temp.numbers(page jsonb) returns text language sql stable as $$
    select coalesce((select string_agg(e ->> 'seq', ' ' order by (e ->> 'seq')::bigint) from jsonb_array_elements(page -> 'events') as e), '-')
        || ' | ' || (page ->> 'last_seq') || ' ' || (page ->> 'has_more') || ' ' || (page ->> 'is_complete')
$$;
select last_seq as latest from domo.demo_stats where demo_id = pg_temp.demo(1) \gset
select is(
    domo.events_since(pg_temp.demo(1)),
    jsonb_build_object('topic', 'domo:' || pg_temp.demo(1) || ':1', 'events', '[]'::jsonb, 'last_seq', :latest, 'has_more', false, 'is_complete', true),
    'who begins to listen learns where, and from which number on'
);
select is(pg_temp.numbers(domo.events_since(pg_temp.demo(1), 0, 3)), '1 2 3 | 3 true true', 'who missed something gets it in pages');
select is(pg_temp.numbers(domo.events_since(pg_temp.demo(1), :latest - 2, 500)), format('%s %s | %s false true', :latest - 1, :latest, :latest), 'up to the end');
select is(pg_temp.numbers(domo.events_since(pg_temp.demo(1), :latest)), format('- | %s false true', :latest), 'who missed nothing gets nothing');
select is(pg_temp.numbers(domo.events_since(pg_temp.demo(1), :latest + 5)), format('- | %s false false', :latest), 'who knows more than there is has to load anew');
select is(pg_temp.numbers(domo.events_since(pg_temp.demo(1), 0, -7)), '1 | 1 true true', 'a page has at least one event');
select is(jsonb_array_length(domo.events_since(pg_temp.demo(1), 0, null) -> 'events'), :latest::int, 'and null is the default');
select is(
    (select jsonb_object_agg(key, true) from jsonb_object_keys(domo.events_since(pg_temp.demo(1), 0, 1) #> '{events,0}') as key),
    '{"seq": true, "event": true, "payload": true, "created_at": true}', 'an event has a number, a name, a payload and a time'
);
select pg_temp.refuses($$ select domo.events_since(pg_temp.demo(2)) $$, 'PT404', 'demo_not_found', 'somebody else''s stream is nobody''s business');
select pg_temp.refuses($$ select domo.events_since(gen_random_uuid()) $$, 'PT404', 'demo_not_found', 'like that of no demo');

select pg_temp.act_as_owner();
update domo.demo_stream set created_at = now() - interval '8 days' where demo_id = pg_temp.demo(1) and seq <= 4;
select is(pg_temp.by_maintenance('select domo_private.prune_stream(7, 3)'), '3', 'the worker prunes the oldest, a batch at a time');
select is(pg_temp.by_maintenance('select domo_private.prune_stream()'), '1', 'until no more are old enough');
select is(pg_temp.by_maintenance('select domo_private.prune_stream(0)'), '22023', 'what is fresh is not pruned');
select is(pg_temp.by_maintenance('select domo_private.prune_stream(7, 0)'), '22023', 'and a batch has at least one');
select pg_temp.act_as(1);
select is(pg_temp.numbers(domo.events_since(pg_temp.demo(1), 3, 1)), '5 | 5 true false', 'who missed what is pruned is told to load anew');
select is(pg_temp.numbers(domo.events_since(pg_temp.demo(1), 4, 1)), '5 | 5 true true', 'who missed what is still there is not');
select throws_ok($$ select domo_private.prune_stream() $$, '42501', null, 'a client prunes nothing');

-- Moving on -------------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as_owner();
select is(domo_private.rotate_topic(pg_temp.demo(1)), 'domo:' || pg_temp.demo(1) || ':2', 'an operator moves a demo to its next topic');
select is(
    (select h.topic || ' ' || (h.payload ->> 'topic') from pg_temp.heard_of(pg_temp.demo(1)) h where h.event = 'topic-rotated'),
    'domo:' || pg_temp.demo(1) || ':1 domo:' || pg_temp.demo(1) || ':2', 'which the old one hears as its last'
);
update domo.demos set name = 'Elsewhere' where id = pg_temp.demo(1);
select is((select h.topic from pg_temp.heard_of(pg_temp.demo(1)) h offset (select count(*) - 1 from pg_temp.heard_of(pg_temp.demo(1)))), 'domo:' || pg_temp.demo(1) || ':2', 'everything else is said on the new one');
select pg_temp.act_as(1);
select is(domo.events_since(pg_temp.demo(1)) ->> 'topic', 'domo:' || pg_temp.demo(1) || ':2', 'where its owner finds it');

-- Who may listen: the probe of the Realtime server ------------------------------------------------------------------------------------------

create function pg_temp.hears(who integer, wanted_topic text, wanted_extension text default 'broadcast') returns boolean
    language plpgsql volatile as $$
declare
    v_id uuid := gen_random_uuid();
    v_heard boolean;
begin
    perform set_config('role', 'none', true);
    insert into realtime.messages (id, topic, extension) values (v_id, wanted_topic, wanted_extension);
    perform pg_temp.act_as(who), set_config('realtime.topic', wanted_topic, true);
    select exists (select from realtime.messages m where m.id = v_id) into v_heard;
    return v_heard;
end
$$;
select ok(pg_temp.hears(1, 'domo:' || pg_temp.demo(1) || ':2'), 'the owner listens');
select ok(not pg_temp.hears(1, 'domo:' || pg_temp.demo(1) || ':1'), 'not on the topic of before');
select ok(not pg_temp.hears(2, 'domo:' || pg_temp.demo(1) || ':2'), 'nobody else does');
select ok(not pg_temp.hears(1, 'domo:' || pg_temp.demo(1) || ':2', 'presence'), 'there is no presence');
select pg_temp.act_as(1);
select throws_ok(
    format($$ insert into realtime.messages (topic, extension) values (%L, 'broadcast') $$, 'domo:' || pg_temp.demo(1) || ':2'), '42501', null,
    'and nobody speaks there but the database'
);


-- The end ---------------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as_owner();
insert into domo.demo_videos (demo_id, title, storage_url, order_index) values (pg_temp.demo(1), 'Last', pg_temp.demo(1) || '/last.mp4', 9);
select count(*) as heard from pg_temp.heard_of(pg_temp.demo(1)) \gset
delete from domo.demos where id = pg_temp.demo(1);
select is((select count(*) from pg_temp.heard_of(pg_temp.demo(1))), :heard::bigint, 'of a demo that is erased nobody is told piece by piece');

select * from finish();
rollback;
