//! Files with secrets in them.

use std::io::{self, Write as _};
use std::path::Path;

use crate::error::Error;

/// Writes a file that only its owner may read.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Removes a file that may not be there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::File {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}
