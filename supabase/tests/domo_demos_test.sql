-- Demos and videos: what owners write and what they may not, publishing and archiving, the counts after a random history, the dashboard.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(87);
\ir domo_fixture.psql

-- Writing a demo ------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
select lives_ok($$ insert into domo.demos (name) values ('Mine, without saying so') $$, 'a demo is its maker''s without saying so');
select is((select user_id from domo.demos where name = 'Mine, without saying so'), pg_temp.person(1), 'indeed');
select lives_ok($$ insert into domo.demos (name, user_id) values ('Mine', pg_temp.person(1)) $$, 'one may also say so');
select throws_ok($$ insert into domo.demos (name, user_id) values ('Theirs', pg_temp.person(2)) $$, '42501', null, 'but not that it is somebody else''s');
select throws_ok($$ insert into domo.demos (name, published_at) values ('x', now()) $$, '42501', null, 'when it was published is not for clients to say');
select throws_ok($$ update domo.demos set tavus_conversation_id = 'c' where true $$, '42501', null, 'nor which call is running');
select throws_ok($$ update domo.demos set created_at = now() where true $$, '42501', null, 'nor when it was made');
select is(
    pg_temp.touched($$ update domo.demos set name = 'Taken' where id = pg_temp.demo(2) $$), 0::bigint, 'somebody else''s demo is not there to be changed'
);
select is(pg_temp.touched($$ delete from domo.demos where id = pg_temp.demo(2) $$), 0::bigint, 'nor to be deleted');
select is_empty($$ select from domo.demos where user_id <> pg_temp.person(1) $$, 'nor to be seen');
select pg_temp.refuses(
    $$ update domo.demos set user_id = pg_temp.person(2) where id = pg_temp.demo(1) $$, 'PT422', 'immutable_key', 'a demo is not given away'
);
select pg_temp.refuses(
    $$ update domo.demos set id = gen_random_uuid() where id = pg_temp.demo(1) $$, 'PT422', 'immutable_key', 'nor does it change its id'
);
select lives_ok(
    $$ insert into domo.demos (id, user_id, name) values (pg_temp.demo(1), pg_temp.person(1), 'First, again')
       on conflict (id) do update set id = excluded.id, user_id = excluded.user_id, name = excluded.name $$,
    'an upsert that sends the keys along goes through'
);
select pg_temp.act_as_service();
select pg_temp.refuses(
    $$ update domo.demos set user_id = pg_temp.person(2) where id = pg_temp.demo(1) $$, 'PT422', 'immutable_key', 'not even the server gives a demo away'
);
select throws_ok($$ insert into domo.demos (name) values ('Nobody''s') $$, '23502', null, 'and the server has to say whose a new one is');
select pg_temp.act_as(1);

select throws_ok(format('insert into domo.demos (%s) values (%s)', columns, entries), '23514', null, label)
from (
    values
        ('name', $$''$$, 'a demo without a name is refused'),
        ('name', $$'  '$$, 'or with a blank one'),
        ('name', $$repeat('x', 256)$$, 'or with one of 256 characters'),
        ('name, status', $$'x', 'on hold'$$, 'a status that there is not is refused'),
        ('name, description', $$'x', repeat('x', 5001)$$, 'a description of 5,001 characters is refused'),
        ('name, agent_name', $$'x', ''$$, 'an agent without a name is refused'),
        ('name, agent_greeting', $$'x', repeat('x', 1001)$$, 'a greeting of 1,001 characters is refused'),
        ('name, cta_link', $$'x', 'javascript:alert(1)'$$, 'a link that runs something is refused'),
        ('name, published_url', $$'x', 'ftp://example.com'$$, 'an address that is none of the web is refused'),
        ('name, metadata', $$'x', '[]'$$, 'metadata that is no object is refused'),
        ('name, metadata', $$'x', jsonb_build_object('x', repeat('x', 70000))$$, 'or too much of it'),
        ('name, video_storage_path', $$'x', 'somewhere/else.mp4'$$, 'a path outside its own folder is refused')
) as cases (columns, entries, label);

-- Writing a video -----------------------------------------------------------------------------------------------------------------

