// Who may do what: one row a table and kind of person, one row a function. rls_matrix.test.mjs reads the catalogue and executes every cell;
// a table, function or schema that is not in here fails.
//
// The people, on data that two rooms hold (`mine`, where the member sits, and `other`), and two demos (`demo_mine`, `demo_other`):
//   anon        nothing but the publishable key
//   member      a user who opened `mine` and has a seat in it, and owns `demo_mine`
//   stranger    a user without a seat anywhere, removed from both rooms, and without a demo
//   anonymous   an anonymous user who opened `other` and has a seat in it, and owns `demo_other`
//   service     the secret key
//
// A cell of select, update or delete says which of the prepared rows are touched: `all`, `none`, or one of the table's `sets`, by name. It is
// `denied` when the role holds no such right at all (42501). A cell of insert is `allowed` or `denied`; `refused` when the role may insert,
// and a policy refuses this row.

export const people = ['anon', 'member', 'stranger', 'anonymous', 'service'];
export const verbs = ['select', 'insert', 'update', 'delete'];

const readOnly = (select) => [select, 'denied', 'denied', 'denied'];
const nothing = ['denied', 'denied', 'denied', 'denied'];
const everything = ['all', 'allowed', 'all', 'all'];
const readAndErase = ['all', 'denied', 'denied', 'all'];

/** Rows of a demo that its owner writes. */
const ownersWrite = {
    rows: 'demo_id in ($demo_mine, $demo_other)',
    sets: { inMine: 'demo_id = $demo_mine', inOther: 'demo_id = $demo_other' },
    rights: {
        anon: nothing,
        // Into the member's demo.
        member: ['inMine', 'allowed', 'inMine', 'inMine'],
        stranger: ['none', 'refused', 'none', 'none'],
        anonymous: ['inOther', 'refused', 'inOther', 'inOther'],
        service: everything,
    },
};

/** Rows of a demo that its owner reads, and functions alone write. */
const ownersRead = {
    rows: 'demo_id in ($demo_mine, $demo_other)',
    sets: { inMine: 'demo_id = $demo_mine', inOther: 'demo_id = $demo_other' },
    rights: {
        anon: nothing,
        member: readOnly('inMine'),
        stranger: readOnly('none'),
        anonymous: readOnly('inOther'),
        service: readAndErase,
    },
};

