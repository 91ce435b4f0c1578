// How every function that a client or a job calls is called for a look at its plans; and which are left out, with the reason.
//
// The rows are those of tests/growth: growth.id(what, number). Person 1 sits in room 1, which person 1 opened, and owns demo 1.

/** Rows in each set. Large enough that an index is the better plan for whoever wants few rows. */
export const sizes = { people: 12_000, demos: 10_000, messages: 60_000, rooms: 12_000, calls: 10_000, jobs: 10_000, chunks: 4_000 };

/** Tables that do not grow with use. */
export const fixed = {
    'domo_private.erased_demos': 'one row a demo that is just being erased',
    'domo_private.erased_files': 'one row a demo that was erased today',
    'domo_private.erased_people': 'one row an account that is just being erased',
    'echoroom_private.erased_people': 'the same',
    'echoroom_private.erased_rooms': 'one row a room that is just being erased',
    'echoroom.persona': 'one row a mood',
    'parley.aggregates': 'one row a counter of the migrations',
    'parley.job_queues': 'one row a queue of the migrations',
    'parley.job_schedules': 'one row a schedule',
    'parley.limits': 'one row a limit',
    'parley.maintenance': 'one row a sweep',
    'parley.nearest_sets': 'one row a table with vectors',
    'parley.nearest_shelves': 'some hundred rows a very large demo',
    'parley.prune_positions': 'one row a pruner',
};

const room = "growth.id('room', 1)";
const demo = "growth.id('demo', 1)";
const avatar = "growth.id('avatar', 1)";
const call = "growth.id('call', 1)";
const video = "growth.id('video', 1)";
const message = "growth.id('message', 200)";
const claim = "timestamptz '2026-01-01 00:00+00'";
// Arguments that a role could not read from tables are settings that `before`, or the test, made.
const vector = "current_setting('growth.vector')::extensions.vector";
const isActive = (table, id) => `update ${table} set status = 'active', ended_at = null where id = ${id}`;
const isClaimed = (table, id) => `update ${table} set status = 'starting', conversation_id = null, ended_at = null, claimed_until = ${claim} where id = ${id}`;
const isProcessing = `update domo.demo_videos set processing_status = 'processing', processing_started_at = ${claim} where id = ${video}`;
const taken = "select set_config('growth.job', (select min(t.id) from parley.take_jobs('knowledge', 10, 60, 5) t)::text, true)";
const job = "'knowledge', current_setting('growth.job')::bigint, 1";
const found = "select set_config('growth.letter', (select min(id) from parley.dead_letters)::text, true)";
const letter = "'tavus', 'reconcile', current_setting('growth.letter')::bigint";
const event = (id, type) => `jsonb_build_object('conversation_id', '${id}-1', 'event_type', '${type}', 'timestamp', now(), 'properties', '{"transcript": [{"role": "user", "content": "Hello"}]}'::jsonb)`;
const everyChunk = 'a search is exact: it reads one code of each chunk of the demo';

/** Every sweep of parley.maintenance, a batch of at most 50: each row may make a dozen plans. */
export const sweeps = {
    domo_erase_calls: { before: `update parley.limits set allowed = 1 where name = 'domo.calls'` },
    domo_erase_demos: {
        before: `insert into domo_private.erased_demos values (growth.id('demo', 1))`,
        scans: ['domo.knowledge_chunks'], why: 'all chunks of this test are of the demo, and it reads as many as a batch',
    },
    domo_erase_people: { before: `insert into domo_private.erased_people values (growth.id('person', 1))` },
    domo_keep_knowledge: {},
    domo_keep_orphans: {},
    domo_prune: { before: `update parley.limits set allowed = 1 where name = 'domo.stream'` },
    domo_prune_audit_logs: { before: `update parley.limits set allowed = 1 where name = 'domo.audit_logs'` },
    domo_prune_deleted: { before: `update domo.knowledge_chunks set deleted_at = now() - interval '1 year' where demo_id = growth.id('demo', 1)` },
    domo_prune_events: { before: `update parley.limits set allowed = 1 where name = 'domo.call_events'` },
    domo_refresh_words: { before: "update domo_private.chunk_words set version = 1 where chunk_id in (select growth.id('chunk', i) from generate_series(1, 200) i)" },
    domo_remove_files: { before: `insert into domo_private.erased_files values (growth.id('demo', 1)::text || '/')` },
    echoroom_erase_calls: { before: `update parley.limits set allowed = 1 where name = 'echoroom.calls'` },
    echoroom_erase_people: { before: `insert into echoroom_private.erased_people values (growth.id('person', 2))` },
    echoroom_erase_rooms: {
        before: `insert into echoroom_private.erased_rooms values (growth.id('room', 1))`,
        scans: ['echoroom.message_reactions'], why: 'all reactions of this test are in the room, and it reads as many as a batch',
    },
    echoroom_expire_seats: {
        scans: ['echoroom.participants', 'echoroom_private.temporary_rooms'], reads: 100_000,
        why: 'one row a person who is there now, and one an open room; an index on last_seen_at would make every heartbeat write it',
    },
    echoroom_keep_orphans: {},
    echoroom_prune: { before: `update parley.limits set allowed = 5 where name = 'echoroom.call_events'` },
    echoroom_prune_audit_log: {},
    echoroom_prune_closed_rooms: { scans: ['echoroom.sessions'], reads: 15_000, why: 'once an hour; rooms are few beside what is in them' },
    echoroom_prune_messages: { scans: ['echoroom.sessions'], reads: 30_000, why: 'once an hour; it asks each room for its oldest message' },
    prune: {
        scans: ['parley.jobs', 'parley.job_turns', 'pgmq.q_parley_knowledge'], reads: 60_000,
        why: 'once an hour jobs whose message somebody deleted by hand are looked for among all that wait, and turns that are over among the hour\'s',
    },
    prune_anonymous_accounts: { scans: ['auth.users', 'auth.sessions'], reads: 30_000, why: 'once an hour; auth takes no index of ours' },
    prune_dead_letters: {},
    shelve_nearest: { scans: ['parley.nearest_codes'], reads: 20_000, why: 'it counts the codes of each tenant, once a minute' },
};

