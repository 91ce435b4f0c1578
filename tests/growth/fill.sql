-- Rows for measuring growth: one busy room, a crowded mood, one demo with many calls, and around them what a product in use has. Read by
-- tests/js/plans.test.mjs and `bin/bench growth`, as a superuser, in one session, with triggers off: what they would keep is written here.
--
-- Settings say which rows: growth.<what>_from and growth.<what>_to (people, demos, messages, rooms, calls, jobs), so that a set can be made
-- larger; messages in tens. Ids are growth.id(what, number). Person 1 sits in the busy room (room 1, mood Busy), and owns demo 1.

create schema if not exists growth;

create or replace function growth.id(what text, number bigint) returns uuid
    language sql immutable strict parallel safe
    as $$ select md5(what || number)::uuid $$;

create or replace function growth.numbers(what text) returns setof bigint
    language sql stable
    as $$
    select generate_series(current_setting('growth.' || what || '_from')::bigint, current_setting('growth.' || what || '_to')::bigint)
$$;

create or replace function growth.people() returns bigint
    language sql stable
    as $$ select current_setting('growth.people_to')::bigint $$;

set session_replication_role = replica;

-- People and their demos --------------------------------------------------------------------------------------------------------

insert into auth.users (id, aud, role, is_anonymous, created_at)
select growth.id('person', i), 'authenticated', 'authenticated', i % 2 = 0, now() - interval '1 day'
from growth.numbers('people') i;

insert into domo.demos (id, name, user_id, status, tavus_persona_id)
select growth.id('demo', i), 'Demo ' || i, growth.id('person', case when i <= 20 then 1 else 1 + i % growth.people() end), 'draft', 'p-growth'
from growth.numbers('demos') i;

insert into domo.demo_stats (demo_id, user_id, video_count, knowledge_chunk_count, embedded_chunk_count, last_seq)
select d.id, d.user_id, 1, 1, 1, 1
from growth.numbers('demos') i
join domo.demos d on d.id = growth.id('demo', i);

insert into domo.demo_videos (id, demo_id, title, storage_url, order_index, processing_status)
select growth.id('video', i), growth.id('demo', i), 'Video', growth.id('demo', i) || '/video.mp4', 0, 'completed'
from growth.numbers('demos') i;

insert into domo.demo_documents (id, demo_id, title, storage_url, processing_status)
select growth.id('document', i), growth.id('demo', i), 'Document', growth.id('demo', i) || '/document.pdf', 'completed'
from growth.numbers('demos') i;

insert into domo_private.heard_videos (video_id, found)
select growth.id('video', i), '{}'
from growth.numbers('demos') i;

-- A room with many messages: after ten of them the tenth gets a reaction, which takes the next number -------------------------------

insert into echoroom.sessions (id, category, max_participants, current_participants, created_by)
values (growth.id('room', 1), 'Busy', 100, 20, growth.id('person', 1))
on conflict do nothing;

insert into echoroom.participants (user_id, session_id, user_name, last_seen_at)
select growth.id('person', i), growth.id('room', 1), 'Person ' || i, now() + interval '1 day'
from generate_series(1, 20) i
on conflict do nothing;

insert into echoroom.chat_messages (id, session_id, user_id, sender_name, content, reply_to, seq, client_id, created_at)
select
    growth.id('message', i), growth.id('room', 1), growth.id('person', 1 + i % 20), 'Person ' || (1 + i % 20),
    'Message ' || i || ' of a room in which much is said, most of it in a sentence or two.',
    case when i % 50 = 2 then growth.id('message', i - 1) end, i + (i - 1) / 10, growth.id('client', i), now() - interval '1 year' + i * interval '20 seconds'
from growth.numbers('messages') i;

insert into echoroom_private.message_changes (message_id, session_id, seq)
select growth.id('message', i), growth.id('room', 1), i / 10 * 11
from growth.numbers('messages') i
where i % 10 = 0;

insert into echoroom.message_reactions (id, message_id, session_id, user_id, emoji)
select growth.id('reaction', i), growth.id('message', i), growth.id('room', 1), growth.id('person', 1 + i / 10 % 20), '👍'
from growth.numbers('messages') i
where i % 10 = 0;

update echoroom.sessions s
set last_seq = current_setting('growth.messages_to')::bigint / 10 * 11
where s.id = growth.id('room', 1);

insert into echoroom_private.audit_log (session_id, user_id, action, message_id, old_content, happened_at)
select growth.id('room', 1), growth.id('person', 1 + i % 20), 'edited', growth.id('message', i), 'Old text', now() - interval '1 year' + i * interval '20 seconds'
from growth.numbers('messages') i
where i % 5 = 0;

-- A mood with many rooms ----------------------------------------------------------------------------------------------------------

insert into echoroom.sessions (id, category, max_participants, current_participants, created_by, created_at)
select growth.id('room', i), 'Crowded', 6, i % 4, growth.id('person', 1 + i % growth.people()), now() - interval '1 year' + i * interval '1 second'
from growth.numbers('rooms') i
where i > 1;

