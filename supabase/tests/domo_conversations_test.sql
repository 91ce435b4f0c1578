-- Calls: who asks for one and who sees it, what the worker notes of it, what Tavus' events do in whatever order and however often they come,
-- and what the analytics say of it all.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(105);
\ir domo_fixture.psql
select pg_temp.forget_ceilings();

-- Asking ------------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
select pg_temp.refuses($$ select domo.start_conversation(pg_temp.demo(1)) $$, 'PT422', 'persona_missing', 'a demo without a persona has nobody to talk to');
update domo.demos set tavus_persona_id = 'p-one' where id = pg_temp.demo(1);
select domo.start_conversation(pg_temp.demo(1), '00000000-0000-4000-c000-000000000001') as asked \gset
select is(
    (:'asked')::jsonb - array['id', 'created_at', 'updated_at'] @> jsonb_build_object(
        'demo_id', pg_temp.demo(1), 'persona_id', 'p-one', 'status', 'starting', 'started_by', pg_temp.person(1), 'is_new', true, 'conversation_id', null
    ),
    true, 'an owner asks for a call'
);
select (:'asked')::jsonb ->> 'id' as call \gset
select is(
    domo.start_conversation(pg_temp.demo(1), '00000000-0000-4000-c000-000000000001') - 'is_new', (:'asked')::jsonb - 'is_new',
    'the same client_id twice is one call'
);
select is((domo.start_conversation(pg_temp.demo(1), '00000000-0000-4000-c000-000000000001') ->> 'is_new')::boolean, false, 'which is not new');
select is((domo.start_conversation(pg_temp.demo(1), '00000000-0000-4000-c000-000000000002') ->> 'is_new')::boolean, true, 'several people may talk to a demo');
select pg_temp.refuses($$ select domo.start_conversation(pg_temp.demo(2)) $$, 'PT404', 'demo_not_found', 'not to somebody else''s');
select pg_temp.refuses($$ select domo.start_conversation(gen_random_uuid()) $$, 'PT404', 'demo_not_found', 'nor to none');
update domo.demos set status = 'archived' where id = pg_temp.demo(1);
select pg_temp.refuses($$ select domo.start_conversation(pg_temp.demo(1)) $$, 'PT410', 'demo_archived', 'nor to an archived one');
update domo.demos set status = 'draft' where id = pg_temp.demo(1);
select throws_ok($$ insert into domo.conversations (demo_id, persona_id) values (pg_temp.demo(1), 'p') $$, '42501', null, 'not by writing the row');
select pg_temp.act_as_owner();
update domo.conversations set end_requested_at = null where true;
select pg_temp.forget_rates();
select pg_temp.act_as(1);
select throws_ok($$ select domo.start_conversation(pg_temp.demo(1)) from generate_series(1, 20) $$, 'PT429', null, 'who asks too often is slowed down: calls cost money');
select pg_temp.act_as_service();
select is((domo.start_conversation(pg_temp.demo(1)) ->> 'started_by'), null, 'the server asks for whoever it likes');

-- Seeing ------------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as(1);
select is((select count(*) from domo.conversations), 3::bigint, 'the owner sees the calls');
select throws_ok($$ update domo.conversations set status = 'ended' where true $$, '42501', null, 'and changes nothing');
select throws_ok($$ select domo_private.tavus_claim(gen_random_uuid()) $$, '42501', null, 'an owner does not do the worker''s work');
select throws_ok($$ select domo_private.tavus_receive(gen_random_uuid(), '{}') $$, '42501', null, 'nor bring events');
select pg_temp.act_as(2);
select is_empty($$ select from domo.conversations $$, 'somebody else sees none');
select pg_temp.refuses(format('select domo.end_conversation(%L)', :'call'), 'PT404', 'conversation_not_found', 'and ends none');
select pg_temp.refuses($$ select domo.end_conversation('nonsense') $$, 'PT404', 'conversation_not_found', 'like none that there is');
select pg_temp.refuses($$ select domo.end_conversation(null) $$, 'PT404', 'conversation_not_found', 'null is none');
select pg_temp.act_as_visitor();
select throws_ok($$ select from domo.conversations $$, '42501', null, 'a visitor may not even look');

-- The worker takes it on --------------------------------------------------------------------------------------------------------------

