//! Jobs that were given up.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::types::Json;

use super::DbError;

/// Which of them. What is `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// Of this queue.
    pub queue: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// This one.
    pub id: Option<i64>,
}

/// A job that was given up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeadLetter {
    /// Its number among the dead letters.
    pub id: i64,
    /// Where it was.
    pub queue: String,
    /// What it was to do.
    pub kind: String,
    /// With what.
    pub payload: Value,
    /// The work that it stood for.
    pub job_key: Option<String>,
    /// How many jobs with this key were given up.
    pub deaths: i32,
    /// How often it was tried, all of its lives together.
    pub attempts: i32,
    /// Why.
    pub last_error: String,
    /// Since when it had waited.
    pub enqueued_at: DateTime<Utc>,
    /// Until when.
    pub died_at: DateTime<Utc>,
}

type Row = (
    i64,
    String,
    String,
    Json<Value>,
    Option<String>,
    i32,
    i32,
    String,
    DateTime<Utc>,
    DateTime<Utc>,
);

/// The newest first.
pub(crate) async fn list(
    pool: &PgPool,
    filter: &DeadLetterFilter,
    most: i32,
) -> Result<Vec<DeadLetter>, DbError> {
    let rows: Vec<Row> = sqlx::query_as(
        "select id, queue, kind, payload, job_key, deaths, attempts, last_error, enqueued_at, died_at
        from parley.list_dead_letters($1, $2, $3, $4)",
    )
    .bind(&filter.queue)
    .bind(&filter.kind)
    .bind(filter.id)
    .bind(most)
    .fetch_all(pool)
    .await?;
    let letter = |(
        id,
        queue,
        kind,
        Json(payload),
        job_key,
        deaths,
        attempts,
        last_error,
        enqueued_at,
        died_at,
    ): Row| {
        DeadLetter {
            id,
            queue,
            kind,
            payload,
            job_key,
            deaths,
            attempts,
            last_error,
            enqueued_at,
            died_at,
        }
    };
    Ok(rows.into_iter().map(letter).collect())
}

/// Enqueues them anew: each letter, and the job that it became.
pub(crate) async fn replay(pool: &PgPool, filter: &DeadLetterFilter) -> Result<Vec<(i64, i64)>, DbError> {
    Ok(
        sqlx::query_as("select letter, job from parley.replay_dead_letters($1, $2, $3)")
            .bind(&filter.queue)
            .bind(&filter.kind)
            .bind(filter.id)
            .fetch_all(pool)
            .await?,
    )
}

/// Forgets them; how many.
pub(crate) async fn drop(pool: &PgPool, filter: &DeadLetterFilter) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar("select parley.drop_dead_letters($1, $2, $3)")
        .bind(&filter.queue)
        .bind(&filter.kind)
        .bind(filter.id)
        .fetch_one(pool)
        .await?)
}
