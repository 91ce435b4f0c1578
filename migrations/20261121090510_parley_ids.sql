-- time_ordered_id: keys of tables that grow without end, version 7 of RFC 9562: milliseconds since 1970, then random bits.
--
-- New rows go to the end of the key's index. With random keys every insert dirties a leaf of its own, and the first change of a page after a
-- checkpoint writes the whole page to the WAL: 8 kB an index and row in a large table.
-- Locks: none.

create function parley.time_ordered_id() returns uuid
    language plpgsql volatile parallel safe
    set search_path = ''
    as $$
begin
    -- Of a random id (version 4, so bits 52 and 53 are what is missing to 7) the first 48 bits become the time.
    return encode(
        set_bit(
            set_bit(
                overlay(
                    uuid_send(gen_random_uuid())
                    placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                    from 1 for 6
                ),
                52, 1
            ),
            53, 1
        ),
        'hex'
    )::uuid;
end
$$;
comment on function parley.time_ordered_id() is 'A new UUID (version 7) that sorts after those of earlier milliseconds. For keys of tables that only grow. A default runs with the rights of who inserts: where that may be a role of the API, an app wraps this in a definer function.';

revoke execute on function parley.time_ordered_id() from public;