select pg_temp.act_as_owner();
delete from domo.conversations where id <> :'call';
create temporary table the_call as select :'call'::uuid as id;
grant select on the_call to public;
create function pg_temp.call() returns uuid language sql stable as $$ select id from the_call $$;
create function pg_temp.now_is() returns domo.conversations language sql volatile security definer
    as $$ select c from domo.conversations c where c.id = (select id from the_call) $$;

select is(pg_temp.as_worker('select id from domo.conversations'), '42501', 'the worker reads no table');
select is(pg_temp.as_worker('select id from domo_private.tavus_to_start()'), pg_temp.call()::text, 'a call that was asked for waits for a worker');
select is(
    pg_temp.as_worker(format($$ select domo_private.tavus_claim(%L) #>> '{demo,agent_name}' $$, pg_temp.call())), 'Demo Agent',
    'one worker takes it on, and learns who the agent is'
);
select is(pg_temp.as_worker(format('select domo_private.tavus_claim(%L)', pg_temp.call())), null, 'no second one does');
select is(pg_temp.as_worker('select id from domo_private.tavus_to_start()'), null, 'nor is it offered');
select is(pg_temp.as_worker(format('select domo_private.tavus_attempt(%L, now())', pg_temp.call())), null, 'another claim attempts nothing');
select isnt(
    pg_temp.as_worker(format('select domo_private.tavus_attempt(%L, %L)', pg_temp.call(), (pg_temp.now_is()).claimed_until)), null, 'this one notes its attempt'
);
select ok((select attempted_at is not null from pg_temp.now_is()), 'before the call is made');
select pg_temp.as_worker(format('select domo_private.tavus_release(%L, %L, true)', pg_temp.call(), (pg_temp.now_is()).claimed_until));
select ok((select attempted_at is null and claimed_until is null from pg_temp.now_is()), 'an attempt that surely made nothing is taken back');
select is(
    pg_temp.as_worker(format($$ select domo_private.tavus_started(%L, 'c-one', 'https://tavus.daily.co/c-one') ->> 'status' $$, pg_temp.call())), 'active',
    'the call exists'
);
select is((select tavus_conversation_id from domo.demos where id = pg_temp.demo(1)), 'c-one', 'and its demo names it');

-- Events ------------------------------------------------------------------------------------------------------------------------------

create function pg_temp.event(type text, properties jsonb, at text default '2026-11-21T10:00:00.000000Z', id text default 'c-one') returns jsonb
    language sql stable as $$ select jsonb_build_object(
        'event_type', type, 'message_type', split_part(type, '.', 1), 'conversation_id', id, 'timestamp', at,
        'webhook_url', 'https://example.com/a-secret-token', 'properties', properties) $$;
create function pg_temp.brings(type text, properties jsonb, at text default '2026-11-21T10:00:00.000000Z', id text default 'c-one') returns text
    language sql volatile as $$ select pg_temp.as_worker(format('select domo_private.tavus_receive(%L, %L)', pg_temp.call(), pg_temp.event(type, properties, at, id))) $$;

select is(pg_temp.brings('system.replica_joined', '{"replica_id": "r1"}'), 'new', 'the replica joined');
select is(pg_temp.brings('system.replica_joined', '{"replica_id": "r1"}', '2026-11-21T10:00:09Z'), 'duplicate', 'once, whatever the time of the second delivery');
select is(pg_temp.brings('system.pal_joined', '{"face_id": "r1"}'), 'duplicate', 'and whatever Tavus calls it this year');
select is(pg_temp.brings('system.replica_joined', '{"replica_id": "r2"}'), 'conflicting', 'another replica under the same key is noticed');
select is(pg_temp.brings('system.replica_joined', '{"replica_id": "r2"}'), 'conflicting', 'however often it comes');
select is((select replica_id from pg_temp.now_is()), 'r1', 'and the first is kept');
select is((select replica_joined_at from pg_temp.now_is()), '2026-11-21 10:00:00+00'::timestamptz, 'with the time of the first');
select is(pg_temp.brings('system.shutdown', '{}', id => 'c-two'), 'unknown', 'an event of another call is not this one''s');
select is(pg_temp.as_worker(format('select domo_private.tavus_receive(gen_random_uuid(), %L)', pg_temp.event('system.shutdown', '{}'))), 'unknown', 'nor one of a call that is not there');
select is(
    pg_temp.as_worker(format('select domo_private.tavus_receive(%L, %L)', pg_temp.call(), '{"event_type": 7, "conversation_id": "c-one"}')), '22023',
    'what is no event is refused'
);
select is(pg_temp.brings('application.dance', '{"step": 1}'), 'new', 'a type that nobody knows is kept');
select is(
    pg_temp.brings('application.transcription_ready', jsonb_build_object('transcript', jsonb_build_array(
        jsonb_build_object('role', 'system', 'content', 'You are a secret'),
        jsonb_build_object('role', 'user', 'content', 'Grüße', 'timestamp', 1779475657.84, 'inference_id', 'i-1'),
        7,
        jsonb_build_object('role', 'assistant', 'content', 'Hello', 'timestamp', '2026-05-22T18:47:39Z'),
        jsonb_build_object('role', 'tool', 'content', '{"found": 3}'),
        jsonb_build_object('role', 'replica', 'content', repeat('x', 100001), 'timestamp', 'soon'),
        jsonb_build_object('role', 'user', 'content', null),
        jsonb_build_object('role', 'assistant', 'content', '', 'tool_calls', jsonb_build_array(1)),
        jsonb_build_object('role', 'assistant', 'content', jsonb_build_array(jsonb_build_object('text', 'In'), jsonb_build_object('text', 'parts')))
    ))),
    'new', 'a transcript comes'
);
select results_eq(
    $$ select position, role, case when content like 'xx%' then left(content, 2) || length(content) else content end collate "C", content_length, timestamp, message_id
       from domo.conversation_messages where conversation = pg_temp.call() order by position $$,
    $$ values
        (1, 'user', 'Grüße' collate "C", 5, '2026-05-22 18:47:37.84+00'::timestamptz, 'i-1'),
        (2, 'assistant', 'Hello', 5, '2026-05-22 18:47:39+00', null),
        (3, 'assistant', 'xx100000', 100001, null, null),
        (4, 'assistant', 'In parts', 8, null, null) $$,
    'its entries are messages: without the system prompt and tools, with times in either spelling'
);
select is((select count(*) from domo.conversation_messages where demo_id = pg_temp.demo(1) and conversation_id = 'c-one'), 4::bigint, 'which say whose they are');
select is(pg_temp.brings('system.shutdown', '{"shutdown_reason": "participant_left_timeout reached"}', 'yesterday-ish'), 'new', 'the call ends, at a time that cannot be read');
select is((select status || ', ' || shutdown_reason from pg_temp.now_is()), 'ended, participant_left_timeout reached', 'and says why');
select ok((select ended_at is not null from pg_temp.now_is()), 'and when, as far as known');
select is((select tavus_conversation_id from domo.demos where id = pg_temp.demo(1)), null, 'its demo names it no more');
select is((select count(*) from domo.processed_webhook_events), 5::bigint, 'each event is kept once, and what conflicts beside it, once');
select is((select string_agg(event_data #>> '{properties,replica_id}', ' ') from domo.processed_webhook_events where is_conflicting), 'r2', 'marked as such');
select ok((select bool_and(processing_duration_ms between 0 and 60000 and event_hash ~ '^[0-9a-f]{64}$') from domo.processed_webhook_events), 'with how long it took, and a digest');
select is_empty($$ select from domo.processed_webhook_events where event_data::text ~ 'a-secret-token|You are a secret' $$, 'without the address that they came to, or the system prompt');
select is(
    (select jsonb_array_length(event_data #> '{properties,transcript}') from domo.processed_webhook_events where event_type like '%transcription%'), 8,
    'and otherwise as they came'
);
select is(pg_temp.brings('application.perception_analysis', jsonb_build_object('analysis', repeat('y', 100001))), 'new', 'an analysis comes late');
select is((select length(perception_analysis) from pg_temp.now_is()), 100000, 'and is cut, not refused');
select is(pg_temp.brings('application.recording_ready', '{"duration": 7}'), 'new', 'so does a recording');
select is((select recording from pg_temp.now_is()), '{"duration": 7}', 'which is kept as it was told');
select is(
    pg_temp.brings('application.transcription_ready', '{"transcript": []}'), 'conflicting', 'another transcript of the same call changes nothing'
);
select is((select count(*) from domo.conversation_messages where conversation = pg_temp.call()), 4::bigint, 'indeed');

select pg_temp.act_as(1);
select is((select count(*) from domo.processed_webhook_events) * 100 + (select count(*) from domo.conversation_messages), 804::bigint, 'the owner reads events and messages');
select throws_ok(format('%s', statement), '42501', null, label)
from (
    values
        ('delete from domo.processed_webhook_events where true', 'and deletes no event'),
        ('update domo.conversation_messages set content = null where true', 'changes no message'),
        ('update domo.conversation_messages set sentiment = ''good'' where true', 'not even what it felt like')
) as cases (statement, label);
select pg_temp.act_as(2);
select is((select count(*) from domo.processed_webhook_events) + (select count(*) from domo.conversation_messages), 0::bigint, 'somebody else reads none');
select pg_temp.act_as_service();
select is(
    pg_temp.touched($$ update domo.conversation_messages set sentiment = 'good', intent = 'greeting', confidence = 0.93 where position = 1 $$), 1::bigint,
    'the server notes what a message meant'
);
select throws_ok($$ update domo.conversation_messages set content = 'x' where true $$, '42501', null, 'but does not change what was said');

-- In any order ------------------------------------------------------------------------------------------------------------------------

select pg_temp.act_as_owner();
create function pg_temp.final_state(events jsonb[]) returns text
    language plpgsql volatile security definer as $$
declare
    v_conversation uuid;
    v_state text;
    v_event jsonb;
begin
    begin
        insert into domo.conversations (demo_id, persona_id) values (pg_temp.demo(2), 'p') returning id into v_conversation;
        foreach v_event in array events loop
            if v_event ? 'started' then
                perform domo_private.tavus_started(v_conversation, 'c-any', 'https://tavus.daily.co/c-any');
            elsif v_event ? 'ended' then
                perform domo_private.tavus_ended(v_conversation, 'by us');
            else
                perform domo_private.tavus_receive(v_conversation, v_event);
            end if;
        end loop;
        select concat_ws(
            E'\n',
            to_jsonb(c) - 'id' - 'created_at' - 'updated_at',
            (select jsonb_agg(to_jsonb(m) - array['id', 'created_at', 'conversation'] order by m.position) from domo.conversation_messages m where m.conversation = c.id),
            (select string_agg(e.event_hash || e.event_data::text, ' ' order by e.event_hash) from domo.processed_webhook_events e where e.conversation = c.id),
            (select d.tavus_conversation_id from domo.demos d where d.id = c.demo_id),
            (select s.conversation_count from domo.demo_stats s where s.demo_id = c.demo_id),
            (select count(*) - count(distinct e.seq) from domo.demo_stream e where e.demo_id = c.demo_id)
        )
        into v_state
        from domo.conversations c
        where c.id = v_conversation;
        raise exception using errcode = 'PT000', message = v_state;
    exception when sqlstate 'PT000' then
        return sqlerrm;
    end;
end
$$;

create function pg_temp.orders(things jsonb[]) returns setof jsonb[]
    language sql immutable as $$
    with recursive walk (taken, places) as (
        select array[things[n]], array[n] from generate_series(1, cardinality(things)) n
        union all
        select walk.taken || things[n], walk.places || n
        from walk, generate_series(1, cardinality(things)) n
        where n <> all (walk.places)
    )
    select taken from walk where cardinality(taken) = cardinality(things)
$$;

create function pg_temp.transcript() returns jsonb language sql stable as $$
    select pg_temp.event('application.transcription_ready', '{"transcript": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}', '2026-11-21T10:05:01Z', 'c-any')
$$;

-- Each delivered twice as well: the second comes somewhere after all of the first.
select results_eq(
    $$ select count(distinct state)::int, count(*)::int, min(length(state)) > 500 from (
        select pg_temp.final_state(sequence || sequence) as state
        from pg_temp.orders(array[
            '{"started": true}'::jsonb,
            pg_temp.event('system.replica_joined', '{"replica_id": "r1"}', '2026-11-21T10:00:00Z', 'c-any'),
            pg_temp.event('system.shutdown', '{"reason": "max_call_duration reached"}', '2026-11-21T10:05:00Z', 'c-any'),
            pg_temp.transcript(),
            pg_temp.event('application.recording_ready', '{"duration": 300}', '2026-11-21T10:06:00Z', 'c-any'),
            pg_temp.event('application.recording_ready', '{"duration": 200}', '2026-11-21T10:05:30Z', 'c-any')
        ]) as sequence
    ) as runs $$,
    $$ values (1, 720, true) $$,
    'the answer and five events, all of it twice, end in the same state in all of their 720 orders'
);
select results_eq(
    $$ select count(distinct state)::int from (
        select pg_temp.final_state(array['{"started": true}'::jsonb] || sequence) as state
        from pg_temp.orders(array[
            '{"ended": true}'::jsonb,
            pg_temp.event('system.shutdown', '{"shutdown_reason": "end_conversation_endpoint_hit"}', '2026-11-21T10:05:00Z', 'c-any'),
            pg_temp.transcript()
        ]) as sequence
    ) as runs $$,
    $$ values (1) $$,
    'so do our own note of the end and Tavus'' events'
);

-- Ending ------------------------------------------------------------------------------------------------------------------------------

create function pg_temp.call_of(demo uuid, tavus_id text) returns uuid language sql volatile security definer as $$
    insert into domo.conversations (demo_id, persona_id, status, conversation_id) values (demo, 'p', 'active', tavus_id) returning id
$$;
select pg_temp.call_of(pg_temp.demo(1), 'c-three') as third \gset
select is(pg_temp.as_worker($$ select conversation_id from domo_private.tavus_to_end() where conversation_id = 'c-three' $$), null, 'a call goes on');
select pg_temp.act_as(1);
select ok((select (domo.end_conversation('c-three') ->> 'end_requested_at') is not null), 'until its owner wants it to end, by Tavus'' id');
select is(
    domo.end_conversation('c-three') ->> 'end_requested_at', (select domo.end_conversation(:'third') ->> 'end_requested_at'),
    'twice is once, also by our own id'
);
select is(pg_temp.as_worker($$ select conversation_id || ' ' || reason from domo_private.tavus_to_end() where conversation_id = 'c-three' $$), 'c-three requested', 'the worker is told');
select is(pg_temp.as_worker(format('select domo_private.tavus_ended(%L, ''requested'')', :'third')), 'true', 'and notes the end');
select is(pg_temp.as_worker(format('select domo_private.tavus_ended(%L, ''requested'')', :'third')), 'false', 'once');
insert into domo.conversations (demo_id, persona_id) values (pg_temp.demo(1), 'p') returning id as fourth \gset
select is(pg_temp.as_worker(format('select domo_private.tavus_failed(%L, ''No credits are left.'')', :'fourth')), 'true', 'a call that cannot be started has failed');
select is((select status || ': ' || failure from domo.conversations where id = :'fourth'), 'failed: No credits are left.', 'and says why');

-- Several at once, and what the worker brings along ------------------------------------------------------------------------------------

select pg_temp.call_of(pg_temp.demo(1), 'c-batch') as batch \gset
select pg_temp.call_of(pg_temp.demo(2), 'c-other') as other \gset
create function pg_temp.bring_all(statement text) returns text language sql volatile as $$ select pg_temp.as_worker('select array_to_string(domo_private.tavus_receive_all(' || statement || '), '' '')') $$;
select is(
    pg_temp.bring_all(format(
        'array[%L, %L, %L, %L, %L]::uuid[], array[%L, %L, %L, %L, %L]::jsonb[], array_fill(null::text, array[5]), array_fill(null::text, array[5])',
        :'batch', :'other', :'batch', gen_random_uuid(), :'batch',
        pg_temp.event('system.shutdown', '{"reason": "x"}', id => 'c-batch'), pg_temp.event('system.replica_joined', '{"replica_id": "r"}', id => 'c-other'),
        pg_temp.event('system.shutdown', '{"reason": "x"}', id => 'c-batch'), pg_temp.event('system.shutdown', '{}', id => 'c-batch'),
        pg_temp.event('system.shutdown', '{"reason": "y"}', id => 'c-batch')
    )),
    'new new duplicate unknown conflicting', 'several events come at once, of several demos, and the answers are in their order'
);
select is((select string_agg(conversation_id || ' ' || status, ', ' order by conversation_id) from domo.conversations where id in (:'batch', :'other')), 'c-batch ended, c-other active', 'each has its effect');
select is(
    pg_temp.bring_all(format(
        'array[%L, %L]::uuid[], array[%L, %L]::jsonb[], array_fill(null::text, array[2]), array_fill(null::text, array[2])', :'other', :'other',
        pg_temp.event('system.shutdown', '{}', id => 'c-other'), '{"event_type": 7, "conversation_id": "c-other"}'
    )),
    '22023', 'one that is none spoils them all'
);
select is((select status from domo.conversations where id = :'other'), 'active', 'so that none is applied');
select is(pg_temp.bring_all('array[]::uuid[], array[]::jsonb[], array[]::text[], array[]::text[]'), '', 'nothing at once is nothing');
create function pg_temp.prepared(call uuid, event jsonb, event_key text, digest text) returns text language sql volatile as $$
    select pg_temp.as_worker(format('select domo_private.tavus_receive(%L, %L, %L, %L)', call, event, event_key, digest)) $$;
select pg_temp.event('application.transcription_ready', '{"transcript": [{"role": "user", "content": "Hi"}]}', id => 'c-other') as cleaned \gset
select is(pg_temp.prepared(:'other', :'cleaned', 'c-batch/application.transcription_ready', repeat('a', 64)), '22023', 'a key of another call is refused');
select is(pg_temp.prepared(:'other', :'cleaned', 'c-other/application.transcription_ready', 'short'), '22023', 'and what is no digest');
select is(pg_temp.prepared(:'other', :'cleaned', 'c-other/application.transcription_ready', repeat('a', 64)), 'new', 'with its key and digest an event costs less');
select is(pg_temp.prepared(:'other', :'cleaned', 'c-other/application.transcription_ready', repeat('a', 64)), 'duplicate', 'and is one all the same');
select is(pg_temp.prepared(:'other', :'cleaned', 'c-other/application.transcription_ready', repeat('b', 64)), 'conflicting', 'or another');
select is((select string_agg(content, ' ') from domo.conversation_messages where conversation = :'other'), 'Hi', 'its transcript becomes messages');

-- Whose turn it is ----------------------------------------------------------------------------------------------------------------------

create function pg_temp.asked_for() returns text language sql volatile as $$
    select pg_temp.as_worker($q$ select string_agg(conversation_id, ' ') from domo_private.tavus_open() where conversation_id in ('c-batch', 'c-other') $q$) $$;
update domo.conversations set ended_at = now() - interval '1 hour' where id = :'batch';
select is(pg_temp.asked_for(), 'c-batch c-other', 'a running call is looked after, and an ended one without a transcript');
select pg_temp.as_worker(format('select domo_private.tavus_looked(%L)', :'batch'));
select is(pg_temp.asked_for(), 'c-other', 'not again at once');
update domo_private.conversation_looks set looked_at = now() - interval '21 minutes' where conversation = :'batch';
select pg_temp.as_worker(format('select domo_private.tavus_looked(%L)', :'other'));
select is(pg_temp.asked_for(), 'c-batch c-other', 'but after a third of the time since its end; who waits longest comes first');
select pg_temp.as_worker(format('select domo_private.tavus_looked(%L)', gen_random_uuid()));
select is((select count(*) from domo_private.conversation_looks), 2::bigint, 'a call that is gone is not remembered');

-- Of a demo that is gone nothing is kept ------------------------------------------------------------------------------------------------

insert into domo.demos (id, user_id, name) values (pg_temp.demo(3), pg_temp.person(3), 'Third');
select pg_temp.call_of(pg_temp.demo(3), 'c-five') as fifth \gset
delete from domo.demos where id = pg_temp.demo(3);
select is(pg_temp.as_worker($$ select conversation_id || ' ' || reason from domo_private.tavus_to_end() where conversation_id = 'c-five' $$), 'c-five demo_deleted', 'a call outlives its demo until it is ended');
select is(
    pg_temp.as_worker(format('select domo_private.tavus_receive(%L, %L)', :'fifth', pg_temp.event('application.transcription_ready', '{"transcript": [{"role": "user", "content": "Hi"}]}', id => 'c-five'))),
    'new', 'its transcript comes'
);
select is((select count(*) from domo.conversation_messages where conversation = :'fifth') + (select count(*) from domo.processed_webhook_events where conversation = :'fifth'), 0::bigint, 'and is nobody''s any more');
select is(pg_temp.as_worker(format('select domo_private.tavus_receive(%L, %L)', :'fifth', pg_temp.event('system.shutdown', '{}', id => 'c-five'))), 'new', 'its end');
select is((select status from domo.conversations where id = :'fifth'), 'ended', 'is noted');
select is_empty($$ select from domo_private.tavus_open() where conversation_id = 'c-five' $$, 'then nobody looks after it any more');

-- Analytics ---------------------------------------------------------------------------------------------------------------------------

delete from domo.conversations where true;
insert into domo.conversations (demo_id, persona_id, status, conversation_id, created_at, replica_joined_at, ended_at, shutdown_reason)
values
    (pg_temp.demo(1), 'p', 'ended', 'a1', now() - interval '3 days', now() - interval '3 days', now() - interval '3 days' + interval '100 s', 'participant_left_timeout reached'),
    (pg_temp.demo(1), 'p', 'ended', 'a2', now() - interval '3 days', null, now() - interval '3 days' + interval '40 s', 'participant_left_timeout'),
    (pg_temp.demo(1), 'p', 'ended', 'a3', now() - interval '1 day', null, now() - interval '1 day' - interval '1 s', null),
    (pg_temp.demo(1), 'p', 'active', 'a4', now(), now(), null, null),
    (pg_temp.demo(1), 'p', 'starting', null, now(), null, null, null),
    (pg_temp.demo(2), 'p', 'ended', 'b1', now(), null, now() + interval '999 s', 'not this demo''s');
insert into domo.conversation_messages (demo_id, conversation, conversation_id, position, role, content, content_length)
select c.demo_id, c.id, c.conversation_id, n, case when n % 3 = 0 then 'user' else 'assistant' end, repeat('x', n), n
from domo.conversations c, generate_series(1, 6) as n
where c.conversation_id in ('a1', 'a3', 'b1');
select pg_temp.act_as(1);
select is(
    domo.conversation_analytics(pg_temp.demo(1)),
    jsonb_build_object(
        'conversations', '{"total": 5, "starting": 1, "active": 1, "ended": 3, "failed": 0}'::jsonb,
        'durations', '{"total_seconds": 140.000, "average_seconds": 46.667, "median_seconds": 40.000, "longest_seconds": 100.000}'::jsonb,
        'messages', '{"total": 12, "user": 4, "assistant": 8, "user_characters": 18, "assistant_characters": 24}'::jsonb,
        'shutdown_reasons', '[{"count": 2, "reason": "participant_left_timeout"}, {"count": 1, "reason": "unknown"}]'::jsonb,
        'per_day', (
            select jsonb_agg(jsonb_build_object('day', (now() at time zone 'UTC')::date - 3 + n, 'conversations', calls, 'messages', messages, 'seconds', seconds) order by n)
            from (values (0, 2, 6, 140.000), (1, 0, 0, 0.000), (2, 1, 6, 0.000), (3, 2, 0, 0.000)) as days (n, calls, messages, seconds)
        )
    ),
    'the analytics count conversations, seconds, messages by role and reasons, and leave no day out'
);
select pg_temp.act_as_service();
select is(
    (select a #>> '{conversations,total}' || ' ' || (a #>> '{messages,total}') from domo.conversation_analytics(pg_temp.demo(1)) as a), '5 12',
    'of one demo alone, also for who sees all'
);
select pg_temp.act_as(1);
select is(
    (select a #>> '{conversations,total}' || ' ' || (a #>> '{messages,total}') || ' ' || jsonb_array_length(a -> 'per_day')
     from domo.conversation_analytics(pg_temp.demo(1), now() - interval '2 days') as a),
    '3 6 2', 'or only those since then'
);
select is(
    domo.conversation_analytics(pg_temp.demo(1), now() + interval '1 day'),
    '{"conversations": {"total": 0, "starting": 0, "active": 0, "ended": 0, "failed": 0},
      "durations": {"total_seconds": 0, "average_seconds": null, "median_seconds": null, "longest_seconds": null},
      "messages": {"total": 0, "user": 0, "assistant": 0, "user_characters": 0, "assistant_characters": 0},
      "shutdown_reasons": [], "per_day": []}',
    'of nothing they are zeros'
);
set local timezone = 'Pacific/Kiritimati';
select is(domo.conversation_analytics(pg_temp.demo(1)) #>> '{per_day,0,day}', ((now() at time zone 'UTC')::date - 3)::text, 'a day is a day of UTC, wherever one asks');
set local timezone = 'UTC';
select pg_temp.refuses($$ select domo.conversation_analytics(pg_temp.demo(2)) $$, 'PT404', 'demo_not_found', 'somebody else''s are nobody''s business');
select pg_temp.refuses($$ select domo.conversation_analytics(gen_random_uuid()) $$, 'PT404', 'demo_not_found', 'like those of no demo');

select * from finish();
rollback;
