-- claim_event: an event that a sender may deliver several times, at once and in any order, is applied once.
--
-- The claim is a row of the ledger, inserted in the caller's transaction beside the effects of the event: both are there or neither is.
-- The primary key decides. Who claims a key that another transaction is claiming waits for it: if that one commits, the answer is
-- duplicate, and if it rolls back, new. A duplicate writes nothing at all, not even a row lock, so it takes no transaction id, leaves
-- no dead row, and its commit waits for no disk. It is looked for before the insert: that costs a new event 3 us, and an insert that
-- finds the key taken costs as much as one that does not.
--
-- Under REPEATABLE READ and SERIALIZABLE a claim that was committed after the caller's snapshot cannot be answered: 40001, try again.
-- Several claims in one transaction: in the order of their keys, as with all locks, or two transactions may wait for each other (40P01).
-- Locks: the claimed key, until the caller ends; the ledger's row, where a conflict is recorded.

-- Domains, because a domain's check costs an insert 0.5 us and a table's 2 us: Postgres reads the latter from its stored text every time.
create domain parley.event_source as text collate "C"
    constraint event_source_check check (length(value) between 1 and 64);
create domain parley.event_key as text collate "C"
    constraint event_key_check check (length(value) between 1 and 400);
create domain parley.event_digest as text collate "C"
    constraint event_digest_check check (octet_length(value) = 64);
create domain parley.event_digests as text[] collate "C"
    constraint event_digests_check check (cardinality(value) between 1 and 8);
comment on domain parley.event_source is 'Who sends an event: tavus, for example.';
comment on domain parley.event_key is 'What makes two deliveries the same event, within a source.';
comment on domain parley.event_digest is 'SHA-256, 64 lower-case hex digits.';
comment on domain parley.event_digests is 'One to eight of them.';
revoke all on domain parley.event_source, parley.event_key, parley.event_digest, parley.event_digests from public;

create table parley.processed_events (
    first_seen_at timestamptz not null default now(),
    last_conflict_at timestamptz,
    source parley.event_source not null,
    event_key parley.event_key not null,
    digest parley.event_digest not null,
    conflicting_digests parley.event_digests,
    constraint processed_events_pkey primary key (source, event_key)
);
-- For retention by age. Rows are not updated but for conflicts, and those touch no indexed column.
create index processed_events_first_seen_at_idx on parley.processed_events (first_seen_at);

comment on table parley.processed_events is 'The ledger of claimed events: one row a source and key, kept until prune_events.';
comment on column parley.processed_events.first_seen_at is 'When the transaction began that claimed the event.';
comment on column parley.processed_events.last_conflict_at is 'When the last of conflicting_digests was recorded.';
comment on column parley.processed_events.source is 'Who sends: tavus, for example.';
comment on column parley.processed_events.event_key is 'What makes two deliveries the same event, within the source.';
comment on column parley.processed_events.digest is 'SHA-256 of what the first delivery said, 64 lower-case hex digits.';
comment on column parley.processed_events.conflicting_digests is
    'What later deliveries of the same key said instead, each once, in the order of their coming; the first eight. Null: none did.';
alter table parley.processed_events enable row level security;

-- A plan made while the ledger was small would read all of it for as long as the session keeps the plan: hence enable_seqscan.
create function parley_portable.claim_event(source text, event_key text, digest text) returns text
    language plpgsql volatile
    set search_path = ''
    set enable_seqscan = off
    as $$
declare
    is_same boolean;
