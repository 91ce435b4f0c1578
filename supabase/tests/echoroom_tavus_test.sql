-- EchoRoom, the worker and Tavus: attempts that may have made a call; events that come prepared, several at a time, and before the answer to
-- the create; whose turn it is to be reconciled.

begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(59);
\ir echoroom_fixture.psql

select pg_temp.act_as_owner();
create function pg_temp.wanted() returns uuid language sql volatile security definer as $$
    with room as (insert into echoroom.sessions (category) values ('Calm') returning id)
    insert into echoroom.conversations (session_id, persona_id, mood)
    select id, 'default_calm_persona', 'Calm' from room
    returning id
$$;
create function pg_temp.now_is(conversation uuid) returns echoroom.conversations language sql volatile security definer
    as $$ select c from echoroom.conversations c where c.id = conversation $$;
create function pg_temp.news(conversation uuid) returns text[] language sql volatile security definer
    as $$ select array_agg(h.event::text) from pg_temp.heard((select c.session_id from echoroom.conversations c where c.id = conversation)) h where h.event like 'avatar-%' $$;
create temporary table calls (name text primary key, id uuid not null default pg_temp.wanted());
grant all on calls to public;
create function pg_temp.call(call_name text) returns uuid language sql stable as $$ select c.id from calls c where c.name = call_name $$;
create function pg_temp.as_worker(statement text) returns text
    language plpgsql volatile
    as $$
declare
    v_result text;
begin
    perform set_config('role', 'parley_worker', true), set_config('request.jwt.claims', '', true);
    execute statement into v_result;
    perform set_config('role', 'none', true);
    return v_result;
exception when others then
    -- The role is back by itself: what a block sets is undone with it.
    return sqlstate;
end
$$;
create function pg_temp.event(type text, properties jsonb, call_id text, at text default '2026-11-21T10:00:00Z') returns jsonb
    language sql stable as $$ select jsonb_build_object(
        'event_type', type, 'conversation_id', call_id, 'timestamp', at, 'webhook_url', 'https://w.example/a-secret-token', 'properties', properties) $$;

-- Rights ------------------------------------------------------------------------------------------------------------------------

select function_privs_are('echoroom_private', name, arguments, 'parley_worker', array['EXECUTE'], format('the worker may call %s', name))
from (values
    ('tavus_attempt', array['uuid', 'timestamptz', 'integer']),
    ('tavus_release', array['uuid', 'timestamptz', 'boolean']),
    ('tavus_receive', array['uuid', 'jsonb', 'text', 'text']),
    ('tavus_receive_all', array['uuid[]', 'jsonb[]', 'text[]', 'text[]']),
    ('tavus_looked', array['uuid'])
) as worker (name, arguments);
select is_empty(
    $$ select p.oid::regprocedure from pg_proc p
       where p.pronamespace = 'echoroom_private'::regnamespace and p.proname ~ '^(tavus|hold_topic_of)'
         and has_function_privilege('authenticated', p.oid, 'execute') $$,
    'nobody else may call any of them'
);
select is(pg_temp.as_worker('select echoroom_private.hold_topic_of(gen_random_uuid())::text'), '42501', 'nor the worker what is behind them');

-- Attempts ----------------------------------------------------------------------------------------------------------------------

insert into calls (name) values ('attempt');
create function pg_temp.claim(call_name text) returns timestamptz language sql volatile
    as $$ select (echoroom_private.tavus_claim(pg_temp.call(call_name)) ->> 'claimed_until')::timestamptz $$;
