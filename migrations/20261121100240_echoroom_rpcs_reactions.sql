-- EchoRoom, RPCs of reactions.
--
-- Locks: both hold the room's row (FOR NO KEY UPDATE) until they commit, like every change of the room's stream.

-- Helpers ---------------------------------------------------------------------------------------------------------------------

create function echoroom_private.clean_emoji(input text)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
    v_emoji text := parley.normal_emoji(parley.trim_text(input));
begin
    if v_emoji is null then
        perform echoroom_private.fail('PT422', 'invalid_emoji', 'A reaction is one emoji.', 'Send a single emoji.');
    end if;
    return v_emoji;
end
$$;

comment on function echoroom_private.clean_emoji is 'The emoji of a reaction, in the one form that is stored. PT422 invalid_emoji.';

create function echoroom_private.add_reaction(p_message_id uuid, p_emoji text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_user_id uuid := echoroom_private.my_account();
    v_emoji text := echoroom_private.clean_emoji(p_emoji);
begin
    perform parley.limit_rate('echoroom.reaction');
    perform echoroom_private.check_can_speak(echoroom_private.lock_message(p_message_id, false));
    if (
        select count(*)
        from echoroom.message_reactions r
        where r.message_id = p_message_id and r.user_id = v_user_id and r.emoji <> v_emoji
    ) >= 10 then
        perform echoroom_private.fail(
            'PT422', 'too_many_reactions', 'You may put at most 10 different reactions on a message.', 'Take one back with remove_reaction.'
        );
    end if;
    insert into echoroom.message_reactions (message_id, user_id, emoji)
    values (p_message_id, v_user_id, v_emoji)
    on conflict on constraint message_reactions_message_id_user_id_emoji_key do nothing;
    return echoroom_private.message_json(p_message_id);
end
$$;

comment on function echoroom_private.add_reaction is 'Behind echoroom.add_reaction.';

create function echoroom_private.remove_reaction(p_message_id uuid, p_emoji text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_user_id uuid := echoroom_private.me();
    v_emoji text := echoroom_private.clean_emoji(p_emoji);
begin
    perform parley.limit_rate('echoroom.reaction');
    perform echoroom_private.check_can_speak(echoroom_private.lock_message(p_message_id, false));
    delete from echoroom.message_reactions
    where message_id = p_message_id and user_id = v_user_id and emoji = v_emoji;
    return echoroom_private.message_json(p_message_id);
end
$$;

comment on function echoroom_private.remove_reaction is 'Behind echoroom.remove_reaction.';

-- The API ---------------------------------------------------------------------------------------------------------------------

create function echoroom.add_reaction(message_id uuid, emoji text)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.add_reaction(message_id, emoji)
$$;

comment on function echoroom.add_reaction is 'Puts the caller''s reaction on a message of a room the caller sits in, and returns the message. Twice is once.';

create function echoroom.remove_reaction(message_id uuid, emoji text)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select echoroom_private.remove_reaction(message_id, emoji)
$$;

comment on function echoroom.remove_reaction is 'Takes the caller''s own reaction back, and returns the message.';

-- Rights ----------------------------------------------------------------------------------------------------------------------

revoke execute on all functions in schema echoroom, echoroom_private from public;

grant execute on function
    echoroom_private.add_reaction(uuid, text),
    echoroom_private.remove_reaction(uuid, text),
    echoroom.add_reaction(uuid, text),
    echoroom.remove_reaction(uuid, text)
to authenticated, service_role;

notify pgrst, 'reload schema';
