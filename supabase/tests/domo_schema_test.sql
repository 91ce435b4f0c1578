-- The schema as the specification and the house rules want it, read from the catalogue.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(68);

select tables_are(
    'domo',
    array[
        'demos', 'demo_videos', 'knowledge_chunks', 'processed_webhook_events', 'conversation_messages', 'audit_logs',
        'conversations', 'demo_stats', 'demo_stream', 'demo_documents'
    ],
    'domo has the six tables of the specification, and one each for calls, counts, the stream and documents'
);
select tables_are('domo_private', array['conversation_looks', 'chunk_words', 'heard_videos', 'erased_demos', 'erased_files', 'erased_people'], 'domo_private has the worker''s notes, and the words of chunks');

select columns_are('domo', 'demos', array[
    'id', 'name', 'description', 'created_at', 'updated_at', 'user_id', 'agent_name', 'agent_personality', 'agent_greeting', 'cta_text',
    'cta_link', 'status', 'published_url', 'tavus_persona_id', 'tavus_conversation_id', 'video_storage_path', 'metadata',
    'published_at', 'deleted_at'
], 'demos has its columns');
select columns_are('domo', 'demo_videos', array[
    'id', 'demo_id', 'title', 'storage_url', 'order_index', 'duration_seconds', 'processing_status', 'created_at', 'updated_at', 'transcript',
    'failure', 'deleted_at', 'progress', 'processing_started_at'
], 'demo_videos has its columns');
select columns_are('domo', 'knowledge_chunks', array[
    'id', 'demo_id', 'content', 'question', 'answer', 'source', 'vector_embedding', 'created_at', 'updated_at',
    'video_id', 'chunk_index', 'start_seconds', 'end_seconds', 'content_digest', 'embedding_model', 'embedded_at', 'deleted_at', 'document_id'
], 'knowledge_chunks has its columns');
select columns_are('domo', 'processed_webhook_events', array[
    'id', 'conversation_id', 'event_type', 'event_data', 'processed_at', 'processing_duration_ms', 'event_hash',
    'demo_id', 'conversation', 'is_conflicting'
], 'processed_webhook_events has its columns');
select columns_are('domo', 'conversation_messages', array[
    'id', 'conversation_id', 'message_id', 'role', 'content', 'content_length', 'timestamp', 'sentiment', 'intent', 'confidence', 'created_at',
    'demo_id', 'conversation', 'position'
], 'conversation_messages has its columns');
select columns_are('domo', 'audit_logs', array[
    'id', 'user_id', 'action', 'table_name', 'record_id', 'old_values', 'new_values', 'created_at', 'owner_id', 'demo_id'
], 'audit_logs has its columns');

select is(
    (select format('%s.%s(%s)', t.typnamespace::regnamespace, t.typname, a.atttypmod) from pg_attribute a join pg_type t on t.oid = a.atttypid
     where a.attrelid = 'domo.knowledge_chunks'::regclass and a.attname = 'vector_embedding'),
    'extensions.vector(1536)',
    'an embedding has 1,536 dimensions'
);
select is(
    (select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'vector'), 'extensions',
    'pgvector is where Supabase has it'
);
select col_default_is('domo', 'demos', 'agent_name', 'Demo Agent', 'an agent has the specification''s name');
select col_default_is('domo', 'demos', 'agent_personality', 'Friendly and helpful', 'its personality');
select col_default_is('domo', 'demos', 'agent_greeting', 'Hello! I''m your demo agent. How can I help you today?', 'and its greeting');
select col_default_is('domo', 'demos', 'status', 'draft', 'a demo begins as a draft');
select col_default_is('domo', 'demo_videos', 'processing_status', 'pending', 'a video waits for being processed');
select col_type_is('domo', 'conversation_messages', 'confidence', 'numeric(3,2)', 'confidence has two digits');

