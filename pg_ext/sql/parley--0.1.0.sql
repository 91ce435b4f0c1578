-- Released; never edited. Changes go into the next version's update script.
\echo Use "create extension parley" to load this file. \quit

create function canonical_json(value jsonb) returns text
    language c immutable strict parallel safe cost 10
    as 'MODULE_PATHNAME', 'parley_canonical_json';
comment on function canonical_json(jsonb) is 'The canonical form of RFC 8785. 54000 when nested deeper than 256 levels.';

create function content_digest(value jsonb) returns text
    language c immutable strict parallel safe cost 10
    as 'MODULE_PATHNAME', 'parley_content_digest';
comment on function content_digest(jsonb) is 'SHA-256 of the canonical form, 64 lower-case hex digits.';

revoke all on function canonical_json(jsonb), content_digest(jsonb) from public;
grant execute on function canonical_json(jsonb), content_digest(jsonb) to @extowner@;

create function touch_updated_at() returns trigger
    language c volatile
    as 'MODULE_PATHNAME', 'parley_touch_updated_at';
comment on function touch_updated_at() is 'Trigger, before update for each row: sets updated_at to the time of the transaction.';

revoke all on function touch_updated_at() from public;
grant execute on function touch_updated_at() to @extowner@;

create function maintain_aggregate() returns trigger
    language c volatile
    as 'MODULE_PATHNAME', 'parley_maintain_aggregate';
comment on function maintain_aggregate() is
    'Trigger, after insert, update, delete or truncate for each statement, with transition tables parley_old and parley_new: keeps a count, sum or max of child rows in their parent, with the rights of the table''s owner. Arguments: kind, child key, parent table, parent key, target, capacity, value, condition; empty for none. PT409 when a capacity would be exceeded.';

revoke all on function maintain_aggregate() from public;
grant execute on function maintain_aggregate() to @extowner@;
