-- The two tables of EchoRoom's specification that a join touches, with the keys, indexes and foreign key written there. The fill factor is not in
-- the specification; every variant gets it, so that it helps none.
create table sessions (
    id uuid primary key default gen_random_uuid(),
    category text not null,
    description text,
    is_active boolean default true,
    max_participants integer default 6,
    current_participants integer default 0,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
) with (fillfactor = 50);

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
