-- Seats: join_room, leave_room, heartbeat, leases, voice status, profile.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(69);
\ir echoroom_fixture.psql

select pg_temp.act_as(1);
select echoroom.create_session('Seats', null, 2) ->> 'id' as room \gset

-- Taking a seat
select echoroom.join_room(:'room', '  Otter ', 'Brave', '/avatars/a.png') as joined \gset
select is(
    ((:'joined'::jsonb) -> 'participants' -> 0) - 'joined_at' - 'last_seen_at',
    jsonb_build_object(
        'user_id', pg_temp.person(1), 'session_id', :'room', 'user_name', 'Otter', 'avatar', '/avatars/a.png',
        'mood', 'Brave', 'is_speaking', false, 'is_muted', false
    ),
    'join_room seats the caller under the name, mood and picture given'
);
select is(:'joined'::jsonb -> 'session' ->> 'id', :'room', 'and returns the room');
select is(:'joined'::jsonb -> 'session' ->> 'current_participants', '1', 'with its seats taken');
select is(:'joined'::jsonb ->> 'topic', 'echoroom:' || :'room' || ':1', 'its topic');
select is(:'joined'::jsonb ->> 'last_seq', '0', 'and the number of its latest change');
select set_eq(format('select jsonb_object_keys(%L::jsonb)', :'joined'), array['session', 'participants', 'topic', 'last_seq'], 'and nothing else');

-- Refreshing it
select pg_temp.act_as_owner();
update echoroom.participants set last_seen_at = now() - interval '30 seconds', is_muted = true where session_id = :'room';
select pg_temp.act_as(1);
select is(jsonb_array_length(echoroom.join_room(:'room') -> 'participants'), 1, 'joining again takes no second seat');
select results_eq(
    format('select user_name, avatar, mood, is_muted, last_seen_at = now() from echoroom.participants where session_id = %L', :'room'),
    $$values ('Otter', '/avatars/a.png', 'Brave', true, true)$$,
    'it renews the lease and keeps name, picture, mood and voice status'
);
select is(echoroom.join_room(:'room', 'Heron', 'Bold') -> 'participants' -> 0 ->> 'user_name', 'Heron', 'a name given on joining again replaces the old one');
select is((select mood from echoroom.participants where session_id = :'room'), 'Bold', 'so does a mood');

-- A generated name
select pg_temp.act_as(2);
select echoroom.join_room(:'room', '   ') as joined \gset
select matches(
    (select user_name from echoroom.participants where session_id = :'room' and user_id = pg_temp.person(2)),
    '^[A-Z][a-z]+ [A-Z][a-z]+$',
    'who gives no name gets a friendly one'
);
select results_eq(
    format('select avatar, mood from echoroom.participants where session_id = %L and user_id = %L', :'room', pg_temp.person(2)),
    $$values ('/avatars/default-avatar.png', 'calm')$$,
    'and the default picture and mood'
);
select pg_temp.act_as(1);
select echoroom.create_session('Names', null, 9) ->> 'id' as names \gset
select pg_temp.act_as(number), echoroom.join_room(:'names') is not null from generate_series(1, 9) as number;
select pg_temp.act_as_owner();
select is((select count(distinct lower(user_name)) from echoroom.participants where session_id = :'names'), 9::bigint, 'generated names differ within a room');

-- Full
select pg_temp.act_as(3);
select pg_temp.refuses(format('select echoroom.join_room(%L)', :'room'), 'PT409', 'room_full', 'full_room_refuses_the_third');
select throws_ok(format('select echoroom.join_room(%L)', :'room'), 'PT409', 'This room is full: 2 of 2 seats are taken.', 'and says how many seats there are');
select pg_temp.act_as(2);
select lives_ok(format('select echoroom.join_room(%L)', :'room'), 'a full room lets in who sits there already');
select pg_temp.act_as_owner();
select is((select current_participants from echoroom.sessions where id = :'room'), 2, 'the counter is exact');
select throws_ok(
    format('insert into echoroom.participants (user_id, session_id) values (%L, %L)', pg_temp.person(3), :'room'),
    'PT409', null, 'the kernel refuses the seat too many even to the owner'
);

