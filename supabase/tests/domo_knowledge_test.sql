-- Knowledge: what may be added and by whom; an embedding is of its text or there is none; what is bad is refused with its name.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(58);
\ir domo_fixture.psql

-- Adding ------------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
select is(
    domo.add_knowledge(pg_temp.demo(1), E' \n We ship on Fridays.\u00a0', 'When do you ship? ', ' On Fridays.', ' Handbook ')
        - array['id', 'created_at', 'updated_at', 'content_digest'],
    jsonb_build_object(
        'demo_id', pg_temp.demo(1), 'content', 'We ship on Fridays.', 'question', 'When do you ship?', 'answer', 'On Fridays.', 'source', 'Handbook',
        'is_embedded', false, 'is_new', true
    ),
    'knowledge is trimmed and stored, and waits for its embedding'
);
select is(
    (select domo.add_knowledge(pg_temp.demo(1), 'We ship on Fridays.', 'When do you ship?', 'On Fridays.', 'Handbook') -> 'id'),
    (select to_jsonb(k.id) from domo.knowledge_chunks k where k.source = 'Handbook'),
    'the same from the same source is the same piece'
);
select is((select count(*) from domo.knowledge_chunks where source = 'Handbook'), 1::bigint, 'stored once');
select is((domo.add_knowledge(pg_temp.demo(1), 'We ship on Fridays.', null, null, 'Handbook') ->> 'is_new')::boolean, true, 'without the question it is another');
select is((domo.add_knowledge(pg_temp.demo(1), 'We ship on Fridays.', 'When do you ship?', 'On Fridays.', 'Wiki') ->> 'is_new')::boolean, true, 'so it is from elsewhere');
update domo.knowledge_chunks set deleted_at = now() where source = 'Wiki';
select is(
    (domo.add_knowledge(pg_temp.demo(1), 'We ship on Fridays.', 'When do you ship?', 'On Fridays.', 'Wiki') ->> 'is_new')::boolean, true,
    'and what was deleted may come again'
);
select pg_temp.refuses($$ select domo.add_knowledge(pg_temp.demo(2), 'x') $$, 'PT404', 'demo_not_found', 'not to somebody else''s demo');
select pg_temp.refuses($$ select domo.add_knowledge(gen_random_uuid(), 'x') $$, 'PT404', 'demo_not_found', 'nor to none');
select pg_temp.refuses($$ select domo.add_knowledge(null, 'x') $$, 'PT404', 'demo_not_found', 'null is none');
select pg_temp.refuses(format('select domo.add_knowledge(pg_temp.demo(1), %s)', arguments), 'PT422', code, label)
from (
    values
        ($$''$$, 'invalid_content', 'knowledge without content is refused'),
        ($$null$$, 'invalid_content', 'or with null for it'),
        ($$E' \n\u2003\u200b'$$, 'invalid_content', 'or with white space alone'),
        ($$repeat('x', 8001)$$, 'invalid_content', 'or with 8,001 characters'),
        ($$'x', repeat('x', 2001)$$, 'invalid_question', 'a question of 2,001 characters is refused'),
        ($$'x', null, repeat('x', 8001)$$, 'invalid_answer', 'an answer of 8,001 characters is refused'),
        ($$'x', null, null, repeat('x', 501)$$, 'invalid_source', 'a source of 501 characters is refused')
) as cases (arguments, code, label);
select lives_ok($$ select domo.add_knowledge(pg_temp.demo(1), repeat('ß', 8000), '', '  ', '') $$, 'content of 8,000 characters is fine, and blank is none');
select is((select count(*) from domo.knowledge_chunks where content like 'ß%' and question is null and answer is null and source is null), 1::bigint, 'indeed');
update domo.demos set deleted_at = now() where id = pg_temp.demo(1);
select pg_temp.refuses($$ select domo.add_knowledge(pg_temp.demo(1), 'x') $$, 'PT404', 'demo_not_found', 'a deleted demo learns nothing');
update domo.demos set deleted_at = null where id = pg_temp.demo(1);
select pg_temp.act_as_service();
select is((domo.add_knowledge(pg_temp.demo(2), 'From the server') ->> 'is_new')::boolean, true, 'the server adds to anybody''s demo');
select pg_temp.act_as_owner();
select pg_temp.forget_rates();
select pg_temp.act_as(1);
select throws_ok(
    $$ select domo.add_knowledge(pg_temp.demo(1), 'n ' || n) from generate_series(1, 200) as n $$, 'PT429', null, 'who adds too fast is slowed down'
);

