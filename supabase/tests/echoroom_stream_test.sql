-- The stream of a room: its numbers, its history, and catch-up. Also under direct writes of service_role and the deletion of accounts.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(54);
\ir echoroom_fixture.psql

select pg_temp.act_as(1);
select echoroom.create_session('Stream') ->> 'id' as room \gset
select count(echoroom.join_room(:'room', 'Otter')) as joined \gset
select pg_temp.act_as(2);
select count(echoroom.join_room(:'room', 'Heron')) as joined \gset

-- 1 to 3: messages; 4: reaction; 5: edit; 6: deletion; 7: message; 8: reaction removed
select pg_temp.act_as(1);
select echoroom.send_message(:'room', 'first') ->> 'id' as first \gset
select echoroom.send_message(:'room', 'second') ->> 'id' as second \gset
select echoroom.send_message(:'room', 'third') ->> 'id' as third \gset
select pg_temp.act_as(2);
select is((echoroom.add_reaction(:'first', '👍') ->> 'changed_seq')::integer, 4, 'a reaction takes the next number');
select pg_temp.act_as(1);
select is((echoroom.edit_message(:'second', 'second, edited') ->> 'changed_seq')::integer, 5, 'so does an edit');
select is((echoroom.delete_message(:'third') ->> 'changed_seq')::integer, 6, 'so does a deletion');
select is((echoroom.send_message(:'room', 'fourth') ->> 'seq')::integer, 7, 'so does a message');
select pg_temp.act_as(2);
select is((echoroom.remove_reaction(:'first', '👍') ->> 'changed_seq')::integer, 8, 'so does a reaction that goes');
select pg_temp.act_as_owner();
select results_eq(
    format('select (payload ->> ''seq'')::integer from pg_temp.heard(%L) where event ~ ''essage''', :'room'),
    array[1, 2, 3, 4, 5, 6, 7, 8],
    'the room was told every number once, in order, without a gap'
);
select is((select last_seq from echoroom.sessions where id = :'room'), 8::bigint, 'last_seq is the latest of them');
select results_eq(
    format('select seq from echoroom.chat_messages where session_id = %L order by created_at', :'room'),
    array[1, 2, 3, 7]::bigint[],
    'messages are dated in the order of their numbers'
);

-- Catch-up
select pg_temp.act_as(2);
select echoroom.messages_since(:'room', 0) as everything \gset
select is(:'everything'::jsonb -> 'last_seq', '8', 'messages_since tells the room''s latest number');
select is(:'everything'::jsonb -> 'has_more', 'false', 'and whether there is more');
select results_eq(
    format($$select m ->> 'content', (m ->> 'changed_seq')::integer from jsonb_array_elements(%L::jsonb -> 'messages') as m$$, :'everything'),
    $$values ('second, edited', 5), ('', 6), ('fourth', 7), ('first', 8)$$,
    'with the present state of every message, in the order of its latest change, tombstones included'
);
select results_eq(
    format($$select m ->> 'content' from jsonb_array_elements(echoroom.messages_since(%L, 6) -> 'messages') as m$$, :'room'),
    array['fourth', 'first'],
    'after a number come only later changes'
);
select is(echoroom.messages_since(:'room', 8), '{"messages": [], "last_seq": 8, "has_more": false}', 'who is up to date gets nothing');
select is(echoroom.messages_since(:'room', 99), '{"messages": [], "last_seq": 8, "has_more": false}', 'who is ahead learns where the room is');
select is(echoroom.messages_since(:'room', null), :'everything'::jsonb, 'null is from the beginning');
select is(echoroom.messages_since(:'room', -5), :'everything'::jsonb, 'so is a number below zero');
select is(
    (echoroom.messages_since(:'room', 0) -> 'messages' -> 3) - '{reactions,changed_seq}'::text[],
    (select to_jsonb(m) from echoroom.chat_messages m where m.id = :'first'),
    'a message has the columns of its row'
);
select m.ctid as place, m.xmin as writer from echoroom.chat_messages m where m.id = :'first' \gset
select count(echoroom.add_reaction(:'first', '🎉')) as added \gset
select is(
    (select format('%s by %s', m.ctid, m.xmin) from echoroom.chat_messages m where m.id = :'first'), format('%s by %s', :'place', :'writer'),
    'a reaction writes no new version of its message'
);
select is(
    echoroom.messages_since(:'room', 8) -> 'messages' -> 0 -> 'reactions', '[{"emoji": "🎉", "count": 1, "reacted": true}]',
    'and its reactions'
);
select pg_temp.refuses('select echoroom.messages_since(gen_random_uuid(), 0)', 'PT404', 'room_not_found', 'an unknown room has no stream');
select pg_temp.act_as(3);
select pg_temp.refuses(format('select echoroom.messages_since(%L, 0)', :'room'), 'PT403', 'not_a_member', 'a stranger cannot catch up');

