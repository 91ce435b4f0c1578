-- EchoRoom, erasing: rooms and people with much are gone at once and removed in batches; calls lose what was said with their room; age.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(46);
\ir domo_fixture.psql


create function pg_temp.room(name text) returns uuid
    language sql immutable
    as $$ select ('00000000-0000-4000-c000-' || left(md5(name), 12))::uuid $$;

-- Many messages without the work of as many triggers, numbered as they would be.
create function pg_temp.fill(room uuid, person uuid, many integer) returns void
    language plpgsql
    as $$
begin
    set local session_replication_role = replica;
    insert into echoroom.chat_messages (session_id, user_id, sender_name, content, seq)
    select room, person, 'Writer', 'text ' || n, s.last_seq + n
    from generate_series(1, many) n, echoroom.sessions s
    where s.id = room;
    update echoroom.sessions set last_seq = last_seq + many where id = room;
    set local session_replication_role = origin;
end
$$;

insert into echoroom.sessions (id, category, created_by)
select pg_temp.room(name), 'Calm', pg_temp.person(1) from unnest(array['small', 'large', 'third', 'call']) as name;
insert into echoroom.participants (session_id, user_id, user_name)
select pg_temp.room(name), pg_temp.person(n), 'Person ' || n from unnest(array['small', 'large', 'third', 'call']) as name, generate_series(1, 3) n;

-- Rooms -------------------------------------------------------------------------------------------------------------------------

select pg_temp.fill(pg_temp.room('small'), pg_temp.person(2), 1000);
select pg_temp.fill(pg_temp.room('large'), pg_temp.person(2), 1500);
insert into echoroom.message_reactions (message_id, user_id, emoji)
select m.id, pg_temp.person(3), '👍' from echoroom.chat_messages m where m.session_id = pg_temp.room('large') and m.seq <= 50;
delete from realtime.messages where true;

select is(pg_temp.touched(format('delete from echoroom.sessions where id = %L', pg_temp.room('small'))), 1::bigint, 'a room with little in it is deleted at once');
select is((select count(*) from echoroom.chat_messages where session_id = pg_temp.room('small')), 0::bigint, 'with its messages');
select is(pg_temp.touched(format('delete from echoroom.sessions where id = %L', pg_temp.room('large'))), 0::bigint, 'one with much in it is not');
select is((select is_active from echoroom.sessions where id = pg_temp.room('large')), false, 'it is closed');
select is((select count(*) from echoroom.participants where session_id = pg_temp.room('large')), 0::bigint, 'and nobody sits there');
select is((select string_agg(event, ' ') from pg_temp.heard(pg_temp.room('large'))), 'room-changed', 'its people are told so, once');
select ok(
    exists (select from parley.jobs where queue = 'maintenance' and job_key = 'schedule:echoroom_erase_rooms'), 'the removal of the rest is enqueued'
);
select pg_temp.act_as(2);
select is_empty(format('select from echoroom.chat_messages where session_id = %L', pg_temp.room('large')), 'who sat there reads nothing more');
select pg_temp.refuses(format('select echoroom.get_messages(%L)', pg_temp.room('large')), 'PT404', 'room_not_found', 'nor by RPC');
select pg_temp.refuses(format('select echoroom.join_room(%L)', pg_temp.room('large')), 'PT410', 'room_closed', 'and does not come back');
select pg_temp.act_as_owner();
select is(
    pg_temp.touched(format('delete from echoroom.sessions where id = %L', pg_temp.room('large'))), 0::bigint, 'deleting it again changes nothing'
);
select is(echoroom_private.erase_rooms(500), 500::bigint, 'a batch is as much as it says');
select is(
    (select array[count(*), min(seq), max(seq)] from echoroom.chat_messages where session_id = pg_temp.room('large')), array[1050, 1, 1050]::bigint[],
    'reactions go first, then the latest messages'
);
do $$ begin while echoroom_private.erase_rooms(500) > 0 loop end loop; end $$;
select is_empty(
    format('select id from echoroom.sessions where id = %1$L union all select id from echoroom.chat_messages where session_id = %1$L', pg_temp.room('large')),
    'in the end all of it is gone'
);
select is((select count(*) from echoroom_private.erased_rooms), 0::bigint, 'and forgotten');
select is((select count(*) from pg_temp.heard(pg_temp.room('large'))), 1::bigint, 'nobody is told row by row');
select is_empty('select * from parley.counter_drift() where parent = ''echoroom.sessions''::regclass', 'the counters have not drifted');

-- People ------------------------------------------------------------------------------------------------------------------------

