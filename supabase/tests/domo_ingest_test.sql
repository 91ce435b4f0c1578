-- Ingest: which rows make which jobs, what the worker may write under its claim and what not, as the worker's own role.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(49);
create function pg_temp.no_jobs() returns bigint
    language sql volatile security definer
    as $$ with gone as (delete from parley.jobs where queue = 'knowledge') select pgmq.purge_queue('parley_knowledge') $$;
-- Those of others, where the database is in use.
select pg_temp.no_jobs();
\ir domo_fixture.psql

-- The jobs that wait, without the ids of the queue.
create function pg_temp.jobs() returns table (kind text, payload jsonb)
    language sql volatile security definer
    as $$ select m.message ->> 'kind', m.message -> 'payload' from pgmq.q_parley_knowledge m order by m.msg_id $$;
create function pg_temp.video() returns uuid
    language sql stable security definer
    as $$ select id from domo.demo_videos where title = 'New' $$;

-- Files -------------------------------------------------------------------------------------------------------------------------

select is((select count(*) from pg_temp.jobs() where kind <> 'embed_knowledge'), 0::bigint, 'what is completed needs no job');
select pg_temp.no_jobs();
select pg_temp.act_as(1);
insert into domo.demo_videos (demo_id, title, storage_url, order_index) values (pg_temp.demo(1), 'New', pg_temp.demo(1) || '/new.mp4', 1);
insert into domo.demo_documents (demo_id, title, storage_url) values (pg_temp.demo(1), 'Manual', pg_temp.demo(1) || '/manual.pdf');
select results_eq(
    $$ select kind, payload ->> 'app' from pg_temp.jobs() $$, $$ values ('transcribe_video', 'domo'), ('read_document', 'domo') $$,
    'a new file has a job'
);
update domo.demo_videos set title = 'New' where title = 'New';
select is((select count(*) from pg_temp.jobs()), 2::bigint, 'a new title makes none');
select throws_ok(
    $$ update domo.demo_documents set processing_status = 'completed' $$, 'PT403', null, 'an owner does not say that a document is read'
);
select throws_ok(
    $$ update domo.demo_documents set progress = 1 $$, '42501', null, 'nor how far it is'
);
select throws_ok(
    $$ insert into domo.demo_documents (demo_id, title, storage_url) values (pg_temp.demo(1), 'x', pg_temp.demo(2) || '/x.pdf') $$,
    '23514', null, 'a document is in the folder of its demo'
);
select throws_ok(
    $$ insert into domo.demo_documents (demo_id, title, storage_url) values (pg_temp.demo(2), 'x', pg_temp.demo(2) || '/x.pdf') $$,
    '42501', null, 'nobody adds a document to the demo of somebody else'
);
select is(pg_temp.touched($$ update domo.demo_documents set title = 'Taken' where demo_id = pg_temp.demo(2) $$), 0::bigint, 'nor changes one');
select is(pg_temp.touched($$ delete from domo.demo_documents where demo_id = pg_temp.demo(2) $$), 0::bigint, 'nor deletes one');
select pg_temp.act_as_owner();

-- The claim ---------------------------------------------------------------------------------------------------------------------

create temporary table claims (place integer, claim text);
insert into claims values (1, pg_temp.as_worker(format('select domo_private.ingest_take(%L, %L) ->> %L', 'video', pg_temp.video(), 'claim')));
select is((select processing_status from domo.demo_videos where title = 'New'), 'processing', 'a file that is taken is processing');
insert into claims values (2, pg_temp.as_worker(format('select domo_private.ingest_take(%L, %L) ->> %L', 'video', pg_temp.video(), 'claim')));
select isnt((select claim from claims where place = 1), (select claim from claims where place = 2), 'who takes it next has another claim');

create function pg_temp.complete(place integer, content text) returns text
    language sql volatile
    as $$
    select pg_temp.as_worker(format(
        'select domo_private.ingest_complete(%L, %L, %L, %L, %L, %L, 7)',
        'video', pg_temp.video(), (select c.claim from claims c where c.place = $1),
        jsonb_build_array(
            jsonb_build_object('content', content, 'source', 'Video: New', 'start_seconds', 0, 'end_seconds', 1.5),
            jsonb_build_object('content', 'More', 'source', 'Video: New', 'start_seconds', 1.5, 'end_seconds', 7)
        ),
        'lexical-v2', content
    ))
    $$;