select pg_temp.claim('attempt') as first_claim \gset
select is(echoroom_private.tavus_attempt(pg_temp.call('attempt'), now() - interval '1 day'), null, 'who has not the claim makes no attempt');
select is((pg_temp.now_is(pg_temp.call('attempt'))).attempted_at, null, 'and leaves no note of one');
select echoroom_private.tavus_attempt(pg_temp.call('attempt'), :'first_claim') as second_claim \gset
select ok(:'second_claim'::timestamptz > :'first_claim'::timestamptz, 'an attempt holds the claim for longer');
select (pg_temp.now_is(pg_temp.call('attempt'))).attempted_at as attempted_at \gset
select isnt(:'attempted_at'::text, '', 'and is noted');
select echoroom_private.tavus_release(pg_temp.call('attempt'), :'first_claim');
select is((pg_temp.now_is(pg_temp.call('attempt'))).claimed_until, :'second_claim'::timestamptz, 'a claim of before is not given back');
select echoroom_private.tavus_release(pg_temp.call('attempt'), :'second_claim', false);
select results_eq(
    $$ select c.claimed_until, c.attempted_at from pg_temp.now_is(pg_temp.call('attempt')) c $$,
    format($$ values (null::timestamptz, %L::timestamptz) $$, :'attempted_at'),
    'the present one is, and the attempt stays noted'
);
select echoroom_private.tavus_attempt(pg_temp.call('attempt'), pg_temp.claim('attempt'));
select is((pg_temp.now_is(pg_temp.call('attempt'))).attempted_at, :'attempted_at'::timestamptz, 'a second attempt keeps the time of the first');
select echoroom_private.tavus_release(pg_temp.call('attempt'), null, true);
select is((pg_temp.now_is(pg_temp.call('attempt'))).attempted_at, null, 'an attempt that surely made nothing is none');
select echoroom_private.tavus_started(pg_temp.call('attempt'), 'c-attempt', 'https://tavus.daily.co/c-attempt');
select is(echoroom_private.tavus_attempt(pg_temp.call('attempt'), pg_temp.claim('attempt')), null, 'where there is a call, nobody makes another');
select is(echoroom_private.tavus_started(gen_random_uuid(), 'c-nobody', 'https://tavus.daily.co/c-nobody'), null, 'a call of a conversation that is gone is told apart');
select is(echoroom_private.tavus_failed(gen_random_uuid(), 'x'), false, 'so is its failure');
select is(echoroom_private.tavus_ended(gen_random_uuid(), 'x'), false, 'and its end');

-- Events that come prepared -----------------------------------------------------------------------------------------------------

insert into calls (name) values ('prepared'), ('plain');
select echoroom_private.tavus_started(pg_temp.call(name), 'c-' || name, 'https://tavus.daily.co/c-' || name) from calls where name in ('prepared', 'plain');
create function pg_temp.brings(call_name text, event jsonb, event_key text, digest text) returns text language sql volatile
    as $$ select pg_temp.as_worker(format('select echoroom_private.tavus_receive(%L, %L, %L, %L)', pg_temp.call(call_name), event, event_key, digest)) $$;