select pg_temp.fill(pg_temp.room('third'), pg_temp.person(4), 450);
insert into echoroom.participants (session_id, user_id, user_name) values (pg_temp.room('third'), pg_temp.person(4), 'Person 4');
select pg_temp.act_as(1);
select (echoroom.send_message(pg_temp.room('third'), 'Hello') ->> 'id')::uuid as message \gset
select pg_temp.act_as(4);
select count(echoroom.add_reaction(:'message', '👍')) as reacted \gset
select (echoroom.send_message(pg_temp.room('third'), 'What I took back') ->> 'id')::uuid as taken_back \gset
select count(echoroom.delete_message(:'taken_back')) as deleted \gset
select pg_temp.act_as_owner();
update echoroom.sessions set created_by = pg_temp.person(4) where id = pg_temp.room('third');
delete from realtime.messages where true;
delete from auth.users where id = pg_temp.person(4);
select is((select count(*) from echoroom.participants where user_id = pg_temp.person(4)), 0::bigint, 'an account gives its seats back at once');
select is((select user_id from echoroom_private.erased_people), pg_temp.person(4), 'the rest of one that wrote much is noted');
select is(
    (select count(*) from echoroom.chat_messages where user_id = pg_temp.person(4)), 451::bigint, 'no message is touched by the statement that deletes it'
);
select pg_temp.act_as(1);
select is(
    (
        select array[count(*), count(*) filter (where m ->> 'user_id' = pg_temp.person(4)::text), count(*) filter (where m ->> 'sender_name' = 'Writer')]
        from jsonb_array_elements(echoroom.get_messages(pg_temp.room('third'), 200) || (echoroom.messages_since(pg_temp.room('third'), 0) -> 'messages')) m
    ),
    array[652, 0, 648]::bigint[], 'nor does any RPC say whose they were from then on'
);
select pg_temp.act_as_owner();
do $$ begin while echoroom_private.erase_people(100) > 0 loop end loop; end $$;
select is_empty(
    format(
        $sql$
            select 'message' from echoroom.chat_messages where user_id = %1$L
            union all select 'reaction' from echoroom.message_reactions where user_id = %1$L
            union all select 'room' from echoroom.sessions where created_by = %1$L
            union all select 'log' from echoroom_private.audit_log where user_id = %1$L or old_content = 'What I took back'
            union all select 'note' from echoroom_private.erased_people where user_id = %1$L
        $sql$,
        pg_temp.person(4)
    ),
    'afterwards nothing has its id, and the log has none of its texts'
);
select is(
    (select count(*) from echoroom.chat_messages where session_id = pg_temp.room('third') and user_id is null and sender_name = 'Writer'), 450::bigint,
    'its messages stay under the name that they were sent with'
);
select is(
    (select seq from echoroom_private.message_changes where message_id = :'message'), (select last_seq from echoroom.sessions where id = pg_temp.room('third')),
    'the reaction that went is a change of the stream'
);
select is(
    (select string_agg(distinct event, ' ' order by event) from pg_temp.heard(pg_temp.room('third'))), 'room-changed topic-rotated user-left',
    'the room hears of the seat, and not of each reaction'
);

-- Little goes at once.
select pg_temp.act_as(3);
select (echoroom.send_message(pg_temp.room('third'), 'Little') ->> 'id')::uuid as little \gset
select pg_temp.act_as_owner();
delete from auth.users where id = pg_temp.person(3);
select is((select user_id from echoroom.chat_messages where id = :'little'), null, 'who wrote little is erased with the account');
select is((select count(*) from echoroom_private.erased_people), 0::bigint, 'and nothing is left to do');
select is((select count(*) from echoroom_private.audit_log where user_id = pg_temp.person(3)), 0::bigint, 'nor in the log');
select throws_ok(
    format($$ insert into echoroom.chat_messages (session_id, user_id, sender_name, content) values (%L, %L, 'x', 'x') $$, pg_temp.room('third'), pg_temp.person(3)),
    '23503', null, 'no message of an account that is not there'
);
select throws_ok(
    format($$ insert into echoroom.message_reactions (message_id, user_id, emoji) values (%L, %L, 'x') $$, :'message', pg_temp.person(3)),
    '23503', null, 'no reaction'
);
select throws_ok(
    format($$ insert into echoroom.sessions (category, created_by) values ('Calm', %L) $$, pg_temp.person(3)), '23503', null, 'and no room'
);
select pg_temp.act_as(3);
select pg_temp.refuses(format('select echoroom.send_message(%L, ''x'')', pg_temp.room('third')), 'PT401', 'not_signed_in', 'a token that outlives its account sends nothing');
select pg_temp.act_as_owner();

-- Calls -------------------------------------------------------------------------------------------------------------------------

insert into echoroom.conversations (session_id, persona_id, mood, status, conversation_id, conversation_url, started_by, transcript, perception_analysis, recording, recordings, ended_at)
values
    (pg_temp.room('call'), 'p', 'Calm', 'active', 'c-runs', 'https://x', pg_temp.person(1), '[{"content": "secret"}]', 'seen', '{"a": 1}', '[{"a": 1}]', null),
    (pg_temp.room('call'), 'p', 'Calm', 'ended', 'c-over', 'https://x', pg_temp.person(1), '[{"content": "secret"}]', 'seen', '{"a": 1}', '[{"a": 1}]', now());
