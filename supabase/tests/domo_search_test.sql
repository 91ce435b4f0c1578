-- Search in Domo: who finds what, in which order, and what is refused. As the role that searches, on whichever kernel runs.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(68);
\ir domo_fixture.psql

-- By embedding ------------------------------------------------------------------------------------------------------------------------------

-- A thousand demos of other people with three chunks each, about forty topics that all share; person 1's demo has thirty.
select setseed(0.25);
create temp table bases as
select n, array_agg(random() - 0.5 order by d)::real[]::extensions.vector as v
from generate_series(1, 140) as n, generate_series(1, 1536) as d
group by n;
create unique index on bases (n);
grant select on bases to authenticated, service_role, parley_worker;
create function pg_temp.direction(topic integer, noise integer) returns extensions.vector
    language sql stable
    as $$
    select t.v operator(extensions.+) n.v
    from bases as t, bases as n
    where t.n = 1 + topic % 40 and n.n = 41 + noise % 100
$$;
insert into domo.demos (id, user_id, name)
select md5('other' || n)::uuid, pg_temp.person(3), 'Other ' || n from generate_series(1, 1000) as n;
insert into domo.knowledge_chunks (demo_id, content, vector_embedding)
select md5('other' || n)::uuid, format('Other %s %s', n, i), pg_temp.direction(n + i, n * 7 + i)
from generate_series(1, 1000) as n, generate_series(1, 3) as i;
delete from domo.knowledge_chunks where demo_id = pg_temp.demo(1);
insert into domo.knowledge_chunks (demo_id, content, source, vector_embedding, embedding_model)
select pg_temp.demo(1), 'Mine ' || i, case when i <= 10 then 'Handbook' else 'Wiki' end, pg_temp.direction(i / 3, i * 11), 'test-model'
from generate_series(1, 30) as i;

create function pg_temp.brute(query extensions.vector, above double precision, k integer) returns text
    language sql stable security definer
    as $$
    select string_agg(b.content || ' ' || b.similarity, ', ' order by b.similarity desc, b.id)
    from (
        select c.id, c.content, 1 - (c.vector_embedding operator(extensions.<=>) query) as similarity
        from domo.knowledge_chunks as c
        where c.demo_id = pg_temp.demo(1) and c.deleted_at is null and 1 - (c.vector_embedding operator(extensions.<=>) query) > above
        order by 3 desc, 1
        limit k
    ) as b
$$;
create function pg_temp.found(query extensions.vector, above double precision, k integer) returns text
    language sql stable
    as $$
    select string_agg(s.content || ' ' || s.similarity, ', ' order by s.similarity desc, s.id)
    from domo.search_knowledge_chunks(query, pg_temp.demo(1), above, k) as s
$$;

select pg_temp.act_as(1);
select is(
    (select count(*) from generate_series(1, 40) as n where pg_temp.found(pg_temp.direction(n, n * 3), -1, 7) = pg_temp.brute(pg_temp.direction(n, n * 3), -1, 7)),
    40::bigint,
    'an owner finds what brute force finds, among a thousand demos'
);
select is(
    (select count(*) from generate_series(1, 40) as n where pg_temp.found(pg_temp.direction(n, n), 0.3, 30) is not distinct from pg_temp.brute(pg_temp.direction(n, n), 0.3, 30)),
    40::bigint,
    'and above a threshold no more and no fewer'
);
select is((select count(*) from domo.search_knowledge_chunks(pg_temp.direction(1, 1), pg_temp.demo(1), -1, 100)), 30::bigint, 'asked for more than there are, all come');
select is((select count(*) from domo.search_knowledge_chunks(pg_temp.direction(1, 11), pg_temp.demo(1), -1)), 5::bigint, 'five by default');
select cmp_ok((select min(similarity) from domo.search_knowledge_chunks(pg_temp.direction(1, 33), pg_temp.demo(1))), '>', 0.7::double precision, 'above 0.7 by default');
select is((select content from domo.search_knowledge_chunks(pg_temp.direction(1, 33), pg_temp.demo(1))), 'Mine 3', 'where the one that is meant is');
select is(
    (select array_agg(c order by c) from (select jsonb_object_keys(to_jsonb(s)) from domo.search_knowledge_chunks(pg_temp.direction(1, 33), pg_temp.demo(1)) as s) as k (c)),
    array['answer', 'content', 'id', 'question', 'similarity', 'source'], 'with the columns of the specification'
);
update domo.knowledge_chunks set deleted_at = now() where content = 'Mine 3';
select is_empty($$ select * from domo.search_knowledge_chunks(pg_temp.direction(1, 33), pg_temp.demo(1)) $$, 'what is deleted is not found');
update domo.knowledge_chunks set deleted_at = null where content = 'Mine 3';
update domo.knowledge_chunks set content = 'Mine 3, changed' where content = 'Mine 3';
select is_empty($$ select * from domo.search_knowledge_chunks(pg_temp.direction(1, 33), pg_temp.demo(1)) $$, 'nor what waits for a new embedding');
update domo.knowledge_chunks set vector_embedding = pg_temp.direction(1, 33) where content = 'Mine 3, changed';
select is((select content from domo.search_knowledge_chunks(pg_temp.direction(1, 33), pg_temp.demo(1))), 'Mine 3, changed', 'until it has one');

