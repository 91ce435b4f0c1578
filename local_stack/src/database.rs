//! A running Postgres made into the database of this project.

use sqlx::PgConnection;

use crate::config::Config;
use crate::error::Error;
use crate::postgres::{Address, Binaries};
use crate::project::Project;
use crate::worker::{self, WorkerKeys};
use crate::{bootstrap, kernel, migrate};

/// What was found in it.
pub(crate) struct Found {
    /// Which kernel runs; `None` when the migrations installed none.
    pub(crate) kernel: Option<String>,
    /// Whether the worker can log in.
    pub(crate) has_worker_role: bool,
}

/// Applies the contract, the migrations and the seed that are not there yet, and settles who may log in.
pub(crate) async fn bring_up_to_date(
    config: &Config,
    project: &Project,
    address: Address,
    binaries: &Binaries,
    keys: &WorkerKeys,
) -> Result<Found, Error> {
    let connecting = "connecting to PostgreSQL";
    let mut admin = address
        .connect("supabase_admin")
        .await
        .map_err(Error::database(connecting))?;
    if bootstrap::apply(&mut admin).await? {
        config.progress.line("applied the Supabase contract");
    }
    kernel::announce(&mut admin, config.kernel).await?;
    tell_exposed_schemas(&mut admin, &project.api.schemas).await?;
    let mut postgres = address
        .connect("postgres")
        .await
        .map_err(Error::database(connecting))?;
    let folder = config.project_dir.join("supabase/migrations");
    let count = migrate::apply_pending(&mut postgres, &folder, config.include_all, &config.progress).await?;
    config.progress.line(format!("{count} migrations applied"));
    migrate::sow(&mut postgres, &config.project_dir, &config.progress).await?;
    let kernel = kernel::settle(&mut postgres, config.kernel, &binaries.folder().to_string_lossy()).await?;
    let has_worker_role = worker::settle_role(&mut admin, &keys.password).await?;
    Ok(Found {
        kernel,
        has_worker_role,
    })
}

/// Lints that ask what the API exposes (`supabase db advisors`) look for it in this setting.
async fn tell_exposed_schemas(admin: &mut PgConnection, schemas: &[String]) -> Result<(), Error> {
    let doing = "telling the database its exposed schemas";
    let statement: String =
        sqlx::query_scalar("select format('alter database postgres set pgrst.db_schemas = %L', $1)")
            .bind(schemas.join(", "))
            .fetch_one(&mut *admin)
            .await
            .map_err(Error::database(doing))?;
    sqlx::raw_sql(&statement)
        .execute(admin)
        .await
        .map_err(Error::database(doing))?;
    Ok(())
}