insert into echoroom_private.temporary_rooms (session_id, is_anonymous, empty_since)
select growth.id('room', i), true, case when i % 4 = 0 then now() end
from growth.numbers('rooms') i
where i > 1;

insert into echoroom.participants (user_id, session_id, user_name, last_seen_at)
select growth.id('person', 100 + (i * 3 + seat) % (growth.people() - 100)), growth.id('room', i), 'Person', now() + interval '1 day'
from growth.numbers('rooms') i
cross join lateral generate_series(1, i % 4) seat
where i > 1
on conflict do nothing;

insert into echoroom.removed_participants (session_id, user_id, user_name)
select growth.id('room', i), growth.id('person', 1 + i % growth.people()), 'Person'
from growth.numbers('rooms') i
where i > 1;

-- A room and a demo with many calls, one a minute ------------------------------------------------------------------------------------

insert into echoroom.conversations (id, session_id, persona_id, mood, status, conversation_id, conversation_url, started_by, ended_at, transcript, created_at)
select
    growth.id('avatar', i), growth.id('room', 1), 'p-growth', 'Busy', 'ended', 'avatar-' || i, 'https://tavus.example/avatar-' || i, growth.id('person', 1),
    now() - i * interval '1 minute', case when i % 50 > 0 then '[]'::jsonb end, now() - i * interval '1 minute'
from growth.numbers('calls') i;

insert into echoroom_private.conversation_events (conversation, event_type, event_key, body, received_at)
select growth.id('avatar', i), 'system.shutdown', 'event-' || i || '-' || k, '{"event_type": "system.shutdown"}', now() - i * interval '1 minute'
from growth.numbers('calls') i
cross join generate_series(1, 1) k;

insert into echoroom_private.conversation_looks (conversation)
select growth.id('avatar', i)
from growth.numbers('calls') i;

insert into domo.conversations (
    id, demo_id, persona_id, status, conversation_id, conversation_url, started_by, client_id, ended_at, shutdown_reason, transcript_ready_at, created_at
)
select
    growth.id('call', i), growth.id('demo', 1), 'p-growth', 'ended', 'call-' || i, 'https://tavus.example/call-' || i, growth.id('person', 1), growth.id('client', i),
    now() - i * interval '1 minute', 'participant_left', case when i % 50 > 0 then now() - i * interval '1 minute' end, now() - i * interval '1 minute'
from growth.numbers('calls') i;

insert into domo_private.conversation_looks (conversation)
select growth.id('call', i)
from growth.numbers('calls') i;

insert into domo.processed_webhook_events (id, conversation_id, event_type, event_data, processed_at, event_hash, demo_id, conversation)
select
    growth.id('event' || k, i), 'call-' || i, 'system.shutdown', '{"event_type": "system.shutdown"}', now() - i * interval '1 minute',
    md5('event' || k || i) || md5(i || 'event' || k), growth.id('demo', 1), growth.id('call', i)
from growth.numbers('calls') i
cross join generate_series(1, 1) k;

insert into domo.conversation_messages (id, conversation_id, role, content, content_length, demo_id, conversation, position)
select
    growth.id('said' || k, i), 'call-' || i, case k % 2 when 0 then 'assistant' else 'user' end, 'Something that was said.', 24,
    growth.id('demo', 1), growth.id('call', i), k
from growth.numbers('calls') i
cross join generate_series(1, 1) k;

insert into domo.audit_logs (id, action, table_name, record_id, owner_id, demo_id, created_at)
select growth.id('audit', i), 'update', 'conversations', growth.id('call', i), growth.id('person', 1), growth.id('demo', 1), now() - i * interval '1 minute'
from growth.numbers('calls') i;

insert into domo.demo_stream (demo_id, seq, event, payload, created_at)
select growth.id('demo', 1), 10000000 - i, 'conversation-changed', '{"status": "ended"}', now() - i * interval '1 minute'
from growth.numbers('calls') i;

update domo.demo_stats s
set last_seq = 10000000, conversation_count = current_setting('growth.calls_to')::bigint
where s.demo_id = growth.id('demo', 1);

insert into parley.processed_events (source, event_key, digest, first_seen_at)
select 'tavus', 'event-' || i, md5(i::text) || md5(i::text), now() - i * interval '1 minute'
from growth.numbers('calls') i;

-- Queues and buckets ------------------------------------------------------------------------------------------------------------------

select count(parley.enqueue_job('knowledge', 'transcribe_video', jsonb_build_object('video', growth.id('video', i)), 'growth:' || i, owner => growth.id('person', 1 + i % 5000)))
from growth.numbers('jobs') i;

insert into parley.job_turns (queue, owner_hash, last_place)
select 'knowledge', hashtextextended(growth.id('person', i)::text, 0), i
from growth.numbers('jobs') i
on conflict do nothing;

insert into parley.dead_letters (queue, kind, payload, job_key, attempts, last_error, enqueued_at)
select 'tavus', 'reconcile', '{}', 'dead:' || i, 5, 'It failed.', now()
from growth.numbers('jobs') i;

insert into parley.rate_limits (bucket, tat)
select 'growth:' || i, now() - interval '1 hour'
from growth.numbers('jobs') i;

set session_replication_role = origin;
