//! The migration files of this checkout, for databases that a test makes itself.

use std::path::Path;

use crate::error::Error;

/// The kernel's migrations, in order, as SQL.
///
/// # Errors
///
/// [`Error::Migrations`] when the folder cannot be read or holds none.
pub fn kernel_migrations() -> Result<Vec<String>, Error> {
    let migrations = of_family("parley")?;
    if migrations.is_empty() {
        return Err(Error::Migrations(std::io::ErrorKind::NotFound.into()));
    }
    Ok(migrations)
}

/// An app's migrations, in order, as SQL; none where the app is not there.
///
/// # Errors
///
/// [`Error::Migrations`] when the folder cannot be read.
pub fn app_migrations(app: &str) -> Result<Vec<String>, Error> {
    of_family(app)
}

/// The files named `<timestamp>_<family>_<concern>.sql`.
fn of_family(family: &str) -> Result<Vec<String>, Error> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::Migrations)? {
        let path = entry.map_err(Error::Migrations)?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let rest = name.split_once('_').map_or("", |(_, rest)| rest);
        if rest.starts_with(&format!("{family}_")) && name.ends_with(".sql") {
            files.push(path);
        }
    }
    files.sort();
    files
        .iter()
        .map(|file| std::fs::read_to_string(file).map_err(Error::Migrations))
        .collect()
}
