-- Domo, what searches read: the kernel's copies of the embeddings, and the words of each chunk.
--
-- The words lie beside the chunk, not in it: clients read chunks with select *, and a tsvector is as long as its text. Each word is there
-- as it is written (simple) and by its English stem, so that people who write no English find what they wrote, and those who do also find
-- its other forms; a query's words may match either way. Which language a text is in, nobody says.
-- The index leads with the demo (btree_gin), so a small demo's search reads none of the others' postings.
-- Locks: SHARE ROW EXCLUSIVE on domo.knowledge_chunks until commit; existing chunks are copied once.

set lock_timeout = '10s';

create extension if not exists btree_gin with schema extensions;

create table domo_private.chunk_words (
    chunk_id uuid not null,
    demo_id uuid not null,
    words tsvector not null,
    constraint chunk_words_pkey primary key (chunk_id),
    constraint chunk_words_chunk_id_fkey foreign key (chunk_id) references domo.knowledge_chunks (id) on delete cascade
);

create index chunk_words_demo_id_words_idx on domo_private.chunk_words using gin (demo_id, words);

comment on table domo_private.chunk_words is 'The words of each chunk, as written and by their English stems. Kept by a trigger.';
alter table domo_private.chunk_words enable row level security;
revoke all on domo_private.chunk_words from public, anon, authenticated, service_role;

create function domo_private.words_of(p_question text, p_answer text, p_content text)
returns tsvector
language plpgsql
immutable
parallel safe
set search_path = ''
as $$
declare
    v_asked text := coalesce(p_question, '');
    v_told text := coalesce(p_answer, '') || E'\n' || coalesce(p_content, '');
begin
    -- A question is what somebody would search for.
    return setweight(to_tsvector('pg_catalog.simple', v_asked) || to_tsvector('pg_catalog.english', v_asked), 'A')
        || setweight(to_tsvector('pg_catalog.simple', v_told) || to_tsvector('pg_catalog.english', v_told), 'B');
end
$$;

comment on function domo_private.words_of is 'The words of a chunk: those of its question weigh most.';

create function domo_private.words_sought(p_query_text text)
returns tsquery
language plpgsql
immutable
parallel safe
set search_path = ''
as $$
begin
    -- Any of the words: people ask in sentences, and the rank says how many are there. Words that English text is full of are left out.
    return (
        select string_agg(quote_literal(w.lexeme), ' | ')::tsquery
        from (
            select unnest(tsvector_to_array(to_tsvector('pg_catalog.english', p_query_text))) as lexeme
            union
            select s.lexeme
            from unnest(tsvector_to_array(to_tsvector('pg_catalog.simple', p_query_text))) as s (lexeme)
            where ts_lexize('pg_catalog.english_stem', s.lexeme) <> '{}'
        ) w
    );
end
$$;

comment on function domo_private.words_sought is 'The words of a query, any of which may match; null without one.';

create function domo_private.keep_words()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into domo_private.chunk_words (chunk_id, demo_id, words)
    values (new.id, new.demo_id, domo_private.words_of(new.question, new.answer, new.content))
    on conflict on constraint chunk_words_pkey do update
    set demo_id = excluded.demo_id, words = excluded.words;
    return null;
end
$$;

comment on function domo_private.keep_words is 'Trigger: the words of a chunk follow its text.';

create trigger knowledge_chunks_keep_words
    after insert or update of content, question, answer on domo.knowledge_chunks
    for each row execute function domo_private.keep_words();

insert into domo_private.chunk_words (chunk_id, demo_id, words)
select k.id, k.demo_id, domo_private.words_of(k.question, k.answer, k.content)
from domo.knowledge_chunks k;

select parley.maintain_nearest('domo.knowledge_chunks', 'demo_id', 'id', 'vector_embedding', only_when => 'deleted_at is null');

revoke execute on all functions in schema domo_private from public;

reset lock_timeout;
