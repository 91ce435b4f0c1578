-- Released; never edited. 0.5.0 adds words.
\echo Use "alter extension parley update" to load this file. \quit

create function words(value text, is_query boolean default false) returns text
    language c immutable strict parallel safe cost 10
    as 'MODULE_PATHNAME', 'parley_words';
comment on function words(text, boolean) is 'The words of a text, in their order, a space between.';

revoke all on function words(text, boolean) from public;
grant execute on function words(text, boolean) to @extowner@;

comment on extension parley is 'Parley native kernel: counters, digests, events, nearest neighbours, rate limits, words and broadcasts in Rust';