// `rows`: the prepared rows. `sets`: SQL over the table, with $mine, $other, $closed and the people's ids. `insert`: a row that only a
// right can stop.
export const tables = {
    'echoroom.sessions': {
        rows: 'id in ($mine, $other, $closed, $closed_other)',
        sets: {
            inMine: 'id in ($mine, $closed)',
            inOther: 'id in ($other, $closed_other)',
        },
        insert: () => ({ category: 'Forged', current_participants: 5 }),
        update: 'description = description',
        rights: {
            // Who opened a room, and how much is said in it, is its members' business.
            anon: nothing,
            member: readOnly('inMine'),
            stranger: readOnly('none'),
            anonymous: readOnly('inOther'),
            service: everything,
        },
    },
    'echoroom.participants': {
        rows: 'session_id in ($mine, $other, $closed, $closed_other)',
        sets: {
            inMine: 'session_id in ($mine, $closed)',
            inOther: 'session_id in ($other, $closed_other)',
        },
        insert: (ids) => ({ session_id: ids.mine, user_id: ids.stranger, user_name: 'Forged' }),
        update: 'mood = mood',
        rights: {
            anon: nothing,
            member: readOnly('inMine'),
            stranger: readOnly('none'),
            anonymous: readOnly('inOther'),
            service: everything,
        },
    },
    'echoroom.chat_messages': {
        rows: 'session_id in ($mine, $other)',
        sets: { inMine: 'session_id = $mine', inOther: 'session_id = $other' },
        insert: (ids) => ({ session_id: ids.mine, user_id: ids.member, sender_name: 'Forged', content: 'Forged' }),
        update: 'sender_name = sender_name',
        rights: {
            anon: nothing,
            member: readOnly('inMine'),
            stranger: readOnly('none'),
            anonymous: readOnly('inOther'),
            service: everything,
        },
    },
    'echoroom.message_reactions': {
        rows: 'session_id in ($mine, $other)',
        sets: { inMine: 'session_id = $mine', inOther: 'session_id = $other' },
        insert: (ids) => ({ message_id: ids.message_mine, session_id: ids.mine, user_id: ids.member, emoji: '🌱' }),
        update: 'emoji = emoji',
        rights: {
            anon: nothing,
            member: readOnly('inMine'),
            stranger: readOnly('none'),
            anonymous: readOnly('inOther'),
            // A reaction is added or removed, never changed.
            service: ['all', 'allowed', 'denied', 'all'],
        },
    },
    // Where history is read from with the caller's rights; the API does not serve its schema.
    'echoroom_private.message_changes': {
        rows: 'session_id in ($mine, $other)',
        sets: { inMine: 'session_id = $mine', inOther: 'session_id = $other' },
        insert: (ids) => ({ message_id: ids.message_mine, session_id: ids.mine, seq: 1000 }),
        update: 'seq = seq',
        rights: {
            anon: nothing,
            member: readOnly('inMine'),
            stranger: readOnly('none'),
            anonymous: readOnly('inOther'),
            service: ['all', 'denied', 'denied', 'denied'],
        },
    },
    'echoroom.persona': {
        rows: 'persona_id = $persona',
        sets: {},
        insert: (ids) => ({ persona_id: ids.persona }),
        update: 'persona_id = persona_id',
        rights: {
            anon: readOnly('all'),
            member: readOnly('all'),
            stranger: readOnly('all'),
            anonymous: readOnly('all'),
            service: everything,
        },
    },
    // Who may not come back: for the creator of the room, and written by the RPCs alone.
    'echoroom.removed_participants': {
        rows: 'session_id in ($mine, $other)',
        // The member opened `mine`, the anonymous user `other`; the stranger was removed from both.
        sets: { inMine: 'session_id = $mine', inOther: 'session_id = $other' },
        insert: (ids) => ({ session_id: ids.mine, user_id: ids.anonymous, user_name: 'Forged' }),
        rights: {
            anon: nothing,
            member: readOnly('inMine'),
            stranger: readOnly('none'),
            anonymous: readOnly('inOther'),
            service: ['all', 'denied', 'denied', 'all'],
        },
    },
    // Avatars: written through functions of the worker's role alone.
    'echoroom.conversations': {
        rows: 'session_id in ($mine, $other)',
        sets: { inMine: 'session_id = $mine', inOther: 'session_id = $other' },
        insert: (ids) => ({ session_id: ids.mine, persona_id: 'forged', mood: 'Calm' }),
        rights: {
            anon: nothing,
            member: readOnly('inMine'),
            stranger: readOnly('none'),
            anonymous: readOnly('inOther'),
            service: ['all', 'denied', 'denied', 'all'],
        },
    },
    'echoroom_private.conversation_events': {
        rows: 'true',
        sets: {},
        insert: () => ({ event_type: 'forged', event_key: 'forged', body: {} }),
        rights: { anon: nothing, member: nothing, stranger: nothing, anonymous: nothing, service: nothing },
    },
    // Whose turn it is to be asked for: the worker's own notes.
    'echoroom_private.conversation_looks': { rights: nobody() },
    'domo_private.conversation_looks': { rights: nobody() },
    'domo_private.chunk_words': { rights: nobody() },
    'domo_private.heard_videos': { rights: nobody() },
    'domo_private.erased_demos': { rights: nobody() },
    'domo_private.erased_files': { rights: nobody() },
    'domo_private.erased_people': { rights: nobody() },
    'echoroom_private.erased_people': { rights: nobody() },
    'echoroom_private.erased_rooms': { rights: nobody() },
    // The old texts of edited and deleted messages: operators read it and delete from it by age, nobody writes it but the triggers.
    'echoroom_private.temporary_rooms': { rights: nobody() },
    'echoroom_private.audit_log': {
        rows: 'session_id in ($mine, $other)',
        sets: {},
        insert: (ids) => ({ session_id: ids.mine, action: 'left' }),
        rights: { anon: nothing, member: nothing, stranger: nothing, anonymous: nothing, service: ['all', 'denied', 'denied', 'all'] },
    },
    'domo.demos': {
        rows: 'id in ($demo_mine, $demo_other)',
        sets: { mine: 'id = $demo_mine', other: 'id = $demo_other' },
        insert: (ids) => ({ name: 'Another', user_id: ids.member }),
        update: 'name = name',
        rights: {
            anon: nothing,
            member: ['mine', 'allowed', 'mine', 'mine'],
            stranger: ['none', 'refused', 'none', 'none'],
            anonymous: ['other', 'refused', 'other', 'other'],
            service: everything,
        },
    },
    'domo.demo_videos': {
        ...ownersWrite,
        insert: (ids) => ({ demo_id: ids.demo_mine, title: 'Another', storage_url: `${ids.demo_mine}/another.mp4`, order_index: 1 }),
        update: 'title = title',
    },
    'domo.demo_documents': {
        ...ownersWrite,
        insert: (ids) => ({ demo_id: ids.demo_mine, title: 'Another', storage_url: `${ids.demo_mine}/another.pdf` }),
        update: 'title = title',
    },
    'domo.knowledge_chunks': {
        ...ownersWrite,
        insert: (ids) => ({ demo_id: ids.demo_mine, content: 'Another' }),
        update: 'content = content',
    },
    'domo.conversations': { ...ownersRead, insert: (ids) => ({ demo_id: ids.demo_mine, persona_id: 'forged' }) },
    'domo.processed_webhook_events': {
        ...ownersRead,
        insert: (ids) => ({
            demo_id: ids.demo_mine, conversation: ids.call_mine, conversation_id: 'forged', event_type: 'forged', event_data: {},
            event_hash: 'f'.repeat(64),
        }),
    },
    'domo.conversation_messages': {
        ...ownersRead,
        insert: (ids) => ({ demo_id: ids.demo_mine, conversation: ids.call_mine, conversation_id: 'forged', position: 7, role: 'user' }),
        update: 'sentiment = sentiment',
        // What somebody finds out about a message later: three columns.
        rights: { ...ownersRead.rights, service: ['all', 'denied', 'all', 'all'] },
    },
    'domo.audit_logs': { ...ownersRead, insert: (ids) => ({ owner_id: ids.member, demo_id: ids.demo_mine, action: 'insert', table_name: 'demos' }) },
    'domo.demo_stats': {
        ...ownersRead,
        insert: (ids) => ({ demo_id: ids.demo_mine, user_id: ids.member }),
        rights: { ...ownersRead.rights, service: readOnly('all') },
    },
    'domo.demo_stream': { ...ownersRead, insert: (ids) => ({ demo_id: ids.demo_mine, seq: 99, event: 'forged', payload: {} }) },
    // The kernel is granted to nobody.
    'parley.aggregates': { rights: nobody() },
    'parley.dead_letters': { rights: nobody() },
    'parley.job_queues': { rights: nobody() },
    'parley.job_schedules': { rights: nobody() },
    'parley.job_turns': { rights: nobody() },
    'parley.maintenance': { rights: nobody() },
    'parley.jobs': { rights: nobody() },
    'parley.limits': { rights: nobody() },
    'parley.nearest_codes': { rights: nobody() },
    'parley.nearest_halves': { rights: nobody() },
    'parley.nearest_sets': { rights: nobody() },
    'parley.nearest_shelves': { rights: nobody() },
    'parley.processed_events': { rights: nobody() },
    'parley.prune_positions': { rights: nobody() },
    'parley.rate_limits': { rights: nobody() },
};

