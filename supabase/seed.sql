-- Development data; hosted deployments run migrations only, and the rows that the product needs (the six rooms, their personas) are there.
--
-- A closed room with a short conversation, so that a table browser and experiments with row level security have something to show:
-- a question with an answer, an edit, a tombstone, reactions. It is closed so that no lobby lists it and nobody is sent there.

insert into echoroom.sessions (id, category, description, is_active)
values ('0d0c5eed-0000-4000-8000-000000000001', 'Development', 'A closed room with sample data', false)
on conflict (id) do nothing;

-- The empty tokens are what Auth itself writes; it cannot read a null there.
insert into auth.users (
    instance_id, id, aud, role, is_anonymous, confirmation_token, recovery_token, email_change_token_new, email_change,
    raw_app_meta_data, raw_user_meta_data, created_at, updated_at
)
select
    '00000000-0000-0000-0000-000000000000', sample.id, 'authenticated', 'authenticated', true, '', '', '', '', '{}', '{}', now(), now()
from (
    values ('0d0c5eed-0000-4000-8000-00000000000a'::uuid), ('0d0c5eed-0000-4000-8000-00000000000b')
) as sample (id)
on conflict (id) do nothing;

insert into echoroom.chat_messages (id, session_id, user_id, sender_name, content, message_type, reply_to)
select sample.*
from (
    values
        (
            '0d0c5eed-0000-4000-8000-000000000011'::uuid, '0d0c5eed-0000-4000-8000-000000000001'::uuid, null::uuid,
            'system', 'Take a breath, then say how you arrived today.', 'ai-prompt', null::uuid
        ),
        (
            '0d0c5eed-0000-4000-8000-000000000012', '0d0c5eed-0000-4000-8000-000000000001', '0d0c5eed-0000-4000-8000-00000000000a',
            'Quiet Otter', 'Tired, but glad to be hear.', 'mood-check', '0d0c5eed-0000-4000-8000-000000000011'
        ),
        (
            '0d0c5eed-0000-4000-8000-000000000013', '0d0c5eed-0000-4000-8000-000000000001', '0d0c5eed-0000-4000-8000-00000000000b',
            'Sunny Wren', 'Wrong window, sorry!', 'text', null
        )
) as sample
where not exists (select from echoroom.chat_messages m where m.id = sample.column1);

update echoroom.chat_messages
set content = 'Tired, but glad to be here.'
where id = '0d0c5eed-0000-4000-8000-000000000012' and not is_edited;

update echoroom.chat_messages
set deleted_at = now()
where id = '0d0c5eed-0000-4000-8000-000000000013' and deleted_at is null;

insert into echoroom.message_reactions (message_id, user_id, emoji)
values
    ('0d0c5eed-0000-4000-8000-000000000012', '0d0c5eed-0000-4000-8000-00000000000b', '💛'),
    ('0d0c5eed-0000-4000-8000-000000000011', '0d0c5eed-0000-4000-8000-00000000000a', '🙏')
on conflict (message_id, user_id, emoji) do nothing;
