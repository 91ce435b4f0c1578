// Who may do what: one row a table and kind of person, one row a function. rls_matrix.test.mjs reads the catalogue and executes every cell;
// a table, function or schema that is not in here fails.
//
// The people, on data that two rooms hold (`mine`, where the member sits, and `other`):
//   anon        nothing but the publishable key
//   member      a user who opened `mine` and has a seat in it
//   stranger    a user without a seat anywhere, removed from both rooms
//   anonymous   an anonymous user who opened `other` and has a seat in it
//   service     the secret key
//
// A cell of select, update or delete says which of the prepared rows are touched: `all`, `none`, or one of the table's `sets`, by name. It is
// `denied` when the role holds no such right at all (42501). A cell of insert is `allowed` or `denied`.

export const people = ['anon', 'member', 'stranger', 'anonymous', 'service'];
export const verbs = ['select', 'insert', 'update', 'delete'];

const readOnly = (select) => [select, 'denied', 'denied', 'denied'];
const nothing = ['denied', 'denied', 'denied', 'denied'];
const everything = ['all', 'allowed', 'all', 'all'];

// `rows`: the prepared rows. `sets`: SQL over the table, with $mine, $other, $closed and the people's ids. `insert`: a row that only a
// right can stop.
export const tables = {
    'echoroom.sessions': {
        rows: 'id in ($mine, $other, $closed, $closed_other)',
        sets: {
            active: 'is_active',
            // The member sits in the closed room as well.
            activeOrSeated: 'is_active or id = $closed',
            activeOrSeatedElsewhere: 'is_active or id = $closed_other',
        },
        insert: () => ({ category: 'Forged', current_participants: 5 }),
        update: 'description = description',
        rights: {
            anon: readOnly('active'),
            member: readOnly('activeOrSeated'),
            stranger: readOnly('active'),
            anonymous: readOnly('activeOrSeatedElsewhere'),
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
    // The old texts of edited and deleted messages: operators read it and delete from it by age, nobody writes it but the triggers.
    'echoroom_private.audit_log': {
        rows: 'session_id in ($mine, $other)',
        sets: {},
        insert: (ids) => ({ session_id: ids.mine, action: 'left' }),
        rights: { anon: nothing, member: nothing, stranger: nothing, anonymous: nothing, service: ['all', 'denied', 'denied', 'all'] },
    },
    // The kernel is granted to nobody.
    'parley.aggregates': { rights: kernelOnly() },
    'parley.dead_letters': { rights: kernelOnly() },
    'parley.job_queues': { rights: kernelOnly() },
    'parley.job_schedules': { rights: kernelOnly() },
    'parley.jobs': { rights: kernelOnly() },
    'parley.processed_events': { rights: kernelOnly() },
    'parley.rate_limits': { rights: kernelOnly() },
};

function kernelOnly() {
    return Object.fromEntries(people.map((name) => [name, nothing]));
}

// Whose topic each person may listen to and speak on, through the policies on realtime.messages.
export const topics = {
    anon: [],
    member: ['mine', 'closed'],
    stranger: [],
    anonymous: ['other', 'closed_other'],
};

const users = ['authenticated', 'service_role'];
const everybody = ['anon', 'authenticated', 'service_role'];

// Every function of the exposed schemas, as the catalogue spells it: the signatures are the API.
export const functions = {
    'echoroom.add_reaction(message_id uuid, emoji text)': users,
    'echoroom.create_session(category text, description text, max_participants integer)': users,
    'echoroom.delete_message(message_id uuid)': users,
    'echoroom.edit_message(message_id uuid, content text)': users,
    'echoroom.end_conversation(conversation_id text)': users,
    'echoroom.find_room(mood text)': users,
    'echoroom.get_messages(session_id uuid, page_limit integer, page_offset integer, before_timestamp timestamp with time zone)': users,
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
    echoroom_private: everybody,
    parley: [],
    parley_native: [],
    parley_portable: [],
};

// What API roles may execute in hidden schemas with its owner's rights: as good as part of the API, so each checks its caller itself.
export const definerHelpers = {
    'echoroom_private.add_reaction': users,
    'echoroom_private.check_reader': users,
    'echoroom_private.create_session': users,
    'echoroom_private.delete_message': users,
    'echoroom_private.edit_message': users,
    'echoroom_private.end_conversation': users,
    'echoroom_private.find_room': users,
    'echoroom_private.heartbeat': users,
    'echoroom_private.join_room': users,
    'echoroom_private.leave_room': users,
    'echoroom_private.list_sessions': everybody,
    'echoroom_private.my_created_session_ids': ['authenticated'],
    'echoroom_private.my_session_ids': ['authenticated'],
    'echoroom_private.my_topics': ['authenticated'],
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
