//! `supabase/seed.sql`, once.

use std::path::Path;

use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, PgConnection};

use super::apply::MigrationFailure;
use crate::error::Error;
use crate::progress::Progress;

/// The path under which the ledger knows the file.
const PATH: &str = "supabase/seed.sql";

/// Runs the seed when the ledger does not have it. A seed that changed later is noted in the ledger and not run again: its rows
/// are there already. `local_stack reset` runs it anew.
pub(crate) async fn sow(
    postgres: &mut PgConnection,
    project_dir: &Path,
    progress: &Progress,
) -> Result<(), Error> {
    let path = project_dir.join(PATH);
    let sql = match std::fs::read_to_string(&path) {
        Ok(sql) => sql,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::File { path, source }),
    };
    let hash = hex(&Sha256::digest(sql.as_bytes()));
    let known: Option<String> =
        sqlx::query_scalar("select hash from supabase_migrations.seed_files where path = $1")
            .bind(PATH)
            .fetch_optional(&mut *postgres)
            .await
            .map_err(Error::database("reading the seed ledger"))?;
    let runs = known.is_none();
    match &known {
        Some(known) if *known == hash => return Ok(()),
        Some(_) => progress.line(format!(
            "{PATH} has changed since it ran; not running it again (local_stack reset would)"
        )),
        None => progress.line(format!("applying {PATH}")),
    }
    record(postgres, &sql, &hash, runs)
        .await
        .map_err(|error| MigrationFailure::new(PATH.to_owned(), &sql, &error))?;
    Ok(())
}

async fn record(postgres: &mut PgConnection, sql: &str, hash: &str, runs: bool) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("reset all").execute(&mut *postgres).await?;
    let mut transaction = postgres.begin().await?;
    if runs {
        sqlx::raw_sql(sql).execute(&mut *transaction).await?;
    }
    sqlx::query(
        "insert into supabase_migrations.seed_files (path, hash) values ($1, $2)
         on conflict (path) do update set hash = excluded.hash",
    )
    .bind(PATH)
    .bind(hash)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
