-- What is inside Tavus' events: moments in all of their spellings, what was spoken in transcripts, and recordings in any order.
begin;
set local client_min_messages = warning;
-- Neither the zone of the session nor its taste in dates matters.
set local timezone = 'Asia/Kathmandu';
set local datestyle = 'sql, dmy';
create extension if not exists pgtap with schema extensions;
select plan(52);

create function pg_temp.moment(value jsonb) returns text
    language sql stable
    as $$ select to_char(parley.tavus_moment(value) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') $$;

select is(pg_temp.moment(spelled::jsonb), moment, spelled || ' is ' || coalesce(moment, 'no moment'))
from (
    values
        ('1779475657.84', '2026-05-22 18:47:37.840000'),
        ('1779475657', '2026-05-22 18:47:37.000000'),
        ('1.779475657e9', '2026-05-22 18:47:37.000000'),
        ('1779475657840', '2026-05-22 18:47:37.840000'),
        ('"1779475657.84"', '2026-05-22 18:47:37.840000'),
        ('0', '1970-01-01 00:00:00.000000'),
        ('"2026-05-22T18:47:37.472000Z"', '2026-05-22 18:47:37.472000'),
        ('"2026-05-22 18:47:37+02:00"', '2026-05-22 16:47:37.000000'),
        ('"2026-05-22T18:47:37"', '2026-05-22 18:47:37.000000'),
        ('"2026-13-45T18:47:37Z"', null),
        ('"2026-05-22T99:47:37Z"', null),
        ('"now"', null),
        ('"infinity"', null),
        ('"yesterday"', null),
        ('""', null),
        ('-5', null),
        ('1e300', null),
        ('true', null),
        ('null', null),
        ('[1779475657]', null)
) as cases (spelled, moment);
select is(parley.tavus_moment(null), null, 'nothing is no moment');

select is(
    parley.tavus_transcript('[
        {"role": "system", "content": "You are"},
        {"role": "user", "content": "Hi", "timestamp": 1779475657.84, "inference_id": "i1", "extra": [1]},
        7, null, "text",
        {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "search_knowledge"}}]},
        {"role": "tool", "content": "{\"found\": 3}"},
        {"role": "System", "content": "You are"},
        {"role": "USER", "content": [{"type": "text", "text": "So"}, {"type": "text", "text": "many"}]},
        {"role": "Replica", "content": "Hello", "seconds_from_start": 1.5, "duration": 0.7, "timestamp": null},
        {"content": "Nobody said this"}
    ]'),
    '[
        {"role": "user", "content": "Hi", "timestamp": 1779475657.84},
        {"role": "user", "content": "So many"},
        {"role": "assistant", "content": "Hello", "seconds_from_start": 1.5, "duration": 0.7}
    ]',
    'a transcript is what was spoken, in its order'
);
select is(parley.tavus_spoken(entry::jsonb), words, format('%s speaks %s', entry, coalesce(words, 'nothing')))
from (
    values
        ('{"role": "user", "content": "Hi"}', 'Hi'),
        ('{"role": "assistant", "content": " Hello "}', ' Hello '),
        ('{"role": "pal", "content": "Hello"}', 'Hello'),
        ('{"role": "assistant", "content": [{"type": "text", "text": "In"}, 7, {"text": ""}, {"image": "x"}, "parts"]}', 'In parts'),
        ('{"role": "assistant", "content": " \n\t"}', null),
        ('{"role": "assistant", "content": ""}', null),
        ('{"role": "assistant", "content": []}', null),
        ('{"role": "assistant", "content": {"type": "text", "text": "In one"}}', 'In one'),
        ('{"role": "assistant", "content": {"image": "x"}}', null),
        ('{"role": "assistant", "content": 7}', null),
        ('{"role": "User", "content": "Hi"}', 'Hi'),
        ('{"role": "PAL", "content": "Hello"}', 'Hello'),
        ('{"role": "Tool", "content": "secret"}', null),
        ('{"role": "Developer", "content": "secret"}', null),
        ('{"role": "assistant", "tool_calls": []}', null),
        ('{"role": "tool", "content": "secret"}', null),
        ('{"role": "function", "content": "secret"}', null),
        ('{"role": "developer", "content": "secret"}', null),
        ('{"role": "narrator", "content": "?"}', null),
        ('{"role": 7, "content": "?"}', null),
        ('["user"]', null)
) as cases (entry, words);
select is(parley.tavus_transcript('[]'), '[]', 'an empty one is empty');
select is(parley.tavus_transcript('{"role": "user"}'), '[]', 'what is no array is an empty one');
select is(parley.tavus_transcript('null'), '[]', 'and so is null');
select is(parley.tavus_transcript(null), '[]', 'of either kind');

create function pg_temp.told(at text, properties text) returns jsonb
    language sql immutable as $$ select jsonb_build_object('timestamp', at, 'properties', properties::jsonb) $$;
create function pg_temp.one_by_one(events jsonb[]) returns jsonb language plpgsql immutable as $$
declare
    v_recordings jsonb;
    v_event jsonb;
begin
    foreach v_event in array events loop
        v_recordings := parley.tavus_recordings(v_recordings, array[v_event]);
    end loop;
    return v_recordings;
end
$$;
select is(
    parley.tavus_recordings(null, array[pg_temp.told('2026-05-22T18:47:37+02:00', '{"s3_key": "b"}'), pg_temp.told('2026-05-22T16:47:36.5Z', '{"s3_key": "a"}')]),
    '[{"ready_at": "2026-05-22T16:47:36.500000Z", "properties": {"s3_key": "a"}}, {"ready_at": "2026-05-22T16:47:37.000000Z", "properties": {"s3_key": "b"}}]',
    'recordings are sorted by the time of their events'
);
select is(parley.tavus_recordings(null, '{}'), null, 'none are none');
select is(
    parley.tavus_recordings('[{"ready_at": "2026-05-22T16:47:36.500000Z", "properties": {"s3_key": "a"}}]', array[pg_temp.told('2026-05-22T16:47:36.5Z', '{"s3_key": "a"}')]),
    '[{"ready_at": "2026-05-22T16:47:36.500000Z", "properties": {"s3_key": "a"}}]', 'one that is told again is one'
);
select is(
    parley.tavus_recordings(null, array['{"properties": 7}'::jsonb]), '[{"ready_at": null, "properties": {}}]', 'one without a time or a word is one all the same'
);
select results_eq(
    $$ with told (n, event) as (
           values (1, pg_temp.told('2026-05-22T10:00:00Z', '{"k": 1}')), (2, pg_temp.told('2026-05-22T10:00:00Z', '{"k": 2}')),
               (3, pg_temp.told('soon', '{"k": 3}')), (4, pg_temp.told('2026-05-22T09:00:00Z', '{"k": 4}'))
       )
       select count(distinct pg_temp.one_by_one(array[a.event, b.event, c.event, d.event]))::int, count(*)::int
       from told a, told b, told c, told d
       where a.n <> all (array[b.n, c.n, d.n]) and b.n <> all (array[c.n, d.n]) and c.n <> d.n $$,
    $$ values (1, 24) $$,
    'whichever comes first, four of them make one list'
);

select * from finish();
rollback;