select is(
    pg_temp.brings('prepared', pg_temp.event('application.transcription_ready', '{"replica_id": "r1", "transcript": [{"role": "user", "content": "Hi"}]}', 'c-prepared'),
        'c-prepared/application.transcription_ready', repeat('a', 64)),
    'new', 'a prepared event is taken in'
);
select is((pg_temp.now_is(pg_temp.call('prepared'))).transcript, '[{"role": "user", "content": "Hi"}]', 'with its transcript as it is');
select results_eq(
    $$ select e.event_key, e.body from echoroom_private.conversation_events e where e.conversation = pg_temp.call('prepared') $$,
    $$ values ('c-prepared/application.transcription_ready', '{"event_type": "application.transcription_ready", "conversation_id": "c-prepared", "timestamp": "2026-11-21T10:00:00Z", "properties": {"replica_id": "r1"}}'::jsonb) $$,
    'which is kept once, and the address of the event nowhere'
);
select is(
    pg_temp.brings('prepared', pg_temp.event('application.transcription_ready', '{"transcript": []}', 'c-prepared'), 'c-prepared/application.transcription_ready', repeat('a', 64)),
    'duplicate', 'what it is claimed under counts'
);
select is(
    pg_temp.brings('prepared', pg_temp.event('application.transcription_ready', '{"transcript": []}', 'c-prepared'), 'c-prepared/application.transcription_ready', repeat('b', 64)),
    'conflicting', 'and what it says'
);
select is(
    pg_temp.brings('prepared', pg_temp.event('application.transcription_ready', '{"transcript": []}', 'c-prepared'), 'c-prepared/application.transcription_ready', repeat('b', 64)),
    'conflicting', 'each time'
);
select is((select count(*) from echoroom_private.conversation_events e where e.conversation = pg_temp.call('prepared') and e.is_conflicting), 1::bigint, 'and is kept once');
select is(pg_temp.brings('prepared', pg_temp.event('x', '{}', 'c-prepared'), 'c-plain/x', repeat('a', 64)), '22023', 'the key of another call is refused');
select is(
    pg_temp.brings('plain', pg_temp.event('application.transcription_ready', '{"transcript": [{"role": "system", "content": "You are"}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "", "tool_calls": []}, {"role": "tool", "content": "{}"}]}', 'c-plain'), null, null),
    'new', 'an event that is not prepared is taken in as well'
);
select is((pg_temp.now_is(pg_temp.call('plain'))).transcript, '[{"role": "user", "content": "Hi"}]', 'and its transcript cleaned here');
select is(
    pg_temp.brings('plain', pg_temp.event('application.recording_ready', ('{"s3_key": "' || at || '"}')::jsonb, 'c-plain', at), null, null),
    'new', 'a recording of ' || at || ' is told of'
)
from (values (1, '2026-11-21T10:07:00Z'), (2, '2026-11-21T10:06:00Z'), (3, '2026-11-21T10:08:00Z'), (4, '2026-11-21T10:05:00Z')) as told (place, at)
order by place;
select is((pg_temp.now_is(pg_temp.call('plain'))).recording ->> 's3_key', '2026-11-21T10:08:00Z', 'the latest is the one, whatever came last');

-- Several at a time -------------------------------------------------------------------------------------------------------------

insert into calls (name) values ('many'), ('more');
select echoroom_private.tavus_started(pg_temp.call('many'), 'c-many', 'https://tavus.daily.co/c-many');
create function pg_temp.brings_all(events jsonb[], keys text[], ids uuid[]) returns text language sql volatile
    as $$ select pg_temp.as_worker(format('select echoroom_private.tavus_receive_all(%L, %L, %L, %L)::text', ids, events, keys, array_fill(repeat('a', 64), array[cardinality(events)]))) $$;
select is(
    pg_temp.brings_all(
        array[pg_temp.event('y', '{}', 'c-many'), pg_temp.event('x', '{}', 'c-more'), pg_temp.event('y', '{}', 'c-many'), pg_temp.event('x', '{}', 'c-another'), pg_temp.event('x', '{}', 'c-many')],
        array['c-many/y', 'c-more/x', 'c-many/y', 'c-another/x', 'c-many/x'],
        array[pg_temp.call('many'), pg_temp.call('more'), pg_temp.call('many'), pg_temp.call('many'), pg_temp.call('many')]
    ),
    '{new,new,duplicate,unknown,new}', 'the answers are in the order of the events'
);
select is((select string_agg(e.event_key, ' ' order by e.id) from echoroom_private.conversation_events e where e.conversation = pg_temp.call('many')), 'c-many/x c-many/y', 'which are taken in by their keys');
select is(
    pg_temp.brings_all(array[pg_temp.event('z', '{}', 'c-many'), pg_temp.event(repeat('z', 101), '{}', 'c-many')], array['c-many/z', 'c-many/zz'], array[pg_temp.call('many'), pg_temp.call('many')]),
    '23514', 'one that is refused'
);
select is((select count(*) from echoroom_private.conversation_events e where e.event_key = 'c-many/z'), 0::bigint, 'takes all of them along');
select is(pg_temp.brings_all('{}', '{}', '{}'), '{}', 'none is nothing');
-- All that a call says, in an order in which it does not say it, at once with what another one says.
insert into calls (name) values ('whole'), ('other'), ('named');
select echoroom_private.tavus_started(pg_temp.call(name), 'c-' || name, 'https://tavus.daily.co/c-' || name) from calls where name in ('whole', 'other');
create function pg_temp.brings_both(events jsonb[]) returns text language sql volatile as $$
    select pg_temp.as_worker(format(
        'select echoroom_private.tavus_receive_all(%L, %L, %L, %L)::text',
        array(select pg_temp.call(replace(event ->> 'conversation_id', 'c-', '')) from unnest(events) event),
        events,
        array_fill(null::text, array[cardinality(events)]),
        array_fill(null::text, array[cardinality(events)])
    )) $$;