-- History
select pg_temp.act_as(2);
select results_eq(
    format($$select m ->> 'content' from jsonb_array_elements(echoroom.get_messages(%L)) as m$$, :'room'),
    array['fourth', '', 'second, edited', 'first'],
    'get_messages is newest first, tombstones included'
);
select is(echoroom.get_messages(:'room') -> 3 -> 'reactions', '[{"emoji": "🎉", "count": 1, "reacted": true}]', 'each with its reactions');
select is(echoroom.get_messages(:'room') -> 0 -> 'reactions', '[]', 'also where there are none');
select results_eq(
    format($$select m ->> 'content' from jsonb_array_elements(echoroom.get_messages(%L, 2, 1)) as m$$, :'room'),
    array['', 'second, edited'],
    'by pages'
);
select results_eq(
    format(
        $$select m ->> 'content' from jsonb_array_elements(echoroom.get_messages(%L, before_timestamp => %L)) as m$$,
        :'room', (select created_at from echoroom.chat_messages where id = :'third')
    ),
    array['second, edited', 'first'],
    'or before a moment'
);
select is(echoroom.get_messages(:'room', null, null, null), echoroom.get_messages(:'room'), 'null is the default everywhere');
select results_eq(
    format(
        $$select m ->> 'content' from jsonb_array_elements(echoroom.get_messages(%L, 1, before_seq => %s)) as m$$,
        :'room', (select seq from echoroom.chat_messages where id = :'third')
    ),
    array['second, edited'],
    'or before a number, which no two messages share'
);
select pg_temp.refuses(
    format('select echoroom.get_messages(%L, 50, 10001)', :'room'), 'PT422', 'invalid_page_offset', 'an offset has a limit'
);
select is(echoroom.get_messages(:'room', 50, 10000), '[]', 'up to which it is taken');
select is(jsonb_array_length(echoroom.get_messages(:'room', 0, -1)), 1, 'a page has at least one message');
select is(echoroom.get_messages(:'room', 50, 100), '[]', 'behind the last page is an empty one');
select pg_temp.refuses('select echoroom.get_messages(gen_random_uuid())', 'PT404', 'room_not_found', 'an unknown room has no history');
select pg_temp.act_as(3);
select pg_temp.refuses(format('select echoroom.get_messages(%L)', :'room'), 'PT403', 'not_a_member', 'a stranger cannot read the history');
select pg_temp.act_as_service();
select is(jsonb_array_length(echoroom.get_messages(:'room')), 4, 'service_role can');

-- Direct writes of service_role keep the rules of the stream.
insert into echoroom.chat_messages (session_id, sender_name, content, message_type, seq)
values (:'room', 'system', 'direct', 'system', 77)
returning id as direct \gset
create function pg_temp.numbers(p_message_id uuid) returns jsonb
    language sql stable
    as $$ select jsonb_build_array(m -> 'seq', m -> 'changed_seq') from jsonb_array_elements(echoroom_private.messages_json(array[p_message_id])) m $$;
