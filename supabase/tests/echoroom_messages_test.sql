-- Messages: send_message, edit_message, delete_message.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(58);
\ir echoroom_fixture.psql

-- Otter (1) and Heron (2) sit in the room; the stranger (3) sits elsewhere.
select pg_temp.act_as(1);
select echoroom.create_session('Messages') ->> 'id' as room \gset
select echoroom.create_session('Elsewhere') ->> 'id' as elsewhere \gset
select count(echoroom.join_room(:'room', 'Otter')) as joined \gset
select pg_temp.act_as(2);
select count(echoroom.join_room(:'room', 'Heron')) as joined \gset
select pg_temp.act_as(3);
select count(echoroom.join_room(:'elsewhere', 'Stranger')) as joined \gset
select echoroom.send_message(:'elsewhere', 'far away') ->> 'id' as foreign_message \gset

-- Sending
select pg_temp.act_as(1);
select echoroom.send_message(:'room', E'  hello\n ', client_id => '00000000-0000-4000-c000-000000000001') as sent \gset
select :'sent'::jsonb ->> 'id' as message \gset
select is(
    :'sent'::jsonb - 'id' - 'created_at' - 'updated_at',
    jsonb_build_object(
        'session_id', :'room', 'user_id', pg_temp.person(1), 'sender_name', 'Otter', 'content', 'hello', 'message_type', 'text',
        'reply_to', null, 'is_edited', false, 'edited_at', null, 'deleted_at', null, 'seq', 1, 'changed_seq', 1,
        'client_id', '00000000-0000-4000-c000-000000000001', 'reactions', '[]'::jsonb
    ),
    'send_message returns the message, trimmed, numbered and under the name of the seat'
);
select is(
    echoroom.send_message(:'room', 'hello again', client_id => '00000000-0000-4000-c000-000000000001') ->> 'id', :'message',
    'the same client_id is the same message'
);
select is((select count(*) from echoroom.chat_messages where session_id = :'room'), 1::bigint, 'and nothing is written twice');
select pg_temp.act_as(2);
select isnt(
    echoroom.send_message(:'room', 'hello', client_id => '00000000-0000-4000-c000-000000000001') ->> 'id', :'message',
    'the client_id of somebody else is not mine'
);
select is(echoroom.send_message(:'room', 'how are you', 'mood-check', :'message') ->> 'reply_to', :'message', 'a message may answer another one');
select is(echoroom.send_message(:'room', 'x', null, null, null) ->> 'message_type', 'text', 'null is the default everywhere');
select is(char_length(echoroom.send_message(:'room', repeat('ü', 4000)) ->> 'content'), 4000, 'a text may have 4000 characters');

