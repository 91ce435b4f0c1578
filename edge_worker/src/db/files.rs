//! Files that are left of what is erased. Domo is the app with files.

use sqlx::{FromRow, PgPool};

use super::DbError;

/// A file in the storage.
#[derive(Debug, FromRow)]
pub(crate) struct File {
    /// Its bucket.
    pub(crate) bucket: String,
    /// Its path there.
    pub(crate) name: String,
}

/// The next files to remove; none when all are gone.
pub(crate) async fn to_remove(pool: &PgPool, path: &str, limit: i32) -> Result<Vec<File>, DbError> {
    let statement = "select bucket, name from domo_private.files_to_remove($1, $2)";
    Ok(sqlx::query_as(statement)
        .bind(path)
        .bind(limit)
        .fetch_all(pool)
        .await?)
}

/// All of them are gone.
pub(crate) async fn removed(pool: &PgPool, path: &str) -> Result<(), DbError> {
    sqlx::query("select domo_private.files_removed($1)")
        .bind(path)
        .execute(pool)
        .await?;
    Ok(())
}
