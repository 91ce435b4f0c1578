-- EchoRoom, tables: mood rooms, seats, messages, reactions, personas, an audit log; and the rows without which the lobby is empty.
-- Locks: every object is new; the foreign keys take SHARE ROW EXCLUSIVE on auth.users until commit.

create schema echoroom;
comment on schema echoroom is 'EchoRoom: mood rooms. Tables and RPCs that clients use.';

create schema echoroom_private;
comment on schema echoroom_private is 'EchoRoom: definer helpers behind the RPCs and policies. Never exposed.';

grant usage on schema echoroom to anon, authenticated, service_role;
grant usage on schema echoroom_private to anon, authenticated, service_role;

-- A default runs with the rights of who inserts, and the kernel is closed to service_role.
create function echoroom_private.new_id()
returns uuid
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    return parley.time_ordered_id();
end
$$;

comment on function echoroom_private.new_id is 'Default of keys: ordered by time, see parley.time_ordered_id.';

revoke execute on function echoroom_private.new_id() from public;
grant execute on function echoroom_private.new_id() to service_role;

-- Rooms -----------------------------------------------------------------------------------------------------------------------

-- The fill factor leaves room on the page for what changes all the time: last_seq is in no index, so a message is a heap-only update of
-- its room. A seat is not, because rooms are looked for by their people: measured, a join takes 3 % longer, and it and its leave write 0.9 kB more. There is no check that current_participants <= max_participants: the kernel refuses the
-- seat too many with PT409, and an operator may lower max_participants while people sit.
create table echoroom.sessions (
    id uuid not null default gen_random_uuid(),
    category text not null,
    description text,
    is_active boolean not null default true,
    max_participants integer not null default 6,
    current_participants integer not null default 0,
    epoch integer not null default 1,
    last_seq bigint not null default 0,
    created_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint sessions_pkey primary key (id),
    constraint sessions_category_check check (char_length(category) <= 64 and parley.trim_text(category) is not distinct from category and parley.is_one_line(category)),
    constraint sessions_description_check check (char_length(description) <= 500),
    constraint sessions_max_participants_check check (max_participants between 1 and 100000),
    constraint sessions_current_participants_check check (current_participants >= 0),
    constraint sessions_epoch_check check (epoch > 0),
    constraint sessions_last_seq_check check (last_seq >= 0)
) with (fillfactor = 50);

create index sessions_category_idx on echoroom.sessions (category);
create index sessions_created_by_idx on echoroom.sessions (created_by);
-- All rooms of a mood, and those of them with a free seat, the fullest first: find_room.
create index sessions_mood_idx on echoroom.sessions (lower(category), is_active desc, created_at, id);
create index sessions_mood_free_idx on echoroom.sessions (lower(category), current_participants desc, created_at, id)
    where is_active and current_participants < max_participants;
-- The rooms with the most people: list_sessions.
create index sessions_people_idx on echoroom.sessions (current_participants desc, created_at, id) where is_active;

comment on table echoroom.sessions is 'Chat rooms, one mood each. Written by RPCs and service_role only.';
comment on column echoroom.sessions.created_by is 'Who opened it. A room outlives the person: then it is null. Kept by triggers, see erasing.';
comment on column echoroom.sessions.category is 'The mood. Compared without regard to case.';
comment on column echoroom.sessions.current_participants is 'Seats taken, kept by the kernel. A seat whose lease ran out counts until it is given back.';
comment on column echoroom.sessions.epoch is 'Third part of the Realtime topic. Moves on when somebody is removed, so that cached authorisations die.';
comment on column echoroom.sessions.last_seq is 'Number of the latest change of the room''s stream. Gap-free.';

-- Rooms that people open close by themselves when nobody comes. Beside the room and not in it: neither a reader nor the room's hot row has to do
-- with it. The six below have no row here and stay.
create table echoroom_private.temporary_rooms (
    session_id uuid not null,
    is_anonymous boolean not null,
    empty_since timestamptz,
    constraint temporary_rooms_pkey primary key (session_id),
    constraint temporary_rooms_session_id_fkey foreign key (session_id) references echoroom.sessions (id) on delete cascade
);

