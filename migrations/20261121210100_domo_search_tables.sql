-- Domo, what searches read: the kernel's copies of the embeddings, and the words of each chunk.
--
-- The words lie beside the chunk, not in it: clients read chunks with select *, and a tsvector is as long as its text. Each word (parley.words)
-- is there as it is written and by its English stem, so that people who write no English find what they wrote, and those who do also find
-- its other forms; a query's words may match either way. Which language a text is in, nobody says.
-- How words are made may change with a release: version says which made a row, and refresh_words brings the older ones over, a batch a job,
-- while they are searched as they are.
-- The index leads with the demo (btree_gin), so a small demo's search reads none of the others' postings.
-- Locks: SHARE ROW EXCLUSIVE on domo.knowledge_chunks until commit; existing chunks are copied once.

set lock_timeout = '10s';

create extension if not exists btree_gin with schema extensions;

create table domo_private.chunk_words (
    chunk_id uuid not null,
    demo_id uuid not null,
    words tsvector not null,
    version integer not null,
    constraint chunk_words_pkey primary key (chunk_id),
    constraint chunk_words_chunk_id_fkey foreign key (chunk_id) references domo.knowledge_chunks (id) on delete cascade
);

create index chunk_words_demo_id_words_idx on domo_private.chunk_words using gin (demo_id, words);
create index chunk_words_version_idx on domo_private.chunk_words (version);

comment on table domo_private.chunk_words is 'The words of each chunk, as written and by their English stems. Kept by a trigger.';
alter table domo_private.chunk_words enable row level security;
revoke all on domo_private.chunk_words from public, anon, authenticated, service_role;

create function domo_private.words_version()
returns integer
language sql
immutable
parallel safe
set search_path = ''
as $$
    select 2
$$;

comment on function domo_private.words_version is 'Which words words_of makes: one more with every change of parley.words or of words_of.';

-- A place for each word: pairs of characters that follow each other stand for a longer run. Longer words than 64 characters are none that
-- somebody would type; their beginning is kept. Nothing in a word needs quoting: parley.words leaves no signs but . _ @ and -.
create function domo_private.word_vector(p_text text, p_weight text)
returns tsvector
language sql
immutable
parallel safe
set search_path = ''
as $$
    select coalesce(
        string_agg(
            w.word || ':' || w.place || p_weight || case when w.stem <> w.word then ' ' || w.stem || ':' || w.place || p_weight else '' end,
            ' '
        ),
        ''
    )::tsvector
    from (
        select t.word, t.place, (ts_lexize('pg_catalog.english_stem', t.word))[1] as stem
        from (
            select left(s.word, 64) as word, s.place
            from string_to_table(parley.words(p_text), ' ') with ordinality as s (word, place)
            where s.word <> ''
            offset 0
        ) as t
        offset 0
    ) as w
$$;

comment on function domo_private.word_vector is 'The words of a text and their English stems, each with its place and a weight.';

create function domo_private.words_of(p_question text, p_answer text, p_content text)
returns tsvector
language plpgsql
immutable
parallel safe
set search_path = ''
as $$
declare
    v_told tsvector := domo_private.word_vector(concat_ws(E'\n', p_answer, p_content), 'B');
begin
    if p_question is null then
        return v_told;
    end if;
    -- A question is what somebody would search for.
    return domo_private.word_vector(p_question, 'A') || v_told;
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
        select string_agg(distinct quote_literal(l.lexeme), ' | ')::tsquery
        from (
            select left(s.word, 64) as word
            from string_to_table(replace(parley.words(p_query_text, is_query => true), '<->', ' '), ' ') as s (word)
            where s.word <> ''
        ) as w
        cross join lateral (select ts_lexize('pg_catalog.english_stem', w.word) as stems) as e
        cross join lateral (values (w.word), (e.stems[1])) as l (lexeme)
        where e.stems <> '{}'
    );
end
$$;

comment on function domo_private.words_sought is 'The words of a query, any of which may match; null without one.';

create function domo_private.wholes_sought(p_query_text text)
returns tsquery
language plpgsql
immutable
parallel safe
set search_path = ''
as $$
begin
    -- Most queries hold neither.
    if octet_length(p_query_text) = char_length(p_query_text) and p_query_text !~ '[._@]' then
        return null;
    end if;
    return (
        select string_agg(w.whole, ' | ')::tsquery
        from string_to_table(parley.words(p_query_text, is_query => true), ' ') as s (word)
        cross join lateral (select string_agg(quote_literal(left(p.part, 64)), ' <-> ') as whole from string_to_table(s.word, '<->') as p (part)) as w
        where s.word like '%<->%' or s.word ~ '[._@]'
    );
end
$$;

comment on function domo_private.wholes_sought is
    'What a query holds of more than its words: runs of three characters and more of scripts without spaces, and names as acme.com; null without one. A chunk that holds one as a whole comes before those that hold its parts.';

create function domo_private.keep_words()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into domo_private.chunk_words (chunk_id, demo_id, words, version)
    values (new.id, new.demo_id, domo_private.words_of(new.question, new.answer, new.content), domo_private.words_version())
    on conflict on constraint chunk_words_pkey do update
    set demo_id = excluded.demo_id, words = excluded.words, version = excluded.version;
    return null;
end
$$;

comment on function domo_private.keep_words is 'Trigger: the words of a chunk follow its text.';

create trigger knowledge_chunks_keep_words
    after insert or update of content, question, answer on domo.knowledge_chunks
    for each row execute function domo_private.keep_words();

insert into domo_private.chunk_words (chunk_id, demo_id, words, version)
select k.id, k.demo_id, domo_private.words_of(k.question, k.answer, k.content), domo_private.words_version()
from domo.knowledge_chunks k;

select parley.maintain_nearest('domo.knowledge_chunks', 'demo_id', 'id', 'vector_embedding', only_when => 'deleted_at is null');

revoke execute on all functions in schema domo_private from public;

reset lock_timeout;