insert into echoroom_private.conversation_events (conversation, event_type, event_key, body)
select id, 'application.perception_analysis', conversation_id || '/x', '{"properties": {"analysis": "seen"}}' from echoroom.conversations where session_id = pg_temp.room('call');

-- A removal ends the call that the removed person knows the address of.
select pg_temp.act_as(1);
select is(echoroom.remove_participant(pg_temp.room('call'), pg_temp.person(2)), true, 'somebody is removed');
select pg_temp.act_as_owner();
select isnt((select end_requested_at from echoroom.conversations where conversation_id = 'c-runs'), null, 'the call of the room is to end');
select is(
    (
        select q.message #>> '{payload,reason}'
        from parley.jobs j
        join pgmq.q_parley_tavus q on q.msg_id = j.message_id
        where j.queue = 'tavus' and j.job_key = 'end_conversation:echoroom:' || (select id from echoroom.conversations where conversation_id = 'c-runs')
    ),
    'participant_removed', 'for that reason'
);

delete from echoroom.sessions where id = pg_temp.room('call');
select results_eq(
    $$ select conversation_id, num_nonnulls(session_id, conversation_url, started_by, transcript, perception_analysis, recording, recordings)
       from echoroom.conversations where conversation_id in ('c-runs', 'c-over') order by 1 $$,
    $$ values ('c-over', 0), ('c-runs', 0) $$, 'calls of a room that is gone hold nothing of what was said and seen'
);
select is_empty(
    $$ select from echoroom_private.conversation_events e join echoroom.conversations c on c.id = e.conversation where c.conversation_id in ('c-runs', 'c-over') $$,
    'nor do their events'
);
select is(
    pg_temp.as_worker(format(
        $$ select echoroom_private.tavus_receive(%L, '{"event_type": "application.perception_analysis", "message_type": "application", "conversation_id": "c-runs", "timestamp": "2026-01-01T00:00:00Z", "properties": {"analysis": "seen later"}}') $$,
        (select id from echoroom.conversations where conversation_id = 'c-runs')
    )),
    'new', 'what comes later is taken in'
);
select is(
    (select c.perception_analysis is null and not exists (select from echoroom_private.conversation_events e where e.conversation = c.id)
     from echoroom.conversations c where c.conversation_id = 'c-runs'),
    true, 'and not kept'
);
select echoroom_private.erase_calls();
select is((select string_agg(conversation_id, ' ') from echoroom.conversations where conversation_id in ('c-runs', 'c-over')), 'c-runs', 'a call that is over goes');
select echoroom_private.tavus_ended((select id from echoroom.conversations where conversation_id = 'c-runs'), 'room_deleted');
select echoroom_private.erase_calls();
select is_empty($$ select from echoroom.conversations where conversation_id in ('c-runs', 'c-over') $$, 'and the other when it has ended');
select is(
    (select count(*) from parley.jobs where queue = 'tavus' and job_key in ('erase_call:c-runs', 'erase_call:c-over')), 2::bigint,
    'both are to be erased at the provider'
);

-- Time --------------------------------------------------------------------------------------------------------------------------

update echoroom.chat_messages set created_at = now() - interval '91 days' where session_id = pg_temp.room('third') and seq <= 100;
insert into echoroom_private.audit_log (session_id, action, happened_at) values (pg_temp.room('third'), 'joined', now() - interval '31 days');
-- The second has an end that cannot be: a call that is new here is kept, whatever its events say.
insert into echoroom.conversations (session_id, persona_id, mood, status, ended_at, created_at)
select pg_temp.room('third'), 'p', 'Calm', 'failed', now() - make_interval(days => v.ended), now() - make_interval(days => v.made)
from (values (91, 91), (91, 1), (89, 89)) as v (ended, made);
select echoroom_private.prune_messages(), echoroom_private.prune_audit_log(), echoroom_private.erase_calls();
select is(
    (select array[min(seq), count(*)] from echoroom.chat_messages where session_id = pg_temp.room('third') and sender_name = 'Writer'), array[101, 350]::bigint[],
    'messages above 90 days go'
);
select is_empty('select from echoroom_private.audit_log where happened_at < now() - interval ''30 days''', 'so does the log above 30');
select is((select count(*) from echoroom.conversations where session_id = pg_temp.room('third')), 2::bigint, 'and calls above 90');
set local session_replication_role = replica;
update echoroom.sessions set is_active = false, updated_at = now() - interval '31 days' where id = pg_temp.room('third');
set local session_replication_role = origin;
select echoroom_private.prune_closed_rooms();
select is_empty(format('select from echoroom.sessions where id = %L', pg_temp.room('third')), 'a room that has been closed for 30 days is deleted');

select * from finish();
rollback;
