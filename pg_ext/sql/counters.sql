create function maintain_aggregate() returns trigger
    language c volatile
    as 'MODULE_PATHNAME', 'parley_maintain_aggregate';
comment on function maintain_aggregate() is
    'Trigger, after insert, update, delete or truncate for each statement, with transition tables parley_old and parley_new: keeps a count, sum or max of child rows in their parent, with the rights of the table''s owner. Arguments: kind, child key, parent table, parent key, target, capacity, value, condition; empty for none. PT409 when a capacity would be exceeded.';

revoke all on function maintain_aggregate() from public;
grant execute on function maintain_aggregate() to @extowner@;
