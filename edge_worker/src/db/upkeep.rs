//! What the database does for itself when it is told to.

use sqlx::{FromRow, PgPool};

use super::DbError;

/// One batch of a sweep.
#[derive(Debug, FromRow)]
pub(crate) struct Batch {
    /// How much was done, by the sweep's own measure.
    pub(crate) done: i64,
    /// It was full, so there may be another.
    pub(crate) has_more: bool,
}

/// Does one batch of a sweep, in a transaction of its own.
pub(crate) async fn run_maintenance(pool: &PgPool, name: &str) -> Result<Batch, DbError> {
    let statement = "select done, has_more from parley.run_maintenance($1)";
    Ok(sqlx::query_as(statement).bind(name).fetch_one(pool).await?)
}