-- The specification's indexes, by name.
select has_index('domo', tbl, idx, columns, format('%s is on %s', idx, columns))
from (
    values
        ('demos', 'idx_demos_user_id', array['user_id']),
        ('demos', 'idx_demos_status', array['status']),
        ('demos', 'idx_demos_tavus_persona_id', array['tavus_persona_id']),
        ('demos', 'idx_demos_user_status', array['user_id', 'status']),
        ('demos', 'idx_demos_metadata_gin', array['metadata']),
        ('demo_videos', 'idx_demo_videos_demo_id', array['demo_id']),
        ('demo_videos', 'idx_demo_videos_order', array['demo_id', 'order_index']),
        ('demo_videos', 'idx_demo_videos_status', array['processing_status']),
        ('demo_videos', 'idx_videos_processing', array['demo_id']),
        ('knowledge_chunks', 'idx_knowledge_chunks_demo_id', array['demo_id']),
        ('knowledge_chunks', 'idx_chunks_demo_source', array['demo_id', 'source']),
        ('processed_webhook_events', 'idx_webhook_events_conversation_id', array['conversation_id']),
        ('processed_webhook_events', 'idx_webhook_events_type', array['event_type']),
        ('processed_webhook_events', 'idx_webhook_events_processed_at', array['processed_at']),
        ('processed_webhook_events', 'idx_webhook_events_hash', array['event_hash']),
        ('conversation_messages', 'idx_conversation_messages_conversation_id', array['conversation_id']),
        ('conversation_messages', 'idx_conversation_messages_timestamp', array['"timestamp"']),
        ('conversation_messages', 'idx_conversation_messages_role', array['role'])
) as wanted (tbl, idx, columns);
select index_is_type('domo', 'demos', 'idx_demos_metadata_gin', 'gin', 'metadata is searched by what it contains');
select index_is_unique('domo', 'processed_webhook_events', 'idx_webhook_events_hash', 'an event is there once');
select set_has(
    $$ select conname::text from pg_constraint where connamespace = 'domo'::regnamespace and contype = 'c' $$,
    $$ values ('demos_status_check'), ('demos_name_length_check'), ('demo_videos_order_index_check'), ('demo_videos_duration_check'),
        ('knowledge_chunks_content_length_check') $$,
    'the specification''s checks are there by name'
);

-- The house rules -----------------------------------------------------------------------------------------------------------------

select is_empty(
    $$
        select c.conrelid::regclass, c.conname
        from pg_constraint c
        where c.contype = 'f' and c.connamespace = 'domo'::regnamespace
            and not exists (
                select from pg_index i
                where i.indrelid = c.conrelid and i.indisvalid
                    and (i.indkey::smallint[])[0:cardinality(c.conkey) - 1] = c.conkey
            )
    $$,
    'every foreign key is indexed'
);
select is_empty(
    $$
        select i.indexrelid::regclass, j.indexrelid::regclass
        from pg_index i
        join pg_index j on j.indrelid = i.indrelid and j.indexrelid > i.indexrelid
            and j.indkey = i.indkey and j.indoption = i.indoption
            and j.indpred is not distinct from i.indpred and j.indexprs is not distinct from i.indexprs
        where i.indrelid in (select oid from pg_class where relnamespace = 'domo'::regnamespace)
    $$,
    'no index says what another one says'
);
select is_empty(
    $$
        select i.indexrelid::regclass
        from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
        where i.indrelid = 'domo.demo_stats'::regclass and a.attname not in ('demo_id', 'user_id')
    $$,
    'no count is indexed, so counting is a heap-only update'
);
select is_empty(
    $$ select c.oid::regclass from pg_class c where c.relkind in ('r', 'p') and c.relnamespace in ('domo'::regnamespace, 'domo_private'::regnamespace) and not c.relrowsecurity $$,
    'row level security is on for every table'
);
select is_empty(
    $$
        select c.oid::regclass
        from pg_class c
        where c.relkind = 'r' and c.relnamespace = 'domo'::regnamespace and c.relname <> 'demos'
            and not exists (
                select from pg_attribute a where a.attrelid = c.oid and a.attname = 'demo_id' and a.atttypid = 'uuid'::regtype
            )
    $$,
    'every row says of which demo it is'
);
select is_empty(
    $$
        select tablename, cmd, role
        from pg_policies, unnest(roles) as role
        where schemaname = 'domo' and permissive = 'PERMISSIVE'
        group by tablename, cmd, role
        having count(*) > 1
    $$,
    'no role and command has two permissive policies'
);
select set_eq(
    $$ select tablename || ': ' || policyname from pg_policies where (schemaname = 'domo' and cmd <> 'SELECT') or schemaname = 'storage' $$,
    array[
        'demos: Users can insert their own demos', 'demos: Users can update their own demos', 'demos: Users can delete their own demos',
        'demo_videos: Users can insert their demo videos', 'demo_videos: Users can update their demo videos',
        'demo_videos: Users can delete their demo videos',
        'demo_documents: Users can insert their demo documents', 'demo_documents: Users can update their demo documents',
        'demo_documents: Users can delete their demo documents',
        'knowledge_chunks: Users can insert their knowledge chunks', 'knowledge_chunks: Users can update their knowledge chunks',
        'knowledge_chunks: Users can delete their knowledge chunks',
        'objects: Users can view their own videos', 'objects: Users can upload their own videos',
        'objects: Users can update their own videos', 'objects: Users can delete their own videos'
    ],
    'people write what the specification lets them write, and nothing else'
);
select set_eq(
    $$ select policyname::text from pg_policies where schemaname = 'domo' and cmd = 'SELECT' $$,
    array[
        'Users can view their own demos', 'Users can select their demo videos', 'Users can select their demo documents', 'Users can select their knowledge chunks',
        'owners read the calls of their demos', 'owners read the events of their demos', 'owners read the messages of their demos',
        'owners read their audit trail', 'owners read the counts of their demos', 'owners read the stream of their demos'
    ],
    'owners read everything of their demos'
);
select is_empty(
    $$ select policyname from pg_policies where schemaname in ('domo', 'storage') and roles <> array['authenticated']::name[] $$,
    'every policy is for users, and says so'
);
select is_empty(
    $$
        select policyname
        from pg_policies
        where schemaname in ('domo', 'storage') and coalesce(qual, '') || coalesce(with_check, '') ~ 'auth\.uid\(\)'
            and coalesce(qual, '') || coalesce(with_check, '') !~* 'select auth\.uid\(\)'
    $$,
    'no policy asks who is there for each row again'
);
select is_empty(
    $$
        select a.attrelid::regclass, a.attname
        from pg_attribute a
        join pg_class c on c.oid = a.attrelid and c.relkind = 'r' and c.relnamespace = 'domo'::regnamespace
        where a.attnum > 0 and (a.atttypid = 'timestamp'::regtype or a.atttypid = 'json'::regtype)
    $$,
    'every time has a time zone, and no json is text'
);
select is_empty(
    $$
        select a.attrelid::regclass, a.attname
        from pg_attribute a
        join pg_class c on c.oid = a.attrelid and c.relkind = 'r' and c.relnamespace = 'domo'::regnamespace
        where a.attnum > 0 and a.atttypid = 'text'::regtype
            and not exists (
                select from pg_constraint k where k.conrelid = a.attrelid and k.contype = 'c' and a.attnum = any (k.conkey)
            )
    $$,
    'every text is checked'
);
select set_eq(
    $$
        select c.relname::text
        from pg_trigger t
        join pg_class c on c.oid = t.tgrelid and c.relnamespace = 'domo'::regnamespace
        join pg_proc p on p.oid = t.tgfoid
        where p.proname = 'touch_updated_at'
    $$,
    $$ select c.relname::text from pg_attribute a join pg_class c on c.oid = a.attrelid and c.relkind = 'r' and c.relnamespace = 'domo'::regnamespace
       where a.attname = 'updated_at' $$,
    'every updated_at is kept'
);
select set_eq(
    $$ select t.tgname::text from pg_trigger t where t.tgrelid::regclass::text like 'domo.%' and t.tgname like 'update\_%\_updated\_at' $$,
    array['update_demos_updated_at', 'update_demo_videos_updated_at', 'update_demo_documents_updated_at', 'update_knowledge_chunks_updated_at'],
    'by the triggers that the specification names, and one like them'
);

