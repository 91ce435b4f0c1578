-- create_session, find_room, list_sessions, room_state, persona_by_mood.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(44);
\ir echoroom_fixture.psql
select pg_temp.forget_ceilings();

-- create_session
select pg_temp.act_as(1);
select echoroom.create_session('  Nostalgic ', ' Thinking back ', 2) as made \gset
select :'made'::jsonb ->> 'id' as room \gset
select pg_temp.act_as_owner();
update echoroom.sessions set created_at = created_at - interval '1 minute' where id = :'room';
select pg_temp.act_as(1);
select is(
    (:'made'::jsonb) - 'id' - 'created_at' - 'updated_at',
    jsonb_build_object(
        'category', 'Nostalgic', 'description', 'Thinking back', 'is_active', true, 'max_participants', 2,
        'current_participants', 0, 'epoch', 1, 'last_seq', 0, 'created_by', pg_temp.person(1)
    ),
    'create_session returns the new room, its texts trimmed, its creator not seated'
);
select is(echoroom.create_session('Plain') ->> 'max_participants', '6', 'a room has six seats unless told otherwise');
select is(echoroom.create_session('Plain', null, null) ->> 'max_participants', '6', 'null seats are six seats');
select pg_temp.refuses($$select echoroom.create_session('  ')$$, 'PT422', 'invalid_mood', 'a room needs a category');
select pg_temp.refuses($$select echoroom.create_session(null)$$, 'PT422', 'invalid_mood', 'null is no category');
select pg_temp.refuses($$select echoroom.create_session(repeat('x', 65))$$, 'PT422', 'invalid_mood', 'a category has at most 64 characters');
select pg_temp.refuses($$select echoroom.create_session(E'a\nb')$$, 'PT422', 'invalid_mood', 'a category has no control characters');
select pg_temp.refuses($$select echoroom.create_session('x', repeat('x', 501))$$, 'PT422', 'invalid_description', 'a description has at most 500 characters');
select pg_temp.refuses($$select echoroom.create_session('x', null, 0)$$, 'PT422', 'invalid_max_participants', 'a room has a seat');
select pg_temp.refuses($$select echoroom.create_session('x', null, 101)$$, 'PT422', 'invalid_max_participants', 'a room has at most 100 seats');
select throws_ok($$select echoroom.create_session('x', null, 101)$$, 'PT422', 'A room has 1 to 100 seats.', 'the message names the limit');
select pg_temp.forget_rates();
select count(echoroom.create_session('Many')) as opened from generate_series(1, 10) \gset
select pg_temp.refuses($$select echoroom.create_session('Many')$$, 'PT429', 'rate_limited', 'an anonymous person opens at most 10 rooms a minute');
select pg_temp.refuses($$select echoroom.find_room('One more mood')$$, 'PT429', 'rate_limited', 'rooms that find_room opens count too');
select is(echoroom.find_room('Many') ->> 'category', 'Many', 'finding a room that is there is not limited');
select pg_temp.forget_rates();

select pg_temp.act_as_service();
select is(echoroom.create_session('Served') ->> 'created_by', null, 'a room of service_role has no creator');
select pg_temp.act_as_owner();
select set_config('role', 'authenticated', true), set_config('request.jwt.claims', '{"role": "authenticated"}', true);
select pg_temp.refuses($$select echoroom.create_session('x')$$, 'PT401', 'not_signed_in', 'a token without a person cannot open a room');
select pg_temp.refuses($$select echoroom.find_room('Calm')$$, 'PT401', 'not_signed_in', 'nor find one');
select set_config('request.jwt.claims', '{"role": "authenticated", "sub": "00000000-0000-4000-b000-000000000001"}', true);
select pg_temp.refuses($$select echoroom.create_session('x')$$, 'PT401', 'not_signed_in', 'a token of a deleted account cannot open a room');

-- find_room
select pg_temp.act_as(1);
select is(echoroom.find_room('nOSTALGIC') ->> 'id', :'room', 'find_room compares moods without regard to case');
select is(echoroom.find_room(' Nostalgic ') ->> 'id', :'room', 'and without regard to white space around them');
select is(echoroom.find_room('calm') ->> 'id', '647161c4-0bfc-4142-9f7a-fc6eefb17325', 'a mood of the specification has its room');
select pg_temp.refuses('select echoroom.find_room(null)', 'PT422', 'invalid_mood', 'find_room needs a mood');
select pg_temp.refuses($$select echoroom.find_room('')$$, 'PT422', 'invalid_mood', 'an empty mood is none');

