-- Released; never edited. 0.3.0 adds claim_event, and the keys and digests of Tavus's events.
\echo Use "alter extension parley update" to load this file. \quit

create function claim_event(source text, event_key text, digest text) returns text
    language c volatile
    as 'MODULE_PATHNAME', 'parley_claim_event';
comment on function claim_event(text, text, text) is
    'Claims an event in the caller''s transaction: new, duplicate, or conflicting (claimed before with another digest, which is kept). 22023 for arguments out of range; 40001 where the snapshot is too old to tell.';

revoke all on function claim_event(text, text, text) from public;
grant execute on function claim_event(text, text, text) to @extowner@;

create function tavus_event_digest(event jsonb) returns text
    language c immutable parallel safe cost 10
    as 'MODULE_PATHNAME', 'parley_tavus_event_digest';
comment on function tavus_event_digest(jsonb) is
    'The digest of what an event of Tavus says, without what may differ between two deliveries. 22023 for what is no event, 54000 when nested deeper than 256 levels.';

create function tavus_event_key(event jsonb, conversation_id text default null) returns text
    language c immutable parallel safe cost 10
    as 'MODULE_PATHNAME', 'parley_tavus_event_key';
comment on function tavus_event_key(jsonb, text) is
    'The key of an event of Tavus. The conversation''s id is taken from the event where it is not given. 22023 for what is no event.';

revoke all on function tavus_event_digest(jsonb), tavus_event_key(jsonb, text) from public;
grant execute on function tavus_event_digest(jsonb), tavus_event_key(jsonb, text) to @extowner@;

comment on extension parley is 'Parley native kernel: counters, digests, events, rate limits and broadcasts in Rust';
