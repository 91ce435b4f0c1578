-- Removal: remove_participant, readmit_participant, what the removed person can still do, and where the room goes on.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(92);
\ir echoroom_fixture.psql

-- A room as one value: who sits, what it was told, its epoch, who was removed. For "nothing changed".
create function pg_temp.state_of(room uuid) returns jsonb
    language sql volatile security definer
    as $$
    select jsonb_build_object(
        'seats', (select jsonb_agg(p.user_id order by p.user_id) from echoroom.participants p where p.session_id = room),
        'counter', s.current_participants,
        'epoch', s.epoch,
        'removed', (select jsonb_agg(r.user_id order by r.user_id) from echoroom.removed_participants r where r.session_id = room),
        'told', (select count(*) from pg_temp.heard(room)),
        'logged', (select count(*) from echoroom_private.audit_log a where a.session_id = room)
    )
    from echoroom.sessions s
    where s.id = room
    $$;
-- The events that a room was told after the first so many, oldest first.
create function pg_temp.events_after(room uuid, seen bigint) returns jsonb
    language sql volatile
    as $$
    select jsonb_agg(jsonb_build_array(h.event, h.topic) order by h.position)
    from (select row_number() over () as position, heard.* from pg_temp.heard(room) as heard) h
    where h.position > seen
    $$;
create function pg_temp.log_of(room uuid, person uuid) returns text[]
    language sql volatile security definer
    as $$
    select array_agg(a.action order by a.id)
    from echoroom_private.audit_log a
    where a.session_id = room and a.user_id = person and a.message_id is null
    $$;

-- A room of 1, who opened it, and 2 and 3; another one that is closed, where 1 and 3 sit.
select pg_temp.act_as(1);
select echoroom.create_session('Removal', null, 4) ->> 'id' as room \gset
select echoroom.create_session('Removal, closed', null, 4) ->> 'id' as closed \gset
select 'echoroom:' || :'room' || ':' as topic \gset
select pg_temp.act_as(number), echoroom.join_room(:'room', 'Person ' || number) is not null from generate_series(1, 3) as number;
select pg_temp.act_as(3), echoroom.join_room(:'closed') is not null;
select pg_temp.act_as_owner();
update echoroom.sessions set is_active = false where id = :'closed';
select pg_temp.state_of(:'room') as untouched \gset