select set_eq(
    $$ select proname || '(' || pg_get_function_arguments(oid) || ')' from pg_proc where pronamespace = 'domo'::regnamespace $$,
    array[
        'publish_demo(demo_id uuid)',
        'archive_demo(demo_id uuid)',
        'get_demo_stats(demo_uuid uuid)',
        'demo_dashboard()',
        'search_knowledge(demo_id uuid, query_text text, query_embedding vector DEFAULT NULL::vector, match_count integer DEFAULT 5, source text DEFAULT NULL::text, neighbours integer DEFAULT 0)',
        'search_knowledge_chunks(query_embedding vector, demo_id uuid, match_threshold double precision DEFAULT 0.7, match_count integer DEFAULT 5)',
        'search_quality(demo_id uuid)',
        'events_since(demo_id uuid, after_seq bigint DEFAULT NULL::bigint, page_limit integer DEFAULT 500)',
        'add_knowledge(demo_id uuid, content text, question text DEFAULT NULL::text, answer text DEFAULT NULL::text, source text DEFAULT NULL::text)',
        'start_conversation(demo_id uuid, client_id uuid DEFAULT NULL::uuid)',
        'end_conversation(conversation_id text)',
        'conversation_analytics(demo_id uuid, since timestamp with time zone DEFAULT NULL::timestamp with time zone)',
        'export_demo_data(demo_id uuid DEFAULT NULL::uuid, after_line text DEFAULT NULL::text, page_limit integer DEFAULT NULL::integer)'
    ],
    'the RPCs are those of docs/domo.md'
);
select is(
    pg_get_function_result('domo.get_demo_stats(uuid)'::regprocedure),
    'TABLE(video_count bigint, knowledge_chunk_count bigint, total_video_duration integer, last_conversation_at timestamp with time zone)',
    'get_demo_stats returns the specification''s columns'
);
select is_empty(
    $$
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace in ('domo'::regnamespace, 'domo_private'::regnamespace)
            and (p.proconfig is null or not p.proconfig @> array['search_path=""'])
    $$,
    'every function has an empty search_path'
);
select is_empty(
    $$ select oid::regprocedure from pg_proc where pronamespace = 'domo'::regnamespace and prosecdef $$,
    'no exposed function runs with its owner''s rights'
);
select is_empty(
    $$
        select p.oid::regprocedure
        from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as granted
        where p.pronamespace in ('domo'::regnamespace, 'domo_private'::regnamespace) and granted.grantee = 0
    $$,
    'no function is granted to everybody'
);
select is_empty(
    $$ select p.oid::regprocedure from pg_proc p where p.pronamespace = 'domo'::regnamespace and has_function_privilege('anon', p.oid, 'execute') $$,
    'a visitor who is not signed in may call nothing'
);
select is_empty(
    $$
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace in ('domo'::regnamespace, 'domo_private'::regnamespace) and obj_description(p.oid, 'pg_proc') is null
    $$,
    'every function has a comment'
);
select is_empty(
    $$ select c.oid::regclass from pg_class c where c.relkind = 'r' and c.relnamespace = 'domo'::regnamespace and obj_description(c.oid, 'pg_class') is null $$,
    'every table has one'
);
select is_empty(
    $$
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace = 'domo_private'::regnamespace and p.prorettype = 'trigger'::regtype
            and (has_function_privilege('authenticated', p.oid, 'execute') or has_function_privilege('service_role', p.oid, 'execute'))
    $$,
    'nobody may call a trigger function'
);

