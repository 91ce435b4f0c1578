-- Domo, search: by embedding, by words, or by both.
--
-- The caller's right to the demo is checked once, and the chunks of that demo are read with the owner's rights: a policy would be asked
-- for every row. What was found is looked up by id: the planner, which cannot know how few there are, would read the whole table to join it.
-- A lateral subquery with offset 0 is a lookup whatever it believes. (Joins that are switched off are not: one that cannot be a nested
-- loop, as a full join, then costs 1e10 and is compiled by JIT at every call.)
-- Everything is stable, so one search reads one snapshot, and may be called with GET. That is also why no rate is counted here: counting
-- writes. What one search costs is bounded instead: 100 chunks, five neighbours on each side of each.
-- Locks: none but those of reading.

create function domo_private.check_demo(p_demo_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    v_user_id uuid;
begin
    if not domo_private.is_service() then
        v_user_id := domo_private.me();
    end if;
    perform from domo.demos d where d.id = p_demo_id and d.deleted_at is null and (v_user_id is null or d.user_id = v_user_id);
    if not found then
        perform domo_private.demo_not_found();
    end if;
end
$$;

comment on function domo_private.check_demo is 'That a demo is the caller''s (any, for service_role). PT404 demo_not_found. For definer helpers that only read.';

create function domo_private.check_match_count(p_match_count integer)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if p_match_count is null or p_match_count not between 1 and 100 then
        perform domo_private.fail('PT422', 'invalid_match_count', 'A search returns 1 to 100 chunks.', 'Ask for fewer, or for more than none.');
    end if;
end
$$;

comment on function domo_private.check_match_count is 'PT422 invalid_match_count.';

create function domo_private.search_chunks(p_demo_id uuid, p_query_embedding extensions.vector, p_match_threshold double precision, p_match_count integer)
returns table (id uuid, content text, question text, answer text, source text, similarity double precision)
language plpgsql
stable
security definer
rows 5
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
    perform domo_private.check_demo(p_demo_id);
    perform domo_private.check_match_count(p_match_count);
    if p_match_threshold is null or p_match_threshold not between -1 and 1 then
        perform domo_private.fail('PT422', 'invalid_match_threshold', 'A threshold is a similarity, -1 to 1.', 'A similarity of 1 is the same direction, of 0 none.');
    end if;
    if p_query_embedding is null then
        perform domo_private.fail('PT422', 'invalid_query_embedding', 'There is no embedding to search for.', 'Send one, or use search_knowledge with the text.');
    end if;
    return query
    select k.id, k.content, k.question, k.answer, k.source, 1 - n.distance
    from jsonb_to_recordset(
        parley.nearest('domo.knowledge_chunks', p_demo_id, p_query_embedding::real[], p_match_count, p_match_threshold) -> 'rows'
    ) as n (id uuid, distance double precision)
    cross join lateral (select c.* from domo.knowledge_chunks c where c.id = n.id offset 0) as k
    order by n.distance, n.id;
end
$$;

comment on function domo_private.search_chunks is 'Behind domo.search_knowledge_chunks.';

create function domo.search_knowledge_chunks(
    query_embedding extensions.vector,
    demo_id uuid,
    match_threshold double precision default 0.7,
    match_count integer default 5
)
returns table (id uuid, content text, question text, answer text, source text, similarity double precision)
language plpgsql
stable
rows 5
set search_path = ''
as $$
begin
    -- A body in SQL would be planned anew in every call.
    return query select * from domo_private.search_chunks(demo_id, query_embedding, coalesce(match_threshold, 0.7), coalesce(match_count, 5));
end
$$;

comment on function domo.search_knowledge_chunks is
    'The chunks of a demo nearest to an embedding, the most similar first: as many as asked for, or all that are more similar than the threshold. PT404 demo_not_found, PT422 invalid_match_count, invalid_match_threshold, invalid_query_embedding, 22000 for another number of dimensions, NaN and zeros.';

-- Both lists are longer than what is asked for, so that what is good in both comes before what is best in one.
-- The plan is made once a session: making it takes as long as a search. Its cost is about what a search costs, and grows with the demo: of
-- one whose every chunk may match it passes the bound above which JIT compiles, which takes 300 ms and saves none.
create function domo_private.find_knowledge(
    p_demo_id uuid,
    p_query_text text,
    p_query_embedding extensions.vector,
    p_match_count integer,
    p_source text
)
returns table (id uuid, score double precision, text_rank integer, vector_rank integer, similarity double precision)
language plpgsql
stable
rows 5
set search_path = ''
set plan_cache_mode = force_generic_plan
set jit = off
as $$
#variable_conflict use_column
declare
    v_length integer := greatest(50, 4 * p_match_count);
    v_sought tsquery := domo_private.words_sought(p_query_text);
    v_wholes tsquery := domo_private.wholes_sought(p_query_text);
    v_only uuid[];
    v_near jsonb := '[]'::jsonb;
begin
    if p_query_embedding is not null then
        if p_source is not null then
            v_only := array(select k.id from domo.knowledge_chunks k where k.demo_id = p_demo_id and k.source = p_source and k.deleted_at is null);
        end if;
        v_near := parley.nearest('domo.knowledge_chunks', p_demo_id, p_query_embedding::real[], v_length, null, v_only) -> 'rows';
    end if;
    return query
    -- Reciprocal rank fusion (Cormack, Clarke, Buettcher: SIGIR 2009), with their constant of 60: ranks can be added, similarities and
    -- word counts cannot.
    with by_words as (
        select
            k.id,
            row_number() over (order by coalesce(w.words @@ v_wholes, false) desc, ts_rank(w.words, v_sought, 1) desc, k.id)::integer as place
        from domo_private.chunk_words w
        cross join lateral (
            select c.id
            from domo.knowledge_chunks c
            where c.id = w.chunk_id and c.deleted_at is null and (p_source is null or c.source = p_source)
            offset 0
        ) as k
        where w.demo_id = p_demo_id and w.words @@ v_sought
        order by place
        limit v_length
    ),
    ranked as (
        select t.id, t.place as text_place, null::integer as vector_place, null::double precision as distance
        from by_words t
        union all
        select n.id, null, row_number() over (order by n.distance, n.id)::integer, n.distance
        from jsonb_to_recordset(v_near) as n (id uuid, distance double precision)
    )
    select
        r.id,
        coalesce(1.0 / (60 + max(r.text_place)), 0)::double precision + coalesce(1.0 / (60 + max(r.vector_place)), 0)::double precision as score,
        max(r.text_place),
        max(r.vector_place),
        1 - max(r.distance)
    from ranked r
    group by r.id
    order by score desc, 1
    limit p_match_count;
end
$$;

comment on function domo_private.find_knowledge is 'The chunks of a demo that fit a text, an embedding or both, best first. Checks nothing: for definer helpers.';

create function domo_private.clean_query(p_query_text text)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
    v_query_text text := parley.trim_text(p_query_text);
begin
    if v_query_text is null or char_length(v_query_text) > 2000 then
        perform domo_private.fail('PT422', 'invalid_query_text', 'A query has 1 to 2000 characters.', 'Say what to look for, in a sentence or in words.');
    end if;
    return v_query_text;
end
$$;

comment on function domo_private.clean_query is 'A query without the white space around it. PT422 invalid_query_text.';

create function domo_private.neighbours_of(p_chunk_id uuid, p_count integer)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    -- Of the same video, or of the same source where there is none. Any number of rows may share an index; there are never more than asked for.
    return coalesce((
        select jsonb_agg(
            jsonb_build_object(
                'id', n.id, 'content', n.content, 'chunk_index', n.chunk_index, 'start_seconds', n.start_seconds, 'end_seconds', n.end_seconds
            ) order by n.chunk_index, n.id
        )
        from domo.knowledge_chunks k
        cross join lateral (
            (
                select n.*
                from domo.knowledge_chunks n
                where k.video_id is not null and n.demo_id = k.demo_id and n.video_id = k.video_id and n.deleted_at is null and (n.chunk_index, n.id) < (k.chunk_index, k.id)
                order by n.chunk_index desc, n.id desc
                limit p_count
            )
            union all
            (
                select n.*
                from domo.knowledge_chunks n
                where k.video_id is not null and n.demo_id = k.demo_id and n.video_id = k.video_id and n.deleted_at is null and (n.chunk_index, n.id) > (k.chunk_index, k.id)
                order by n.chunk_index, n.id
                limit p_count
            )
            union all
            (
                select n.*
                from domo.knowledge_chunks n
                where k.video_id is null and n.demo_id = k.demo_id and n.source = k.source and n.video_id is null and n.chunk_index is not null and n.deleted_at is null and (n.chunk_index, n.id) < (k.chunk_index, k.id)
                order by n.chunk_index desc, n.id desc
                limit p_count
            )
            union all
            (
                select n.*
                from domo.knowledge_chunks n
                where k.video_id is null and n.demo_id = k.demo_id and n.source = k.source and n.video_id is null and n.chunk_index is not null and n.deleted_at is null and (n.chunk_index, n.id) > (k.chunk_index, k.id)
                order by n.chunk_index, n.id
                limit p_count
            )
        ) as n
        where k.id = p_chunk_id
    ), '[]'::jsonb);
end
$$;

comment on function domo_private.neighbours_of is 'The chunks before and after one, in its video or source, by index and id: so many on each side at most.';

create function domo_private.search_knowledge(
    p_demo_id uuid,
    p_query_text text,
    p_query_embedding extensions.vector,
    p_match_count integer,
    p_source text,
    p_neighbours integer
)
returns table (
    id uuid,
    content text,
    question text,
    answer text,
    source text,
    score double precision,
    similarity double precision,
    text_rank integer,
    vector_rank integer,
    video_id uuid,
    chunk_index integer,
    start_seconds numeric,
    end_seconds numeric,
    neighbours jsonb
)
language plpgsql
stable
security definer
rows 5
set search_path = ''
as $$
declare
    v_query_text text;
begin
    perform domo_private.check_demo(p_demo_id);
    perform domo_private.check_match_count(p_match_count);
    v_query_text := domo_private.clean_query(p_query_text);
    if p_neighbours is null or p_neighbours not between 0 and 5 then
        perform domo_private.fail('PT422', 'invalid_neighbours', 'A chunk comes with 0 to 5 neighbours on each side.', 'It counts the chunks before, and those after.');
    end if;
    return query
    select
        k.id, k.content, k.question, k.answer, k.source, f.score, f.similarity, f.text_rank, f.vector_rank, k.video_id, k.chunk_index,
        k.start_seconds::numeric, k.end_seconds::numeric,
        case when p_neighbours > 0 then domo_private.neighbours_of(k.id, p_neighbours) else '[]' end
    from domo_private.find_knowledge(p_demo_id, v_query_text, p_query_embedding, p_match_count, p_source) f
    cross join lateral (select c.* from domo.knowledge_chunks c where c.id = f.id offset 0) as k
    order by f.score desc, k.id;
end
$$;

comment on function domo_private.search_knowledge is 'Behind domo.search_knowledge.';

create function domo.search_knowledge(
    demo_id uuid,
    query_text text,
    query_embedding extensions.vector default null,
    match_count integer default 5,
    source text default null,
    neighbours integer default 0
)
returns table (
    id uuid,
    content text,
    question text,
    answer text,
    source text,
    score double precision,
    similarity double precision,
    text_rank integer,
    vector_rank integer,
    video_id uuid,
    chunk_index integer,
    start_seconds numeric,
    end_seconds numeric,
    neighbours jsonb
)
language sql
stable
rows 5
set search_path = ''
as $$
    select * from domo_private.search_knowledge(demo_id, query_text, query_embedding, coalesce(match_count, 5), source, coalesce(neighbours, 0))
$$;

-- For the worker, on behalf of the avatar in a call: that call's demo, and no other.
create function domo_private.search_conversation(
    p_conversation uuid,
    p_query_text text,
    p_query_embedding extensions.vector default null,
    p_match_count integer default 5
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    v_demo_id uuid;
    v_query_text text := domo_private.clean_query(p_query_text);
begin
    perform domo_private.check_match_count(p_match_count);
    select d.id
    into v_demo_id
    from domo.conversations c
    join domo.demos d on d.id = c.demo_id
    where c.id = p_conversation and c.status in ('starting', 'active') and d.deleted_at is null;
    if not found then
        return '[]'::jsonb;
    end if;
    return coalesce((
        select jsonb_agg(
            jsonb_build_object(
                'id', k.id, 'content', k.content, 'question', k.question, 'answer', k.answer, 'source', k.source, 'score', f.score,
                'start_seconds', k.start_seconds
            ) order by f.score desc, k.id
        )
        from domo_private.find_knowledge(v_demo_id, v_query_text, p_query_embedding, p_match_count, null) f
        cross join lateral (select c.* from domo.knowledge_chunks c where c.id = f.id offset 0) as k
    ), '[]'::jsonb);
end
$$;

comment on function domo_private.search_conversation is
    'What a running call''s demo knows about a text, best first: [{id, content, question, answer, source, score, start_seconds}]; nothing where the call is unknown or over, or its demo is deleted. For the worker. PT422 invalid_query_text, invalid_match_count.';

create function domo_private.search_quality(p_demo_id uuid)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_result jsonb;
begin
    perform domo_private.check_demo(p_demo_id);
    perform parley.limit_rate('domo.search_quality');
    select jsonb_build_object(
        'rows', count(*),
        'embedded', count(k.vector_embedding),
        'waiting', count(*) - count(k.vector_embedding),
        'kernel', parley.implementation(),
        'exact_up_to', parley.nearest_crossover()
    )
    into v_result
    from domo.knowledge_chunks k
    where k.demo_id = p_demo_id and k.deleted_at is null;
    v_result := v_result || jsonb_build_object('models', (
        select coalesce(jsonb_agg(jsonb_build_object('model', m.model, 'rows', m.rows) order by m.rows desc, m.model), '[]')
        from (
            select k.embedding_model as model, count(*) as rows
            from domo.knowledge_chunks k
            where k.demo_id = p_demo_id and k.deleted_at is null and k.vector_embedding is not null
            group by k.embedding_model
        ) m
    ));
    -- Its own chunks are what people may ask for: ten of them, always the same ones.
    return v_result || (
        with sample as materialized (
            select
                parley.nearest('domo.knowledge_chunks', p_demo_id, s.query, 5) as used,
                parley.nearest('domo.knowledge_chunks', p_demo_id, s.query, 5, always_exact => true) as exact
            from (
                select k.vector_embedding::real[] as query
                from domo.knowledge_chunks k
                where k.demo_id = p_demo_id and k.deleted_at is null and k.vector_embedding is not null
                order by md5(k.id::text)
                limit 10
            ) s
        )
        select jsonb_build_object(
            'method', case when bool_and((s.used -> 'is_exact')::boolean) then 'exact' when count(*) > 0 then 'shelves, then exact' end,
            'sample', count(*),
            'recall_at_5', round((
                sum((select count(*) from jsonb_array_elements(s.used -> 'rows') u join jsonb_array_elements(s.exact -> 'rows') e on e -> 'id' = u -> 'id'))
                / nullif(sum(jsonb_array_length(s.exact -> 'rows')), 0)
            ), 4)
        )
        from sample s
    );
end
$$;

comment on function domo_private.search_quality is 'Behind domo.search_quality.';

create function domo.search_quality(demo_id uuid)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select domo_private.search_quality(demo_id)
$$;

comment on function domo.search_knowledge is
    'The chunks of a demo that fit a text best: by its words, and by its embedding where one is sent; the ranks of the two are fused. With neighbours, each comes with so many chunks before and after it. PT404 demo_not_found, PT422 invalid_query_text, invalid_match_count, invalid_neighbours, 22000 for another number of dimensions, NaN and zeros.';
comment on function domo.search_quality is
    'How a demo is searched: { rows, embedded, waiting, models, kernel, method, exact_up_to, sample, recall_at_5 }. recall_at_5 compares with an exact search, for up to ten of its own chunks. PT404 demo_not_found, PT429.';

revoke execute on all functions in schema domo, domo_private from public;
grant execute on function
    domo_private.search_chunks(uuid, extensions.vector, double precision, integer),
    domo_private.search_knowledge(uuid, text, extensions.vector, integer, text, integer),
    domo_private.search_quality(uuid),
    domo.search_knowledge_chunks(extensions.vector, uuid, double precision, integer),
    domo.search_knowledge(uuid, text, extensions.vector, integer, text, integer),
    domo.search_quality(uuid)
to authenticated, service_role;
grant execute on function domo_private.search_conversation(uuid, text, extensions.vector, integer) to parley_worker;

notify pgrst, 'reload schema';