-- Who may not
select format('select echoroom.remove_participant(%L, %L)', :'room', pg_temp.person(2)) as removal \gset
select format('select echoroom.readmit_participant(%L, %L)', :'room', pg_temp.person(2)) as readmission \gset
select pg_temp.act_as(3);
select pg_temp.refuses(:'removal', 'PT403', 'not_the_creator', 'a member may not remove anybody');
select pg_temp.refuses(:'readmission', 'PT403', 'not_the_creator', 'nor readmit anybody');
select pg_temp.refuses(format('select echoroom.remove_participant(%L, %L)', :'room', pg_temp.person(1)), 'PT403', 'not_the_creator', 'nor remove the creator');
select pg_temp.refuses(format('select echoroom.remove_participant(%L, %L)', :'room', pg_temp.person(3)), 'PT403', 'not_the_creator', 'nor themselves: they leave');
select pg_temp.refuses(format('select echoroom.remove_participant(%L, %L)', :'closed', pg_temp.person(3)), 'PT403', 'not_the_creator', 'nor in a closed room');
select pg_temp.act_as(4);
select pg_temp.refuses(:'removal', 'PT403', 'not_the_creator', 'a stranger may not remove anybody');
select pg_temp.refuses(:'readmission', 'PT403', 'not_the_creator', 'nor readmit anybody');
select pg_temp.refuses(format('select echoroom.remove_participant(%L, %L)', :'closed', pg_temp.person(3)), 'PT404', 'room_not_found', 'to a stranger a closed room is not there');
select pg_temp.refuses(format('select echoroom.readmit_participant(%L, %L)', :'closed', pg_temp.person(3)), 'PT404', 'room_not_found', 'for readmitting either');
select pg_temp.act_as_visitor();
select throws_ok(:'removal', '42501', null, 'a visitor may not remove anybody');
select throws_ok(:'readmission', '42501', null, 'nor readmit anybody');
select throws_ok('select from echoroom.removed_participants', '42501', null, 'nor read who was removed');
select set_config('role', 'authenticated', true), set_config('request.jwt.claims', '{"role": "authenticated"}', true);
select pg_temp.refuses(:'removal', 'PT401', 'not_signed_in', 'a token without a person may not remove anybody');
select pg_temp.refuses(:'readmission', 'PT401', 'not_signed_in', 'nor readmit anybody');
select pg_temp.act_as_owner();
select pg_temp.act_as(1);
select pg_temp.refuses(format('select echoroom.remove_participant(%L, %L)', :'room', pg_temp.person(1)), 'PT422', 'cannot_remove_yourself', 'the creator does not remove themselves: they leave');
select pg_temp.refuses(format('select echoroom.remove_participant(gen_random_uuid(), %L)', pg_temp.person(2)), 'PT404', 'room_not_found', 'nobody is removed from an unknown room');
select pg_temp.refuses(format('select echoroom.remove_participant(null, %L)', pg_temp.person(2)), 'PT404', 'room_not_found', 'nor from no room');
select pg_temp.refuses(format('select echoroom.readmit_participant(gen_random_uuid(), %L)', pg_temp.person(2)), 'PT404', 'room_not_found', 'nor readmitted to one');
select pg_temp.refuses(format('select echoroom.remove_participant(%L, %L)', :'room', pg_temp.person(4)), 'PT404', 'participant_not_found', 'who neither sits nor has spoken there is not removed');
select pg_temp.refuses(format('select echoroom.remove_participant(%L, gen_random_uuid())', :'room'), 'PT404', 'participant_not_found', 'nor is somebody unknown');
select pg_temp.refuses(format('select echoroom.remove_participant(%L, null)', :'room'), 'PT404', 'participant_not_found', 'nor nobody');
select is(echoroom.readmit_participant(:'room', pg_temp.person(2)), false, 'there is nothing to lift for who was not removed');
select is(pg_temp.state_of(:'room'), :'untouched'::jsonb, 'and nothing has changed, nor been told');

-- The creator removes a member
select is(echoroom.remove_participant(:'room', pg_temp.person(2)), true, 'the creator removes a member');
select is(
    pg_temp.state_of(:'room') - 'told' - 'logged',
    jsonb_build_object(
        'seats', array[pg_temp.person(1), pg_temp.person(3)], 'counter', 2, 'epoch', 2, 'removed', array[pg_temp.person(2)]
    ),
    'the seat is gone, the counter follows, the epoch moves on by one'
);
select is(
    pg_temp.events_after(:'room', (:'untouched'::jsonb ->> 'told')::bigint),
    jsonb_build_array(
        jsonb_build_array('user-left', :'topic' || 1), jsonb_build_array('room-changed', :'topic' || 1), jsonb_build_array('topic-rotated', :'topic' || 1)
    ),
    'on the old topic the room hears user-left, room-changed and last topic-rotated'
);
select is(
    (select h.payload - 'id' from pg_temp.heard(:'room') h where h.event = 'topic-rotated'),
    jsonb_build_object('session_id', :'room', 'topic', :'topic' || 2, 'epoch', 2, 'seq', 0),
    'topic-rotated names the room, the new topic, its epoch and the present number'
);
select is(pg_temp.log_of(:'room', pg_temp.person(2)), array['joined', 'removed'], 'the log says removed');
select pg_temp.state_of(:'room') as removed \gset
select is(echoroom.remove_participant(:'room', pg_temp.person(2)), false, 'a retry says that there was nothing left to do');
select is(pg_temp.state_of(:'room'), :'removed'::jsonb, 'and does nothing, above all not a second epoch');