function nobody() {
    return Object.fromEntries(people.map((name) => [name, nothing]));
}

// Whose topic each person may listen to, and speak on, through the policies on realtime.messages. `places`: the prepared things that have one.
export const topics = {
    echoroom: {
        places: ['mine', 'other', 'closed', 'closed_other'],
        extensions: ['broadcast', 'presence'],
        maySpeak: true,
        allowed: { anon: [], member: ['mine', 'closed'], stranger: [], anonymous: ['other', 'closed_other'] },
    },
    domo: {
        places: ['demo_mine', 'demo_other'],
        extensions: ['broadcast'],
        maySpeak: false,
        allowed: { anon: [], member: ['demo_mine'], stranger: [], anonymous: ['demo_other'] },
    },
};

// Whose folders of a bucket each person may look into, put files into, change and clear.
export const folders = {
    'demo-documents': {
        places: ['demo_mine', 'demo_other'],
        allowed: { anon: [], member: ['demo_mine'], stranger: [], anonymous: ['demo_other'] },
    },
    'demo-videos': {
        places: ['demo_mine', 'demo_other'],
        allowed: { anon: [], member: ['demo_mine'], stranger: [], anonymous: ['demo_other'] },
    },
};

const users = ['authenticated', 'service_role'];
const everybody = ['anon', 'authenticated', 'service_role'];