select is(pg_temp.complete(1, 'Old'), 'false', 'the claim before is void');
select is((select count(*) from domo.knowledge_chunks where video_id = pg_temp.video()), 0::bigint, 'and writes nothing');
select is(
    pg_temp.as_worker(format('select domo_private.ingest_progress(%L, %L, %L, 0.5)', 'video', pg_temp.video(), (select claim from claims where place = 1))),
    'false', 'nor says how far it is'
);
select is(
    pg_temp.as_worker(format('select domo_private.ingest_progress(%L, %L, %L, 0.5)', 'video', pg_temp.video(), (select claim from claims where place = 2))),
    'true', 'the last claim does'
);
select is(
    (select payload ->> 'progress' from pg_temp.heard_of(pg_temp.demo(1)) where event = 'video-changed' and payload ->> 'progress' = '0.5'), '0.5',
    'and the channel hears of it'
);
create function pg_temp.heard(place integer) returns text
    language sql volatile
    as $$
    select pg_temp.as_worker(format(
        'select domo_private.ingest_heard(%L, %L, 0.6, %L)', pg_temp.video(), (select c.claim from claims c where c.place = $1), '{"transcript": "Kept"}'
    ))
    $$;
create function pg_temp.take(field text) returns text
    language sql volatile
    as $$
    select pg_temp.as_worker(format('select domo_private.ingest_take(%L, %L) #>> %L', 'video', pg_temp.video(), field))
    $$;
select is(pg_temp.heard(1), 'false', 'the claim before keeps no transcription');
select is(pg_temp.heard(2), 'true', 'the last one does');
select is(pg_temp.take('{found,transcript}'), 'Kept', 'whoever takes the video next has it');
update claims set claim = pg_temp.take('{claim}') where place = 2;
select is(pg_temp.complete(2, 'First'), 'true', 'it completes the video');
select is((select count(*) from domo_private.heard_videos), 0::bigint, 'and what is stored is kept no longer');
select results_eq(
    $$ select content, chunk_index, start_seconds, end_seconds, source from domo.knowledge_chunks where video_id = pg_temp.video() order by chunk_index $$,
    $$ values ('First', 0, 0::numeric, 1.5, 'Video: New'), ('More', 1, 1.5, 7::numeric, 'Video: New') $$,
    'its chunks are there in their order'
);
select results_eq(
    $$ select processing_status, progress, duration_seconds, transcript, failure from domo.demo_videos where title = 'New' $$,
    $$ values ('completed', 1::real, 7, 'First', null::text) $$,
    'and so is what else was found out'
);
select is(pg_temp.complete(2, 'Twice'), 'false', 'once');
select is(
    pg_temp.as_worker(format('select domo_private.ingest_take(%L, %L)', 'video', pg_temp.video())), null, 'what is completed is not taken again'
);

-- Embeddings ----------------------------------------------------------------------------------------------------------------------

create function pg_temp.store(p_content text, p_digest text, p_dimensions integer) returns text
    language sql volatile
    as $$
    select pg_temp.as_worker(format(
        'select domo_private.embed_store(%L, %L, array[%L]::uuid[], array[%L], array_fill(0.5::real, array[%s]))',
        pg_temp.demo(1), 'lexical-v2', k.id, p_digest, p_dimensions
    ))
    from domo.knowledge_chunks k
    where k.content = p_content and k.demo_id = pg_temp.demo(1)
    $$;
select is(
    pg_temp.as_worker(format('select count(*) from domo_private.embed_next(%L, %L)', pg_temp.demo(1), 'lexical-v2')), '3',
    'the worker is given what waits'
);
select is(pg_temp.store('More', repeat('0', 64), 1536), '0', 'an embedding of another text is not stored');
select is(pg_temp.store('More', domo_private.chunk_digest(null, null, 'More'), 3), '22000', 'nor one of a wrong length');
select is(pg_temp.store('More', domo_private.chunk_digest(null, null, 'More'), 1536), '1', 'one of this text is');
select is(pg_temp.store('More', domo_private.chunk_digest(null, null, 'More'), 1536), '0', 'once');
update domo.demo_videos set processing_status = 'pending' where title = 'New';
insert into claims values (6, pg_temp.take('{claim}'));
create function pg_temp.complete_at_once(dimensions integer) returns text
    language sql volatile
    as $$
    select pg_temp.as_worker(format(
        'select domo_private.ingest_complete(%L, %L, %L, %L, %L, %L, 7, array_fill(0.25::real, array[%s]) || array_fill(0.5::real, array[%s]))',
        'video', pg_temp.video(), (select c.claim from claims c where c.place = 6),
        '[{"content": "One", "source": "Video: New"}, {"content": "More", "source": "Video: New"}]', 'lexical-v2', 'One. More', dimensions, dimensions
    ))
    $$;