-- What the removed person can still do
select pg_temp.act_as(2);
select pg_temp.refuses(format('select echoroom.join_room(%L)', :'room'), 'PT403', 'removed_from_room', 'who was removed does not get in again');
select pg_temp.refuses(format('select echoroom.heartbeat(%L)', :'room'), 'PT403', 'not_a_member', 'a heartbeat brings nothing back');
select pg_temp.refuses(format('select echoroom.room_state(%L)', :'room'), 'PT403', 'not_a_member', 'nor do they learn the topic');
select pg_temp.refuses(format('select echoroom.set_voice_status(%L, true)', :'room'), 'PT403', 'not_a_member', 'they do not speak');
select pg_temp.refuses(format('select echoroom.send_message(%L, ''still here'')', :'room'), 'PT403', 'not_a_member', 'nor write');
select pg_temp.refuses(format('select echoroom.messages_since(%L, 0)', :'room'), 'PT403', 'not_a_member', 'nor read on');
select is_empty('select from echoroom.participants', 'they see no participants');
select is_empty('select echoroom_private.my_topics()', 'no topic is theirs, old or new');
select is_empty('select from echoroom.removed_participants', 'nor do they see who was removed');
select is(echoroom.leave_room(:'room'), false, 'there is no seat to give back');
select isnt(echoroom.find_room('Removal') ->> 'id', :'room', 'find_room leads them elsewhere');
select is(echoroom.find_room('Removal') ->> 'created_by', pg_temp.person(2)::text, 'to a new room if need be, which is theirs');
select pg_temp.refuses(:'readmission', 'PT403', 'not_the_creator', 'they do not readmit themselves');

-- The others go on
select pg_temp.act_as(3);
select is(echoroom.heartbeat(:'room') ->> 'topic', :'topic' || 2, 'the others keep their seats and are told the new topic by their heartbeats');
select set_eq('select echoroom_private.my_topics()', array['echoroom:' || :'closed' || ':1', :'topic' || 2], 'they may join it');
select count(echoroom.set_voice_status(:'room', true)) as said \gset
select count(echoroom.update_participant(:'room', 'Third')) as renamed \gset
select count(echoroom.send_message(:'room', 'quieter now')) as sent \gset
select echoroom.add_reaction((select m.id from echoroom.chat_messages m where m.session_id = :'room'), '🌱') ->> 'id' as message \gset
select is(
    pg_temp.events_after(:'room', (:'removed'::jsonb ->> 'told')::bigint),
    (select jsonb_agg(jsonb_build_array(event, :'topic' || 2)) from unnest(array['voice-status', 'user-updated', 'receiveMessage', 'message-reaction']) as event),
    'all that they say goes to the new topic'
);
select is_empty('select from echoroom.removed_participants', 'a member does not see who was removed');
select is(echoroom.find_room('Removal') ->> 'id', :'room', 'others still find the room');

-- Readmission
select pg_temp.act_as(1);
select results_eq(
    'select session_id, user_id, user_name, removed_at from echoroom.removed_participants',
    format('values (%L::uuid, %L::uuid, ''Person 2'', now())', :'room', pg_temp.person(2)),
    'the creator sees whom they removed, and by which name'
);
select is(echoroom.readmit_participant(:'room', pg_temp.person(2)), true, 'the creator readmits somebody');
select is(echoroom.readmit_participant(:'room', pg_temp.person(2)), false, 'a retry does nothing');
select pg_temp.act_as(2);
select is(echoroom.join_room(:'room', 'Person 2') ->> 'topic', :'topic' || 2, 'who was readmitted joins again, on the present topic');
select is((select epoch from echoroom.sessions where id = :'room'), 2, 'readmission and joining move nothing');

-- Seats that are overdue or given back: Realtime may still let those people listen, so the room moves all the same
select pg_temp.act_as_owner();
update echoroom.participants set last_seen_at = now() - interval '61 seconds' where session_id = :'room' and user_id = pg_temp.person(2);
select pg_temp.state_of(:'room') as overdue \gset
select pg_temp.act_as(1);
select is(echoroom.remove_participant(:'room', pg_temp.person(2)), true, 'somebody whose lease ran out is removed');
select is(
    pg_temp.events_after(:'room', (:'overdue'::jsonb ->> 'told')::bigint),
    jsonb_build_array(
        jsonb_build_array('user-left', :'topic' || 2), jsonb_build_array('room-changed', :'topic' || 2), jsonb_build_array('topic-rotated', :'topic' || 2)
    ),
    'and the room moves'
);
select is((select epoch from echoroom.sessions where id = :'room'), 3, 'by one');
select is(pg_temp.log_of(:'room', pg_temp.person(2)), array['joined', 'removed', 'joined', 'expired', 'removed'], 'the log says both');