-- Whose ------------------------------------------------------------------------------------------------------------------------------------

select pg_temp.refuses(format('select * from domo.search_knowledge_chunks(pg_temp.direction(1, 1), %s)', demo), 'PT404', 'demo_not_found', label)
from (
    values
        ('pg_temp.demo(2)', 'somebody else''s demo is not found'),
        ('gen_random_uuid()', 'as one that is none'),
        ('null', 'and null')
) as cases (demo, label);
select pg_temp.refuses($$ select * from domo.search_knowledge(pg_temp.demo(2), 'Piece') $$, 'PT404', 'demo_not_found', 'nor by words');
select pg_temp.refuses($$ select domo.search_quality(pg_temp.demo(2)) $$, 'PT404', 'demo_not_found', 'nor its quality');
update domo.demos set deleted_at = now() where id = pg_temp.demo(1);
select pg_temp.refuses($$ select * from domo.search_knowledge_chunks(pg_temp.direction(1, 1), pg_temp.demo(1)) $$, 'PT404', 'demo_not_found', 'a deleted demo is not found');
update domo.demos set deleted_at = null where id = pg_temp.demo(1);
select throws_ok($$ select domo_private.search_conversation(gen_random_uuid(), 'x') $$, '42501', null, 'an owner does not search for a call');
select throws_ok($$ select domo_private.find_knowledge(pg_temp.demo(2), 'x', null, 5, null) $$, '42501', null, 'nor past the check');
select throws_ok($$ select * from domo_private.chunk_words $$, '42501', null, 'the words are nobody''s');
select pg_temp.act_as_visitor();
select throws_ok($$ select * from domo.search_knowledge(pg_temp.demo(1), 'x') $$, '42501', null, 'who is not signed in does not search');
select pg_temp.act_as_service();
select is((select count(*) from domo.search_knowledge_chunks(pg_temp.direction(1, 1), pg_temp.demo(1), -1, 100)), 30::bigint, 'the server searches anybody''s');

-- Bad input -----------------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
select pg_temp.refuses(format('select * from domo.search_knowledge_chunks(%s, pg_temp.demo(1), %s, %s)', query, above, k), 'PT422', code, label)
from (
    values
        ('pg_temp.direction(1, 1)', '0.7', '0', 'invalid_match_count', 'asking for none is refused'),
        ('pg_temp.direction(1, 1)', '0.7', '101', 'invalid_match_count', 'or for 101'),
        ('pg_temp.direction(1, 1)', '1.5', '5', 'invalid_match_threshold', 'a threshold of 1.5 is refused'),
        ('pg_temp.direction(1, 1)', '''NaN''', '5', 'invalid_match_threshold', 'or of NaN'),
        ('null', '0.7', '5', 'invalid_query_embedding', 'no embedding is refused')
) as cases (query, above, k, code, label);
select is(
    (select array_agg(f.id order by f.id) from domo.search_knowledge_chunks(pg_temp.direction(1, 1), pg_temp.demo(1), null, null) f),
    (select array_agg(f.id order by f.id) from domo.search_knowledge_chunks(pg_temp.direction(1, 1), pg_temp.demo(1), 0.7, 5) f),
    'null is the default'
);
select throws_ok(
    $$ select * from domo.search_knowledge_chunks('[1,2,3]', pg_temp.demo(1)) $$, '22000', 'different dimensions: the query has 3, the vectors have 1536',
    'another dimension is refused with both numbers'
);
select throws_ok($$ select * from domo.search_knowledge_chunks('[NaN,1]', pg_temp.demo(1)) $$, '22000', null, 'NaN is refused');
select throws_ok(
    $$ select * from domo.search_knowledge_chunks(array_fill(0::real, array[1536])::extensions.vector, pg_temp.demo(1)) $$, '22000',
    'The query is all zeros, or its numbers are too small or too large to have a direction.', 'zeros are refused'
);
select pg_temp.refuses(format('select * from domo.search_knowledge(pg_temp.demo(1), %s)', arguments), 'PT422', code, label)
from (
    values
        ($$''$$, 'invalid_query_text', 'an empty text is refused'),
        ($$E' \n\u200b'$$, 'invalid_query_text', 'or a blank one'),
        ('null', 'invalid_query_text', 'or null'),
        ($$repeat('x', 2001)$$, 'invalid_query_text', 'or 2,001 characters'),
        ($$'x', match_count => 0$$, 'invalid_match_count', 'or asking for none'),
        ($$'x', neighbours => 6$$, 'invalid_neighbours', 'or six neighbours')
) as cases (arguments, code, label);

