//! Running the pending migrations as the role postgres.

use std::collections::BTreeSet;
use std::path::Path;

use sqlx::postgres::{PgDatabaseError, PgErrorPosition};
use sqlx::{Connection as _, PgConnection};

use super::{folder, plan, split};
use crate::error::Error;
use crate::progress::Progress;

/// A file that the database refused. Nothing of it was kept.
#[derive(Debug, thiserror::Error)]
#[error("{file}{}: {message} (SQLSTATE {code}){}", line.map(|line| format!(":{line}")).unwrap_or_default(), detail.as_deref().unwrap_or_default())]
pub struct MigrationFailure {
    file: String,
    /// Counted from 1, when the database said where.
    line: Option<usize>,
    message: String,
    code: String,
    detail: Option<String>,
}

impl MigrationFailure {
    /// Reads a database error against the text that caused it.
    pub(crate) fn new(file: String, sql: &str, error: &sqlx::Error) -> Self {
        let database = error
            .as_database_error()
            .and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
        let Some(database) = database else {
            return Self {
                file,
                line: None,
                message: error.to_string(),
                code: "none".to_owned(),
                detail: None,
            };
        };
        let line = match database.position() {
            Some(PgErrorPosition::Original(characters)) => Some(line_of(sql, characters)),
            _ => None,
        };
        let more = [
            ("detail", database.detail()),
            ("hint", database.hint()),
            ("where", database.r#where()),
        ];
        let detail: String = more
            .iter()
            .filter_map(|(name, text)| text.map(|text| format!("\n  {name}: {text}")))
            .collect();
        Self {
            file,
            line,
            message: database.message().to_owned(),
            code: database.code().to_owned(),
            detail: Some(detail),
        }
    }
}

/// The line of a position that Postgres counts in characters from 1.
fn line_of(sql: &str, characters: usize) -> usize {
    1 + sql
        .chars()
        .take(characters.saturating_sub(1))
        .filter(|character| *character == '\n')
        .count()
}

/// The tables of the CLI. It makes them with the same statements when it comes first.
const LEDGER: &str = "
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text;
    create table if not exists supabase_migrations.seed_files (path text not null primary key, hash text not null);
";

/// Applies what the ledger lacks and returns how many files that was. `postgres` is a connection of the role postgres.
///
/// Each file and its row in the ledger are one transaction. The file goes to the server as one simple query, after
/// `reset all`, as a new connection would see it.
pub(crate) async fn apply_pending(
    postgres: &mut PgConnection,
    folder: &Path,
    include_all: bool,
    progress: &Progress,
) -> Result<usize, Error> {
    let doing = "reading the migration ledger";
    sqlx::raw_sql(LEDGER)
        .execute(&mut *postgres)
        .await
        .map_err(Error::database(doing))?;
    let applied: BTreeSet<String> =
        sqlx::query_scalar("select version from supabase_migrations.schema_migrations")
            .fetch_all(&mut *postgres)
            .await
            .map_err(Error::database(doing))?
            .into_iter()
            .collect();
    let (migrations, skipped) = folder::read(folder)?;
    for file in skipped {
        progress.line(format!("skipping {file}: not named <version>_<name>.sql"));
    }
    let pending = plan::pending(&migrations, &applied, include_all)?;
    for migration in &pending {
        let file = migration
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        progress.line(format!("applying {file}"));
        let sql = std::fs::read_to_string(&migration.path).map_err(Error::file(&migration.path))?;
        apply_one(postgres, migration, &sql)
            .await
            .map_err(|error| MigrationFailure::new(file, &sql, &error))?;
    }
    Ok(pending.len())
}

async fn apply_one(
    postgres: &mut PgConnection,
    migration: &folder::Migration,
    sql: &str,
) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("reset all").execute(&mut *postgres).await?;
    let mut transaction = postgres.begin().await?;
    sqlx::raw_sql(sql).execute(&mut *transaction).await?;
    // What the file set would otherwise decide how the ledger is found.
    sqlx::query(
        "insert into supabase_migrations.schema_migrations (version, statements, name) values ($1, $2, $3)",
    )
    .bind(&migration.version)
    .bind(split::statements(sql))
    .bind(&migration.name)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn position_is_counted_in_characters_not_in_bytes() {
        let sql = "-- ü\nselect 1;\nselekt";
        let position = sql.chars().take_while(|c| *c != 'k').count() + 1;
        assert_eq!(line_of(sql, position), 3);
        assert_eq!(line_of(sql, 1), 1);
    }
}