comment on table echoroom_private.temporary_rooms is 'Open rooms that people opened. Closed and forgotten after echoroom.empty_room_minutes without anybody.';
comment on column echoroom_private.temporary_rooms.is_anonymous is 'Whether who opened it had signed in anonymously.';
comment on column echoroom_private.temporary_rooms.empty_since is 'Since when a sweep has found nobody there.';

-- Seats -----------------------------------------------------------------------------------------------------------------------

-- last_seen_at must stay out of every index: a heartbeat is then a heap-only update of one row.
create table echoroom.participants (
    user_id uuid not null,
    session_id uuid not null,
    user_name text not null default '',
    avatar text default '/avatars/default-avatar.png',
    mood text default 'calm',
    is_speaking boolean not null default false,
    is_muted boolean not null default false,
    joined_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    constraint participants_pkey primary key (user_id, session_id),
    -- Nobody sits in a room that is gone, and a deleted account gives its seats back.
    constraint participants_session_id_fkey foreign key (session_id) references echoroom.sessions (id) on delete cascade,
    constraint participants_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade,
    constraint participants_user_name_check check (char_length(user_name) <= 40 and parley.is_one_line(user_name)),
    constraint participants_avatar_check check (char_length(avatar) <= 500 and avatar ~ '^(/[^/\\]|https://)' and avatar !~ '[[:space:][:cntrl:]]'),
    constraint participants_mood_check check (char_length(mood) between 1 and 64 and parley.is_one_line(mood))
) with (fillfactor = 70);

create index participants_session_id_joined_at_idx on echoroom.participants (session_id, joined_at);

comment on table echoroom.participants is 'Seats. A seat is a lease: without a heartbeat for 60 seconds it is given back.';
comment on column echoroom.participants.last_seen_at is 'Latest heartbeat. Not indexed on purpose.';

-- Messages --------------------------------------------------------------------------------------------------------------------

-- Nothing that an edit changes is indexed, and the fill factor leaves room on the page: an edit is a heap-only update. What changes more
-- often than the message itself, the number of its latest change, is in echoroom_private.message_changes.
create table echoroom.chat_messages (
    id uuid not null default echoroom_private.new_id(),
    session_id uuid not null,
    user_id uuid,
    sender_name text not null,
    content text not null,
    message_type text not null default 'text',
    reply_to uuid,
    is_edited boolean not null default false,
    edited_at timestamptz,
    deleted_at timestamptz,
    seq bigint not null,
    client_id uuid,
    -- The clock, not the start of the transaction: a sender that waited for the room's lock must not be dated before the one it waited for.
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint chat_messages_pkey primary key (id),
    constraint chat_messages_session_id_seq_key unique (session_id, seq),
    constraint chat_messages_session_id_user_id_client_id_key unique (session_id, user_id, client_id),
    constraint chat_messages_session_id_fkey foreign key (session_id) references echoroom.sessions (id) on delete cascade,
    constraint chat_messages_reply_to_fkey foreign key (reply_to) references echoroom.chat_messages (id) on delete set null,
    constraint chat_messages_message_type_check check (message_type in ('text', 'system', 'ai-prompt', 'mood-check')),
    constraint chat_messages_sender_name_check check (char_length(sender_name) between 1 and 40),
    constraint chat_messages_content_check check (
        case when deleted_at is null then char_length(content) between 1 and 4000 else content = '' end
    ),
    constraint chat_messages_seq_check check (seq > 0)
) with (fillfactor = 90);

