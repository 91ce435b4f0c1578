-- Released; never edited. 0.2.0 adds rate_limit and broadcast.
\echo Use "alter extension parley update" to load this file. \quit

create function rate_limit(bucket text, max_events integer, "window" interval) returns void
    language c volatile
    as 'MODULE_PATHNAME', 'parley_rate_limit';
comment on function rate_limit(text, integer, interval) is
    'Counts one event of a bucket; PT429 with the seconds to wait when there were more than max_events in the window. 22023 for arguments out of range.';

revoke all on function rate_limit(text, integer, interval) from public;
grant execute on function rate_limit(text, integer, interval) to @extowner@;

create function broadcast(topic text, event text, payload jsonb) returns void
    language c volatile
    as 'MODULE_PATHNAME', 'parley_broadcast';
comment on function broadcast(text, text, jsonb) is
    'Private Realtime broadcast through realtime.send; does nothing where there is none. 22023 for an empty topic or event, or a payload that is no object.';

revoke all on function broadcast(text, text, jsonb) from public;
grant execute on function broadcast(text, text, jsonb) to @extowner@;
