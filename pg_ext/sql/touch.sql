create function touch_updated_at() returns trigger
    language c volatile
    as 'MODULE_PATHNAME', 'parley_touch_updated_at';
comment on function touch_updated_at() is 'Trigger, before update for each row: sets updated_at to the time of the transaction.';

revoke all on function touch_updated_at() from public;
grant execute on function touch_updated_at() to @extowner@;
