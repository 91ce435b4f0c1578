//! What is to be applied, and when the files and the ledger contradict each other.

use std::collections::BTreeSet;

use super::folder::Migration;

/// Why nothing is applied.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Two files claim one version.
    #[error("two migrations have the version {version}; rename one of them")]
    Duplicate {
        /// The version.
        version: String,
    },

    /// The database is ahead of the files.
    #[error(
        "the database has migrations that are not in supabase/migrations: {versions}. Get the missing files, or start over with: local_stack reset"
    )]
    Missing {
        /// The versions, separated by commas.
        versions: String,
    },

    /// A file sorts before what is applied already.
    #[error(
        "these migrations sort before {newest}, which is applied already: {files}. Apply them all the same with: local_stack up --include-all; or give them a newer version"
    )]
    OutOfOrder {
        /// The newest applied version.
        newest: String,
        /// The files, separated by commas.
        files: String,
    },
}

/// The local migrations that the ledger does not have, in order. Those that sort before what is applied are refused, unless all are wanted.
pub(crate) fn pending<'a>(
    local: &'a [Migration],
    applied: &BTreeSet<String>,
    include_all: bool,
) -> Result<Vec<&'a Migration>, LedgerError> {
    let mut versions = BTreeSet::new();
    for migration in local {
        if !versions.insert(migration.version.as_str()) {
            return Err(LedgerError::Duplicate {
                version: migration.version.clone(),
            });
        }
    }
    let missing: Vec<&str> = applied
        .iter()
        .map(String::as_str)
        .filter(|version| !versions.contains(version))
        .collect();
    if !missing.is_empty() {
        return Err(LedgerError::Missing {
            versions: missing.join(", "),
        });
    }
    let pending: Vec<&Migration> = local
        .iter()
        .filter(|migration| !applied.contains(&migration.version))
        .collect();
    if let Some(newest) = applied.last()
        && !include_all
    {
        let late: Vec<String> = pending
            .iter()
            .filter(|migration| migration.version < *newest)
            .map(|migration| format!("{}_{}.sql", migration.version, migration.name))
            .collect();
        if !late.is_empty() {
            return Err(LedgerError::OutOfOrder {
                newest: newest.clone(),
                files: late.join(", "),
            });
        }
    }
    Ok(pending)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(versions: &[&str]) -> Vec<Migration> {
        let migration = |version: &&str| Migration {
            version: (*version).to_owned(),
            name: "x".to_owned(),
            path: "x".into(),
        };
        versions.iter().map(migration).collect()
    }

    fn plan(files: &[&str], applied: &[&str]) -> Result<Vec<String>, LedgerError> {
        let files = local(files);
        let applied = applied.iter().map(|version| (*version).to_owned()).collect();
        pending(&files, &applied, false).map(|list| list.iter().map(|m| m.version.clone()).collect())
    }

    #[test]
    fn only_what_the_ledger_lacks_is_pending() {
        assert_eq!(plan(&["1", "2", "3"], &["1"]).unwrap(), ["2", "3"]);
        assert_eq!(plan(&["1"], &["1"]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn applied_version_without_a_file_is_refused() {
        let error = plan(&["1", "3"], &["1", "2"]).unwrap_err();
        assert_eq!(
            error,
            LedgerError::Missing {
                versions: "2".to_owned()
            }
        );
    }

    #[test]
    fn file_before_the_newest_applied_one_is_refused() {
        let error = plan(&["1", "2", "3"], &["1", "3"]).unwrap_err();
        assert_eq!(
            error,
            LedgerError::OutOfOrder {
                newest: "3".to_owned(),
                files: "2_x.sql".to_owned()
            }
        );
    }

    #[test]
    fn file_before_the_newest_applied_one_is_pending_where_all_are_wanted() {
        let files = local(&["1", "2", "3"]);
        let applied = ["1", "3"].map(str::to_owned).into();
        let versions: Vec<_> = pending(&files, &applied, true)
            .unwrap()
            .iter()
            .map(|m| m.version.clone())
            .collect();
        assert_eq!(versions, ["2"]);
    }

    #[test]
    fn two_files_of_one_version_are_refused() {
        assert!(matches!(
            plan(&["1", "1"], &[]),
            Err(LedgerError::Duplicate { .. })
        ));
    }
}