select is(
    pg_temp.brings_both(array[
        pg_temp.event('system.shutdown', '{"shutdown_reason": "bye"}', 'c-whole', '2026-11-21T10:05:00Z'),
        pg_temp.event('application.recording_ready', '{"storage_uri": "s3://x"}', 'c-whole'),
        pg_temp.event('system.pal_joined', '{"face_id": "r1"}', 'c-other', '2026-11-21T10:00:30Z'),
        pg_temp.event('application.transcription_ready', '{"transcript": [{"role": "system", "content": "You are"}, {"role": "user", "content": "Hi"}]}', 'c-whole'),
        pg_temp.event('system.replica_joined', '{"replica_id": "r1"}', 'c-whole', '2026-11-21T10:01:00Z'),
        pg_temp.event('application.perception_analysis', '{"analysis": "calm"}', 'c-whole'),
        pg_temp.event('something.new', '{}', 'c-whole'),
        pg_temp.event('system.shutdown', '{"shutdown_reason": "another"}', 'c-whole', '2026-11-21T10:05:00Z'),
        pg_temp.event('system.shutdown', '{"shutdown_reason": "another"}', 'c-whole', '2026-11-21T10:05:00Z')
    ]),
    '{new,new,new,new,new,new,new,conflicting,conflicting}', 'all that a call says comes at once'
);
select results_eq(
    $$ select c.status, c.replica_id, c.replica_joined_at, c.ended_at, c.shutdown_reason, c.transcript, c.perception_analysis, c.recording
       from pg_temp.now_is(pg_temp.call('whole')) c $$,
    $$ values ('ended', 'r1', '2026-11-21T10:01:00Z'::timestamptz, '2026-11-21T10:05:00Z'::timestamptz, 'bye', '[{"role": "user", "content": "Hi"}]'::jsonb, 'calm', '{"storage_uri": "s3://x"}'::jsonb) $$,
    'and has all its effects'
);
select is(pg_temp.news(pg_temp.call('whole')), array['avatar-starting', 'avatar-started', 'avatar-transcript', 'avatar-ended'], 'of which the room hears once each');
select is((pg_temp.now_is(pg_temp.call('other'))).replica_joined_at, '2026-11-21T10:00:30Z', 'the other call has its own');
select results_eq(
    $$ select e.event_type, e.is_conflicting, e.body ? 'webhook_url', e.body #> '{properties,transcript}' is not null
       from echoroom_private.conversation_events e where e.conversation = pg_temp.call('whole') order by e.event_type collate "C", e.id $$,
    $$ values ('application.perception_analysis', false, false, false), ('application.recording_ready', false, false, false),
        ('application.transcription_ready', false, false, false), ('something.new', false, false, false),
        ('system.replica_joined', false, false, false), ('system.shutdown', false, false, false), ('system.shutdown', true, false, false) $$,
    'each is kept once, what conflicts beside the first'
);
select is(
    pg_temp.brings_both(array[
        pg_temp.event('application.recording_ready', '{"storage_uri": "s3://z"}', 'c-other', '2026-11-21T10:06:00Z'),
        pg_temp.event('application.recording_ready', '{"storage_uri": "s3://y"}', 'c-other', '2026-11-21T10:05:00Z')
    ]),
    '{new,new}', 'two recordings of one call'
);
select is((pg_temp.now_is(pg_temp.call('other'))).recording, '{"storage_uri": "s3://z"}', 'of which the later counts');
select is(
    (pg_temp.now_is(pg_temp.call('other'))).recordings,
    '[{"ready_at": "2026-11-21T10:05:00.000000Z", "properties": {"storage_uri": "s3://y"}}, {"ready_at": "2026-11-21T10:06:00.000000Z", "properties": {"storage_uri": "s3://z"}}]',
    'and both are kept'
);
select is(
    pg_temp.as_worker(format(
        'select echoroom_private.tavus_receive_all(%L, %L, array[null, null], array[null, null])::text',
        array[pg_temp.call('named'), pg_temp.call('named')],
        array[pg_temp.event('x', '{}', 'c-named'), pg_temp.event('x', '{}', 'c-renamed')]
    )),
    '40001', 'two that give a call two names do not come together'
);
select is((pg_temp.now_is(pg_temp.call('named'))).conversation_id, null, 'so that it has none');
select is(
    pg_temp.brings_both(array[pg_temp.event('x', '{}', 'c-named'), pg_temp.event('system.replica_joined', '{"replica_id": "r1"}', 'c-named')]),
    '{new,new}', 'two that give it the same do'
);
select results_eq(
    $$ select c.conversation_id, c.status, c.replica_id from pg_temp.now_is(pg_temp.call('named')) c $$,
    $$ values ('c-named', 'active', 'r1') $$, 'and have their effects'
);

