create function broadcast(topic text, event text, payload jsonb) returns void
    language c volatile
    as 'MODULE_PATHNAME', 'parley_broadcast';
comment on function broadcast(text, text, jsonb) is
    'Private Realtime broadcast through realtime.send; does nothing where there is none. 22023 for an empty topic or event, or a payload that is no object.';

revoke all on function broadcast(text, text, jsonb) from public;
grant execute on function broadcast(text, text, jsonb) to @extowner@;
