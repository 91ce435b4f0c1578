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
