-- What a room hears: events, topics and payloads in realtime.messages; and who may join a channel or speak on it.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(61);
\ir echoroom_fixture.psql

-- The latest thing a room was told, without the id that realtime.send adds to a payload that has none.
create function pg_temp.latest(room uuid) returns jsonb
    language sql volatile
    as $$
    select jsonb_build_object('event', h.event, 'topic', h.topic)
        || case when h.event = 'receiveMessage' then h.payload else h.payload - 'id' end
    from (select row_number() over () as position, heard.* from pg_temp.heard(room) as heard) h
    order by h.position desc
    limit 1
    $$;
create function pg_temp.told(room uuid) returns bigint
    language sql volatile
    as $$ select count(*) from pg_temp.heard(room) $$;

select pg_temp.act_as(1);
select echoroom.create_session('Realtime', null, 3) ->> 'id' as room \gset
select 'echoroom:' || :'room' || ':1' as topic \gset
select is(pg_temp.told(:'room'), 0::bigint, 'an empty room is told nothing');

-- Seats
select count(echoroom.join_room(:'room', 'Otter', 'Brave', '/a.png')) as joined \gset
select is(
    pg_temp.latest(:'room'),
    jsonb_build_object(
        'event', 'user-joined', 'topic', :'topic', 'seq', 0, 'user_id', pg_temp.person(1), 'user_name', 'Otter', 'avatar', '/a.png',
        'mood', 'Brave', 'is_speaking', false, 'is_muted', false
    ),
    'user-joined has the fields of the Socket.IO event, and the room''s present number'
);
select pg_temp.act_as_owner();
select is(
    (select jsonb_build_array(m.extension, m.private) from realtime.messages m where m.topic = :'topic'),
    '["broadcast", true]', 'events are private broadcasts'
);
select pg_temp.act_as(1);
select count(echoroom.join_room(:'room')) as joined \gset
select count(echoroom.heartbeat(:'room')) as beaten \gset
select is(pg_temp.told(:'room'), 1::bigint, 'joining again and heartbeats are not told');
select count(echoroom.set_voice_status(:'room', true)) as said \gset
select is(
    pg_temp.latest(:'room'),
    jsonb_build_object('event', 'voice-status', 'topic', :'topic', 'seq', 0, 'user_id', pg_temp.person(1), 'isSpeaking', true, 'isMuted', false),
    'voice-status has the fields of the Socket.IO event'
);
select count(echoroom.set_voice_status(:'room', true, false)) as said \gset
select is(pg_temp.told(:'room'), 2::bigint, 'a voice status that stays as it is is not told');
select count(echoroom.update_participant(:'room', 'Otter L.')) as renamed \gset
select is(
    pg_temp.latest(:'room') - array['avatar', 'mood', 'is_speaking', 'is_muted'],
    jsonb_build_object('event', 'user-updated', 'topic', :'topic', 'seq', 0, 'user_id', pg_temp.person(1), 'user_name', 'Otter L.'),
    'a new name is told as user-updated'
);
select count(echoroom.update_participant(:'room', 'Otter L.')) as renamed \gset
select is(pg_temp.told(:'room'), 3::bigint, 'the same name again is not');

-- Messages
select echoroom.send_message(:'room', 'hello', client_id => '00000000-0000-4000-c000-000000000001') as message \gset
select :'message'::jsonb ->> 'id' as first \gset
select is(
    pg_temp.latest(:'room') - 'timestamp',
    jsonb_build_object(
        'event', 'receiveMessage', 'topic', :'topic', 'seq', 1, 'id', :'first', 'user_id', pg_temp.person(1), 'sender', 'Otter L.',
        'text', 'hello', 'type', 'text', 'reactions', '[]'::jsonb, 'reply_to', null, 'client_id', '00000000-0000-4000-c000-000000000001'
    ),
    'receiveMessage has the fields of the Socket.IO event, with its number, its answer and its client_id'
);
select matches(pg_temp.latest(:'room') ->> 'timestamp', '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$', 'its timestamp is ISO 8601 in UTC');
select is((pg_temp.latest(:'room') ->> 'timestamp')::timestamptz, (:'message'::jsonb ->> 'created_at')::timestamptz, 'and the time of the message');
select count(echoroom.send_message(:'room', 'hello', client_id => '00000000-0000-4000-c000-000000000001')) as sent \gset
select is(pg_temp.told(:'room'), 4::bigint, 'a retry is not told again');
set local timezone = 'Asia/Tokyo';
select count(echoroom.send_message(:'room', 'from the east')) as sent \gset
select ok(
    abs(extract(epoch from clock_timestamp() - (pg_temp.latest(:'room') ->> 'timestamp')::timestamptz)) < 60
        and pg_temp.latest(:'room') ->> 'timestamp' like '%Z',
    'the time zone of the request does not change the timestamp'
);
select pg_temp.act_as_owner();
select ok(
    (select bool_and(abs(extract(epoch from (clock_timestamp() at time zone 'UTC') - m.inserted_at)) < 600) from realtime.messages m where m.topic = :'topic'),
    'nor the day under which Realtime files the event'
);
reset timezone;
select pg_temp.act_as(1);

