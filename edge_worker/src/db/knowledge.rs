//! The `ingest_*` and `embed_*` functions of Domo: what the worker reads and stores of knowledge.

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

use super::DbError;
use crate::knowledge::File;

/// A file that this worker has taken.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Taken {
    /// For people.
    pub(crate) title: String,
    /// In its bucket.
    pub(crate) path: String,
    /// What tells this worker's turn from another's.
    pub(crate) claim: String,
    /// What a worker before this one had found in a video, as [`Found`].
    #[serde(default)]
    pub(crate) found: Option<serde_json::Value>,
}

/// What was found in a file.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Found {
    pub(crate) chunks: Vec<NewChunk>,
    /// Of all chunks, one after the other, where they are there already.
    #[serde(skip)]
    pub(crate) embeddings: Option<Vec<f32>>,
    pub(crate) transcript: Option<String>,
    pub(crate) duration_seconds: Option<i32>,
}

/// A chunk that is not there yet.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct NewChunk {
    pub(crate) content: String,
    pub(crate) source: String,
    pub(crate) start_seconds: Option<f64>,
    pub(crate) end_seconds: Option<f64>,
}

/// A chunk that waits for its embedding.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Waiting {
    pub(crate) id: Uuid,
    #[sqlx(rename = "content_digest")]
    pub(crate) digest: String,
    /// All that is embedded: question, answer and content.
    pub(crate) content: String,
}

/// Takes a file; `None` when there is nothing to do.
pub(crate) async fn take(pool: &PgPool, file: File) -> Result<Option<Taken>, DbError> {
    let (kind, id) = file.key();
    let taken: Option<Json<Taken>> = sqlx::query_scalar("select domo_private.ingest_take($1, $2)")
        .bind(kind)
        .bind(id)
        .fetch_one(pool)
        .await?;
    Ok(taken.map(|Json(taken)| taken))
}

/// Says how far a file is. `false`, here and below: the claim is void.
pub(crate) async fn progress(pool: &PgPool, file: File, claim: &str, progress: f32) -> Result<bool, DbError> {
    let (kind, id) = file.key();
    let statement = "select domo_private.ingest_progress($1, $2, $3::timestamptz, $4)";
    Ok(sqlx::query_scalar(statement)
        .bind(kind)
        .bind(id)
        .bind(claim)
        .bind(progress)
        .fetch_one(pool)
        .await?)
}

/// Keeps what a transcription gave until it is stored, and says how far the video is.
pub(crate) async fn heard(
    pool: &PgPool,
    file: File,
    claim: &str,
    progress: f32,
    found: &Found,
) -> Result<bool, DbError> {
    let (_, id) = file.key();
    let statement = "select domo_private.ingest_heard($1, $2::timestamptz, $3, $4)";
    Ok(sqlx::query_scalar(statement)
        .bind(id)
        .bind(claim)
        .bind(progress)
        .bind(Json(found))
        .fetch_one(pool)
        .await?)
}

/// Stores what was found, in the place of what was found before.
pub(crate) async fn complete(
    pool: &PgPool,
    file: File,
    claim: &str,
    model: &str,
    found: &Found,
) -> Result<bool, DbError> {
    let (kind, id) = file.key();
    let statement = "select domo_private.ingest_complete($1, $2, $3::timestamptz, $4, $5, $6, $7, $8)";
    Ok(sqlx::query_scalar(statement)
        .bind(kind)
        .bind(id)
        .bind(claim)
        .bind(Json(&found.chunks))
        .bind(model)
        .bind(&found.transcript)
        .bind(found.duration_seconds)
        .bind(&found.embeddings)
        .fetch_one(pool)
        .await?)
}

/// Notes why a file could not be processed; without a claim, whoever had it last.
pub(crate) async fn failed(
    pool: &PgPool,
    file: File,
    claim: Option<&str>,
    failure: &str,
) -> Result<bool, DbError> {
    let (kind, id) = file.key();
    let statement = "select domo_private.ingest_failed($1, $2, $3::timestamptz, $4)";
    Ok(sqlx::query_scalar(statement)
        .bind(kind)
        .bind(id)
        .bind(claim)
        .bind(failure)
        .fetch_one(pool)
        .await?)
}

/// The next chunks of a demo that wait, behind an id.
pub(crate) async fn waiting(
    pool: &PgPool,
    demo: Uuid,
    model: &str,
    after: Option<Uuid>,
    most: i32,
) -> Result<Vec<Waiting>, DbError> {
    let statement = "select id, content_digest, content from domo_private.embed_next($1, $2, $3, $4)";
    Ok(sqlx::query_as(statement)
        .bind(demo)
        .bind(model)
        .bind(after)
        .bind(most)
        .fetch_all(pool)
        .await?)
}

/// Stores the embeddings of these chunks, one after the other; how many were still wanted.
pub(crate) async fn store(
    pool: &PgPool,
    demo: Uuid,
    model: &str,
    chunks: &[Waiting],
    embeddings: &[f32],
) -> Result<i32, DbError> {
    let ids: Vec<Uuid> = chunks.iter().map(|chunk| chunk.id).collect();
    let digests: Vec<&str> = chunks.iter().map(|chunk| chunk.digest.as_str()).collect();
    Ok(
        sqlx::query_scalar("select domo_private.embed_store($1, $2, $3, $4, $5)")
            .bind(demo)
            .bind(model)
            .bind(ids)
            .bind(digests)
            .bind(embeddings)
            .fetch_one(pool)
            .await?,
    )
}

/// A question of an agent.
#[derive(Clone, Debug)]
pub(crate) struct Lookup<'a> {
    /// Tavus' id of the call.
    pub(crate) conversation_id: &'a str,
    pub(crate) query: &'a str,
    /// The question's.
    pub(crate) embedding: Option<Vec<f32>>,
    pub(crate) match_count: i32,
}

/// Whether the agent of a call may ask something now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It may.
    Now,
    /// Too many questions: in so many seconds.
    In(u64),
    /// The call is over, or unknown.
    Never,
}

/// Counts a question of a call's agent, before anything is paid for it.
pub(crate) async fn begin_look_up(pool: &PgPool, conversation_id: &str) -> Result<Turn, DbError> {
    let wait: Option<i32> = sqlx::query_scalar("select domo_private.begin_look_up($1)")
        .bind(conversation_id)
        .fetch_one(pool)
        .await?;
    Ok(match wait {
        None => Turn::Never,
        Some(0) => Turn::Now,
        Some(seconds) => Turn::In(seconds.unsigned_abs().into()),
    })
}

/// What the demo of a running call knows, best first; nothing where there is no such call.
pub(crate) async fn look_up(pool: &PgPool, wanted: Lookup<'_>) -> Result<Vec<serde_json::Value>, DbError> {
    let statement = "select domo_private.look_up($1, $2, $3, $4)";
    let Json(found): Json<Vec<serde_json::Value>> = sqlx::query_scalar(statement)
        .bind(wanted.conversation_id)
        .bind(wanted.query)
        .bind(wanted.embedding)
        .bind(wanted.match_count)
        .fetch_one(pool)
        .await?;
    Ok(found)
}
