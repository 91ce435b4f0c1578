//! The tables of both sides: demos that are known to both, what they hold afterwards, and the sweeping up.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::tables::run;

/// The peer's tables.
const SCHEMA: &str = include_str!("../../peers/embed/schema.sql");

/// Of so many chunks one has its embedding compared.
pub(crate) const COMPARED: i32 = 16;

/// Whose tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Domo's.
    Ours,
    /// The peer's.
    Peer,
}

/// A chunk as it is stored.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Stored {
    pub(crate) content: String,
    /// With an embedding, and with all that a search reads.
    pub(crate) is_whole: bool,
    /// Of one in [`COMPARED`].
    pub(crate) embedding: Option<Vec<f32>>,
}

/// The peer's tables, empty, and an owner.
pub(crate) async fn build(keeper: &mut PgConnection) -> Result<(), Error> {
    run(
        keeper,
        &format!(
            "create schema bench_embed; set search_path = bench_embed; {SCHEMA}; reset search_path;
             grant usage on schema bench_embed to service_role; grant insert on bench_embed.floor_chunks to service_role;
             insert into auth.users (id, email) values (gen_random_uuid(), 'bench embed')"
        ),
    )
    .await
}

/// A new demo, here and there.
pub(crate) async fn demo(keeper: &mut PgConnection) -> Result<Uuid, Error> {
    sqlx::query_scalar(
        "with made as (
             insert into domo.demos (user_id, name) select id, 'Bench' from auth.users where email = 'bench embed' returning id, user_id
         )
         insert into bench_embed.demos (id, user_id) select id, user_id from made returning id",
    )
    .fetch_one(keeper)
    .await
    .map_err(Error::database("making a demo"))
}

/// What a demo has. Ours in the order of the source; the specification keeps no order.
pub(crate) async fn stored(keeper: &mut PgConnection, side: Side, demo: Uuid) -> Result<Vec<Stored>, Error> {
    let rows = match side {
        Side::Ours => {
            "select c.content, c.chunk_index as place, c.vector_embedding,
                 c.embedding_model = 'lexical-v2' and w.words is not null and h.half is not null and b.id is not null as is_whole
             from domo.knowledge_chunks as c
             left join domo_private.chunk_words as w on w.chunk_id = c.id
             left join parley.nearest_halves as h on h.tenant = c.demo_id and h.id = c.id
             left join parley.nearest_codes as b on b.tenant = c.demo_id and b.id = c.id
             where c.demo_id = $1"
        }
        Side::Peer => {
            "select content, 0 as place, vector_embedding, vector_embedding is not null as is_whole
             from bench_embed.knowledge_chunks where demo_id = $1"
        }
    };
    sqlx::query_as(&format!(
        "select content, coalesce(is_whole, false) as is_whole,
             case when row_number() over () % {COMPARED} = 1 then vector_embedding::real[] end as embedding
         from ({rows}) as c order by place"
    ))
    .bind(demo)
    .fetch_all(keeper)
    .await
    .map_err(Error::database("reading what was stored"))
}

/// Takes away what a turn has left.
pub(crate) async fn sweep(keeper: &mut PgConnection) -> Result<(), Error> {
    run(
        keeper,
        "delete from domo.demos where user_id in (select id from auth.users where email = 'bench embed');
         delete from realtime.messages where topic like 'domo:%'
             and not exists (select from domo.demos as d where d.id::text = split_part(topic, ':', 2));
         truncate bench_embed.demos, bench_embed.demo_videos, bench_embed.knowledge_chunks, bench_embed.floor_chunks",
    )
    .await?;
    run(
        keeper,
        "vacuum domo.demos, domo.demo_stats, domo.demo_videos, domo.demo_documents, domo.knowledge_chunks, domo_private.chunk_words,
             parley.nearest_halves, parley.nearest_codes",
    )
    .await
}

/// Leaves nothing behind.
pub(crate) async fn clear(keeper: &mut PgConnection) -> Result<(), Error> {
    run(
        keeper,
        "drop schema if exists bench_embed cascade;
         delete from auth.users where email = 'bench embed'",
    )
    .await
}