select count(echoroom.edit_message(:'first', 'hello, you')) as edited \gset
select is(
    (pg_temp.latest(:'room')) - 'edited_at',
    jsonb_build_object('event', 'message-edited', 'topic', :'topic', 'seq', 3, 'user_id', pg_temp.person(1), 'text', 'hello, you'),
    'message-edited has the new text and its own number'
);
select is(
    (select h.payload ->> 'id' from pg_temp.heard(:'room') h where h.event = 'message-edited'), :'first',
    'and the id of the message'
);
select pg_temp.act_as(2);
select count(echoroom.join_room(:'room', 'Heron')) as joined \gset
select is((pg_temp.latest(:'room') ->> 'seq')::integer, 3, 'user-joined takes no number of its own');
select count(echoroom.add_reaction(:'first', '👍')) as added \gset
select is(
    pg_temp.latest(:'room'),
    jsonb_build_object(
        'event', 'message-reaction', 'topic', :'topic', 'seq', 4, 'messageId', :'first', 'userId', pg_temp.person(2), 'reaction', '👍',
        'added', true, 'reactions', '[{"emoji": "👍", "count": 1}]'::jsonb
    ),
    'message-reaction has the fields of the Socket.IO event and all reactions as they are now'
);
select count(echoroom.add_reaction(:'first', '👍')) as added \gset
select is((pg_temp.latest(:'room') ->> 'seq')::integer, 4, 'the same reaction again is not told');
select count(echoroom.remove_reaction(:'first', '👍')) as removed \gset
select is(
    pg_temp.latest(:'room') - array['topic', 'messageId', 'userId'],
    '{"event": "message-reaction", "seq": 5, "reaction": "👍", "added": false, "reactions": []}',
    'a reaction that goes is told likewise'
);
select pg_temp.act_as(1);
select count(echoroom.delete_message(:'first')) as deleted \gset
select is(
    pg_temp.latest(:'room') - 'deleted_at',
    jsonb_build_object('event', 'message-deleted', 'topic', :'topic', 'seq', 6, 'user_id', pg_temp.person(1)),
    'message-deleted has its own number and no text'
);
select is((select count(*) from pg_temp.heard(:'room') h where h.event = 'message-deleted' and h.payload ->> 'id' = :'first'), 1::bigint, 'and the id of the message');
select count(echoroom.delete_message(:'first')) as deleted \gset
select is((pg_temp.latest(:'room') ->> 'seq')::integer, 6, 'deleting again is not told');

