//! What must be true of the database before the worker serves.

use sqlx::PgPool;

/// Why this database will not do.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It does not answer, or refuses the worker.
    #[error("the database does not answer")]
    Unreachable(#[source] sqlx::Error),
    /// The kernel is not there, or the role may not use it.
    #[error("the schema parley is not there; apply the migrations first")]
    NoKernel,
    /// The server is too old.
    #[error("the server has version {major}, 15 or newer is needed")]
    TooOld {
        /// Its major version.
        major: i32,
    },
}

/// Asks the database who it is.
///
/// # Errors
///
/// [`CheckError`]; it belongs behind the name of the setting that the address came from.
pub async fn check(pool: &PgPool) -> Result<(), CheckError> {
    let (version, role, is_superuser, has_kernel): (i32, String, bool, bool) = sqlx::query_as(
        "select current_setting('server_version_num')::int, current_user::text,
            (select rolsuper from pg_catalog.pg_roles where rolname = current_user),
            exists (select from pg_catalog.pg_namespace where nspname = 'parley')",
    )
    .fetch_one(pool)
    .await
    .map_err(CheckError::Unreachable)?;
    let major = version / 10_000;
    if major < 15 {
        return Err(CheckError::TooOld { major });
    }
    if !has_kernel {
        return Err(CheckError::NoKernel);
    }
    if is_superuser {
        tracing::warn!(role, "the worker runs as superuser, which it needs nowhere");
    }
    tracing::info!(role, postgres = major, "the database answers");
    Ok(())
}