-- Refusals
select pg_temp.act_as(3);
select pg_temp.refuses('select echoroom.join_room(gen_random_uuid())', 'PT404', 'room_not_found', 'an unknown room cannot be joined');
select pg_temp.refuses('select echoroom.join_room(null)', 'PT404', 'room_not_found', 'no room cannot be joined');
select pg_temp.refuses(format('select echoroom.join_room(%L, repeat(''x'', 41))', :'names'), 'PT422', 'invalid_user_name', 'a name has at most 40 characters');
select pg_temp.refuses(format('select echoroom.join_room(%L, E''a\u202eb'')', :'names'), 'PT422', 'invalid_user_name', 'a name does not turn the text around');
select pg_temp.refuses(format('select echoroom.join_room(%L, null, repeat(''x'', 65))', :'names'), 'PT422', 'invalid_mood', 'a mood has at most 64 characters');
select pg_temp.refuses(format('select echoroom.join_room(%L, null, null, ''javascript:alert(1)'')', :'names'), 'PT422', 'invalid_avatar', 'a picture is a path or an https address');
select pg_temp.refuses(format('select echoroom.join_room(%L, null, null, ''//elsewhere.example/x.png'')', :'names'), 'PT422', 'invalid_avatar', 'a picture is not of another site by stealth');
select pg_temp.refuses(format('select echoroom.join_room(%L, null, null, ''/'' || repeat(''x'', 500))', :'names'), 'PT422', 'invalid_avatar', 'its address has at most 500 characters');
select set_config('request.jwt.claims', '{"role": "authenticated"}', true);
select pg_temp.refuses(format('select echoroom.join_room(%L)', :'room'), 'PT401', 'not_signed_in', 'a token without a person cannot join');
select set_config('request.jwt.claims', '{"role": "authenticated", "sub": "00000000-0000-4000-b000-000000000001"}', true);
select pg_temp.refuses(format('select echoroom.join_room(%L)', :'room'), 'PT401', 'not_signed_in', 'a token of a deleted account cannot join');
select pg_temp.act_as_service();
select pg_temp.refuses(format('select echoroom.join_room(%L)', :'room'), 'PT401', 'not_signed_in', 'service_role is nobody and takes no seat');
select pg_temp.act_as_owner();
select echoroom.create_session('Shut') ->> 'id' as shut \gset
select pg_temp.act_as(1);
select count(echoroom.join_room(:'shut')) as joined \gset
select pg_temp.act_as_owner();
update echoroom.sessions set is_active = false where id = :'shut';
select pg_temp.act_as(1);
select pg_temp.refuses(format('select echoroom.join_room(%L)', :'shut'), 'PT410', 'room_closed', 'a closed room cannot be joined');
select pg_temp.refuses(format('select echoroom.set_voice_status(%L, true)', :'shut'), 'PT410', 'room_closed', 'nobody speaks in a closed room');
select pg_temp.refuses(format('select echoroom.update_participant(%L, ''New'')', :'shut'), 'PT410', 'room_closed', 'nobody is renamed in a closed room');
select is(echoroom.leave_room(:'shut'), true, 'a closed room can be left');

-- Leases
select pg_temp.act_as_owner();
update echoroom.participants set last_seen_at = now() - interval '60 seconds' where session_id = :'room' and user_id = pg_temp.person(1);
select pg_temp.act_as(3);
select pg_temp.refuses(format('select echoroom.join_room(%L)', :'room'), 'PT409', 'room_full', 'a lease of exactly 60 seconds still holds');
select pg_temp.act_as_owner();
update echoroom.participants set last_seen_at = now() - interval '61 seconds' where session_id = :'room' and user_id = pg_temp.person(1);
select pg_temp.act_as(3);
select lives_ok(format('select echoroom.join_room(%L, ''Third'')', :'room'), 'a seat whose lease ran out is taken over by the next who joins');
select pg_temp.act_as_owner();
select set_eq(
    format('select user_id from echoroom.participants where session_id = %L', :'room'),
    array[pg_temp.person(2), pg_temp.person(3)],
    'the overdue one has lost it'
);
select is((select current_participants from echoroom.sessions where id = :'room'), 2, 'and the counter is still exact');
select pg_temp.act_as(1);
select pg_temp.refuses(format('select echoroom.heartbeat(%L)', :'room'), 'PT403', 'not_a_member', 'a heartbeat does not bring a lost seat back');

select pg_temp.act_as_owner();
update echoroom.participants set last_seen_at = now() - interval '61 seconds' where session_id = :'room' and user_id = pg_temp.person(2);
select pg_temp.act_as(2);
select is(
    (echoroom.heartbeat(:'room') ->> 'expires_at')::timestamptz, now() + interval '60 seconds',
    'a heartbeat in time, or late but before the seat went, keeps it for another 60 seconds'
);
select is(
    echoroom.heartbeat(:'room') - 'expires_at',
    jsonb_build_object('last_seq', 0, 'topic', 'echoroom:' || :'room' || ':1'),
    'and tells the latest number and the topic, so that a quiet client notices what it missed'
);
select pg_temp.refuses('select echoroom.heartbeat(gen_random_uuid())', 'PT404', 'room_not_found', 'there is no heartbeat in an unknown room');
select pg_temp.act_as_owner();
select is((select count(*) from echoroom.participants where session_id = :'room' and last_seen_at = now()), 2::bigint, 'the heartbeat was written');