-- Nothing is told of what was refused.
select pg_temp.told(:'room') as told_before \gset
select pg_temp.refuses(format('select echoroom.send_message(%L, '''')', :'room'), 'PT422', 'invalid_content', 'an empty message is refused');
select is(pg_temp.told(:'room'), :told_before::bigint, 'and not told');

-- Leaving, expiry, removal
select count(echoroom.leave_room(:'room')) as gone \gset
select is(
    pg_temp.latest(:'room'), jsonb_build_object('event', 'user-left', 'topic', :'topic', 'seq', 6, 'user_id', pg_temp.person(1)),
    'user-left has the field of the Socket.IO event'
);
select count(echoroom.leave_room(:'room')) as gone \gset
select is(pg_temp.told(:'room'), :told_before + 1::bigint, 'leaving again is not told');
select count(echoroom.join_room(:'room', 'Otter')) as joined \gset
select pg_temp.act_as_owner();
update echoroom.participants set last_seen_at = now() - interval '61 seconds' where session_id = :'room' and user_id = pg_temp.person(1);
select is(echoroom_private.release_expired_seats(), 1, 'the sweep takes a seat back');
select is(
    pg_temp.latest(:'room'), jsonb_build_object('event', 'user-left', 'topic', :'topic', 'seq', 6, 'user_id', pg_temp.person(1)),
    'and the room is told user-left'
);
select is((select epoch from echoroom.sessions where id = :'room'), 1, 'neither leaving nor expiry moves the topic');

select pg_temp.act_as(1);
select count(echoroom.join_room(:'room', 'Otter')) as joined \gset
select pg_temp.act_as_service();
delete from echoroom.participants where session_id = :'room' and user_id = pg_temp.person(1);
select pg_temp.act_as_owner();
select is((select epoch from echoroom.sessions where id = :'room'), 2, 'a removal moves the room to a new topic');
select results_eq(
    format('select h.event, h.topic from (select row_number() over () as position, heard.* from pg_temp.heard(%L) as heard) h order by h.position desc limit 3', :'room'),
    format('values (''topic-rotated'', %1$L), (''room-changed'', %1$L), (''user-left'', %1$L)', :'topic'),
    'user-left, room-changed and topic-rotated go to the topic on which the members still listen'
);
select is(
    (select h.payload - 'id' from pg_temp.heard(:'room') h where h.event = 'topic-rotated'),
    jsonb_build_object('session_id', :'room', 'topic', 'echoroom:' || :'room' || ':2', 'epoch', 2, 'seq', 6),
    'topic-rotated, the last of them, names the next topic'
);
select is(
    (select h.payload ->> 'topic_changed' from pg_temp.heard(:'room') h where h.event = 'room-changed'), 'true',
    'room-changed says that there is a new topic'
);
select pg_temp.act_as(2);
select is(echoroom.room_state(:'room') ->> 'topic', 'echoroom:' || :'room' || ':2', 'members learn it from room_state');
select is(echoroom.heartbeat(:'room') ->> 'topic', 'echoroom:' || :'room' || ':2', 'and from their next heartbeat');
select count(echoroom.set_voice_status(:'room', null, true)) as said \gset
select is(pg_temp.latest(:'room') ->> 'topic', 'echoroom:' || :'room' || ':2', 'events go to the new topic from now on');
select pg_temp.act_as_owner();
select results_eq(
    format('select action from echoroom_private.audit_log where session_id = %L and user_id = %L and message_id is null order by id', :'room', pg_temp.person(1)),
    array['joined', 'left', 'joined', 'expired', 'joined', 'removed'],
    'the log tells a removal from leaving and expiry'
);
update echoroom.sessions set description = 'Now with a description' where id = :'room';
select is(
    pg_temp.latest(:'room'),
    jsonb_build_object(
        'event', 'room-changed', 'topic', 'echoroom:' || :'room' || ':2', 'seq', 6, 'session_id', :'room', 'category', 'Realtime',
        'description', 'Now with a description', 'is_active', true, 'max_participants', 3, 'topic_changed', false
    ),
    'a change of the room is told'
);

-- Channels. Realtime asks by probe: it writes a row of the topic, and looks as the user whether it is visible; or writes as the user.
create function pg_temp.may_listen(probe_topic text, probe_extension text default 'broadcast') returns boolean
    language plpgsql volatile
    as $$
declare
    v_role text := current_setting('role');
    v_probe uuid := gen_random_uuid();
    v_visible boolean;
begin
    perform set_config('role', 'none', true);
    insert into realtime.messages (id, topic, extension) values (v_probe, probe_topic, probe_extension);
    perform set_config('role', v_role, true), set_config('realtime.topic', probe_topic, true);
    select exists (select from realtime.messages m where m.id = v_probe) into v_visible;
    return v_visible;
end
$$;
create function pg_temp.may_speak(probe_topic text, probe_extension text default 'broadcast') returns boolean
    language plpgsql volatile
    as $$
begin
    perform set_config('realtime.topic', probe_topic, true);
    insert into realtime.messages (topic, extension) values (probe_topic, probe_extension);
    return true;
exception when insufficient_privilege then
    return false;
end
$$;

select pg_temp.act_as_owner();
select 'echoroom:' || :'room' || ':2' as current_topic \gset
select pg_temp.act_as(2);
select ok(pg_temp.may_listen(:'current_topic'), 'a member may listen');
select ok(pg_temp.may_listen(:'current_topic', 'presence'), 'a member sees who is present');
select ok(pg_temp.may_speak(:'current_topic'), 'a member may speak: typing-start, typing-stop');
select ok(pg_temp.may_speak(:'current_topic', 'presence'), 'a member may be present');
select ok(not pg_temp.may_listen(:'current_topic', 'postgres_changes'), 'and nothing but broadcast and presence');
select ok(not pg_temp.may_listen(:'topic'), 'nobody listens to a topic of an earlier epoch');
select ok(not pg_temp.may_speak(:'topic'), 'nor speaks there');
select pg_temp.act_as(1);
select ok(not pg_temp.may_listen(:'current_topic'), 'who was removed may not listen');
select ok(not pg_temp.may_speak(:'current_topic'), 'nor speak');
select pg_temp.act_as(3);
select ok(not pg_temp.may_listen(:'current_topic'), 'a stranger may not listen');
select ok(not pg_temp.may_speak(:'current_topic'), 'nor speak');
select pg_temp.act_as_visitor();
select ok(not pg_temp.may_listen(:'current_topic'), 'a visitor may not listen');
select ok(not pg_temp.may_speak(:'current_topic'), 'nor speak');

-- Hostile topics are refused, never an error.
select pg_temp.act_as(2);
select ok(not pg_temp.may_listen(hostile), 'nobody listens to ' || quote_literal(hostile))
from unnest(array[
    'echoroom', 'echoroom:', 'echoroom:x:y', 'echoroom::::', 'echoroom:' || :'room', 'echoroom:' || :'room' || ':02',
    'ECHOROOM:' || :'room' || ':2', 'echoroom:' || :'room' || ':99999999999999999999', repeat(':', 500)
]) as hostile;

select * from finish();
rollback;
