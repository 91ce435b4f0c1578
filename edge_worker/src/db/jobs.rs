//! What a worker does with jobs: the functions of the same names in `parley`.

use serde_json::Value;
use sqlx::PgPool;
use sqlx::types::Json;

use super::DbError;
use crate::jobs::{Job, Queue};
use crate::telemetry::QueueCount;

/// The channel on which enqueueing transactions call; the payload is the queue.
pub(crate) const CHANNEL: &str = "parley_jobs";

/// What a queue holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stats {
    /// Its name; there may be queues of a newer release.
    pub(crate) queue: String,
    /// What is in it.
    pub(crate) count: QueueCount,
}

/// Takes jobs that are due.
pub(crate) async fn take(
    pool: &PgPool,
    queue: Queue,
    most: u32,
    lease_seconds: i32,
    max_attempts: u32,
) -> Result<Vec<Job>, DbError> {
    let rows: Vec<(i64, i32, String, Json<Value>, i32)> =
        sqlx::query_as("select id, lease, kind, payload, attempt from parley.take_jobs($1, $2, $3, $4)")
            .bind(queue.as_str())
            .bind(clamped(most))
            .bind(lease_seconds)
            .bind(clamped(max_attempts))
            .fetch_all(pool)
            .await?;
    let job = |(id, lease, kind, Json(payload), attempt): (i64, i32, String, Json<Value>, i32)| Job {
        queue,
        id,
        lease,
        kind,
        payload,
        attempt: attempt.unsigned_abs(),
    };
    Ok(rows.into_iter().map(job).collect())
}

/// The lease runs that long from now. `false`, here and below: somebody else has the job, or it is over.
pub(crate) async fn extend(pool: &PgPool, job: &Job, lease_seconds: i32) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar("select parley.extend_job($1, $2, $3, $4)")
        .bind(job.queue.as_str())
        .bind(job.id)
        .bind(job.lease)
        .bind(lease_seconds)
        .fetch_one(pool)
        .await?)
}

/// It is done.
pub(crate) async fn finish(pool: &PgPool, job: &Job) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar("select parley.finish_job($1, $2, $3)")
        .bind(job.queue.as_str())
        .bind(job.id)
        .bind(job.lease)
        .fetch_one(pool)
        .await?)
}

/// Another attempt after the delay.
pub(crate) async fn retry(
    pool: &PgPool,
    job: &Job,
    delay_seconds: i32,
    error: &str,
) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar("select parley.retry_job($1, $2, $3, $4, $5)")
        .bind(job.queue.as_str())
        .bind(job.id)
        .bind(job.lease)
        .bind(delay_seconds)
        .bind(error)
        .fetch_one(pool)
        .await?)
}

/// Back into the queue, as if it had not been taken.
pub(crate) async fn release(pool: &PgPool, job: &Job) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar("select parley.release_job($1, $2, $3)")
        .bind(job.queue.as_str())
        .bind(job.id)
        .bind(job.lease)
        .fetch_one(pool)
        .await?)
}

/// To the dead letters.
pub(crate) async fn bury(pool: &PgPool, job: &Job, error: &str) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar("select parley.bury_job($1, $2, $3, $4)")
        .bind(job.queue.as_str())
        .bind(job.id)
        .bind(job.lease)
        .bind(error)
        .fetch_one(pool)
        .await?)
}

/// One row a queue.
pub(crate) async fn stats(pool: &PgPool) -> Result<Vec<Stats>, DbError> {
    let rows: Vec<(String, i64, i64, i64, f64, i64)> = sqlx::query_as(
        "select queue, ready, delayed, running, oldest_ready_seconds, dead from parley.job_stats()",
    )
    .fetch_all(pool)
    .await?;
    let stats = |(queue, ready, delayed, running, oldest_ready_seconds, dead)| Stats {
        queue,
        count: QueueCount {
            ready,
            delayed,
            running,
            oldest_ready_seconds,
            dead,
        },
    };
    Ok(rows.into_iter().map(stats).collect())
}

/// Enqueues what is due by the clock; the seconds until something is again.
pub(crate) async fn run_due_schedules(pool: &PgPool) -> Result<Option<f64>, DbError> {
    Ok(sqlx::query_scalar("select parley.run_due_schedules()")
        .fetch_one(pool)
        .await?)
}

fn clamped(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
