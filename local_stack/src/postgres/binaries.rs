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
    /// Prefers the Postgres of `pg_config`, because extensions are built for that one; else the newest of the usual folders.
    pub(crate) fn find() -> Result<Self, Error> {
        let configured = Command::new("pg_config").arg("--bindir").output().ok();
        let configured = configured
            .filter(|output| output.status.success())
            .and_then(|output| Self::at(Path::new(String::from_utf8_lossy(&output.stdout).trim())));
        if let Some(found) = configured {
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
    use super::major_version;

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