/** By schema and name. `before` runs as a superuser; `reads`: rows of growing tables that it may look at, 5,000 unless it says why. */
export const calls = {
    echoroom: {
        add_reaction: [{ args: `growth.id('message', 41), '🎉'` }],
        create_session: [{ args: `'Fresh'` }],
        delete_message: [{ args: message }],
        edit_message: [{ args: `${message}, 'New text'` }],
        end_conversation: [{ args: `'avatar-1'` }, { args: `${avatar}::text` }],
        find_room: [{ args: `'crowded'` }, { args: `'unknown'` }],
        get_messages: [
            { args: room },
            { args: `${room}, 50, 10000`, reads: 11_000, why: 'the largest offset that is taken' },
            { args: `${room}, before_timestamp => now() - interval '1 year' + interval '10 days'` },
            { args: `${room}, before_seq => 30000` },
        ],
        heartbeat: [{ args: room }],
        join_room: [{ args: room }, { args: `growth.id('room', 5)` }],
        leave_room: [{ args: room }],
        list_sessions: [{ args: '' }],
        messages_since: [
            { args: `${room}, 0` },
            { args: `${room}, 65900` },
        ],
        persona_by_mood: [{ args: `'calm'` }],
        readmit_participant: [{ args: `${room}, growth.id('person', 50)` }],
        remove_participant: [
            { args: `${room}, growth.id('person', 5)` },
            { args: `${room}, growth.id('person', 90)`, refused: 'PT404' },
        ],
        remove_reaction: [{ args: `${message}, '👍'` }],
        room_state: [{ args: room }],
        send_message: [{ args: `${room}, 'Hello', client_id => gen_random_uuid()` }, { args: `${room}, 'Hello', reply_to => ${message}` }],
        set_voice_status: [{ args: `${room}, true` }],
        start_conversation: [{ args: `${room}, 'Calm'` }],
        update_participant: [{ args: `${room}, 'Somebody'` }],
    },
    domo: {
        add_knowledge: [{ args: `${demo}, 'Delivery takes three days.'` }],
        archive_demo: [{ args: demo }],
        conversation_analytics: [{ args: `${demo}, now() - interval '1 hour'` }],
        demo_dashboard: [{ args: '' }],
        end_conversation: [{ args: `'call-1'` }, { args: `${call}::text` }],
        events_since: [{ args: `${demo}, 9999000` }, { args: demo }],
        export_demo_data: [{ args: `${demo}, null, 100` }, { args: `${demo}, 'conversation_messages/' || growth.id('said1', 5), 100` }],
        get_demo_stats: [{ args: demo }],
        publish_demo: [{ args: demo }],
        search_knowledge: [
            { args: `${demo}, 'How long does delivery take?'` },
            { args: `${demo}, 'How long does delivery take?', ${vector}, 100, neighbours => 5`, reads: 25_000, why: everyChunk },
        ],
        search_knowledge_chunks: [{ args: `${vector}, ${demo}`, reads: 20_000, why: everyChunk }],
        search_quality: [{ args: demo, reads: 120_000, why: 'it searches ten times, exactly and as searches do' }],
        start_conversation: [{ args: `${demo}, gen_random_uuid()` }],
    },
    echoroom_private: {
        tavus_attempt: [{ args: `${avatar}, ${claim}, 60`, before: isClaimed('echoroom.conversations', avatar) }],
        tavus_claim: [{ args: `${avatar}, 60`, before: isActive('echoroom.conversations', avatar) }],
        tavus_conversation: [{ args: avatar }],
        tavus_ended: [{ args: `${avatar}, 'requested'`, before: isActive('echoroom.conversations', avatar) }],
        tavus_failed: [{ args: `${avatar}, 'It failed.'`, before: isClaimed('echoroom.conversations', avatar) }],
        tavus_looked: [{ args: avatar }],
        tavus_open: [{ args: '50' }],
        tavus_receive: [{ args: `${avatar}, ${event('avatar', 'application.transcription_ready')}, null, null` }],
        tavus_receive_all: [{ args: `array[${avatar}], array[${event('avatar', 'system.shutdown')}], array[null]::text[], array[null]::text[]` }],
        tavus_release: [{ args: `${avatar}, ${claim}`, before: isClaimed('echoroom.conversations', avatar) }],
        tavus_started: [{ args: `${avatar}, 'avatar-new', 'https://tavus.example/new'`, before: isClaimed('echoroom.conversations', avatar) }],
        tavus_to_end: [{ args: '50' }],
        tavus_to_start: [{ args: '50' }],
    },
    domo_private: {
        begin_look_up: [{ args: `'call-1'`, before: isActive('domo.conversations', call) }],
        embed_next: [{ args: `${demo}, 'growth-1', null, 128` }],
        embed_store: [{ args: `${demo}, 'growth-1', array[growth.id('chunk', 1)], array[md5('1') || md5('1')], current_setting('growth.reals')::real[]` }],
        files_removed: [{ args: `${demo}::text || '/'` }],
        files_to_remove: [{ args: `${demo}::text || '/', 100` }],
        ingest_complete: [{ args: `'video', ${video}, ${claim}, '[{"content": "What was said."}]', 'growth-1', 'What was said.', 10, null`, before: isProcessing }],
        ingest_failed: [{ args: `'video', ${video}, ${claim}, 'It failed.'`, before: isProcessing }],
        ingest_heard: [{ args: `${video}, ${claim}, 0.5, '{}'`, before: isProcessing }],
        ingest_progress: [{ args: `'video', ${video}, ${claim}, 0.5`, before: isProcessing }],
        ingest_take: [
            { args: `'video', ${video}`, before: `update domo.demo_videos set processing_status = 'pending' where id = ${video}` },
            { args: `'document', growth.id('document', 1)`, before: `update domo.demo_documents set processing_status = 'pending' where id = growth.id('document', 1)` },
        ],
        look_up: [{ args: `'call-1', 'What is said of topic42?', null, 5`, before: isActive('domo.conversations', call), reads: 20_000, why: everyChunk }],
        tavus_attempt: [{ args: `${call}, ${claim}, 60`, before: isClaimed('domo.conversations', call) }],
        tavus_claim: [{ args: `${call}, 60`, before: isActive('domo.conversations', call) }],
        tavus_conversation: [{ args: call }],
        tavus_ended: [{ args: `${call}, 'requested'`, before: isActive('domo.conversations', call) }],
        tavus_failed: [{ args: `${call}, 'It failed.'`, before: isClaimed('domo.conversations', call) }],
        tavus_looked: [{ args: call }],
        tavus_open: [{ args: '50' }],
        tavus_receive: [{ args: `growth.id('call', 50), jsonb_set(${event('call', 'application.transcription_ready')}, '{conversation_id}', '"call-50"'), null, null`, before: `delete from domo.conversation_messages where conversation = growth.id('call', 50)` }],
        tavus_receive_all: [{ args: `array[${call}], array[${event('call', 'system.shutdown')}], array[null]::text[], array[null]::text[]` }],
        tavus_release: [{ args: `${call}, ${claim}`, before: isClaimed('domo.conversations', call) }],
        tavus_started: [{ args: `${call}, 'call-new', 'https://tavus.example/new'`, before: isClaimed('domo.conversations', call) }],
        tavus_to_end: [{ args: '50' }],
        tavus_to_start: [{ args: '50' }],
    },
    parley: {
        bury_job: [{ args: `${job}, 'It failed.'`, before: taken }],
        drop_dead_letters: [{ args: letter, before: found }],
        extend_job: [{ args: `${job}, 60`, before: taken }],
        finish_job: [{ args: job, before: taken }],
        job_stats: [
            {
                args: '', scans: ['pgmq.q_parley_knowledge', 'parley.jobs', 'parley.dead_letters'], reads: 60_000,
                why: 'it counts what waits, which is little where workers run; for metrics, once a scrape',
            },
        ],
        list_dead_letters: [{ args: `'tavus', null, null, 100`, reads: 25_000, scans: ['parley.dead_letters'], why: 'for an operator who looks for what failed' }],
        release_job: [{ args: job, before: taken }],
        replay_dead_letters: [{ args: letter, before: found }],
        retry_job: [{ args: `${job}, 60, 'It failed.'`, before: taken }],
        run_due_schedules: [{ args: '' }],
        run_maintenance: Object.entries(sweeps).map(([name, { before = '', ...one }]) => ({
            args: `'${name}'`, before: `update parley.maintenance set batch = 50 where batch > 50; ${before}`, ...one,
        })),
        take_jobs: [{ args: `'knowledge', 10, 60, 5` }],
    },
};

/** Functions that are not called, each with the reason. */
export const leftOut = {
    'parley.applied_migrations': 'for migrate-check: one row a migration, and nothing where the CLI has not run',
};
