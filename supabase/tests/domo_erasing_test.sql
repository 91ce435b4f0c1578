-- Domo, erasing: files and calls of what is gone, the trail of an account, and what goes with time.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(44);
\ir domo_fixture.psql

create function pg_temp.job_of(key text) returns bigint
    language sql stable
    as $$ select count(*) from parley.jobs where job_key = key $$;

insert into storage.objects (bucket_id, name)
select bucket, pg_temp.demo(1) || '/' || name from unnest(array['demo-videos', 'demo-documents']) bucket, unnest(array['a', 'b/c']) name;
insert into storage.objects (bucket_id, name) values ('demo-videos', pg_temp.demo(2) || '/a');

-- Upserts -----------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
select lives_ok(
    format($$ insert into domo.demos (id, name) values (%L, 'Upserted') on conflict (id) do update set name = excluded.name $$, pg_temp.demo(1)),
    'an owner upserts a demo that has files'
);
select pg_temp.act_as_owner();

-- Demos -------------------------------------------------------------------------------------------------------------------------

insert into domo.conversations (id, demo_id, persona_id, status, conversation_id, conversation_url, started_by, client_id, perception_analysis, recording, recordings, ended_at)
values
    (gen_random_uuid(), pg_temp.demo(1), 'p', 'active', 'c-runs', 'https://x', pg_temp.person(1), gen_random_uuid(), 'seen', '{"a": 1}', '[{"a": 1}]', null),
    (gen_random_uuid(), pg_temp.demo(1), 'p', 'ended', 'c-over', 'https://x', pg_temp.person(1), gen_random_uuid(), 'seen', '{"a": 1}', '[{"a": 1}]', now());
select pg_temp.act_as(1);
delete from domo.demos where id = pg_temp.demo(1);
select pg_temp.refuses(format('insert into domo.demos (id, name) values (%L, ''Again'')', pg_temp.demo(1)), 'PT409', 'demo_id_taken', 'its id is taken while there are files');
select pg_temp.act_as_owner();
select is(pg_temp.job_of('remove_files:' || pg_temp.demo(1) || '/'), 1::bigint, 'the removal of the files is enqueued');
select results_eq(
    $$ select conversation_id, num_nonnulls(demo_id, conversation_url, started_by, client_id, perception_analysis, recording, recordings)
       from domo.conversations where conversation_id in ('c-runs', 'c-over') order by 1 $$,
    $$ values ('c-over', 0), ('c-runs', 0) $$, 'calls of a demo that is gone hold nothing of what was said and seen'
);
select domo_private.erase_calls();
select is((select string_agg(conversation_id, ' ') from domo.conversations where conversation_id in ('c-runs', 'c-over')), 'c-runs', 'one that is over goes');
select domo_private.tavus_ended((select id from domo.conversations where conversation_id = 'c-runs'), 'demo_deleted');
select domo_private.erase_calls();
select is_empty($$ select from domo.conversations where conversation_id in ('c-runs', 'c-over') $$, 'and the other when it has ended');
select is(pg_temp.job_of('erase_call:c-runs') + pg_temp.job_of('erase_call:c-over'), 2::bigint, 'both are to be erased at the provider');

-- The worker and the files ------------------------------------------------------------------------------------------------------------

select is(
    pg_temp.as_worker(format($$ select string_agg(bucket || ' ' || name, ', ') from domo_private.files_to_remove(%L, 3) $$, pg_temp.demo(1) || '/')),
    format('demo-documents %1$s/a, demo-documents %1$s/b/c, demo-videos %1$s/a', pg_temp.demo(1)), 'the worker is told which files, in both buckets, some at a time'
);
select is(
    pg_temp.as_worker(format('select count(*) from domo_private.files_to_remove(%L)', pg_temp.demo(2) || '/')), '0', 'and none of a demo that is there'
);
select is(
    pg_temp.as_worker($$ select count(*) from domo_private.files_to_remove('') $$), '0', 'nor of none at all'
);
select set_config('storage.allow_delete_query', 'true', true);
delete from storage.objects where name like pg_temp.demo(1) || '/%';
select pg_temp.as_worker(format('select domo_private.files_removed(%L)', pg_temp.demo(1) || '/'));
select is((select count(*) from domo_private.erased_files where path = pg_temp.demo(1) || '/'), 1::bigint, 'for a day it is remembered: an upload may come late');
insert into storage.objects (bucket_id, name) values ('demo-videos', pg_temp.demo(1) || '/late');
delete from parley.jobs where job_key like 'remove_files:%';
select cmp_ok(domo_private.requeue_file_removals(), '>=', 1::bigint, 'one that came late is found');
select is(pg_temp.job_of('remove_files:' || pg_temp.demo(1) || '/'), 1::bigint, 'and removed like the others');
select pg_temp.act_as_service();
insert into domo.demos (id, user_id, name) values (pg_temp.demo(1), pg_temp.person(1), 'Restored');
select pg_temp.act_as_owner();
select is(
    pg_temp.as_worker(format('select count(*) from domo_private.files_to_remove(%L)', pg_temp.demo(1) || '/')), '0', 'a demo that an operator brings back keeps its files'
);
update domo_private.erased_files set erased_at = now() - interval '2 days' where path = pg_temp.demo(1) || '/';
select pg_temp.as_worker(format('select domo_private.files_removed(%L)', pg_temp.demo(1) || '/'));
select is((select count(*) from domo_private.erased_files where path = pg_temp.demo(1) || '/'), 0::bigint, 'after a day it is forgotten');
select pg_temp.act_as(1);
select throws_ok('select domo_private.files_to_remove(''x'')', '42501', null, 'people are told of no files');
select pg_temp.act_as_owner();

