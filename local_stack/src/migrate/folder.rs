//! The migration files of a project.

use std::path::{Path, PathBuf};

use crate::error::Error;

/// One file `<version>_<name>.sql`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Migration {
    /// The digits before the first underscore.
    pub(crate) version: String,
    /// What stands between them and `.sql`.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// The migrations of a folder in the order of their file names, and the files that are none.
pub(crate) fn read(folder: &Path) -> Result<(Vec<Migration>, Vec<String>), Error> {
    let mut names = Vec::new();
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                let entry = entry.map_err(Error::file(folder))?;
                // Folders are ignored, as the CLI does; a link counts as what it points at.
                if entry.path().is_file() {
                    names.push(entry.file_name().to_string_lossy().into_owned());
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => {
            return Err(Error::File {
                path: folder.to_owned(),
                source,
            });
        }
    }
    names.sort();
    let mut migrations = Vec::new();
    let mut skipped = Vec::new();
    for file in names {
        match parse(&file) {
            Some((version, name)) => {
                migrations.push(Migration {
                    version,
                    name,
                    path: folder.join(&file),
                });
            }
            None => skipped.push(file),
        }
    }
    Ok((migrations, skipped))
}

fn parse(file: &str) -> Option<(String, String)> {
    let (version, name) = file.strip_suffix(".sql")?.split_once('_')?;
    let is_version = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    is_version.then(|| (version.to_owned(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted_and_others_are_skipped_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "20260102000000_b.sql",
            "20260101000000_a_c.sql",
            "README.md",
            "x_1.sql",
            "20260103000000.sql",
        ] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("20260104000000_folder.sql")).unwrap();
        let (migrations, skipped) = read(folder.path()).unwrap();
        let names: Vec<_> = migrations
            .iter()
            .map(|m| (m.version.as_str(), m.name.as_str()))
            .collect();
        assert_eq!(names, [("20260101000000", "a_c"), ("20260102000000", "b")]);
        assert_eq!(skipped, ["20260103000000.sql", "README.md", "x_1.sql"]);
    }

    #[test]
    fn missing_folder_has_no_migrations() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&folder.path().join("none")).unwrap(), (vec![], vec![]));
    }
}