// Every function of the exposed schemas, as the catalogue spells it: the signatures are the API.
export const functions = {
    'domo.add_knowledge(demo_id uuid, content text, question text, answer text, source text)': users,
    'domo.archive_demo(demo_id uuid)': users,
    'domo.conversation_analytics(demo_id uuid, since timestamp with time zone)': users,
    'domo.demo_dashboard()': users,
    'domo.end_conversation(conversation_id text)': users,
    'domo.events_since(demo_id uuid, after_seq bigint, page_limit integer)': users,
    'domo.export_demo_data(demo_id uuid, after_line text, page_limit integer)': users,
    'domo.get_demo_stats(demo_uuid uuid)': users,
    'domo.publish_demo(demo_id uuid)': users,
    'domo.search_knowledge(demo_id uuid, query_text text, query_embedding vector, match_count integer, source text, neighbours integer)': users,
    'domo.search_knowledge_chunks(query_embedding vector, demo_id uuid, match_threshold double precision, match_count integer)': users,
    'domo.search_quality(demo_id uuid)': users,
    'domo.start_conversation(demo_id uuid, client_id uuid)': users,
    'echoroom.add_reaction(message_id uuid, emoji text)': users,
    'echoroom.create_session(category text, description text, max_participants integer)': users,
    'echoroom.delete_message(message_id uuid)': users,
    'echoroom.edit_message(message_id uuid, content text)': users,
    'echoroom.end_conversation(conversation_id text)': users,
    'echoroom.find_room(mood text)': users,
    'echoroom.get_messages(session_id uuid, page_limit integer, page_offset integer, before_timestamp timestamp with time zone, before_seq bigint)': users,
    'echoroom.heartbeat(session_id uuid)': users,
    'echoroom.join_room(session_id uuid, user_name text, mood text, avatar text)': users,
    'echoroom.leave_room(session_id uuid)': users,
    'echoroom.list_sessions()': everybody,
    'echoroom.messages_since(session_id uuid, after_seq bigint)': users,
    'echoroom.persona_by_mood(mood text)': everybody,
    'echoroom.readmit_participant(session_id uuid, user_id uuid)': users,
    'echoroom.remove_participant(session_id uuid, user_id uuid)': users,
    'echoroom.remove_reaction(message_id uuid, emoji text)': users,
    'echoroom.room_state(session_id uuid)': users,
    'echoroom.send_message(session_id uuid, content text, message_type text, reply_to uuid, client_id uuid)': users,
    'echoroom.set_voice_status(session_id uuid, is_speaking boolean, is_muted boolean)': users,
    'echoroom.start_conversation(session_id uuid, mood text)': users,
    'echoroom.update_participant(session_id uuid, user_name text, avatar text, mood text)': users,
};

// Schemas of ours that the API must not serve, and the roles that hold `usage` there. The kernel is closed to API roles altogether.
export const hiddenSchemas = {
    domo_private: everybody,
    echoroom_private: everybody,
    parley: [],
    parley_native: [],
    parley_portable: [],
};

// What API roles may execute in hidden schemas with its owner's rights: as good as part of the API, so each checks its caller itself.
export const definerHelpers = {
    'domo_private.add_knowledge': users,
    'domo_private.end_conversation': users,
    'domo_private.may_upload': ['authenticated'],
    'domo_private.my_demo_folders': ['authenticated'],
    'domo_private.my_demo_ids': ['authenticated'],
    'domo_private.my_topics': ['authenticated'],
    'domo_private.search_chunks': users,
    'domo_private.search_knowledge': users,
    'domo_private.search_quality': users,
    'domo_private.start_conversation': users,
    'echoroom_private.add_reaction': users,
    'echoroom_private.check_reader': users,
    'echoroom_private.create_session': users,
    'echoroom_private.delete_message': users,
    'echoroom_private.edit_message': users,
    'echoroom_private.erased_ids': users,
    'echoroom_private.end_conversation': users,
    'echoroom_private.find_room': users,
    'echoroom_private.heartbeat': users,
    'echoroom_private.join_room': users,
    'echoroom_private.leave_room': users,
    'echoroom_private.list_sessions': everybody,
    'echoroom_private.persona_by_mood': everybody,
    'echoroom_private.my_created_session_ids': ['authenticated'],
    'echoroom_private.persona_by_mood': everybody,
    'echoroom_private.my_session_ids': ['authenticated'],
    'echoroom_private.my_topics': ['authenticated'],
    'echoroom_private.new_id': ['service_role'],
    'echoroom_private.readmit_participant': users,
    'echoroom_private.release_expired_seats': ['service_role'],
    'echoroom_private.remove_participant': users,
    'echoroom_private.remove_reaction': users,
    'echoroom_private.send_message': users,
    'echoroom_private.set_voice_status': users,
    'echoroom_private.start_conversation': users,
    'echoroom_private.update_participant': users,
};

// Schemas that Supabase brings along: not ours to prove.
export const platformSchemas = [
    '_analytics', '_realtime', '_supavisor', 'auth', 'cron', 'extensions', 'graphql', 'graphql_public', 'information_schema', 'net',
    'pgbouncer', 'pgmq', 'pgsodium', 'pgsodium_masks', 'pgtle', 'realtime', 'storage', 'supabase_functions', 'supabase_migrations', 'vault',
];
