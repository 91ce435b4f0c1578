//! The role that the worker logs in as. The migrations bring it without a password; the stack gives it one.

use sqlx::PgConnection;

use crate::error::Error;
use crate::secret::Secret;

/// Its name.
pub(super) const ROLE: &str = "parley_worker";

/// Sets the password. `false` when the migrations brought no such role. Roles belong to the cluster: a reset of the database through
/// the CLI leaves the role and its password as they are.
pub(crate) async fn settle(admin: &mut PgConnection, password: &Secret) -> Result<bool, Error> {
    let doing = "giving the worker's role its password";
    let statement: Option<String> = sqlx::query_scalar(
        "select format('alter role %I with password %L', r.rolname, $2) from pg_catalog.pg_roles r where r.rolname = $1",
    )
    .bind(ROLE)
    .bind(password.expose())
    .fetch_optional(&mut *admin)
    .await
    .map_err(Error::database(doing))?;
    let Some(statement) = statement else {
        return Ok(false);
    };
    sqlx::raw_sql(&statement)
        .execute(admin)
        .await
        .map_err(Error::database(doing))?;
    Ok(true)
}
