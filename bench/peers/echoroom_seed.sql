-- The database of EchoRoom's specification, as written there: tables, indexes, policies, triggers. Names are unqualified, so it goes into the schema
-- that comes first in the search path.
create table sessions (
    id uuid primary key default gen_random_uuid(),
    category text not null,
    description text,
    is_active boolean default true,
    max_participants integer default 6,
    current_participants integer default 0,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create index idx_sessions_category on sessions (category);
create index idx_sessions_active on sessions (is_active);

create table participants (
    user_id uuid not null,
    session_id uuid not null references sessions (id) on delete cascade,
    user_name text not null default ''::text,
    avatar text null default '/avatars/default-avatar.png'::text,
    mood text null default 'calm'::text,
    is_speaking boolean not null default false,
    is_muted boolean not null default false,
    joined_at timestamptz not null default now(),
    constraint participants_pkey primary key (user_id, session_id)
);

create index idx_participants_session on participants (session_id);
create index idx_participants_user on participants (user_id);
create index idx_participants_active on participants (session_id, joined_at);

create table chat_messages (
    id uuid primary key default gen_random_uuid(),
    session_id uuid references sessions (id) on delete cascade,
    user_id uuid,
    sender_name text not null,
    content text not null,
    message_type text default 'text' check (message_type in ('text', 'system', 'ai-prompt', 'mood-check')),
    reply_to uuid references chat_messages (id) on delete set null,
    is_edited boolean default false,
    edited_at timestamptz,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create index idx_chat_messages_session on chat_messages (session_id, created_at desc);
create index idx_chat_messages_user on chat_messages (user_id);
create index idx_chat_messages_type on chat_messages (message_type);

create table message_reactions (
    id uuid primary key default gen_random_uuid(),
    message_id uuid references chat_messages (id) on delete cascade,
    user_id uuid,
    emoji text not null,
    created_at timestamptz default now(),
    unique (message_id, user_id, emoji)
);

create index idx_message_reactions_message on message_reactions (message_id);
create index idx_message_reactions_user on message_reactions (user_id);

alter table sessions enable row level security;
alter table participants enable row level security;
alter table chat_messages enable row level security;
alter table message_reactions enable row level security;

create policy "Sessions are publicly readable" on sessions for select using (true);
create policy "Participants are publicly readable" on participants for select using (true);
create policy "Users can insert participant records" on participants for insert with check (true);
create policy "Users can update own participant records" on participants for update using (true);
create policy "Chat messages are publicly readable" on chat_messages for select using (true);
create policy "Users can send messages" on chat_messages for insert with check (true);
create policy "Message reactions are publicly readable" on message_reactions for select using (true);
create policy "Users can add reactions" on message_reactions for insert with check (true);

create or replace function update_updated_at_column()
returns trigger as $$
begin
    new.updated_at = now();
    return new;
end;
$$ language 'plpgsql';

create trigger update_sessions_updated_at
    before update on sessions
    for each row execute function update_updated_at_column();

create trigger update_chat_messages_updated_at
    before update on chat_messages
    for each row execute function update_updated_at_column();
