//! Whether the database answers.

use sqlx::PgPool;

/// Asks it. A pool whose connections are all busy for long counts as unreachable too.
///
/// # Errors
///
/// What the database or the pool said.
pub async fn is_reachable(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query("select 1").execute(pool).await.map(|_| ())
}