-- In the order of a page, seq included: then a page is read from the index as it stands, whatever the planner believes about its length.
create index chat_messages_session_id_created_at_seq_idx on echoroom.chat_messages (session_id, created_at desc, seq desc);
create index chat_messages_user_id_idx on echoroom.chat_messages (user_id);
create index chat_messages_reply_to_idx on echoroom.chat_messages (reply_to) where reply_to is not null;
-- Retries of service_role, which has no user id. Users cannot send these types, so a deleted account (user_id set to null) cannot collide here.
create unique index chat_messages_session_id_client_id_key on echoroom.chat_messages (session_id, client_id)
    where user_id is null and message_type in ('system', 'ai-prompt');

comment on table echoroom.chat_messages is 'Messages. A deleted one stays as a tombstone with empty content.';
-- No foreign key: it would rewrite all of a person's messages in the statement that deletes the account.
comment on column echoroom.chat_messages.user_id is
    'Who said it. It stays part of the conversation when the account goes: under its sender_name, with user_id null. Kept by triggers, see erasing.';
comment on column echoroom.chat_messages.seq is 'Number of the change that made the message. Set by a trigger.';
comment on column echoroom.chat_messages.client_id is 'Chosen by the sender: the same client_id twice is one message.';

-- One narrow row a message that was changed: an edit, a deletion or a reaction moves this row, and leaves the indexes of the message alone.
create table echoroom_private.message_changes (
    message_id uuid not null,
    session_id uuid not null,
    seq bigint not null,
    constraint message_changes_pkey primary key (message_id),
    constraint message_changes_session_id_seq_key unique (session_id, seq),
    constraint message_changes_message_id_fkey foreign key (message_id) references echoroom.chat_messages (id) on delete cascade,
    constraint message_changes_seq_check check (seq > 0)
);

comment on table echoroom_private.message_changes is 'The latest change of each message that was changed since it was sent. Written by triggers.';
comment on column echoroom_private.message_changes.session_id is 'The room of the message, which never moves.';
comment on column echoroom_private.message_changes.seq is 'Number of its latest change: edit, deletion, reaction. RPCs return it as changed_seq; without a row here that is the message''s own seq.';

-- Reactions -------------------------------------------------------------------------------------------------------------------

create table echoroom.message_reactions (
    id uuid not null default echoroom_private.new_id(),
    message_id uuid not null,
    session_id uuid not null,
    user_id uuid not null,
    emoji text not null,
    created_at timestamptz not null default clock_timestamp(),
    constraint message_reactions_pkey primary key (id),
    constraint message_reactions_message_id_user_id_emoji_key unique (message_id, user_id, emoji),
    constraint message_reactions_message_id_fkey foreign key (message_id) references echoroom.chat_messages (id) on delete cascade,
    constraint message_reactions_session_id_fkey foreign key (session_id) references echoroom.sessions (id) on delete cascade,
    constraint message_reactions_emoji_check check (parley.normal_emoji(emoji) is not distinct from emoji)
);

create index message_reactions_session_id_idx on echoroom.message_reactions (session_id);
create index message_reactions_user_id_idx on echoroom.message_reactions (user_id);

comment on table echoroom.message_reactions is 'Emoji reactions, one row a person, message and emoji.';
comment on column echoroom.message_reactions.user_id is
    'A reaction says who feels what: without the who it says nothing, so it goes with the account. Kept by triggers, see erasing.';
comment on column echoroom.message_reactions.emoji is 'One emoji, fully qualified: with U+FE0F where Unicode shows the character as text by default.';
comment on column echoroom.message_reactions.session_id is 'The room of the message. Set by a trigger.';

-- Personas --------------------------------------------------------------------------------------------------------------------

create table echoroom.persona (
    id bigint generated always as identity,
    persona_id text not null,
    mood text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint persona_pkey primary key (id),
    constraint persona_persona_id_check check (char_length(persona_id) between 1 and 200),
    constraint persona_mood_check check (char_length(mood) <= 64 and parley.trim_text(mood) is not distinct from mood and parley.is_one_line(mood))
);

create index persona_persona_id_idx on echoroom.persona (persona_id);
create index persona_created_at_idx on echoroom.persona (created_at desc);
create unique index persona_lower_mood_key on echoroom.persona (lower(mood));