-- By words --------------------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as_owner();
insert into domo.knowledge_chunks (demo_id, content, question, source, vector_embedding, video_id, chunk_index, start_seconds, end_seconds)
select pg_temp.demo(1), t.content, t.question, t.source, case when t.topic is not null then pg_temp.direction(t.topic, 1) end,
    case when t.place is not null then v.id end, t.place, t.place * 10, t.place * 10 + 10
from (
    values
        ('We ship every Friday by courier.', 'When are parcels shipped?', 'FAQ', 30, null::integer),
        ('Prices start at ten euros a month.', null, 'FAQ', 31, null),
        ('Die Lieferung erfolgt am Freitag.', null, 'FAQ', null, null),
        ('First, open the settings.', null, 'Tour', 32, 0),
        ('Then choose a zebra as your avatar.', null, 'Tour', 33, 1),
        ('At last, save it.', null, 'Tour', 34, 2),
        ('And that is all.', null, 'Tour', 35, 3)
) as t (content, question, source, topic, place)
join domo.demo_videos v on v.demo_id = pg_temp.demo(1);
insert into domo.knowledge_chunks (demo_id, content) values (pg_temp.demo(2), 'A zebra of somebody else ships on Fridays.');

create function pg_temp.contents(query_text text, query extensions.vector default null, k integer default 5, source text default null) returns text[]
    language sql stable
    as $$
    select array_agg(left(s.content, 8) order by s.score desc, s.id) from domo.search_knowledge(pg_temp.demo(1), query_text, query, k, source) as s