-- Before the answer to the create -----------------------------------------------------------------------------------------------

insert into calls (name) values ('early'), ('late');
select is(pg_temp.brings('early', pg_temp.event('system.replica_joined', '{"replica_id": "r1"}', 'c-early'), null, null), 'new', 'an event may name the call first');
select is(pg_temp.news(pg_temp.call('early')), array['avatar-starting'], 'nobody is sent to a call without an address');
select is(pg_temp.brings('late', pg_temp.event('x', '{}', 'c-early'), null, null), 'unknown', 'a call is of one conversation');
select echoroom_private.tavus_started(pg_temp.call('early'), 'c-early', 'https://tavus.daily.co/c-early');
select is(pg_temp.news(pg_temp.call('early')), array['avatar-starting', 'avatar-started'], 'the room hears of it with its address');
select echoroom_private.tavus_started(pg_temp.call('early'), 'c-early', 'https://tavus.daily.co/c-early');
select is(pg_temp.news(pg_temp.call('early')), array['avatar-starting', 'avatar-started'], 'once');

-- Reconciliation ----------------------------------------------------------------------------------------------------------------

create function pg_temp.turn() returns text language sql volatile as $$
    select coalesce(string_agg(replace(o.conversation_id, 'c-', ''), ' '), '') from echoroom_private.tavus_open() o where o.conversation_id in ('c-attempt', 'c-early', 'c-over')
$$;
insert into calls (name) values ('over');
select echoroom_private.tavus_started(pg_temp.call('over'), 'c-over', 'https://tavus.daily.co/c-over');
update echoroom.conversations c set status = 'ended', ended_at = now() - interval '3 hours' where c.id = pg_temp.call('over');
select echoroom_private.tavus_looked(pg_temp.call('attempt'));
select is(pg_temp.turn(), 'early over attempt', 'who was asked for the longest time ago comes first');
select echoroom_private.tavus_looked(pg_temp.call('over'));
select is(pg_temp.turn(), 'early attempt', 'who is over is not asked for again at once');
update echoroom_private.conversation_looks l set looked_at = now() - interval '70 minutes' where l.conversation = pg_temp.call('over');
select is(pg_temp.turn(), 'early over attempt', 'but after a third of the time');

select * from finish();
rollback;