comment on table echoroom.persona is 'Tavus personas of the AI avatars, at most one a mood. Written by service_role only.';

-- Audit log -------------------------------------------------------------------------------------------------------------------

-- No foreign keys: the log outlives what it speaks of, for as long as the retention echoroom.audit_log.
create table echoroom_private.audit_log (
    id bigint generated always as identity,
    session_id uuid not null,
    user_id uuid,
    action text not null,
    message_id uuid,
    old_content text,
    happened_at timestamptz not null default clock_timestamp(),
    constraint audit_log_pkey primary key (id),
    constraint audit_log_action_check check (action in ('joined', 'left', 'expired', 'removed', 'edited', 'deleted')),
    constraint audit_log_old_content_check check (char_length(old_content) <= 4000)
);

create index audit_log_session_id_id_idx on echoroom_private.audit_log (session_id, id);
create index audit_log_happened_at_idx on echoroom_private.audit_log (happened_at);
-- For what a deleted account leaves in it.
create index audit_log_user_id_idx on echoroom_private.audit_log (user_id);
create index audit_log_message_id_idx on echoroom_private.audit_log (message_id) where message_id is not null;

comment on table echoroom_private.audit_log is 'Who came and went, and what a text was before it was edited or deleted. For moderation.';

-- Erasing ---------------------------------------------------------------------------------------------------------------------

create table echoroom_private.erased_people (
    user_id uuid not null,
    requested_at timestamptz not null default clock_timestamp(),
    constraint erased_people_pkey primary key (user_id)
);

comment on table echoroom_private.erased_people is 'Deleted accounts that wrote much: maintenance takes their ids out of what they wrote, and the row when that is done.';

-- Kernel ----------------------------------------------------------------------------------------------------------------------

select parley.maintain_count(
    child => 'echoroom.participants',
    child_key => 'session_id',
    parent => 'echoroom.sessions',
    parent_key => 'id',
    counter => 'current_participants',
    capacity => 'max_participants'
);

create trigger sessions_touch_updated_at
    before update on echoroom.sessions
    for each row execute function parley.touch_updated_at();

create trigger chat_messages_touch_updated_at
    before update on echoroom.chat_messages
    for each row execute function parley.touch_updated_at();

create trigger persona_touch_updated_at
    before update on echoroom.persona
    for each row execute function parley.touch_updated_at();

-- Triggers made since the kernel was chosen follow it only when it is chosen again.
select parley.use_native(parley.implementation() = 'native');

-- Reference rows --------------------------------------------------------------------------------------------------------------

-- The moods that the product offers and the persona of each: a deployment without them has an empty lobby, so they belong here and
-- not in the development seed.
insert into echoroom.sessions (id, category, description, is_active, max_participants)
values
    ('3c0baaf2-45d5-4986-8a56-e205ad9e1c4f', 'Motivated', 'Ready to take on challenges', true, 6),
    ('9dcaa32f-b371-4ebf-9153-8747a16e19b2', 'Hopeful', 'Looking forward with optimism', true, 6),
    ('ad209c8b-dde1-44e7-8642-7da4e1f8cfe3', 'Lonely', 'Seeking connection and understanding', true, 6),
    ('cd90792e-bb54-4a5b-b1b9-59fb27fbc49f', 'Joyful', 'Filled with happiness and gratitude', true, 6),
    ('647161c4-0bfc-4142-9f7a-fc6eefb17325', 'Calm', 'Finding peace in the moment', true, 6),
    ('5b169685-1790-493e-a569-3aeec7b60b33', 'Loving', 'Embracing warmth and compassion', true, 6);

insert into echoroom.persona (persona_id, mood)
values
    ('default_hopeful_persona', 'Hopeful'),
    ('default_lonely_persona', 'Lonely'),
    ('default_motivated_persona', 'Motivated'),
    ('default_calm_persona', 'Calm'),
    ('default_loving_persona', 'Loving'),
    ('default_joyful_persona', 'Joyful');

notify pgrst, 'reload schema';
