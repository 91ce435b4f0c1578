-- The audit trail: every change of a demo, a video, a chunk or a call is there once, with who did it and what it was; and nobody writes it.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(33);
\ir domo_fixture.psql

-- What the trail says of demo 1 since the last time that this was asked, in order, without ids.
create temporary table seen (id uuid primary key);
grant all on seen to public;
create function pg_temp.news() returns table (who text, what text, old_values jsonb, new_values jsonb)
    language sql volatile security definer as $$
    with fresh as (
        select a.*
        from domo.audit_logs a
        where a.demo_id = pg_temp.demo(1) and not exists (select from seen s where s.id = a.id)
    ),
    noted as (
        insert into seen select f.id from fresh f
    )
    select
        coalesce((select 'person ' || n from generate_series(1, 9) as n where pg_temp.person(n) = f.user_id), 'the server'),
        f.action || ' ' || f.table_name,
        f.old_values - array['id', 'user_id', 'demo_id'],
        f.new_values - array['id', 'user_id', 'demo_id']
    from fresh f
    order by f.created_at, f.action || f.table_name
$$;
create function pg_temp.forget() returns bigint language sql volatile as $$ select count(*) from pg_temp.news() $$;

select results_eq(
    $$ select who, what from pg_temp.news() $$,
    $$ values ('the server', 'insert demos'), ('the server', 'insert demo_videos'), ('the server', 'insert knowledge_chunks'), ('the server', 'insert knowledge_chunks') $$,
    'what is made is in the trail'
);

-- Demos -------------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
update domo.demos set name = 'Renamed', description = repeat('d', 2000) where id = pg_temp.demo(1);
select results_eq(
    $$ select who, what, old_values, new_values from pg_temp.news() $$,
    $$ values (
        'person 1', 'update demos', '{"name": "First", "description": null}'::jsonb,
        jsonb_build_object('name', 'Renamed', 'description', repeat('d', 1000) || '…')
    ) $$,
    'a change says who, and what it was and is; long texts are cut'
);
update domo.demos set name = 'Renamed' where id = pg_temp.demo(1);
select is_empty($$ select * from pg_temp.news() $$, 'a change that changes nothing is none');
select count(domo.publish_demo(pg_temp.demo(1))) as published \gset
select is((select new_values ->> 'status' from pg_temp.news()), 'published', 'publishing is a change');
select pg_temp.act_as_service();
update domo.demos set cta_text = 'Buy', cta_link = 'https://example.com' where id = pg_temp.demo(1);
select results_eq(
    $$ select who, new_values from pg_temp.news() $$, $$ values ('the server', '{"cta_text": "Buy", "cta_link": "https://example.com"}'::jsonb) $$, 'the server''s changes say so'
);

-- Videos ------------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
update domo.demo_videos set title = 'Grand tour', order_index = 3 where demo_id = pg_temp.demo(1);
select results_eq(
    $$ select what, old_values, new_values from pg_temp.news() $$,
    $$ values ('update demo_videos', '{"title": "Tour", "order_index": 0}'::jsonb, '{"title": "Grand tour", "order_index": 3}'::jsonb) $$,
    'a video''s changes are there'
);
delete from domo.demo_videos where demo_id = pg_temp.demo(1);
select results_eq(
    $$ select what, old_values ->> 'title', new_values from pg_temp.news() $$, $$ values ('delete demo_videos', 'Grand tour', null::jsonb) $$, 'and its end'
);

-- Knowledge ---------------------------------------------------------------------------------------------------------------------------

insert into domo.knowledge_chunks (demo_id, content, source) select pg_temp.demo(1), 'Bulk ' || n, 'bulk' from generate_series(1, 50) as n;
select results_eq(
    $$ select what, count(*)::int, count(distinct new_values)::int, bool_or(new_values ? 'content') from pg_temp.news() group by what $$,
    $$ values ('insert knowledge_chunks', 50, 50, false) $$,
    'fifty pieces in one statement are fifty lines, without their texts, which the table has'
);
update domo.knowledge_chunks set vector_embedding = pg_temp.embedding(3), embedding_model = 'm' where source = 'bulk';
select is_empty($$ select * from pg_temp.news() $$, 'that an embedding comes is no change of the knowledge');
update domo.knowledge_chunks set content = 'Edited', question = 'Why?' where content = 'Bulk 1';
select results_eq(
    $$ select what, old_values, new_values from pg_temp.news() $$,
    $$ values ('update knowledge_chunks', '{"content": "Bulk 1", "question": null}'::jsonb, '{"content": "Edited", "question": "Why?"}'::jsonb) $$,
    'that a text changes is one'
);
delete from domo.knowledge_chunks where content = 'Edited';
select results_eq(
    $$ select what, old_values from pg_temp.news() $$,
    $$ values ('delete knowledge_chunks', '{"content": "Edited", "question": "Why?", "source": "bulk"}'::jsonb) $$,
    'what is deleted is kept here'
);
select pg_temp.act_as_owner();
select is_empty($$ select from domo.audit_logs a where a.old_values::text || a.new_values::text ~ 'vector_embedding' $$, 'no embedding ever is');