begin
    if source is null or length(source) not between 1 and 64 then
        raise exception using errcode = '22023', message = 'The source must have 1 to 64 characters.';
    end if;
    if event_key is null or length(event_key) not between 1 and 400 then
        raise exception using errcode = '22023', message = 'The event key must have 1 to 400 characters.';
    end if;
    if digest is null or digest collate "C" !~ '^[0-9a-f]{64}$' then
        raise exception using errcode = '22023', message = 'The digest must have 64 lower-case hex digits.';
    end if;

    for attempt in 1..10 loop
        select kept.digest = claim_event.digest collate "C" into is_same
        from parley.processed_events as kept
        where kept.source = claim_event.source collate "C" and kept.event_key = claim_event.event_key collate "C";
        if is_same then
            return 'duplicate';
        elsif found then
            -- A sender that repeats what was recorded, or never stops saying something else, makes no more row versions.
            update parley.processed_events as kept
            set conflicting_digests = kept.conflicting_digests || claim_event.digest,
                last_conflict_at = now()
            where kept.source = claim_event.source collate "C" and kept.event_key = claim_event.event_key collate "C"
                and coalesce(cardinality(kept.conflicting_digests), 0) < 8
                and (claim_event.digest collate "C" = any (kept.conflicting_digests)) is not true;
            return 'conflicting';
        end if;

        insert into parley.processed_events (source, event_key, digest)
        values (claim_event.source, claim_event.event_key, claim_event.digest)
        on conflict on constraint processed_events_pkey do nothing;
        if found then
            return 'new';
        end if;
        -- Somebody else claimed it meanwhile, and the insert has waited for him: look again, with a new snapshot.
    end loop;
    -- Only where the row is pruned each time, between the two statements.
    raise exception using errcode = '40001', message = 'The event was claimed and forgotten at the same time: try again.';
end
$$;
comment on function parley_portable.claim_event(text, text, text) is
    'Claims an event in the caller''s transaction: new, duplicate, or conflicting (claimed before with another digest, which is kept). 22023 for arguments out of range; 40001 where the snapshot is too old to tell.';

create function parley.claim_event(source text, event_key text, digest text) returns text
    language sql volatile
    as $$ select parley_portable.claim_event(source, event_key, digest) $$;
comment on function parley.claim_event(text, text, text) is
    'Claims an event in the caller''s transaction: new (apply it), duplicate (claimed before, with this digest), or conflicting (claimed before with another digest: the first is kept, this one is recorded). Waits for a transaction that is claiming the same key.';

-- One batch a call: the caller commits and calls again while a full batch comes back, so that nothing is locked for longer than a batch.
-- Rows that another session holds (it prunes too, or records a conflict) are left for the next call.
-- The least age is more than the longest retry schedule in use (Standard Webhooks' example: 76 hours): forgotten sooner, an event
-- that is delivered again would be new again.
create function parley.prune_events(older_than interval default '30 days', batch integer default 10000) returns bigint
    language plpgsql volatile
    set search_path = ''
    set timezone = 'UTC'
    set enable_seqscan = off
    as $$
declare
    cutoff timestamptz;
    passed constant timestamptz := coalesce(parley.prune_position('parley.events'), '-infinity')::timestamptz;
    reached timestamptz;
    found_old bigint;
    pruned bigint;
begin
    if older_than is null or older_than not between interval '4 days' and interval '100 years'
        or now() - older_than > now() - interval '4 days'
    then
        raise exception using
            errcode = '22023',
            message = 'Events are kept for at least 4 days, and at most 100 years.',
            hint = 'A sender may repeat an event for as long: what is forgotten earlier would be applied twice.';
    end if;
    if batch is null or batch not between 1 and 100000 then
        raise exception using errcode = '22023', message = 'The batch must have 1 to 100000 events.';
    end if;

    cutoff := now() - older_than;
    with doomed as materialized (
        select kept.ctid as place, kept.first_seen_at
        from parley.processed_events as kept
        where kept.first_seen_at < cutoff and kept.first_seen_at >= passed
        order by kept.first_seen_at
        limit batch
        for update skip locked
    ),
    gone as (
        delete from parley.processed_events as kept
        where kept.ctid = any (array(select doomed.place from doomed))
        returning 1
    )
    select (select count(*) from gone), (select count(*) from doomed), (select max(doomed.first_seen_at) from doomed)
    into pruned, found_old, reached;
    perform parley.set_prune_position('parley.events', case when found_old >= batch then reached::text end);
    return pruned;
end
$$;
comment on function parley.prune_events(interval, integer) is
    'Forgets the oldest events above an age, at most a batch of them; returns how many. Call it again while it returns a full batch. 22023 for less than 4 days: senders repeat events that long.';

revoke execute on all functions in schema parley, parley_portable from public;
