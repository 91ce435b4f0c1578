-- Reactions: add_reaction, remove_reaction, and how they are shown.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(24);
\ir echoroom_fixture.psql

select pg_temp.act_as(1);
select echoroom.create_session('Reactions') ->> 'id' as room \gset
select count(echoroom.join_room(:'room', 'Otter')) as joined \gset
select echoroom.send_message(:'room', 'hello') ->> 'id' as message \gset
select pg_temp.act_as(2);
select count(echoroom.join_room(:'room', 'Heron')) as joined \gset

select is(
    echoroom.add_reaction(:'message', ' 👍 ') -> 'reactions', '[{"emoji": "👍", "count": 1, "reacted": true}]',
    'a member reacts to what another one wrote, and gets the message with its reactions'
);
select is((echoroom.add_reaction(:'message', '👍') ->> 'changed_seq')::integer, 2, 'the same reaction twice is one, and one number');
select is((select last_seq from echoroom.sessions where id = :'room'), 2::bigint, 'the room counted one change');
select is(echoroom.add_reaction(:'message', '👩🏽‍❤️‍💋‍👨🏿') -> 'reactions' -> 1 ->> 'count', '1', 'an emoji may be a long sequence');

select pg_temp.act_as(1);
select is(
    echoroom.add_reaction(:'message', '👍') -> 'reactions',
    '[{"emoji": "👍", "count": 2, "reacted": true}, {"emoji": "👩🏽‍❤️‍💋‍👨🏿", "count": 1, "reacted": false}]',
    'reactions are grouped by emoji, counted, oldest first, and marked when mine'
);
select is(
    echoroom.remove_reaction(:'message', '👩🏽‍❤️‍💋‍👨🏿') -> 'reactions' -> 1 ->> 'count', '1',
    'the reaction of somebody else cannot be removed'
);
select is(
    echoroom.remove_reaction(:'message', '👍') -> 'reactions' -> 0, '{"emoji": "👍", "count": 1, "reacted": false}',
    'one''s own can'
);
select is((echoroom.remove_reaction(:'message', '👍') ->> 'changed_seq')::integer, 5, 'removing it again changes nothing');

select pg_temp.refuses(format('select echoroom.add_reaction(%L, '''')', :'message'), 'PT422', 'invalid_emoji', 'no emoji is no reaction');
select pg_temp.refuses(format('select echoroom.add_reaction(%L, null)', :'message'), 'PT422', 'invalid_emoji', 'null is no reaction');
select pg_temp.refuses(format('select echoroom.add_reaction(%L, repeat(''x'', 17))', :'message'), 'PT422', 'invalid_emoji', 'a text is no emoji');
select pg_temp.refuses(format('select echoroom.add_reaction(%L, ''👍👍'')', :'message'), 'PT422', 'invalid_emoji', 'two emoji are no reaction');
select pg_temp.refuses(format('select echoroom.remove_reaction(%L, null)', :'message'), 'PT422', 'invalid_emoji', 'null cannot be removed');
select pg_temp.refuses('select echoroom.add_reaction(gen_random_uuid(), ''👍'')', 'PT404', 'message_not_found', 'an unknown message has no reactions');
select pg_temp.refuses('select echoroom.remove_reaction(null, ''👍'')', 'PT404', 'message_not_found', 'no message has no reactions');

select count(echoroom.add_reaction(:'message', chr(128512 + number))) as added from generate_series(1, 10) as number \gset
select pg_temp.refuses(format('select echoroom.add_reaction(%L, ''👍'')', :'message'), 'PT422', 'too_many_reactions', 'a person puts at most 10 different emojis on a message');
select lives_ok(format('select echoroom.add_reaction(%L, chr(128513))', :'message'), 'one of the ten may be repeated');

select pg_temp.act_as(2);
select echoroom.send_message(:'room', 'gone soon') ->> 'id' as doomed \gset
select count(echoroom.add_reaction(:'doomed', '👍')) as added \gset
select is(echoroom.delete_message(:'doomed') -> 'reactions', '[]', 'a deleted message shows no reactions');
select pg_temp.refuses(format('select echoroom.remove_reaction(%L, ''👍'')', :'doomed'), 'PT404', 'message_not_found', 'and takes no change');

select count(echoroom.leave_room(:'room')) as gone \gset
select pg_temp.refuses(format('select echoroom.remove_reaction(%L, ''👍'')', :'message'), 'PT404', 'message_not_found', 'who has left does not react');
select pg_temp.act_as_service();
select pg_temp.refuses(format('select echoroom.add_reaction(%L, ''👍'')', :'message'), 'PT401', 'not_signed_in', 'service_role is nobody and does not react');

select pg_temp.act_as_owner();
update echoroom.sessions set is_active = false where id = :'room';
select pg_temp.act_as(1);
select pg_temp.refuses(format('select echoroom.add_reaction(%L, ''👋'')', :'message'), 'PT410', 'room_closed', 'nobody reacts in a closed room');

select pg_temp.forget_rates();
select pg_temp.act_as_owner();
update echoroom.sessions set is_active = true where id = :'room';
select pg_temp.act_as(1);
select count(echoroom.remove_reaction(:'message', '👋')) as removed from generate_series(1, 60) \gset
select pg_temp.refuses(format('select echoroom.remove_reaction(%L, ''👋'')', :'message'), 'PT429', 'rate_limited', 'a person changes at most 60 reactions in 10 seconds');

select pg_temp.act_as_owner();
delete from auth.users where id = pg_temp.person(2);
select is_empty(format('select from echoroom.message_reactions where user_id = %L', pg_temp.person(2)), 'the reactions of a deleted account go with it');

select * from finish();
rollback;