-- Rows ------------------------------------------------------------------------------------------------------------------------------

select lives_ok($$ insert into domo.knowledge_chunks (demo_id, content, source) values (pg_temp.demo(1), 'Row', 'rows') $$, 'an owner also writes rows');
select throws_ok($$ insert into domo.knowledge_chunks (demo_id, content) values (pg_temp.demo(2), 'Row') $$, '42501', null, 'not into somebody else''s demo');
select throws_ok(
    $$ insert into domo.knowledge_chunks (demo_id, content, content_digest) values (pg_temp.demo(1), 'x', repeat('a', 64)) $$, '42501', null,
    'the digest is the server''s'
);
select is(pg_temp.touched($$ update domo.knowledge_chunks set content = 'Taken' where demo_id = pg_temp.demo(2) $$), 0::bigint, 'somebody else''s are not there to be changed');
select is(pg_temp.touched($$ delete from domo.knowledge_chunks where demo_id = pg_temp.demo(2) $$), 0::bigint, 'nor to be deleted');
select pg_temp.refuses(
    $$ update domo.knowledge_chunks set demo_id = gen_random_uuid() where source = 'rows' $$, 'PT422', 'immutable_key', 'a chunk does not move to another demo'
);
select throws_ok(format('insert into domo.knowledge_chunks (demo_id, %s) values (pg_temp.demo(1), %s)', columns, entries), code, null, label)
from (
    values
        ('content', $$''$$, '23514', 'a chunk without text is refused'),
        ('content', $$E' \n '$$, '23514', 'or with a blank one'),
        ('content', $$repeat('x', 8001)$$, '23514', 'or with 8,001 characters'),
        ('content, start_seconds', $$'x', -1$$, '23514', 'a time before the beginning is refused'),
        ('content, start_seconds, end_seconds', $$'x', 5, 4$$, '23514', 'an end before the start is refused'),
        ('content, chunk_index', $$'x', -1$$, '23514', 'a place before the first is refused'),
        ('content, video_id', $$'x', gen_random_uuid()$$, '23503', 'a video that is not there is refused'),
        ('content, vector_embedding', $$'x', '[1,2,3]'$$, '22000', 'an embedding of three numbers is refused'),
        ('content, vector_embedding', $$'x', (select array_agg('NaN'::real) from generate_series(1, 1536))::extensions.vector$$, '22000', 'one of what is no number too'),
        ('content, vector_embedding', $$'x', (select array_agg('Infinity'::real) from generate_series(1, 1536))::extensions.vector$$, '22000', 'or of what is endless'),
        ('content, vector_embedding', $$'x', 'embedding'$$, '22P02', 'or what is none at all')
) as cases (columns, entries, code, label);
select pg_temp.act_as_owner();
select throws_ok(
    $$ insert into domo.knowledge_chunks (demo_id, content, video_id) select pg_temp.demo(1), 'x', v.id from domo.demo_videos v where v.demo_id = pg_temp.demo(2) $$,
    '23503', null, 'so is a video of another demo'
);
select pg_temp.act_as(1);
select throws_like(
    $$ insert into domo.knowledge_chunks (demo_id, content, vector_embedding) values (pg_temp.demo(1), 'x', '[1,2,3]') $$, '%1536%3%',
    'whoever sends three numbers is told both'
);
select pg_temp.refuses(
    $$ insert into domo.knowledge_chunks (demo_id, content, vector_embedding) select pg_temp.demo(1), 'x', array_agg(0)::real[]::extensions.vector from generate_series(1, 1536) $$,
    'PT422', 'zero_vector', 'an embedding of zeros has no direction'
);
select pg_temp.refuses(
    $$ insert into domo.knowledge_chunks (demo_id, content, vector_embedding) select pg_temp.demo(1), 'x', array_agg(1e-30)::real[]::extensions.vector from generate_series(1, 1536) $$,
    'PT422', 'zero_vector', 'nor has one whose squares vanish'
);

-- An embedding is of its text, or there is none ---------------------------------------------------------------------------------------

create function pg_temp.state() returns text language sql volatile as $$
    select concat_ws(' ', k.content, case when k.vector_embedding is null then 'waits' else 'embedded by ' || coalesce(k.embedding_model, 'somebody') end)
    from domo.knowledge_chunks k where k.source = 'rows'
