create function rate_limit(bucket text, max_events integer, "window" interval) returns void
    language c volatile
    as 'MODULE_PATHNAME', 'parley_rate_limit';
comment on function rate_limit(text, integer, interval) is
    'Counts one event of a bucket; PT429 with the seconds to wait when there were more than max_events in the window. 22023 for arguments out of range.';

revoke all on function rate_limit(text, integer, interval) from public;
grant execute on function rate_limit(text, integer, interval) to @extowner@;
