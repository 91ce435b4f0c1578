-- Domo, words of an older release: brought over a batch at a time, while they are searched as they are.
--
-- The built-in embedder makes its vectors of the same words (lexical-v2 since version 2), and those of two models cannot be compared: what an
-- older one made waits for a new one from then on, which the trigger of knowledge_chunks has a job do.
-- Locks: the chunks of a batch, FOR NO KEY UPDATE and passing by what others hold, then their words: the order of keep_words.

create function domo_private.refresh_words(p_batch integer default 500)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
-- For a batch of ids a scan of all chunks may look cheaper while they are some thousands, and a plan is kept.
set enable_seqscan = off
as $$
declare
    v_old_ids uuid[] := array(
        select w.chunk_id
        from domo_private.chunk_words w
        where w.version < domo_private.words_version()
        order by w.version
        limit least(greatest(p_batch, 1), 10000)
    );
    v_ids uuid[];
begin
    v_ids := array(
        select k.id
        from domo.knowledge_chunks k
        where k.id = any (v_old_ids)
        for no key update skip locked
    );
    if v_ids = '{}' then
        return 0;
    end if;
    update domo_private.chunk_words w
    set words = domo_private.words_of(k.question, k.answer, k.content), version = domo_private.words_version()
    from domo.knowledge_chunks k
    where w.chunk_id = any (v_ids) and w.version < domo_private.words_version() and k.id = w.chunk_id;
    update domo.knowledge_chunks k
    set vector_embedding = null
    where k.id = any (v_ids) and k.embedding_model = 'lexical-v1' and k.vector_embedding is not null;
    -- With those that others hold, or the batch would look like the last one.
    return cardinality(v_old_ids);
end
$$;

comment on function domo_private.refresh_words is
    'Makes the words of a batch of chunks anew that an older release made, and has embeddings of its built-in model made anew. How many were old; 0 when none could be done.';

select parley.define_maintenance('domo_refresh_words', 'select domo_private.refresh_words($1)', 300, 500);

revoke execute on all functions in schema domo_private from public;