-- Accounts ----------------------------------------------------------------------------------------------------------------------

insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name)
select pg_temp.person(3), gen_random_uuid(), pg_temp.person(3), 'update', 'demos' from generate_series(1, 1200);
insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name) values (pg_temp.person(1), gen_random_uuid(), pg_temp.person(3), 'update', 'demos');
delete from auth.users where id = pg_temp.person(3);
select is((select array_agg(user_id) from domo_private.erased_people), array[pg_temp.person(3)], 'an account with a long trail is noted');
select is((select count(*) from domo.audit_logs where owner_id = pg_temp.person(3)), 700::bigint, 'the statement that deletes it deletes some of the trail');
do $$ begin while domo_private.erase_people(500) > 0 loop end loop; end $$;
select is((select count(*) from domo.audit_logs where pg_temp.person(3) in (owner_id, user_id)), 0::bigint, 'maintenance the rest');
select is((select count(*) from domo.audit_logs where owner_id = pg_temp.person(1) and user_id is null and action = 'update' and old_values is null), 1::bigint, 'in the trail of others there is nobody');
select is((select count(*) from domo_private.erased_people), 0::bigint, 'and nothing is left to do');
select is((select count(*) from domo.demos where user_id = pg_temp.person(2)), 1::bigint, 'person 2 has a demo');
delete from auth.users where id = pg_temp.person(2);
select is((select count(*) from domo.demos where id = pg_temp.demo(2)) + (select count(*) from domo.audit_logs where owner_id = pg_temp.person(2)), 0::bigint, 'it goes with the account, with its trail');
select is(pg_temp.job_of('remove_files:' || pg_temp.demo(2) || '/'), 1::bigint, 'and its files');

-- Much ----------------------------------------------------------------------------------------------------------------------------

insert into domo.demos (id, user_id, name) values (pg_temp.demo(6), pg_temp.person(6), 'Large'), (pg_temp.demo(7), pg_temp.person(6), 'Of a person');
insert into domo.conversations (demo_id, persona_id, status, conversation_id, ended_at)
select pg_temp.demo(6), 'p', case n when 1 then 'active' else 'ended' end, 'c-much-' || n, case when n > 1 then now() end from generate_series(1, 150) n;
insert into domo.knowledge_chunks (demo_id, content) select pg_temp.demo(6), 'Piece ' || n from generate_series(1, 20) n;
select pg_temp.act_as(6);
select is(pg_temp.touched(format('delete from domo.demos where id = %L', pg_temp.demo(6))), 0::bigint, 'a demo with much in it is not deleted at once');
select is_empty(
    format(
        $$ select 'demo' from domo.demos where id = %1$L union all select 'chunk' from domo.knowledge_chunks where demo_id = %1$L
           union all select 'call' from domo.conversations where demo_id = %1$L union all select 'counts' from domo.demo_stats where demo_id = %1$L
           union all select 'board' from domo.demo_dashboard() where id = %1$L $$,
        pg_temp.demo(6)
    ),
    'and its owner reads nothing of it any more'
);
select is((select count(*) from domo.audit_logs where demo_id = pg_temp.demo(6) and action = 'delete' and table_name = 'demos'), 1::bigint, 'but in the trail that it was deleted');
select pg_temp.refuses(format('select domo.start_conversation(%L)', pg_temp.demo(6)), 'PT404', 'demo_not_found', 'nor is anything done with it');
select pg_temp.act_as_owner();
select is((select status || (end_requested_at is not null) from domo.conversations where conversation_id = 'c-much-1'), 'activetrue', 'its running call is to end');
select is(pg_temp.job_of('remove_files:' || pg_temp.demo(6) || '/'), 1::bigint, 'its files are to go');
do $$ begin while domo_private.erase_demos(50) > 0 loop end loop; while domo_private.erase_calls() >= 200 loop end loop; end $$;
select is_empty(
    format('select id from domo.demos where id = %1$L union all select id from domo.knowledge_chunks where demo_id = %1$L', pg_temp.demo(6)),
    'in the end all of it is gone'
);
select is((select string_agg(conversation_id, ' ') from domo.conversations where conversation_id like 'c-much-%'), 'c-much-1', 'but the call that somebody has to end');
insert into domo.demos (user_id, name) select pg_temp.person(6), 'One of many' from generate_series(1, 15);
delete from auth.users where id = pg_temp.person(6);
select is((select count(*) from domo.demos where user_id = pg_temp.person(6)), 0::bigint, 'of an account with many demos nothing is its');
do $$ begin while domo_private.erase_demos(50) > 0 loop end loop; end $$;
select is((select count(*) from domo.demos where user_id = domo_private.nobody()), 0::bigint, 'and soon nobody''s');
select throws_ok(format('insert into domo.demos (user_id, name) values (%L, ''x'')', pg_temp.person(6)), '23503', null, 'no demo of an account that is not there');

