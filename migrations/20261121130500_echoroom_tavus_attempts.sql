-- EchoRoom, attempts: a worker that dies, or loses the answer, between making a call and noting it leaves a call that costs money. Who tries
-- next looks for it at Tavus first, so it has to know that there was an attempt.
--
-- Locks: ACCESS EXCLUSIVE on echoroom.conversations for an instant (a column without a default is not written to the rows), hence the
-- lock_timeout.

set lock_timeout = '10s';
alter table echoroom.conversations add column attempted_at timestamptz;
reset lock_timeout;

comment on column echoroom.conversations.attempted_at is
    'When a worker first set out to make the call. Null: none has, or it surely made nothing, so there is no call to look for.';

create function echoroom_private.tavus_attempt(p_conversation uuid, p_claimed_until timestamptz, p_seconds integer default 60)
returns timestamptz
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_claimed_until timestamptz;
begin
    update echoroom.conversations c
    set
        attempted_at = coalesce(c.attempted_at, clock_timestamp()),
        claimed_until = clock_timestamp() + make_interval(secs => least(greatest(p_seconds, 1), 600))
    where c.id = p_conversation
      and c.status = 'starting'
      and c.conversation_id is null
      and c.claimed_until = p_claimed_until
    returning c.claimed_until into v_claimed_until;
    return v_claimed_until;
end
$$;

comment on function echoroom_private.tavus_attempt is
    'Committed before the call is made: notes the attempt, and holds the claim (its claimed_until) for some seconds more. Null when the claim is lost, or there is a call.';

drop function echoroom_private.tavus_release(uuid);

create function echoroom_private.tavus_release(
    p_conversation uuid,
    p_claimed_until timestamptz default null,
    p_is_untried boolean default false
)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    update echoroom.conversations c
    set
        claimed_until = null,
        attempted_at = case when p_is_untried and c.conversation_id is null then null else c.attempted_at end
    where c.id = p_conversation
      -- Another worker may have it by now.
      and (p_claimed_until is null or c.claimed_until = p_claimed_until);
end
$$;

comment on function echoroom_private.tavus_release is
    'Gives a claim back before it runs out: this one (its claimed_until), or any. Untried takes the note of the attempt back: it surely made nothing.';

revoke execute on all functions in schema echoroom_private from public;
grant execute on function
    echoroom_private.tavus_attempt(uuid, timestamptz, integer),
    echoroom_private.tavus_release(uuid, timestamptz, boolean)
to parley_worker;