$$;
select pg_temp.act_as(1);
select is(pg_temp.contents('zebra'), array['Then cho'], 'a word finds its chunk, in this demo alone');
select is((pg_temp.contents('When do you ship my parcel?'))[1], 'We ship ', 'a question finds it in other forms of its words');
select is(pg_temp.contents('die lieferung'), array['Die Lief'], 'a text in another language is found as it is written');
select is(pg_temp.contents('the of and'), null, 'words that all texts hold find nothing');
select is(pg_temp.contents('''&|!:*( <->'), null, 'nor do signs, and they break nothing');
select is(pg_temp.contents('friday zebra', source => 'FAQ'), array['We ship '], 'within a source only its chunks are found');
select ok(
    (pg_temp.contents('zebra', pg_temp.direction(31, 1)))[1:2] @> array['Prices s', 'Then cho'], 'with an embedding, what is near comes beside what is named'
);
select is((pg_temp.contents('zebra', pg_temp.direction(33, 1)))[1], 'Then cho', 'and what is both comes first');
select is(
    (select round(s.score::numeric, 6) from domo.search_knowledge(pg_temp.demo(1), 'zebra', pg_temp.direction(33, 1)) as s where s.text_rank = 1 and s.vector_rank = 1),
    round(2.0 / 61, 6), 'its score is that of two first ranks'
);
select is((select count(*) from domo.search_knowledge(pg_temp.demo(1), 'nothing like it', pg_temp.direction(1, 1), 100)), 36::bigint, 'an embedding finds as many as there are');
select is((select count(*) from domo.search_knowledge(pg_temp.demo(1), 'nothing like it', pg_temp.direction(1, 1), 100, 'Handbook')), 10::bigint, 'or as there are in the source');
select is((select count(*) from domo.search_knowledge(pg_temp.demo(1), 'nothing like it', pg_temp.direction(1, 1), 100, 'None')), 0::bigint, 'or none');
select is(
    (select jsonb_path_query_array(s.neighbours, '$[*].chunk_index') from domo.search_knowledge(pg_temp.demo(1), 'zebra', neighbours => 1) as s), '[0, 2]', 'neighbours come when asked for'
);
select is((select s.neighbours from domo.search_knowledge(pg_temp.demo(1), 'zebra') as s), '[]', 'and only then');
update domo.knowledge_chunks set content = 'Then choose a lion.' where content like 'Then%';
select is(pg_temp.contents('zebra'), null, 'a word that is gone is not found');
select is(pg_temp.contents('lion'), array['Then cho'], 'the one that is there instead is');

-- Words of an older release -------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as_owner();
select is(pg_temp.by_maintenance('select domo_private.refresh_words()'), '0', 'the words of this release are not made anew');
-- As that release left them: other words, and vectors of another model.
update domo.knowledge_chunks set vector_embedding = pg_temp.direction(1, 1), embedding_model = 'lexical-v1' where demo_id = pg_temp.demo(1) and content like 'Then choose%';
update domo_private.chunk_words set words = 'oldword', version = 1 where demo_id = pg_temp.demo(1);
select pg_temp.act_as(1);
select is(cardinality(pg_temp.contents('oldword')), 5, 'those of an older release are searched as they are');
select is(pg_temp.by_maintenance('select domo_private.refresh_words(20)'), '20', 'until a batch is made anew');
select is(pg_temp.by_maintenance('select domo_private.refresh_words(20)'), '17', 'and the next');
select is(pg_temp.by_maintenance('select domo_private.refresh_words(20)'), '0', 'and nothing is left');
select is(pg_temp.contents('oldword'), null, 'then they are found by their words');
select is(pg_temp.contents('lion'), array['Then cho'], 'each by its own');
select pg_temp.act_as_owner();
select is(
    (select array_agg(k.content) from domo.knowledge_chunks k where k.demo_id = pg_temp.demo(1) and k.embedding_model is null and k.content like 'Then%'),
    array['Then choose a lion.'], 'and vectors of the older built-in model wait for new ones'
);
select is(
    (select count(*) from domo.knowledge_chunks k where k.demo_id = pg_temp.demo(1) and k.embedding_model = 'test-model'), 29::bigint, 'but not those of others'
);
select pg_temp.act_as(1);

-- Quality ---------------------------------------------------------------------------------------------------------------------------------------

select is(
    domo.search_quality(pg_temp.demo(1)) - array['kernel'],
    '{"rows": 37, "embedded": 35, "waiting": 2, "models": [{"model": "test-model", "rows": 29}, {"model": null, "rows": 6}], "exact_up_to": 2000, "method": "exact", "sample": 10, "recall_at_5": 1.0000}',
    'the quality says how a demo is searched, and how well'
);

-- For a call --------------------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as_owner();
insert into domo.conversations (id, demo_id, persona_id, status, conversation_id)
values ('00000000-0000-4000-c000-000000000001', pg_temp.demo(1), 'p', 'active', 'c-search');
select is(
    pg_temp.as_worker($$ select domo_private.look_up('c-search', 'courier') -> 0 ->> 'question' $$),
    'When are parcels shipped?', 'the worker finds what the call''s demo knows'
);
select is(
    pg_temp.as_worker($$ select array_agg(k order by k)::text from jsonb_object_keys(domo_private.look_up('c-search', 'courier') -> 0) as k $$),
    '{answer,content,id,question,score,source,start_seconds}', 'in the shape that was agreed'
);
select is(pg_temp.as_worker($$ select domo_private.look_up('c-nobody', 'courier') $$), '[]', 'an unknown call finds nothing');
update domo.conversations set status = 'ended', ended_at = now() where conversation_id = 'c-search';
select is(pg_temp.as_worker($$ select domo_private.look_up('c-search', 'courier') $$), '[]', 'nor does one that is over');
select is(pg_temp.as_worker($$ select count(*) from domo.search_knowledge(pg_temp.demo(1), 'x') $$), '42501', 'the worker does not search as an owner does');

select is_empty($$ select * from parley.nearest_drift() $$, 'and the kernel''s copies are right');
select * from finish();
rollback;