select pg_temp.act_as(5);
select count(echoroom.join_room(:'room', 'Loud')) as joined \gset
select count(echoroom.send_message(:'room', 'something foul')) as sent \gset
select echoroom.leave_room(:'room') as gone \gset
select pg_temp.act_as(6);
select count(echoroom.join_room(:'room', 'Silent')) as joined \gset
select echoroom.leave_room(:'room') as gone \gset
select pg_temp.state_of(:'room') as before \gset
select pg_temp.act_as(1);
select is(echoroom.remove_participant(:'room', pg_temp.person(5)), true, 'leaving in time saves nobody who has spoken');
select is(
    pg_temp.events_after(:'room', (:'before'::jsonb ->> 'told')::bigint),
    jsonb_build_array(jsonb_build_array('room-changed', :'topic' || 3), jsonb_build_array('topic-rotated', :'topic' || 3)),
    'the room moves, and nobody is said to leave a second time'
);
select is(pg_temp.log_of(:'room', pg_temp.person(5)), array['joined', 'left', 'removed'], 'the log says so');
select is(
    (select r.user_name from echoroom.removed_participants r where r.session_id = :'room' and r.user_id = pg_temp.person(5)), 'Loud',
    'under the name of their latest message'
);
select pg_temp.refuses(format('select echoroom.remove_participant(%L, %L)', :'room', pg_temp.person(6)), 'PT404', 'participant_not_found', 'who has left without a word is nobody');
select pg_temp.act_as(5);
select pg_temp.refuses(format('select echoroom.join_room(%L)', :'room'), 'PT403', 'removed_from_room', 'and who was removed after leaving stays out');
select is(
    (select jsonb_build_array(e.answer ->> 'content', e.answer ->> 'deleted_at' is null)
     from (select echoroom.delete_message((select m.id from pg_temp.heard(:'room') h, lateral (select (h.payload ->> 'id')::uuid as id) m where h.payload ->> 'text' = 'something foul')) as answer) e),
    '["", false]', 'but may still take back what they wrote'
);
select is(
    (select h.topic from (select row_number() over () as position, heard.* from pg_temp.heard(:'room') as heard) h order by h.position desc limit 1),
    :'topic' || 4, 'which the others hear on the new topic'
);

-- The creator, and service_role
select pg_temp.act_as(1);
select echoroom.leave_room(:'room') as gone \gset
select is(echoroom.remove_participant(:'room', pg_temp.person(3)), true, 'a creator without a seat removes somebody all the same');
select is(echoroom.remove_participant(:'closed', pg_temp.person(3)), true, 'also from a closed room');
select is(echoroom.readmit_participant(:'closed', pg_temp.person(3)), true, 'and readmits them');
select count(echoroom.join_room(:'room')) as joined \gset
select pg_temp.act_as_service();
select is(echoroom.remove_participant(:'room', pg_temp.person(1)), true, 'service_role removes anybody, the creator too');
select is((select count(*) from echoroom.removed_participants where session_id = :'room'), 4::bigint, 'and sees who was removed');
select pg_temp.refuses(format('select echoroom.remove_participant(gen_random_uuid(), %L)', pg_temp.person(2)), 'PT404', 'room_not_found', 'but not from an unknown room');
select throws_ok(
    format('insert into echoroom.removed_participants (session_id, user_id, user_name) values (%L, %L, ''x'')', :'room', pg_temp.person(7)),
    '42501', null, 'not even service_role writes the table: such a row would not bite'
);
select pg_temp.act_as(1);
select pg_temp.refuses(format('select echoroom.readmit_participant(%L, %L)', :'room', pg_temp.person(1)), 'PT403', 'removed_from_room', 'a creator who was removed does not readmit themselves');
select pg_temp.refuses(format('select echoroom.remove_participant(%L, %L)', :'room', pg_temp.person(3)), 'PT403', 'removed_from_room', 'nor removes others');
select pg_temp.refuses(format('select echoroom.join_room(%L)', :'room'), 'PT403', 'removed_from_room', 'nor joins');
select pg_temp.act_as_service();
select is(echoroom.readmit_participant(:'room', pg_temp.person(1)), true, 'service_role readmits them');
select pg_temp.act_as(7);
select count(echoroom.join_room('647161c4-0bfc-4142-9f7a-fc6eefb17325')) as joined \gset
select pg_temp.refuses(
    format('select echoroom.remove_participant(''647161c4-0bfc-4142-9f7a-fc6eefb17325'', %L)', pg_temp.person(7)), 'PT403', 'not_the_creator',
    'a room without a creator is nobody''s'
);
select pg_temp.act_as_service();
select is(echoroom.remove_participant('647161c4-0bfc-4142-9f7a-fc6eefb17325', pg_temp.person(7)), true, 'but service_role''s');