-- The worker ----------------------------------------------------------------------------------------------------------------------

select is_empty(
    $$ select c.oid::regclass from pg_class c where c.relnamespace in ('domo'::regnamespace, 'domo_private'::regnamespace) and c.relkind in ('r', 'v')
       and has_table_privilege('parley_worker', c.oid, 'select, insert, update, delete') $$,
    'the worker has no right on any table'
);
select set_eq(
    $$ select p.proname::text from pg_proc p where p.pronamespace = 'domo_private'::regnamespace and has_function_privilege('parley_worker', p.oid, 'execute') $$,
    array[
        'tavus_claim', 'tavus_attempt', 'tavus_started', 'tavus_failed', 'tavus_release', 'tavus_ended', 'tavus_to_end', 'tavus_to_start',
        'tavus_open', 'tavus_conversation', 'tavus_receive', 'tavus_receive_all', 'tavus_looked',
        'ingest_take', 'ingest_progress', 'ingest_heard', 'ingest_complete', 'ingest_failed', 'embed_next', 'embed_store', 'begin_look_up', 'look_up',
        'files_to_remove', 'files_removed'
    ],
    'it has its functions'
);
select is_empty(
    $$
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace = 'domo_private'::regnamespace and p.proname ~ '^(tavus|ingest|embed)_'
            and (has_function_privilege('authenticated', p.oid, 'execute') or has_function_privilege('service_role', p.oid, 'execute'))
    $$,
    'which nobody else has'
);
-- Whatever EchoRoom's are, so that the worker needs to know the name of the app and no more.
select set_has(
    $$ select p.proname || '(' || pg_get_function_arguments(p.oid) || ') ' || pg_get_function_result(p.oid)
       from pg_proc p where p.pronamespace = 'domo_private'::regnamespace $$,
    $$ select p.proname || '(' || pg_get_function_arguments(p.oid) || ') ' || pg_get_function_result(p.oid)
       from pg_proc p
       where p.pronamespace = 'echoroom_private'::regnamespace and p.proname like 'tavus\_%' and has_function_privilege('parley_worker', p.oid, 'execute') $$,
    'and which are the same for every app with calls'
);

-- What Supabase is told -----------------------------------------------------------------------------------------------------------

select is_empty(
    $$ select schemaname || '.' || tablename from pg_publication_tables where pubname = 'supabase_realtime' and schemaname in ('domo', 'domo_private') $$,
    'no change of a table is published: deletions would be told to everybody, and the demo''s own channel says all of it'
);
select results_eq(
    $$ select name, public, file_size_limit, allowed_mime_types from storage.buckets where id like 'demo-%' order by id $$,
    $$ values
        ('demo-documents', false, 20971520::bigint,
            array['text/*', 'application/xhtml+xml', 'application/pdf']),
        ('demo-videos', false, 104857600::bigint, array['video/*', 'audio/*']) $$,
    'the buckets are private, take 20 and 100 MB a file, and documents, or films and sound, only'
);
select set_eq(
    $$ select kind || ' ' || target from parley.aggregates where parent = 'domo.demo_stats'::regclass $$,
    array[
        'count video_count', 'sum total_video_duration', 'count knowledge_chunk_count', 'count embedded_chunk_count', 'count conversation_count',
        'max last_conversation_at'
    ],
    'the kernel keeps the counts'
);
select is_empty(
    $$ select * from parley.counter_drift() where parent = 'domo.demo_stats'::regclass $$,
    'and they are what a recount says'
);

select * from finish();
rollback;
