//! Finding the programs of a Postgres that is new enough.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// Realtime's contract and `security_invoker` views need this.
const OLDEST_MAJOR: u32 = 15;

/// Where distributions keep several versions side by side, each with a `bin` below.
const PARENTS: [&str; 4] = [
    "/usr/lib/postgresql",
    "/usr/local/lib/postgresql",
    "/opt/homebrew/opt",
    "/usr/local/opt",
];

/// The programs of one Postgres.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    /// The Postgres of the `pg_config` that is wanted. Without one it prefers that of the `pg_config` in the path, because
    /// extensions are built for that one; else the newest of the usual folders.
    pub(crate) fn find(wanted: Option<&Path>) -> Result<Self, Error> {
        if let Some(pg_config) = wanted {
            return Self::of(pg_config).ok_or_else(|| Error::Setting {
                variable: "PARLEY_PG_CONFIG",
                reason: format!(
                    "`{}` is not the pg_config of a PostgreSQL {OLDEST_MAJOR} or newer with a server",
                    pg_config.display()
                ),
            });
        }
        if let Some(found) = Self::of(Path::new("pg_config")) {
            return Ok(found);
        }
        let mut found: Vec<Self> = PARENTS
            .iter()
            .filter_map(|parent| std::fs::read_dir(parent).ok())
            .flatten()
            .flatten()
            .filter_map(|entry| Self::at(&entry.path().join("bin")))
            .collect();
        found.sort_by_key(|binaries| binaries.major);
        found.pop().ok_or_else(|| Error::NoPostgres {
            looked: PARENTS.join(", "),
        })
    }

    /// The programs beside a `pg_config`, which says where.
    fn of(pg_config: &Path) -> Option<Self> {
        let output = Command::new(pg_config).arg("--bindir").output().ok()?;
        let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then(|| Self::at(Path::new(&folder)))?
    }

    fn at(folder: &Path) -> Option<Self> {
        if !folder.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(folder.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        let major = major_version(&String::from_utf8_lossy(&output.stdout))?;
        (major >= OLDEST_MAJOR).then(|| Self {
            folder: folder.to_owned(),
            major,
        })
    }

    /// The full path of one program.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn major(&self) -> u32 {
        self.major
    }
}

/// The first number of `postgres (PostgreSQL) 15.20 (Debian ...)`.
fn major_version(text: &str) -> Option<u32> {
    let number = text
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Binaries, major_version};

    #[test]
    fn wanted_postgres_is_taken_or_refused_and_never_replaced_by_another() {
        let found = Binaries::find(None).unwrap();
        let pg_config = found.program("pg_config");
        let again = Binaries::find(Some(&pg_config)).unwrap();
        assert_eq!(again.folder(), found.folder());
        for unusable in ["/nowhere/pg_config", "/bin/echo"] {
            let text = Binaries::find(Some(Path::new(unusable))).unwrap_err().to_string();
            assert!(
                text.contains("PARLEY_PG_CONFIG") && text.contains(unusable),
                "{text}"
            );
        }
    }

    #[test]
    fn version_is_read_in_all_its_spellings() {
        assert_eq!(
            major_version("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version("no such thing"), None);
    }
}