-- Refusals
select pg_temp.refuses(format('select echoroom.send_message(%L, repeat(''x'', 4001))', :'room'), 'PT422', 'invalid_content', 'and not 4001');
select throws_ok(
    format('select echoroom.send_message(%L, repeat(''x'', 4001))', :'room'),
    'PT422', 'A message has 1 to 4000 characters; this one has 4001.', 'the message names the limit'
);
select pg_temp.refuses(format('select echoroom.send_message(%L, '''')', :'room'), 'PT422', 'invalid_content', 'an empty text is refused');
select pg_temp.refuses(format('select echoroom.send_message(%L, E'' \t\n\u200b'')', :'room'), 'PT422', 'invalid_content', 'a text of white space is empty');
select pg_temp.refuses(format('select echoroom.send_message(%L, null)', :'room'), 'PT422', 'invalid_content', 'null is empty');
select pg_temp.refuses(format('select echoroom.send_message(%L, ''x'', ''shout'')', :'room'), 'PT422', 'invalid_message_type', 'an unknown type is refused');
select pg_temp.refuses(format('select echoroom.send_message(%L, ''x'', ''system'')', :'room'), 'PT403', 'reserved_message_type', 'a member cannot speak for the system');
select pg_temp.refuses(format('select echoroom.send_message(%L, ''x'', ''ai-prompt'')', :'room'), 'PT403', 'reserved_message_type', 'nor for the AI');
select pg_temp.refuses(format('select echoroom.send_message(%L, ''x'', reply_to => %L)', :'room', :'foreign_message'), 'PT404', 'message_not_found', 'an answer stays in the room of its question');
select pg_temp.refuses(format('select echoroom.send_message(%L, ''x'', reply_to => gen_random_uuid())', :'room'), 'PT404', 'message_not_found', 'in the same words as for a message that is not there');
select pg_temp.refuses('select echoroom.send_message(gen_random_uuid(), ''x'')', 'PT404', 'room_not_found', 'an unknown room hears nothing');
select pg_temp.act_as(3);
select pg_temp.refuses(format('select echoroom.send_message(%L, ''x'')', :'room'), 'PT403', 'not_a_member', 'a stranger cannot speak');
select set_config('request.jwt.claims', '{"role": "authenticated"}', true);
select pg_temp.refuses(format('select echoroom.send_message(%L, ''x'')', :'room'), 'PT401', 'not_signed_in', 'nobody cannot speak');
select pg_temp.refuses(format('select echoroom.send_message(%L, ''x'', ''system'')', :'room'), 'PT401', 'not_signed_in', 'nobody is not the system');
select pg_temp.act_as_owner();
select is((select last_seq from echoroom.sessions where id = :'room'), 5::bigint, 'refused messages take no number');

-- The server
select pg_temp.act_as_service();
select echoroom.send_message(:'room', 'Breathe in', 'ai-prompt', client_id => '00000000-0000-4000-c000-000000000002') as prompt \gset
select is(
    jsonb_build_array(:'prompt'::jsonb -> 'user_id', :'prompt'::jsonb -> 'sender_name', :'prompt'::jsonb -> 'message_type'),
    '[null, "system", "ai-prompt"]',
    'service_role speaks for the AI, as nobody, without a seat'
);
select is(
    echoroom.send_message(:'room', 'Breathe in', 'ai-prompt', client_id => '00000000-0000-4000-c000-000000000002') ->> 'id', :'prompt'::jsonb ->> 'id',
    'its retries are one message too'
);
select is(echoroom.send_message(:'room', 'Welcome', 'system') ->> 'message_type', 'system', 'and for the system');
select pg_temp.refuses(format('select echoroom.send_message(%L, ''x'')', :'room'), 'PT401', 'not_signed_in', 'but not for a person');

-- Editing
select pg_temp.act_as(1);
select echoroom.edit_message(:'message', ' hello, all ') as edited \gset
select is(:'edited'::jsonb ->> 'content', 'hello, all', 'edit_message changes my text');
select is(:'edited'::jsonb ->> 'is_edited', 'true', 'and says so');
select isnt(:'edited'::jsonb ->> 'edited_at', null, 'and when');
select is((:'edited'::jsonb ->> 'changed_seq')::integer, 8, 'an edit takes the next number');
select is((:'edited'::jsonb ->> 'seq')::integer, 1, 'the message keeps its own');
select is((echoroom.edit_message(:'message', 'hello, all') ->> 'changed_seq')::integer, 8, 'the same text again is no change');
select pg_temp.refuses(format('select echoroom.edit_message(%L, '' '')', :'message'), 'PT422', 'invalid_content', 'a text cannot be edited away');
select pg_temp.refuses(format('select echoroom.edit_message(%L, repeat(''x'', 4001))', :'message'), 'PT422', 'invalid_content', 'or beyond the limit');
select pg_temp.act_as(2);
select pg_temp.refuses(format('select echoroom.edit_message(%L, ''mine now'')', :'message'), 'PT403', 'not_your_message', 'a member cannot edit what another one wrote');
select pg_temp.refuses(format('select echoroom.delete_message(%L)', :'message'), 'PT403', 'not_your_message', 'nor delete it');
select pg_temp.refuses(format('select echoroom.edit_message(%L, ''x'')', :'prompt'::jsonb ->> 'id'), 'PT403', 'not_your_message', 'a message of nobody is not everybody''s');

-- A stranger cannot tell a message of this room from one that never was.
create temporary table answers (number integer, answer text);
grant all on answers to public;
create function pg_temp.answer_of(statement text) returns text
    language plpgsql volatile
    as $$
declare
    v_detail text;
    v_hint text;
begin
    execute statement;
    return 'done';
exception when others then
    get stacked diagnostics v_detail = pg_exception_detail, v_hint = pg_exception_hint;
    return concat_ws(' | ', sqlstate, sqlerrm, v_detail, v_hint);
end
$$;
select pg_temp.act_as(3);
select is(
    pg_temp.answer_of(format(statement, :'message')), pg_temp.answer_of(format(statement, gen_random_uuid())),
    'a stranger learns nothing from ' || statement
)
from (values
    ('select echoroom.edit_message(%L, ''x'')'),
    ('select echoroom.delete_message(%L)'),
    ('select echoroom.add_reaction(%L, ''x'')'),
    ('select echoroom.remove_reaction(%L, ''x'')')
) as tried (statement);
select pg_temp.refuses(format('select echoroom.delete_message(%L)', :'message'), 'PT404', 'message_not_found', 'but that there is no such message');

-- Deleting
select pg_temp.act_as(1);
select echoroom.delete_message(:'message') as deleted \gset
select is(
    jsonb_build_array(:'deleted'::jsonb -> 'content', :'deleted'::jsonb -> 'deleted_at' <> 'null', :'deleted'::jsonb -> 'changed_seq', :'deleted'::jsonb -> 'reactions'),
    '["", true, 9, []]',
    'delete_message leaves a tombstone without the text, and takes a number'
);
select is(echoroom.delete_message(:'message'), :'deleted'::jsonb, 'deleting again does nothing');
select is((select content from echoroom.chat_messages where id = :'message'), '', 'the text is gone from the table');
select pg_temp.refuses(format('select echoroom.edit_message(%L, ''back'')', :'message'), 'PT404', 'message_not_found', 'what is deleted cannot be edited');
select pg_temp.refuses(format('select echoroom.add_reaction(%L, ''👍'')', :'message'), 'PT404', 'message_not_found', 'nor reacted to');
select echoroom.send_message(:'room', 'last words') ->> 'id' as last_words \gset
select count(echoroom.leave_room(:'room')) as gone \gset
select pg_temp.refuses(format('select echoroom.edit_message(%L, ''x'')', :'last_words'), 'PT403', 'not_a_member', 'who has left cannot edit what they wrote');
select is(echoroom.delete_message(:'last_words') ->> 'content', '', 'but can take it back');

select pg_temp.act_as_service();
select is(echoroom.delete_message(:'foreign_message') ->> 'content', '', 'service_role deletes any message');

select pg_temp.act_as_owner();
select results_eq(
    format('select action, old_content from echoroom_private.audit_log where message_id = %L order by id', :'message'),
    $$values ('edited', 'hello'), ('deleted', 'hello, all')$$,
    'the log keeps what was edited and deleted'
);

-- Closed rooms
update echoroom.sessions set is_active = false where id = :'room';
select pg_temp.act_as(2);
select pg_temp.refuses(format('select echoroom.send_message(%L, ''x'')', :'room'), 'PT410', 'room_closed', 'a closed room hears nothing');
select id as mine from echoroom.chat_messages where user_id = pg_temp.person(2) order by seq limit 1 \gset
select pg_temp.refuses(format('select echoroom.edit_message(%L, ''x'')', :'mine'), 'PT410', 'room_closed', 'nothing is edited in a closed room');
select is(echoroom.delete_message(:'mine') ->> 'content', '', 'but one''s own words can be taken back');
select pg_temp.act_as_owner();
update echoroom.sessions set is_active = true where id = :'room';

-- Too fast
select pg_temp.forget_rates();
select pg_temp.act_as(2);
select count(echoroom.send_message(:'room', 'again ' || number)) as sent from generate_series(1, 30) as number \gset
select pg_temp.refuses(format('select echoroom.send_message(%L, ''x'')', :'room'), 'PT429', 'rate_limited', 'a person sends at most 30 messages in 10 seconds');
select pg_temp.refuses(
    format('select echoroom.send_message(%L, ''hello'', client_id => ''00000000-0000-4000-c000-000000000001'')', :'room'), 'PT429', 'rate_limited',
    'a retry is a request like any other'
);
select pg_temp.forget_rates();
select is(
    echoroom.send_message(:'room', 'hello', client_id => '00000000-0000-4000-c000-000000000001') ->> 'sender_name', 'Heron',
    'which is answered with the message it made'
);

-- A deleted account
select pg_temp.act_as_owner();
delete from auth.users where id = pg_temp.person(2);
select is(
    (select array_agg(distinct sender_name) from echoroom.chat_messages where session_id = :'room' and user_id is null and message_type = 'text'),
    array['Heron'],
    'the messages of a deleted account stay, under the name they were sent with'
);

select * from finish();
rollback;