select is(pg_temp.complete_at_once(3), '22000', 'embeddings of a wrong length come with no chunk either');
select is(pg_temp.complete_at_once(1536), 'true', 'those of the right one are stored with the chunks');
select results_eq(
    $$
        select content, embedding_model, (vector_embedding::real[])[1536]
        from domo.knowledge_chunks
        where video_id = pg_temp.video()
        order by chunk_index
    $$,
    $$ values ('One', 'lexical-v2', 0.25::real), ('More', 'lexical-v2', 0.5::real) $$,
    'each with its own'
);
update domo.demo_videos set processing_status = 'pending' where title = 'New';
select is((select progress from domo.demo_videos where title = 'New'), null, 'a video that waits again is nowhere yet');
insert into claims values (3, pg_temp.as_worker(format('select domo_private.ingest_take(%L, %L) ->> %L', 'video', pg_temp.video(), 'claim')));
select is(pg_temp.complete(3, 'Second'), 'true', 'it is processed again');
select results_eq(
    $$ select content, embedding_model from domo.knowledge_chunks where video_id = pg_temp.video() order by chunk_index $$,
    $$ values ('Second', null), ('More', 'lexical-v2') $$,
    'in the place of what was there, and what was said before keeps its embedding'
);

-- A film is bought once -----------------------------------------------------------------------------------------------------------

insert into storage.objects (bucket_id, name, version, metadata)
select 'demo-videos', storage_url, 'v1', '{"eTag": "e", "size": 7}' from domo.demo_videos where id = pg_temp.video();
update domo.demo_videos set processing_status = 'pending' where title = 'New';
insert into claims values (7, pg_temp.take('{claim}'));
select is(pg_temp.heard(7), 'true', 'a transcription is paid for');
select is(pg_temp.complete(7, 'Paid'), 'true', 'and stored');
update domo.demo_videos set processing_status = 'pending' where title = 'New';
select is(pg_temp.take('{found,transcript}'), 'Kept', 'who wants the same file processed again has it without paying');
select is(pg_temp.as_worker(format('select domo_private.ingest_failed(%L, %L, null, ''no'')', 'video', pg_temp.video())), 'true', 'it fails');
update domo.demo_videos set processing_status = 'pending' where title = 'New';
select is(pg_temp.take('{found,transcript}'), 'Kept', 'also when what came after failed');
update storage.objects set version = 'v2', metadata = '{"eTag": "f", "size": 7}' where bucket_id = 'demo-videos' and version = 'v1';
update domo.demo_videos set processing_status = 'pending' where title = 'New';
select is(pg_temp.take('{found}'), null, 'another file under the same name is another film');

-- What goes meanwhile, and what is lost -------------------------------------------------------------------------------------------

update domo.demo_videos set processing_status = 'pending' where title = 'New';
insert into claims values (4, pg_temp.take('{claim}'));
select is(pg_temp.heard(4), 'true', 'a transcription is kept again');
update storage.objects set version = 'v3' where bucket_id = 'demo-videos' and version = 'v2';
update domo.demo_videos set processing_status = 'pending' where title = 'New';
select is(pg_temp.take('{found}'), null, 'a video that is asked for may be another one: it is transcribed again');
update claims set claim = pg_temp.take('{claim}') where place = 4;
select is(
    pg_temp.as_worker(format('select domo_private.ingest_failed(%L, %L, %L, %L)', 'video', pg_temp.video(), (select claim from claims where place = 3), 'x')),
    'false', 'a claim that is void lets nothing fail'
);
select pg_temp.no_jobs();
select is(pg_temp.by_maintenance('select domo_private.keep_knowledge(0)'), '4', 'what waits without a job gets one');
select set_eq(
    $$ select kind from pg_temp.jobs() $$, array['transcribe_video', 'read_document', 'embed_knowledge'], 'each its own'
);
update domo.demos set deleted_at = now() where id = pg_temp.demo(1);
select is(pg_temp.complete(4, 'Late'), 'false', 'of a demo that is deleted nothing is written');
select is(
    pg_temp.as_worker(format('select count(*) from domo_private.embed_next(%L, %L)', pg_temp.demo(1), 'lexical-v2')), '0',
    'nor embedded'
);

select * from finish();
rollback;
