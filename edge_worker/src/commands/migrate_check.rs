//! `edge_worker migrate-check`.

use std::collections::BTreeSet;
use std::io::{Write as _, stdout};
use std::process::ExitCode;

use sqlx::PgPool;

use super::CommandError;
use crate::config::Database;
use crate::conversations::AppName;
use crate::db::requirements::{self, KERNEL};
use crate::serve;

/// Version and name of the migrations that this binary is built for, in their order.
static MIGRATIONS: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Every app that this repository has or will have: the beginning of the names of its migrations, and its schema. What is none of them
/// belongs to the kernel, which everybody needs.
const APPS: [&str; 5] = ["domo", "echoroom", "groupchat", "openchat", "voice_assistant"];

/// What is not as this binary needs it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Findings {
    /// Apps whose migrations are not looked for, because they are not installed.
    apps_left_out: Vec<&'static str>,
    /// Functions that are not there or may not be called.
    missing_functions: Vec<String>,
    /// The migrations that are not noted; `None` where nothing is noted at all.
    missing_migrations: Option<Vec<String>>,
    /// How many are noted of which this binary knows nothing.
    newer: usize,
}

pub(super) async fn run(variable: impl Fn(&str) -> Option<String>) -> Result<ExitCode, CommandError> {
    let database = Database::from_env(variable)?;
    let (pool, _) = serve::reach(&database).await?;
    let findings = look(&pool).await?;
    let is_complete = print(&findings)?;
    Ok(match is_complete {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

async fn look(pool: &PgPool) -> Result<Findings, CommandError> {
    let mut needed: Vec<String> = KERNEL.map(str::to_owned).into();
    let mut apps_left_out = Vec::new();
    for app in APPS {
        if !requirements::has_schema(pool, app).await? {
            apps_left_out.push(app);
        } else if let Some(app) = AppName::parse(app) {
            needed.extend(requirements::of_app(app));
        }
    }
    // What this release does not have, nobody can miss.
    apps_left_out.retain(|app| MIGRATIONS.iter().any(|(_, name)| is_of(app, name)));
    let missing_functions = requirements::missing(pool, &needed).await?;
    let is_ledger_readable = !missing_functions
        .iter()
        .any(|function| function == "parley.applied_migrations()");
    let applied: BTreeSet<String> = match is_ledger_readable {
        true => requirements::applied_migrations(pool)
            .await?
            .into_iter()
            .collect(),
        false => BTreeSet::new(),
    };
    let newer = applied
        .iter()
        .filter(|version| !MIGRATIONS.iter().any(|(known, _)| known == version))
        .count();
    Ok(Findings {
        missing_migrations: (!applied.is_empty()).then(|| missing_migrations(&applied, &apps_left_out)),
        apps_left_out,
        missing_functions,
        newer,
    })
}

fn missing_migrations(applied: &BTreeSet<String>, apps_left_out: &[&str]) -> Vec<String> {
    MIGRATIONS
        .iter()
        .filter(|(version, _)| !applied.contains(*version))
        .filter(|(_, name)| !apps_left_out.iter().any(|app| is_of(app, name)))
        .map(|(version, name)| format!("{version}_{name}"))
        .collect()
}

/// Whether a migration is one of this app's.
fn is_of(app: &str, migration: &str) -> bool {
    migration
        .strip_prefix(app)
        .is_some_and(|rest| rest.starts_with('_'))
}

/// Says it, and whether the worker can serve.
fn print(findings: &Findings) -> std::io::Result<bool> {
    let mut out = stdout().lock();
    for app in &findings.apps_left_out {
        writeln!(out, "not installed, and not needed: {app}")?;
    }
    match &findings.missing_migrations {
        None => writeln!(
            out,
            "the migrations are not noted in supabase_migrations.schema_migrations, or nobody may look"
        )?,
        Some(missing) => {
            for name in missing {
                writeln!(out, "missing migration: {name}")?;
            }
        }
    }
    for function in &findings.missing_functions {
        writeln!(out, "missing function, or no right to call it: {function}")?;
    }
    if findings.newer > 0 {
        let newer = findings.newer;
        writeln!(
            out,
            "{newer} migrations are applied that this worker does not know"
        )?;
    }
    let is_complete = findings.missing_functions.is_empty()
        && findings.missing_migrations.as_ref().is_none_or(Vec::is_empty);
    writeln!(
        out,
        "{}",
        match is_complete {
            true => "the database has what this worker needs",
            false => "apply the migrations of this release first",
        }
    )?;
    Ok(is_complete)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_of_this_release_are_in_the_binary_in_their_order() {
        assert!(MIGRATIONS.is_sorted());
        assert!(MIGRATIONS.contains(&("20261121140000", "parley_jobs")));
        assert!(MIGRATIONS.contains(&("20261121140100", "echoroom_jobs")));
    }

    #[test]
    fn only_what_is_installed_can_be_missing() {
        let all: BTreeSet<String> = MIGRATIONS
            .iter()
            .map(|(version, _)| (*version).to_owned())
            .collect();
        assert_eq!(missing_migrations(&all, &[]), Vec::<String>::new());
        let kernel: BTreeSet<String> = MIGRATIONS
            .iter()
            .filter(|(_, name)| name.starts_with("parley_"))
            .map(|(version, _)| (*version).to_owned())
            .collect();
        assert_eq!(missing_migrations(&kernel, &APPS), Vec::<String>::new());
        assert!(missing_migrations(&kernel, &[]).contains(&"20261121140100_echoroom_jobs".to_owned()));
        assert!(
            missing_migrations(&BTreeSet::new(), &["echoroom"])
                .contains(&"20261121140000_parley_jobs".to_owned())
        );
    }
}
