//! What must be true of the database before the worker serves.

use sqlx::PgPool;
use sqlx::error::DatabaseError;

use super::reason::reason;

/// Why this database will not do.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It does not answer, or refuses the worker.
    #[error("{}", reason(.0))]
    Unreachable(#[source] sqlx::Error),
    /// Prepared statements get lost between two transactions.
    #[error(
        "a pooler in transaction mode is before this database and loses prepared statements; use the database's own address or a pooler in session mode"
    )]
    NoSession(#[source] sqlx::Error),
    /// The kernel is there, and is not for this role.
    #[error("the role {role} may not use the schema parley; connect as parley_worker")]
    NoRights {
        /// Who the worker is there.
        role: String,
    },
    /// The kernel is not there.
    #[error("the schema parley is not there; apply the migrations first")]
    NoKernel,
    /// The server is too old.
    #[error("the server has version {major}, 15 or newer is needed")]
    TooOld {
        /// Its major version.
        major: i32,
    },
}

impl CheckError {
    /// What a statement or a connection says of the database.
    pub(super) fn of(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(DatabaseError::code);
        match code.as_deref() {
            // It is not there; it is there already; it is another one, with other parameters.
            Some("26000" | "42P05") => Self::NoSession(error),
            Some("08P01") if is_of_parameters(&error) => Self::NoSession(error),
            _ => Self::Unreachable(error),
        }
    }
}

/// Of a statement, not of the beginning of a connection.
fn is_of_parameters(error: &sqlx::Error) -> bool {
    let message = error.as_database_error().map(DatabaseError::message);
    message.is_some_and(|message| message.starts_with("bind message"))
}

/// Asks the database who it is.
///
/// # Errors
///
/// [`CheckError`]; it belongs behind the name of the setting that the address came from.
pub async fn check(pool: &PgPool) -> Result<(), CheckError> {
    let (version, role, is_superuser, may_use_kernel): (i32, String, bool, Option<bool>) = sqlx::query_as(
        "select current_setting('server_version_num')::int, current_user::text,
            (select rolsuper from pg_catalog.pg_roles where rolname = current_user),
            (select has_schema_privilege(oid, 'usage') from pg_catalog.pg_namespace where nspname = 'parley')",
    )
    .fetch_one(pool)
    .await
    .map_err(CheckError::of)?;
    let major = version / 10_000;
    if major < 15 {
        return Err(CheckError::TooOld { major });
    }
    match may_use_kernel {
        None => return Err(CheckError::NoKernel),
        Some(false) => return Err(CheckError::NoRights { role }),
        Some(true) => {}
    }
    if is_superuser {
        tracing::warn!(role, "the worker runs as superuser, which it needs nowhere");
    }
    tracing::info!(role, postgres = major, "the database answers");
    Ok(())
}
