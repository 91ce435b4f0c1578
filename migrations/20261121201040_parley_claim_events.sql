-- claim_events: claim_event for several events of one source at once. A statement costs as much as several claims do, and so here are two of
-- them for any number of events, in the same way for both kernels.
--
-- The claims are inserted in the order of their keys, and conflicts are noted in that order afterwards, so two that bring the same events never
-- wait for each other in a circle. Whatever another transaction is claiming is waited for, as there.
-- Locks: the claimed keys, until the caller ends; the ledger's rows where conflicts are recorded.

-- Plans: the one for any arguments is made once; one for these keys alone would be made for every batch, and costs more than the claims. It may
-- be made while the ledger is small and kept while it grows: hence enable_seqscan, and subqueries where a join could read all of a source.
create function parley.claim_events(source text, event_keys text[], digests text[]) returns text[]
    language plpgsql volatile
    set search_path = ''
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    as $$
declare
    claimed text[];
    answers text[];
    is_lost boolean;
    conflict_at integer;
begin
    if source is null or length(source) not between 1 and 64 then
        raise exception using errcode = '22023', message = 'The source must have 1 to 64 characters.';
    end if;
    if event_keys is null or digests is null or cardinality(event_keys) <> cardinality(digests) then
        raise exception using errcode = '22023', message = 'There must be as many digests as event keys.';
    end if;
    for at in 1..cardinality(event_keys) loop
        if event_keys[at] is null then
            continue;
        end if;
        if length(event_keys[at]) not between 1 and 400 then
            raise exception using errcode = '22023', message = 'The event key must have 1 to 400 characters.';
        end if;
        -- A regular expression takes 10 us.
        if digests[at] is null or octet_length(digests[at]) <> 64 or ltrim(digests[at], '0123456789abcdef') <> '' then
            raise exception using errcode = '22023', message = 'The digest must have 64 lower-case hex digits.';
        end if;
    end loop;

    with inserted as (
        insert into parley.processed_events (source, event_key, digest)
        select claim_events.source, given.event_key, given.digest
        from (
            select distinct on (every.event_key collate "C") every.event_key, every.digest
            from unnest(event_keys, digests) with ordinality as every (event_key, digest, place)
            where every.event_key is not null
                and (
                    select kept.digest
                    from parley.processed_events as kept
                    where kept.source = claim_events.source collate "C" and kept.event_key = every.event_key collate "C"
                ) is null
            order by every.event_key collate "C", every.place
        ) as given
        on conflict on constraint processed_events_pkey do nothing
        returning event_key
    )
    select array_agg(inserted.event_key::text) into claimed
    from inserted;
    if cardinality(claimed) = cardinality(event_keys) then
        return array_fill('new'::text, array[cardinality(event_keys)]);
    end if;

    -- The first of a key among the given is the one that was inserted. What others claimed meanwhile is committed, and seen from here on.
    select
        array_agg(case when given.event_key is not null then given.answer end),
        coalesce(bool_or(given.event_key is not null and given.answer is null), false)
    into answers, is_lost
    from (
        select
            every.event_key,
            case
                when every.event_key = any (claimed) and array_position(event_keys, every.event_key) = every.place then 'new'
                else (
                    select case when kept.digest = every.digest collate "C" then 'duplicate' else 'conflicting' end
                    from parley.processed_events as kept
                    where kept.source = claim_events.source collate "C" and kept.event_key = every.event_key collate "C"
                )
            end as answer
        from unnest(event_keys, digests) with ordinality as every (event_key, digest, place)
        order by every.place
    ) as given;
    if is_lost then
        -- Only where a row is pruned between the two statements.
        raise exception using errcode = '40001', message = 'An event was claimed and forgotten at the same time: try again.';
    end if;

    if 'conflicting' = any (answers) then
        for conflict_at in
            select every.place
            from unnest(event_keys, answers) with ordinality as every (event_key, answer, place)
            where every.answer = 'conflicting'
            order by every.event_key collate "C", every.place
        loop
            -- A sender that repeats what was recorded, or never stops saying something else, makes no more row versions.
            update parley.processed_events as kept
            set conflicting_digests = kept.conflicting_digests || digests[conflict_at],
                last_conflict_at = now()
            where kept.source = claim_events.source collate "C" and kept.event_key = event_keys[conflict_at] collate "C"
                and coalesce(cardinality(kept.conflicting_digests), 0) < 8
                and (digests[conflict_at] collate "C" = any (kept.conflicting_digests)) is not true;
        end loop;
    end if;
    return coalesce(answers, '{}');
end
$$;
comment on function parley.claim_events(text, text[], text[]) is
    'claim_event for several events of one source in one transaction; the answers are in the order of the events, and null where a key is null. The first of a key is new, the others are duplicates of it or conflicts. 22023 and 40001 as there.';

revoke execute on all functions in schema parley from public;