-- A seat that was put there over the bar goes again
select pg_temp.act_as_service();
insert into echoroom.participants (session_id, user_id, user_name) values (:'room', pg_temp.person(2), 'Back door');
select pg_temp.act_as(2);
select pg_temp.refuses(format('select echoroom.join_room(%L)', :'room'), 'PT403', 'removed_from_room', 'a seat from elsewhere does not lift a removal');
select pg_temp.act_as(1);
select is(echoroom.remove_participant(:'room', pg_temp.person(2)), true, 'and is taken away like any other');
select is_empty(format('select from echoroom.participants where session_id = %L and user_id = %L', :'room', pg_temp.person(2)), 'it is gone');

-- Whatever moves the epoch, the room is told; and an epoch never comes back
select pg_temp.act_as_owner();
select epoch as present, pg_temp.state_of(:'room') as before from echoroom.sessions where id = :'room' \gset
update echoroom.sessions set epoch = 1 where id = :'room';
select is(pg_temp.state_of(:'room'), :'before'::jsonb, 'no write brings an old topic back');
update echoroom.sessions set epoch = :present + 5 where id = :'room';
select is(
    (select h.payload - 'id' - 'seq' from pg_temp.heard(:'room') h where h.topic = :'topic' || :present and h.event = 'topic-rotated'),
    jsonb_build_object('session_id', :'room', 'topic', :'topic' || (:present + 5), 'epoch', :present + 5),
    'a direct write of the epoch is told'
);
select pg_temp.act_as(8);
select count(echoroom.join_room(:'room')) as joined \gset
select pg_temp.act_as_service();
delete from echoroom.participants where session_id = :'room' and user_id = pg_temp.person(8);
select pg_temp.act_as_owner();
select ok(
    exists (select from pg_temp.heard(:'room') h where h.topic = :'topic' || (:present + 5) and h.event = 'topic-rotated' and (h.payload ->> 'epoch')::integer = :present + 6),
    'so is a direct deletion of a seat'
);
select pg_temp.act_as(8);
select lives_ok(format('select echoroom.join_room(%L)', :'room'), 'which is no bar: the person may come back');
select pg_temp.act_as_owner();
delete from auth.users where id = pg_temp.person(8);
select ok(
    exists (select from pg_temp.heard(:'room') h where h.topic = :'topic' || (:present + 6) and h.event = 'topic-rotated'),
    'so is the end of an account that sat there'
);

-- Nothing is left over
delete from auth.users where id = pg_temp.person(5);
select is_empty(format('select from echoroom.removed_participants where user_id = %L', pg_temp.person(5)), 'a removal goes with the account');
select is_empty('select * from parley.counter_drift() where parent = ''echoroom.sessions''::regclass', 'the counters have not drifted');
select pg_temp.forget_rates();
select pg_temp.act_as(1);
select count(echoroom.readmit_participant(:'room', pg_temp.person(9))) as readmitted from generate_series(1, 30) \gset
select pg_temp.refuses(:'readmission', 'PT429', 'rate_limited', 'a person removes and readmits at most 30 times in 10 seconds');
select pg_temp.refuses(:'removal', 'PT429', 'rate_limited', 'the two together');
select pg_temp.act_as_owner();
delete from auth.users where id = pg_temp.person(1);
select is((select created_by from echoroom.sessions where id = :'room'), null, 'a room whose creator deleted their account has none');
delete from echoroom.sessions where id = :'room';
select is_empty(format('select from echoroom.removed_participants where session_id = %L', :'room'), 'removals go with the room');

select * from finish();
rollback;