select lives_ok(
    $$ insert into domo.demo_videos (demo_id, title, storage_url, order_index) values (pg_temp.demo(1), 'Second', pg_temp.demo(1) || '/2/b.mp4', 1) $$,
    'an owner adds a video'
);
select throws_ok(
    $$ insert into domo.demo_videos (demo_id, title, storage_url, order_index) values (pg_temp.demo(2), 'x', pg_temp.demo(2) || '/b.mp4', 1) $$,
    '42501', null, 'not to somebody else''s demo'
);
select pg_temp.refuses(
    $$ insert into domo.demo_videos (demo_id, title, storage_url, order_index, processing_status)
       values (pg_temp.demo(1), 'x', pg_temp.demo(1) || '/x.mp4', 2, 'completed') $$,
    'PT403', 'reserved_status', 'nor one that is processed already'
);
select pg_temp.refuses(
    $$ update domo.demo_videos set processing_status = 'failed' where title = 'Second' $$,
    'PT403', 'reserved_status', 'an owner does not say how processing went'
);
select pg_temp.act_as_owner();
-- A role of a deployment's own, with all that a user may.
create role pgtap_premium nologin;
grant authenticated to pgtap_premium;
grant pgtap_premium to current_user;
select set_config('role', 'pgtap_premium', true), set_config('request.jwt.claims', json_build_object('sub', pg_temp.person(1), 'role', 'pgtap_premium')::text, true);
select pg_temp.refuses(
    $$ update domo.demo_videos set processing_status = 'failed' where title = 'Second' $$,
    'PT403', 'reserved_status', 'nor under another role'
);
select pg_temp.act_as_service();
update domo.demo_videos set processing_status = 'failed', failure = 'There is no sound in this video.' where title = 'Second';
select pg_temp.act_as(1);
select is(pg_temp.touched($$ update domo.demo_videos set processing_status = 'pending' where title = 'Second' $$), 1::bigint, 'but asks for another try');
select is((select failure from domo.demo_videos where title = 'Second'), null, 'which forgets why the last one failed');
select is(pg_temp.touched($$ update domo.demo_videos set title = 'The second', processing_status = 'pending' where title = 'Second' $$), 1::bigint, 'a whole row sent back is fine');
select pg_temp.refuses(
    $$ update domo.demo_videos set demo_id = (select id from domo.demos where name = 'Mine') where title = 'The second' $$,
    'PT422', 'immutable_key', 'a video does not move to another demo'
);
select throws_ok(
    format('insert into domo.demo_videos (demo_id, title, storage_url, order_index, duration_seconds) values (pg_temp.demo(1), %s)', entries), '23514', null, label
)
from (
    values
        ($$'', pg_temp.demo(1) || '/x.mp4', 0, null$$, 'a video without a title is refused'),
        ($$'x', pg_temp.demo(1) || '/x.mp4', -1, null$$, 'a place before the first is refused'),
        ($$'x', pg_temp.demo(1) || '/x.mp4', 0, 0$$, 'a video of no seconds is refused'),
        ($$'x', pg_temp.demo(1) || '/x.mp4', 0, 86401$$, 'a video longer than a day is refused'),
        ($$'x', pg_temp.demo(2) || '/tour.mp4', 0, null$$, 'the file of another demo is refused: the server would read it'),
        ($$'x', pg_temp.demo(1) || '/../' || pg_temp.demo(2) || '/tour.mp4', 0, null$$, 'also on a detour'),
        ($$'x', pg_temp.demo(1) || '//x.mp4', 0, null$$, 'a path with an empty part is refused'),
        ($$'x', pg_temp.demo(1) || '/', 0, null$$, 'a folder is no file'),
        ($$'x', 'https://example.com/x.mp4', 0, null$$, 'nor is an address somewhere'),
        ($$'x', '', 0, null$$, 'nor is nothing')
) as cases (entries, label);

-- Publishing ------------------------------------------------------------------------------------------------------------------------