select is(pg_temp.numbers(:'direct'), '[10, 10]', 'a direct insert is numbered by the room, not by the writer');
update echoroom.chat_messages set content = 'direct, edited', seq = 5 where id = :'direct';
select is(
    pg_temp.numbers(:'direct') || (select to_jsonb(is_edited) from echoroom.chat_messages where id = :'direct'), '[10, 11, true]', 'a direct edit is numbered and marked'
);
update echoroom.chat_messages set deleted_at = now() where id = :'direct';
select is(
    pg_temp.numbers(:'direct') || (select to_jsonb(content) from echoroom.chat_messages where id = :'direct'), '[10, 12, ""]',
    'a direct deletion is numbered and empties the text'
);
select throws_ok(format('update echoroom.chat_messages set deleted_at = null where id = %L', :'direct'), '23514', null, 'what is deleted does not come back');
select pg_temp.refuses(
    format('update echoroom.chat_messages set session_id = %L where id = %L', '647161c4-0bfc-4142-9f7a-fc6eefb17325', :'first'),
    'PT422', 'message_bound_to_room', 'a message does not move to another room'
);
select pg_temp.refuses(
    'insert into echoroom.chat_messages (session_id, sender_name, content) values (gen_random_uuid(), ''x'', ''x'')',
    'PT404', 'room_not_found', 'a direct insert into an unknown room is refused'
);
insert into echoroom.message_reactions (message_id, session_id, user_id, emoji)
values (:'first', '647161c4-0bfc-4142-9f7a-fc6eefb17325', pg_temp.person(1), '👀');
select is((select session_id::text from echoroom.message_reactions where emoji = '👀' and message_id = :'first'), :'room', 'a reaction belongs to the room of its message, whatever the writer says');
select pg_temp.act_as_owner();
select is((select last_seq from echoroom.sessions where id = :'room'), 13::bigint, 'and takes a number');

-- Deleting an account takes its reactions, each with a number, and keeps the numbering whole.
delete from auth.users where id = pg_temp.person(2);
select is((select last_seq from echoroom.sessions where id = :'room'), 14::bigint, 'the reaction of a deleted account goes as a change of the stream');
select results_eq(
    format('select (payload ->> ''seq'')::integer from pg_temp.heard(%L) where event ~ ''essage''', :'room'),
    'select generate_series(1, 14)',
    'which was told without a gap to the end'
);

-- Paging through more than a page
select pg_temp.act_as_service();
select count(echoroom.send_message(:'room', 'bulk ' || number, 'system')) as sent from generate_series(1, 1100) as number \gset
select echoroom.messages_since(:'room', 14) as page1 \gset
select is(jsonb_array_length(:'page1'::jsonb -> 'messages'), 500, 'a page of catch-up has at most 500 messages');
select is(:'page1'::jsonb - 'messages', '{"last_seq": 514, "has_more": true}', 'says that there is more, and where to go on');
select is(echoroom.messages_since(:'room', 514) - 'messages', '{"last_seq": 1014, "has_more": true}', 'so does the next one');
select is(echoroom.messages_since(:'room', 1014) - 'messages', '{"last_seq": 1114, "has_more": false}', 'and the last one ends at the room''s number');
select is(jsonb_array_length(echoroom.get_messages(:'room', 1000)), 200, 'a page of history has at most 200 messages');

-- Where all of many messages were changed after all were sent, their numbers are only found further on.
update echoroom.chat_messages set content = content || ', edited' where session_id = :'room' and content like 'bulk %';
create function pg_temp.catch_up(p_room uuid, p_after bigint) returns table (round integer, id uuid, changed_seq bigint)
    language plpgsql stable
    as $$
declare
    v_page jsonb;
begin
    round := 0;
    loop
        round := round + 1;
        v_page := echoroom.messages_since(p_room, p_after);
        return query
            select catch_up.round, (m ->> 'id')::uuid, (m ->> 'changed_seq')::bigint
            from jsonb_array_elements(v_page -> 'messages') with ordinality as page (m, place)
            order by place;
        p_after := (v_page ->> 'last_seq')::bigint;
        exit when not (v_page ->> 'has_more')::boolean;
    end loop;
end
$$;
select results_eq(
    format('select changed_seq from pg_temp.catch_up(%L, 14)', :'room'), 'select generate_series(1115, 2214)::bigint',
    'catch-up finds each message once, at the number of its latest change'
);
select is((select max(round) from pg_temp.catch_up(:'room', 14)), 3, 'and fills its pages all the same');
select cmp_ok(pg_stat_get_xact_tuples_hot_updated('echoroom.chat_messages'::regclass), '>', 0::bigint, 'edits are heap-only updates where the page has room');

-- Deleting a room takes everything with it, this one in batches.
select pg_temp.act_as_owner();
delete from echoroom.sessions where id = :'room';
select echoroom_private.erase_rooms();
select is_empty(
    format(
        'select id from echoroom.chat_messages where session_id = %1$L
        union all select id from echoroom.message_reactions where session_id = %1$L
        union all select message_id from echoroom_private.message_changes where session_id = %1$L',
        :'room'
    ),
    'a deleted room leaves no messages behind'
);

select * from finish();
rollback;
