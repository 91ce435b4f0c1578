//! Whether the database answers.

use sqlx::PgPool;

/// Asks it. A pool whose connections are all busy for long counts as unreachable too.
///
/// # Errors
///
/// What the database or the pool said.
pub async fn is_reachable(pool: &PgPool) -> Result<(), sqlx::Error> {
    // A connection that was in use a moment ago is not asked whether it lives, and may have broken since. One that has is closed
    // by the attempt, so a database that is back is reached behind the last of them.
    for _ in 0..pool.size() {
        if sqlx::query("select 1").execute(pool).await.is_ok() {
            return Ok(());
        }
    }
    sqlx::query("select 1").execute(pool).await.map(|_| ())
}