select pg_temp.refuses($$ select domo.publish_demo(pg_temp.demo(1)) $$, 'PT409', 'videos_not_ready', 'a demo whose videos are being processed is not published');
select pg_temp.refuses(
    $$ update domo.demos set status = 'published' where id = pg_temp.demo(1) $$, 'PT409', 'videos_not_ready', 'not by a direct write either'
);
select is((select status from domo.demos where id = pg_temp.demo(1)), 'draft', 'and nothing has changed');
delete from domo.demo_videos where title = 'The second';
insert into domo.demo_documents (demo_id, title, storage_url)
select pg_temp.demo(1), title, pg_temp.demo(1) || '/' || title from unnest(array['a.md', 'b.md', 'c.md', 'd.md']) as title;
select pg_temp.act_as_service();
update domo.demo_documents set processing_status = 'processing' where title = 'b.md';
update domo.demo_documents set processing_status = 'failed' where title = 'c.md';
update domo.demo_documents set deleted_at = now() where title = 'd.md';
select pg_temp.act_as(1);
select pg_temp.refuses(
    $$ select domo.publish_demo(pg_temp.demo(1)) $$, 'PT409', 'documents_not_ready', 'a demo whose documents are being read is not published'
);
select throws_ok(
    $$ select domo.publish_demo(pg_temp.demo(1)) $$, 'PT409', 'Documents are still being read: 2.', 'neither those that wait, nor those that are taken'
);
select pg_temp.act_as_service();
update domo.demo_documents set processing_status = 'completed' where title in ('a.md', 'b.md');
select pg_temp.act_as(1);
update domo.demos set cta_text = 'Book a call' where id = pg_temp.demo(1);
select pg_temp.refuses($$ select domo.publish_demo(pg_temp.demo(1)) $$, 'PT422', 'cta_incomplete', 'a call to action without a link is not published');
update domo.demos set cta_link = 'mailto:sales@example.com' where id = pg_temp.demo(1);
select is(domo.publish_demo(pg_temp.demo(1)) ->> 'status', 'published', 'now it is');
select ok((select published_at is not null from domo.demos where id = pg_temp.demo(1)), 'and says since when');
select is(
    domo.publish_demo(pg_temp.demo(1)) ->> 'published_at', (select to_jsonb(published_at) #>> '{}' from domo.demos where id = pg_temp.demo(1)),
    'twice is once'
);
select pg_temp.refuses($$ select domo.publish_demo((select id from domo.demos where name = 'Mine')) $$, 'PT422', 'demo_empty', 'an empty demo is not published');
select pg_temp.refuses($$ insert into domo.demos (name, status) values ('x', 'published') $$, 'PT422', 'demo_empty', 'nor made published');
select pg_temp.refuses($$ select domo.publish_demo(pg_temp.demo(2)) $$, 'PT404', 'demo_not_found', 'somebody else''s demo does not exist');
select pg_temp.refuses($$ select domo.publish_demo(gen_random_uuid()) $$, 'PT404', 'demo_not_found', 'like one that does not');
select pg_temp.refuses($$ select domo.publish_demo(null) $$, 'PT404', 'demo_not_found', 'like none');
select pg_temp.refuses($$ select domo.archive_demo(pg_temp.demo(2)) $$, 'PT404', 'demo_not_found', 'nor is it there to be archived');

insert into domo.demos (name) values ('Videos only');
insert into domo.demo_videos (demo_id, title, storage_url, order_index) select id, 'Tour', id || '/x.mp4', 0 from domo.demos where name = 'Videos only';
select pg_temp.act_as_service();
update domo.demo_videos set processing_status = 'failed' where demo_id = (select id from domo.demos where name = 'Videos only');
select pg_temp.act_as(1);
select pg_temp.refuses(
    $$ select domo.publish_demo((select id from domo.demos where name = 'Videos only')) $$, 'PT422', 'demo_empty', 'videos that failed are nothing to show'
);
select pg_temp.act_as_service();
update domo.demo_videos set processing_status = 'completed' where demo_id = (select id from domo.demos where name = 'Videos only');
select is(domo.publish_demo((select id from domo.demos where name = 'Videos only')) ->> 'status', 'published', 'the server publishes anybody''s');

-- Archiving -------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as_owner();
insert into domo.conversations (demo_id, persona_id, status, conversation_id)
values (pg_temp.demo(1), 'p', 'active', 'c-archive'), (pg_temp.demo(1), 'p', 'starting', null), (pg_temp.demo(1), 'p', 'ended', 'c-over');
select pg_temp.act_as(1);
select is(domo.archive_demo(pg_temp.demo(1)) ->> 'status', 'archived', 'a demo is archived');
select is(domo.archive_demo(pg_temp.demo(1)) ->> 'status', 'archived', 'twice is once');
select is(
    (select string_agg(status, ' ' order by status) from domo.conversations where demo_id = pg_temp.demo(1) and end_requested_at is not null), 'active starting',
    'its calls are to end'
);
select is(
    pg_temp.as_worker($$ select conversation_id || ' ' || reason from domo_private.tavus_to_end() where conversation_id = 'c-archive' $$), 'c-archive demo_archived',
    'and the worker is told why'
);
select pg_temp.act_as(1);
select pg_temp.refuses($$ select domo.publish_demo(pg_temp.demo(1)) $$, 'PT410', 'demo_archived', 'an archived demo is not published by accident');
update domo.demos set status = 'draft' where id = pg_temp.demo(1);
select is(domo.publish_demo(pg_temp.demo(1)) ->> 'status', 'published', 'but brought back first it is');

-- Deleting and restoring ------------------------------------------------------------------------------------------------------------

select is((select count(*) from domo.demo_dashboard()), 4::bigint, 'the dashboard shows every demo');
update domo.demos set deleted_at = now() where id = pg_temp.demo(1);
select is((select count(*) from domo.demo_dashboard()), 3::bigint, 'but for deleted ones');
select pg_temp.refuses($$ select domo.get_demo_stats(pg_temp.demo(1)) $$, 'PT404', 'demo_not_found', 'which have no counts');
select pg_temp.refuses($$ select domo.publish_demo(pg_temp.demo(1)) $$, 'PT404', 'demo_not_found', 'are not published');
select is((select count(*) from domo.demos where id = pg_temp.demo(1)), 1::bigint, 'and are seen by who keeps a copy of everything');
update domo.demos set deleted_at = null where id = pg_temp.demo(1);
select is((select video_count from domo.get_demo_stats(pg_temp.demo(1))), 1::bigint, 'restored, all of it is back');

-- Counts ----------------------------------------------------------------------------------------------------------------------------

select results_eq(
    $$ select * from domo.get_demo_stats(pg_temp.demo(1)) $$, $$ values (1::bigint, 2::bigint, 60, null::timestamptz) $$, 'counts are right at the start'
);
select pg_temp.refuses($$ select domo.get_demo_stats(pg_temp.demo(2)) $$, 'PT404', 'demo_not_found', 'somebody else''s are nobody''s business');
select pg_temp.refuses($$ select domo.get_demo_stats(gen_random_uuid()) $$, 'PT404', 'demo_not_found', 'like those of no demo');
select results_eq(
    $$ select name, video_count, knowledge_count, pending_count, total_video_duration, conversation_count, last_activity
       from domo.demo_dashboard() where id = pg_temp.demo(1) $$,
    $$ values ('First, again', 1::bigint, 2::bigint, 1::bigint, 60, 3::bigint, null::timestamptz) $$,
    'the dashboard counts each thing once, however many of the others there are'
);
select is_empty($$ select from domo.demo_dashboard() where user_id <> pg_temp.person(1) $$, 'and shows nobody else''s');

select pg_temp.act_as_owner();
-- The specification's function, with its types put right and its event found by key: what the counts have to equal.
create function pg_temp.recounted(demo uuid) returns table (videos bigint, chunks bigint, embedded bigint, duration bigint, calls bigint, last_at timestamptz)
    language sql volatile as $$
    select
        (select count(*) from domo.demo_videos v where v.demo_id = demo and v.deleted_at is null),
        (select count(*) from domo.knowledge_chunks k where k.demo_id = demo and k.deleted_at is null),
        (select count(*) from domo.knowledge_chunks k where k.demo_id = demo and k.deleted_at is null and k.vector_embedding is not null),
        (select coalesce(sum(v.duration_seconds), 0) from domo.demo_videos v where v.demo_id = demo and v.deleted_at is null),
        (select count(*) from domo.conversations c where c.demo_id = demo),
        (select max(e.processed_at) from domo.processed_webhook_events e where e.demo_id = demo)
$$;

create function pg_temp.drifted() returns bigint language sql volatile as $$
    select count(*)
    from domo.demo_stats s
    cross join lateral pg_temp.recounted(s.demo_id) r
    where (s.video_count, s.knowledge_chunk_count, s.embedded_chunk_count, s.total_video_duration, s.conversation_count, s.last_conversation_at)
        is distinct from (r.videos, r.chunks, r.embedded, r.duration, r.calls, r.last_at)
$$;

-- Does one random thing to the videos, chunks, calls and events of three demos, many rows a statement.
create function pg_temp.step(kind integer) returns void
    language plpgsql volatile as $$
declare
    v_demos uuid[] := array(select id from domo.demos where name like 'Random %' order by name);
    v_luck double precision := random();
begin
    case kind
        when 0 then
            insert into domo.demo_videos (demo_id, title, storage_url, order_index, duration_seconds)
            select d, 'v', d || '/v.mp4', n, case when random() < 0.7 then ceil(random() * 1000) end
            from unnest(v_demos) as d, generate_series(1, (random() * 3)::int) as n;
        when 1 then
            insert into domo.knowledge_chunks (demo_id, content, vector_embedding)
            select d, 'c ' || random(), case when random() < 0.5 then pg_temp.embedding(n) end
            from unnest(v_demos) as d, generate_series(1, (random() * 4)::int) as n;
        when 2 then
            update domo.demo_videos set duration_seconds = case when random() < 0.8 then ceil(random() * 1000) end, deleted_at = case when random() < 0.3 then now() end
            where demo_id = any (v_demos) and random() < 0.4;
        when 3 then
            update domo.knowledge_chunks
            set deleted_at = case when random() < 0.3 then now() end, vector_embedding = case when random() < 0.5 then pg_temp.embedding(3) end
            where demo_id = any (v_demos) and random() < 0.4;
        when 4 then
            update domo.knowledge_chunks set content = 'changed ' || random() where demo_id = any (v_demos) and random() < 0.3;
        when 5 then
            delete from domo.demo_videos where demo_id = any (v_demos) and random() < 0.2;
        when 6 then
            delete from domo.knowledge_chunks where demo_id = any (v_demos) and random() < 0.2;
        when 7 then
            insert into domo.conversations (demo_id, persona_id) select d, 'p' from unnest(v_demos) as d where random() < 0.5;
        when 8 then
            insert into domo.processed_webhook_events (demo_id, conversation, conversation_id, event_type, event_data, event_hash, processed_at)
            select c.demo_id, c.id, 'c', 't', '{}', encode(sha256(gen_random_uuid()::text::bytea), 'hex'), now() - random() * interval '1 day'
            from domo.conversations c where c.demo_id = any (v_demos) and random() < 0.6;
        when 9 then
            delete from domo.processed_webhook_events where demo_id = any (v_demos) and random() < 0.3;
        when 10 then
            delete from domo.conversations where demo_id = any (v_demos) and random() < 0.1;
        when 11 then
            if v_luck < 0.2 then
                delete from domo.demos where id = v_demos[1];
                insert into domo.demos (user_id, name) values (pg_temp.person(3), 'Random ' || clock_timestamp());
            end if;
        when 12 then
            -- The videos take their chunks along, and bring them back.
            update domo.knowledge_chunks k set video_id = (select v.id from domo.demo_videos v where v.demo_id = k.demo_id limit 1)
            where demo_id = any (v_demos) and random() < 0.3;
    end case;
end
$$;

create function pg_temp.has_everything() returns boolean language sql volatile as $$
    select bool_or(s.video_count > 0 and s.total_video_duration > 0 and s.embedded_chunk_count > 0 and s.knowledge_chunk_count > s.embedded_chunk_count
        and s.conversation_count > 0 and s.last_conversation_at is not null)
    from domo.demo_stats s
    join domo.demos d on d.id = s.demo_id
    where d.name like 'Random %'
$$;

select setseed(0.421);
insert into domo.demos (user_id, name) select pg_temp.person(3), 'Random ' || n from generate_series(1, 3) as n;
select results_eq(
    $$
        select max(pg_temp.drifted()), count(*) filter (where pg_temp.has_everything()) > 30
        from (select pg_temp.step((random() * 12)::int) from generate_series(1, 300)) as history
    $$,
    $$ values (0::bigint, true) $$,
    'the counts are right after each of 300 random changes, with something of everything to count'
);
select is_empty($$ select * from parley.counter_drift() where parent = 'domo.demo_stats'::regclass $$, 'the kernel''s own recount agrees');

-- Erasing ---------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
select is(pg_temp.touched($$ delete from domo.demos where id = pg_temp.demo(1) $$), 1::bigint, 'an owner erases a demo');
select pg_temp.act_as_owner();
select is(
    (select count(*) from domo.demo_videos where demo_id = pg_temp.demo(1)) + (select count(*) from domo.knowledge_chunks where demo_id = pg_temp.demo(1))
        + (select count(*) from domo.demo_stats where demo_id = pg_temp.demo(1)) + (select count(*) from domo.demo_stream where demo_id = pg_temp.demo(1)),
    0::bigint, 'with all of it'
);
select is(
    pg_temp.as_worker($$ select conversation_id || ' ' || reason from domo_private.tavus_to_end() where conversation_id = 'c-archive' $$), 'c-archive demo_deleted',
    'but its running call stays until it is ended'
);
select lives_ok($$ delete from auth.users where id in (pg_temp.person(1), pg_temp.person(2), pg_temp.person(3)) $$, 'people go');
select is_empty($$ select from domo.demos d where d.user_id in (pg_temp.person(1), pg_temp.person(2), pg_temp.person(3)) $$, 'and their demos with them');

select * from finish();
rollback;
