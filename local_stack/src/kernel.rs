//! Which kernel the database runs.

use sqlx::PgConnection;

use crate::config::Kernel;
use crate::error::Error;

/// Tells the migrations which kernel is wanted: the kernel's own migration reads this setting. New connections see it.
pub(crate) async fn announce(admin: &mut PgConnection, kernel: Kernel) -> Result<(), Error> {
    let statement = match kernel {
        Kernel::Native => "alter database postgres set parley.kernel = 'native'",
        Kernel::Portable => "alter database postgres set parley.kernel = 'portable'",
    };
    sqlx::query(statement)
        .execute(admin)
        .await
        .map_err(Error::database("choosing the kernel"))?;
    Ok(())
}

/// Makes the wanted kernel the running one, once the migrations are in. `postgres` is a connection of the role postgres, which
/// may create the extension because it is trusted. `None` when the database has no kernel.
pub(crate) async fn settle(
    postgres: &mut PgConnection,
    kernel: Kernel,
    bindir: &str,
) -> Result<Option<String>, Error> {
    let doing = "settling the kernel";
    let has_kernel: bool =
        sqlx::query_scalar("select to_regprocedure('parley.use_native(boolean)') is not null")
            .fetch_one(&mut *postgres)
            .await
            .map_err(Error::database(doing))?;
    if !has_kernel {
        return Ok(None);
    }
    if kernel == Kernel::Native {
        let is_available: bool =
            sqlx::query_scalar("select exists (select from pg_available_extensions where name = 'parley')")
                .fetch_one(&mut *postgres)
                .await
                .map_err(Error::database(doing))?;
        if !is_available {
            return Err(Error::NoNativeKernel {
                bindir: bindir.to_owned(),
            });
        }
        // An older build of the extension may have been installed by an earlier start.
        sqlx::raw_sql("create extension if not exists parley; alter extension parley update")
            .execute(&mut *postgres)
            .await
            .map_err(Error::database("creating or updating the extension parley"))?;
    }
    let running: String = sqlx::query_scalar("select parley.implementation()")
        .fetch_one(&mut *postgres)
        .await
        .map_err(Error::database(doing))?;
    if running != kernel.name() {
        sqlx::query("select parley.use_native($1)")
            .bind(kernel == Kernel::Native)
            .execute(&mut *postgres)
            .await
            .map_err(Error::database("switching the kernel"))?;
    }
    sqlx::query_scalar("select parley.implementation()")
        .fetch_one(&mut *postgres)
        .await
        .map(Some)
        .map_err(Error::database(doing))
}