-- Calls -------------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
update domo.demos set tavus_persona_id = 'p' where id = pg_temp.demo(1);
select pg_temp.forget();
select domo.start_conversation(pg_temp.demo(1)) ->> 'id' as call \gset
select results_eq(
    $$ select who, what, new_values from pg_temp.news() $$,
    $$ values ('person 1', 'insert conversations', '{"persona_id": "p", "status": "starting"}'::jsonb) $$,
    'who asks for a call is in the trail: it costs money'
);
select count(domo.end_conversation(:'call')) as ended \gset
select is((select who || ' ' || (new_values ? 'end_requested_at') from pg_temp.news()), 'person 1 true', 'so is who wants it to end');
select pg_temp.act_as_owner();
select count(domo_private.tavus_started(:'call', 'c-audit', 'https://tavus.daily.co/c-audit')) as started \gset
select results_eq(
    $$ select who, new_values - 'end_requested_at' from pg_temp.news() where what = 'update conversations' $$,
    $$ values ('the server', '{"status": "active", "conversation_id": "c-audit"}'::jsonb) $$,
    'and what became of it'
);
select is_empty($$ select * from pg_temp.news() $$, 'that the demo names its call is no change of the demo');

-- Who reads and who writes ------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
select ok((select count(*) > 50 from domo.audit_logs), 'the owner reads the trail');
select is_empty($$ select from domo.audit_logs where owner_id <> pg_temp.person(1) $$, 'of the own demos alone');
select throws_ok(statement, '42501', null, label)
from (
    values
        ($$ insert into domo.audit_logs (owner_id, demo_id, action, table_name) values (pg_temp.person(1), pg_temp.demo(1), 'insert', 'demos') $$, 'and adds nothing to it'),
        ($$ update domo.audit_logs set old_values = null where true $$, 'changes nothing in it'),
        ($$ delete from domo.audit_logs where true $$, 'and takes nothing away')
) as cases (statement, label);
select pg_temp.act_as(3);
select is_empty($$ select from domo.audit_logs $$, 'somebody else reads nothing');
select pg_temp.act_as_visitor();
select throws_ok($$ select from domo.audit_logs $$, '42501', null, 'a visitor may not even look');
select pg_temp.act_as_service();
select throws_ok($$ update domo.audit_logs set old_values = null where true $$, '42501', null, 'the server does not change it either');
select throws_ok(
    $$ insert into domo.audit_logs (owner_id, demo_id, action, table_name) values (pg_temp.person(1), pg_temp.demo(1), 'insert', 'demos') $$, '42501', null, 'nor add to it'
);
select ok(pg_temp.touched($$ delete from domo.audit_logs where created_at < now() - interval '1 year' $$) = 0, 'but deletes by age');

-- What outlives what --------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
select pg_temp.forget();
delete from domo.demos where id = pg_temp.demo(1);
select results_eq(
    $$ select who, what, old_values ->> 'name' from pg_temp.news() $$, $$ values ('person 1', 'delete demos', 'Renamed') $$,
    'an erased demo is one line, not one for each thing in it'
);
select ok((select count(*) > 50 from domo.audit_logs where demo_id = pg_temp.demo(1)), 'and its trail stays with its owner');
select pg_temp.act_as_owner();
select is(
    (select count(*) from domo.audit_logs where demo_id = pg_temp.demo(2)), 4::bigint, 'another demo has its own'
);
insert into domo.audit_logs (owner_id, demo_id, user_id, action, table_name) values (pg_temp.person(2), pg_temp.demo(2), pg_temp.person(1), 'update', 'demos');
delete from auth.users where id = pg_temp.person(1);
select is_empty($$ select from domo.audit_logs where owner_id = pg_temp.person(1) $$, 'when an account goes, its trail goes with it');
select is((select count(*) from domo.audit_logs where demo_id = pg_temp.demo(2) and action = 'update' and user_id is null), 1::bigint, 'what it did elsewhere stays, without its name');
select lives_ok($$ delete from auth.users where id = pg_temp.person(2) $$, 'an account with demos goes');
select is_empty($$ select from domo.audit_logs where owner_id = pg_temp.person(2) $$, 'and leaves nothing here');

select * from finish();
rollback;