select echoroom.create_session('Nostalgic', 'Second', 3) ->> 'id' as second \gset
select count(echoroom.join_room(:'second')) as joined \gset
select pg_temp.act_as(2);
select is(echoroom.find_room('Nostalgic') ->> 'id', :'second', 'the fullest room comes first');
select is((echoroom.find_room('Nostalgic') ->> 'current_participants')::integer, 1, 'and says how many sit in it');
select count(echoroom.join_room(:'second')) as joined \gset
select pg_temp.act_as(3);
select count(echoroom.join_room(:'second')) as joined \gset
select is(echoroom.find_room('Nostalgic') ->> 'id', :'room', 'a full room is not found');
select count(echoroom.join_room(:'room')) as joined \gset
select pg_temp.act_as(4);
select count(echoroom.join_room(:'room')) as joined \gset

select pg_temp.act_as(5);
select echoroom.find_room('NOSTALGIC') as opened \gset
select ok(:'opened'::jsonb ->> 'id' not in (:'room', :'second'), 'when all rooms are full a new one is opened');
select is(
    (:'opened'::jsonb) - 'id' - 'created_at' - 'updated_at' - 'epoch' - 'last_seq' - 'created_by',
    '{"category": "Nostalgic", "description": "Thinking back", "is_active": true, "max_participants": 2, "current_participants": 0}',
    'it is like the first room of its mood'
);
select is(echoroom.find_room('Nostalgic') ->> 'id', :'opened'::jsonb ->> 'id', 'and the next one finds it instead of opening another');

select pg_temp.act_as_owner();
update echoroom.participants set last_seen_at = now() - interval '61 seconds' where session_id = :'room' and user_id = pg_temp.person(4);
select pg_temp.act_as(5);
select is(echoroom.find_room('Nostalgic') ->> 'id', :'room', 'a seat whose lease ran out is free');
select is((echoroom.find_room('Nostalgic') ->> 'current_participants')::integer, 1, 'and is not counted');

select pg_temp.act_as_owner();
update echoroom.sessions set is_active = false where category = 'Nostalgic';
select pg_temp.act_as(5);
select ok(echoroom.find_room('Nostalgic') ->> 'id' not in (:'room', :'second', :'opened'::jsonb ->> 'id'), 'closed rooms are not found');
select is(
    (echoroom.find_room('Never heard of') - 'id' - 'created_at' - 'updated_at'),
    jsonb_build_object(
        'category', 'Never heard of', 'description', null, 'is_active', true, 'max_participants', 6,
        'current_participants', 0, 'epoch', 1, 'last_seq', 0, 'created_by', pg_temp.person(5)
    ),
    'a mood without a room gets one'
);

-- list_sessions
select pg_temp.act_as(1);
select echoroom.create_session('Listed', null, 2) ->> 'id' as listed \gset
select count(echoroom.join_room(:'listed')) as joined \gset
select pg_temp.act_as(2);
select count(echoroom.join_room(:'listed')) as joined \gset
select pg_temp.act_as_visitor();
select results_eq(
    $$select max_participants, current_participants, free_seats from echoroom.list_sessions() where category = 'Listed'$$,
    'values (2, 2, 0)',
    'list_sessions shows seats taken and free, to visitors too'
);
select pg_temp.act_as_owner();
update echoroom.participants set last_seen_at = now() - interval '61 seconds' where session_id = :'listed' and user_id = pg_temp.person(2);
select pg_temp.act_as_visitor();
select results_eq(
    $$select current_participants, free_seats from echoroom.list_sessions() where category = 'Listed'$$,
    'values (1, 1)',
    'an overdue seat is listed as free'
);
select is_empty(format('select from echoroom.list_sessions() where id = %L', :'room'), 'a closed room is not listed');

-- room_state
select pg_temp.act_as(1);
select is(echoroom.room_state(:'listed') -> 'session' ->> 'id', :'listed', 'room_state shows a member the room');
select is(jsonb_array_length(echoroom.room_state(:'listed') -> 'participants'), 1, 'without overdue seats');
select is(echoroom.room_state(:'listed') ->> 'topic', 'echoroom:' || :'listed' || ':1', 'with its topic');
select pg_temp.act_as(9);
select pg_temp.refuses(format('select echoroom.room_state(%L)', :'listed'), 'PT403', 'not_a_member', 'a stranger is shown nothing');
select pg_temp.refuses('select echoroom.room_state(gen_random_uuid())', 'PT404', 'room_not_found', 'an unknown room is not found');

-- persona_by_mood
select pg_temp.act_as_visitor();
select is(echoroom.persona_by_mood(' cALM ') ->> 'persona_id', 'default_calm_persona', 'a persona is found by mood in any case');
select pg_temp.refuses($$select echoroom.persona_by_mood('Unknown')$$, 'PT404', 'persona_not_found', 'an unknown mood has no persona');
select pg_temp.refuses('select echoroom.persona_by_mood(null)', 'PT404', 'persona_not_found', 'no mood has no persona');

select * from finish();
rollback;