select is(echoroom_private.release_expired_seats(), 0, 'the sweep leaves living seats alone');
update echoroom.participants set last_seen_at = now() - interval '61 seconds' where session_id in (:'room', :'names') and user_id = pg_temp.person(2);
select pg_temp.act_as_service();
select is(echoroom_private.release_expired_seats(), 2, 'the sweep gives overdue seats back, in every room, and says how many');
select is(echoroom_private.release_expired_seats(), 0, 'and finds nothing the second time');
select pg_temp.act_as_owner();
select results_eq(
    format('select current_participants from echoroom.sessions where id in (%L, %L) order by max_participants', :'room', :'names'),
    array[1, 8],
    'the counters follow'
);
select is_empty('select * from parley.counter_drift() where parent = ''echoroom.sessions''::regclass', 'and have not drifted');
select pg_temp.act_as(1);
select throws_ok('select echoroom_private.release_expired_seats()', '42501', null, 'a client cannot sweep');

-- Leaving
select pg_temp.act_as(3);
select is(echoroom.leave_room(:'room'), true, 'leave_room gives the seat back');
select is(echoroom.leave_room(:'room'), false, 'leaving again does nothing');
select pg_temp.refuses('select echoroom.leave_room(gen_random_uuid())', 'PT404', 'room_not_found', 'an unknown room cannot be left');
select pg_temp.refuses(format('select echoroom.heartbeat(%L)', :'room'), 'PT403', 'not_a_member', 'who has left has no heartbeat there');
select pg_temp.refuses(format('select echoroom.set_voice_status(%L, true)', :'room'), 'PT403', 'not_a_member', 'who has left does not speak there');
select pg_temp.refuses(format('select echoroom.update_participant(%L, ''New'')', :'room'), 'PT403', 'not_a_member', 'who has left has no name there');
select pg_temp.refuses('select echoroom.set_voice_status(gen_random_uuid())', 'PT404', 'room_not_found', 'nobody speaks in an unknown room');
select pg_temp.refuses('select echoroom.update_participant(gen_random_uuid())', 'PT404', 'room_not_found', 'nobody is renamed in an unknown room');

-- Voice status and profile
select count(echoroom.join_room(:'names', 'Third', 'Keen')) as joined \gset
select is(
    echoroom.set_voice_status(:'names', true) - 'joined_at' - 'last_seen_at',
    jsonb_build_object(
        'user_id', pg_temp.person(3), 'session_id', :'names', 'user_name', 'Third', 'mood', 'Keen',
        'avatar', '/avatars/default-avatar.png', 'is_speaking', true, 'is_muted', false
    ),
    'set_voice_status returns the participant'
);
select is(echoroom.set_voice_status(:'names', null, true) ->> 'is_speaking', 'true', 'null leaves a voice status as it is');
select is(echoroom.set_voice_status(:'names') ->> 'is_muted', 'true', 'so does an argument left out');
select is(echoroom.update_participant(:'names', ' Third the Great ') ->> 'user_name', 'Third the Great', 'update_participant changes the name');
select is(echoroom.update_participant(:'names', null, 'https://pictures.example/x.png') ->> 'avatar', 'https://pictures.example/x.png', 'or the picture');
select is(echoroom.update_participant(:'names', null, null, 'Sad') ->> 'mood', 'Sad', 'or the mood');
select is(echoroom.update_participant(:'names', '', '', '') ->> 'user_name', 'Third the Great', 'and an empty text leaves what is there');
select pg_temp.refuses(format('select echoroom.update_participant(%L, repeat(''x'', 41))', :'names'), 'PT422', 'invalid_user_name', 'a new name is checked');
select pg_temp.refuses(format('select echoroom.update_participant(%L, null, ''ftp://x'')', :'names'), 'PT422', 'invalid_avatar', 'a new picture is checked');
select pg_temp.refuses(format('select echoroom.update_participant(%L, null, null, E''a\tb'')', :'names'), 'PT422', 'invalid_mood', 'a new mood is checked');

-- The log
select pg_temp.act_as_owner();
select results_eq(
    format('select user_id, action from echoroom_private.audit_log where session_id = %L and action <> ''joined'' order by id', :'room'),
    format('values (%L::uuid, ''expired''), (%L::uuid, ''expired''), (%L::uuid, ''left'')', pg_temp.person(1), pg_temp.person(2), pg_temp.person(3)),
    'the log says who left and whose lease ran out'
);

-- A deleted account
delete from auth.users where id = pg_temp.person(3);
select is_empty(format('select from echoroom.participants where user_id = %L', pg_temp.person(3)), 'a deleted account gives its seats back');
select is((select current_participants from echoroom.sessions where id = :'names'), 7, 'and is not counted');

select * from finish();
rollback;