$$;
create function pg_temp.digest() returns text language sql volatile as $$ select k.content_digest from domo.knowledge_chunks k where k.source = 'rows' $$;
select pg_temp.digest() as first_digest \gset
update domo.knowledge_chunks set vector_embedding = pg_temp.embedding(5), embedding_model = 'm1' where source = 'rows';
select is(pg_temp.state(), 'Row embedded by m1', 'an embedding comes');
select ok((select embedded_at is not null from domo.knowledge_chunks where source = 'rows'), 'and says when');
update domo.knowledge_chunks set content = 'Row', vector_embedding = vector_embedding where source = 'rows';
select is(pg_temp.state(), 'Row embedded by m1', 'the same text keeps it');
update domo.knowledge_chunks set content = 'Another row', vector_embedding = vector_embedding where source = 'rows';
select is(pg_temp.state(), 'Another row waits', 'another text does not, though the old one was sent along');
select isnt(pg_temp.digest(), :'first_digest', 'its digest is another');
update domo.knowledge_chunks set content = 'Row' where source = 'rows';
select is(pg_temp.digest(), :'first_digest', 'and the old text has the old one again');
update domo.knowledge_chunks set content = 'Both', vector_embedding = pg_temp.embedding(6), embedding_model = 'm2' where source = 'rows';
select is(pg_temp.state(), 'Both embedded by m2', 'a text with its own embedding keeps that');
update domo.knowledge_chunks set question = 'Which?' where source = 'rows';
select is(pg_temp.state(), 'Both waits', 'a question is part of the text');
update domo.knowledge_chunks set vector_embedding = pg_temp.embedding(7), embedding_model = 'm3' where source = 'rows';
update domo.knowledge_chunks set vector_embedding = null where source = 'rows';
select is((select embedding_model from domo.knowledge_chunks where source = 'rows'), null, 'no embedding, no model');
select is_empty(
    $$ select from domo.knowledge_chunks k where (k.embedded_at is null) <> (k.vector_embedding is null) $$, 'nor a time, anywhere'
);

-- Videos take their knowledge along ---------------------------------------------------------------------------------------------------

insert into domo.knowledge_chunks (demo_id, content, video_id, chunk_index, start_seconds, end_seconds)
select v.demo_id, 'Said ' || n, v.id, n, n * 10, n * 10 + 9.5 from domo.demo_videos v, generate_series(0, 2) as n where v.demo_id = pg_temp.demo(1);
update domo.knowledge_chunks set deleted_at = '2026-01-01' where content = 'Said 2';
create function pg_temp.said() returns bigint language sql volatile as $$ select count(*) from domo.knowledge_chunks where content like 'Said %' and deleted_at is null $$;
select is(pg_temp.said(), 2::bigint, 'two of three things said in a video are there');
update domo.demo_videos set deleted_at = now() where demo_id = pg_temp.demo(1);
select is(pg_temp.said(), 0::bigint, 'a deleted video hides them');
update domo.demo_videos set deleted_at = null where demo_id = pg_temp.demo(1);
select is(pg_temp.said(), 2::bigint, 'a restored one brings back what went with it');
delete from domo.demo_videos where demo_id = pg_temp.demo(1);
select is((select count(*) from domo.knowledge_chunks where content like 'Said %'), 0::bigint, 'an erased one takes all three');

-- Jobs --------------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as_owner();
-- Where the kernel has queues, one job a demo waits, however many chunks; where it has none, the rows themselves say what waits.
create function pg_temp.waiting_jobs(demo uuid) returns text
    language plpgsql volatile as $$
declare
    v_jobs text;
begin
    if to_regclass('pgmq.q_parley_knowledge') is null then
        return 'no queues';
    end if;
    execute $sql$ select string_agg(message ->> 'kind' || ' ' || (message #>> '{payload,app}'), ', ')
        from pgmq.q_parley_knowledge where message #>> '{payload,demo}' = $1 $sql$ into v_jobs using demo::text;
    return v_jobs;
end
$$;
select is(
    pg_temp.waiting_jobs(pg_temp.demo(1)),
    case when to_regclass('pgmq.q_parley_knowledge') is null then 'no queues' else 'embed_knowledge domo' end,
    'what waits for embeddings has a job, one a demo'
);
select is((select count(*) from pg_proc where pronamespace = 'domo_private'::regnamespace and prosrc ~ 'parley\.enqueue_job'), 1::bigint, 'which one function enqueues');

select * from finish();
rollback;
