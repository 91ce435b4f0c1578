-- What is inside Tavus' events: moments in all of their spellings, and transcripts without the system prompt.
begin;
set local client_min_messages = warning;
-- Neither the zone of the session nor its taste in dates matters.
set local timezone = 'Asia/Kathmandu';
set local datestyle = 'sql, dmy';
create extension if not exists pgtap with schema extensions;
select plan(26);

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
        {"role": "assistant", "content": "Hello", "seconds_from_start": 1.5, "duration": 0.7, "timestamp": null},
        {"content": "Nobody said this"}
    ]'),
    '[
        {"role": "user", "content": "Hi", "timestamp": 1779475657.84},
        {"role": "assistant", "content": "Hello", "seconds_from_start": 1.5, "duration": 0.7},
        {"content": "Nobody said this"}
    ]',
    'a transcript is what people read of it, in its order'
);
select is(parley.tavus_transcript('[]'), '[]', 'an empty one is empty');
select is(parley.tavus_transcript('{"role": "user"}'), '[]', 'what is no array is an empty one');
select is(parley.tavus_transcript('null'), '[]', 'and so is null');
select is(parley.tavus_transcript(null), '[]', 'of either kind');

select * from finish();
rollback;
