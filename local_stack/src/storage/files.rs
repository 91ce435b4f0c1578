//! The files on disk, each under the version of its row.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use tokio::fs::File;
use uuid::Uuid;

use crate::error::Error;

/// The folder in the data directory, and the one for what is not whole yet.
const FOLDER: &str = "storage";
const INCOMING: &str = "incoming";

/// The folder. Only its owner may look into it.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    folder: PathBuf,
}

impl Files {
    /// Makes the folder where it is missing.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, Error> {
        use std::os::unix::fs::DirBuilderExt as _;
        let folder = data_dir.join(FOLDER);
        let incoming = folder.join(INCOMING);
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&incoming)
            .map_err(Error::file(&incoming))?;
        Ok(Self { folder })
    }

    /// Deletes all of it, when the database is thrown away.
    pub(crate) fn remove_all(data_dir: &Path) -> Result<(), Error> {
        let folder = data_dir.join(FOLDER);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file(&folder)(error)),
            _ => Ok(()),
        }
    }

    /// Removes what no row names: an upload that was killed, or a database that was made anew. Nobody may be uploading.
    pub(super) fn sweep(&self, versions: &HashSet<String>) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_named = name.to_str().is_some_and(|name| versions.contains(name));
            if entry.file_type()?.is_file() && !is_named {
                std::fs::remove_file(entry.path())?;
            }
        }
        for entry in std::fs::read_dir(self.folder.join(INCOMING))? {
            std::fs::remove_file(entry?.path())?;
        }
        Ok(())
    }

    /// Where the file of a version is. A row that somebody wrote by hand may have any text for it, which leads nowhere.
    pub(super) fn path(&self, version: &str) -> Option<PathBuf> {
        let version = Uuid::parse_str(version).ok()?;
        Some(self.folder.join(version.to_string()))
    }

    /// A new file, which is nobody's yet.
    pub(super) async fn draft(&self) -> io::Result<(Draft, File)> {
        let version = Uuid::new_v4();
        let path = self.folder.join(INCOMING).join(version.to_string());
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .await?;
        Ok((Draft { path, version }, file))
    }

    /// Puts a whole file in its place. It is removed again by [`Files::remove`] when no row comes of it.
    pub(super) fn place(&self, draft: Draft) -> io::Result<Uuid> {
        let version = draft.version;
        std::fs::rename(&draft.path, self.folder.join(version.to_string()))?;
        Ok(version)
    }

    /// The same content under a new version. Files never change, so both may be one.
    pub(super) fn link(&self, version: &str) -> io::Result<Uuid> {
        let source = self.path(version).ok_or(io::ErrorKind::NotFound)?;
        let copy = Uuid::new_v4();
        std::fs::hard_link(source, self.folder.join(copy.to_string()))?;
        Ok(copy)
    }

    /// Removes the file of a version that no row names any more. One that cannot be removed is left for the next start.
    pub(super) fn remove(&self, version: &str) {
        let Some(path) = self.path(version) else { return };
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "a file could not be removed");
            }
            _ => {}
        }
    }
}

/// A file that is being written. Dropping it removes it, unless it was put in its place.
#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    version: Uuid,
}

impl Drop for Draft {
    fn drop(&mut self) {
        match std::fs::remove_file(&self.path) {
            // It is in its place.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(path = %self.path.display(), %error, "a draft could not be removed"),
            Ok(()) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn placed(files: &Files) -> String {
        let (draft, mut file) = files.draft().await.unwrap();
        file.write_all(b"content").await.unwrap();
        file.flush().await.unwrap();
        files.place(draft).unwrap().to_string()
    }

    fn names(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[tokio::test]
    async fn files_are_private_and_drafts_leave_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path()).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path().join(FOLDER)), 0o700);
        drop(files.draft().await.unwrap());
        let incoming = folder.path().join(FOLDER).join(INCOMING);
        assert_eq!(names(&incoming), 0);
        let version = placed(&files).await;
        assert_eq!(mode(&files.path(&version).unwrap()), 0o600);
        assert_eq!(names(&incoming), 0);
    }

    #[tokio::test]
    async fn copy_outlives_its_source() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path()).unwrap();
        let version = placed(&files).await;
        let copy = files.link(&version).unwrap().to_string();
        files.remove(&version);
        assert!(!files.path(&version).unwrap().exists());
        assert_eq!(std::fs::read(files.path(&copy).unwrap()).unwrap(), b"content");
    }

    #[tokio::test]
    async fn sweep_keeps_what_a_row_names() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path()).unwrap();
        let (kept, lost) = (placed(&files).await, placed(&files).await);
        std::mem::forget(files.draft().await.unwrap().0);
        files.sweep(&HashSet::from([kept.clone()])).unwrap();
        assert!(files.path(&kept).unwrap().exists());
        assert!(!files.path(&lost).unwrap().exists());
        assert_eq!(names(&folder.path().join(FOLDER).join(INCOMING)), 0);
    }

    #[test]
    fn version_that_is_no_version_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path()).unwrap();
        for version in ["", "../../stack.env", "incoming", "/etc/passwd"] {
            assert_eq!(files.path(version), None);
        }
    }
}