-- Time --------------------------------------------------------------------------------------------------------------------------

delete from domo.audit_logs where true;
insert into domo.audit_logs (owner_id, demo_id, action, table_name, created_at)
select pg_temp.person(1), pg_temp.demo(1), 'update', 'demos', now() - make_interval(days => age) from unnest(array[1, 364, 366]) as age;
select domo_private.prune_audit_logs();
select is((select count(*) from domo.audit_logs), 2::bigint, 'the trail is kept for a year');
insert into domo.conversations (demo_id, persona_id, status, conversation_id, ended_at, created_at)
select pg_temp.demo(1), 'p', 'ended', 'c-' || age, now() - make_interval(days => age), now() - make_interval(days => age)
from unnest(array[1, 364, 366]) as age;
insert into domo.processed_webhook_events (demo_id, conversation, conversation_id, event_type, event_data, event_hash, processed_at)
select pg_temp.demo(1), c.id, 'c-1', 'x', '{}', repeat(md5(age::text), 2), now() - make_interval(days => age)
from domo.conversations c, unnest(array[89, 91]) as age where c.conversation_id = 'c-1';
delete from domo.audit_logs where true;
select domo_private.erase_calls(), domo_private.prune_events();
select is((select string_agg(conversation_id, ' ' order by conversation_id) from domo.conversations where conversation_id not like 'c-much-%'), 'c-1 c-364', 'so are calls that are over');
select is((select count(*) from domo.processed_webhook_events), 1::bigint, 'and events as they came for 90 days');
select is_empty('select * from domo.audit_logs', 'what goes with time is not written down');

insert into domo.demo_videos (id, demo_id, title, storage_url, order_index, deleted_at)
select ('00000000-0000-4000-d000-00000000000' || n)::uuid, pg_temp.demo(1), 'Old', pg_temp.demo(1) || '/' || file, n, deleted_at
from (values (1, 'gone.mp4', now() - interval '31 days'), (2, 'shared.mp4', now() - interval '31 days'), (3, 'shared.mp4', null), (4, 'later.mp4', now() - interval '29 days'))
    as v (n, file, deleted_at);
insert into storage.objects (bucket_id, name)
select 'demo-videos', pg_temp.demo(1) || '/' || file from unnest(array['gone.mp4', 'shared.mp4', 'later.mp4']) file;
insert into domo.demos (id, user_id, name, deleted_at) values (pg_temp.demo(5), pg_temp.person(1), 'Old', now() - interval '31 days');
delete from domo.audit_logs where true;
select pg_temp.act_as_owner();
do $$ begin while domo_private.prune_deleted() > 0 loop end loop; end $$;
select is((select string_agg(right(v.id::text, 1), ' ' order by v.id) from domo.demo_videos v where v.title = 'Old'), '3 4', 'what was deleted is erased after 30 days');
select is_empty(format('select from domo.demos where id = %L', pg_temp.demo(5)), 'demos too');
select is(
    pg_temp.as_worker(format($$ select string_agg(f.name, ' ') from unnest(array['gone.mp4', 'shared.mp4', 'later.mp4']) file, domo_private.files_to_remove(%L || '/' || file) f $$, pg_temp.demo(1))),
    pg_temp.demo(1) || '/gone.mp4', 'with its file, unless another row has the same'
);
select is_empty('select * from domo.audit_logs', 'and that is not written down either');
select is_empty('select * from parley.counter_drift()', 'the counters have not drifted');

select * from finish();
rollback;
