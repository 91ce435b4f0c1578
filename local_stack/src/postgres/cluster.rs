//! The folder that Postgres keeps its data in.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::binaries::Binaries;
use super::run_as::RunAs;
use crate::error::Error;
use crate::progress::Progress;

/// Where a cluster goes that cannot be below its data directory.
const FALLBACK: &str = "/var/tmp";

/// A cluster: made once, then started again and again.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    folder: PathBuf,
    log: PathBuf,
    pub(crate) run_as: RunAs,
}

impl Cluster {
    /// Decides where the cluster of a data directory is. The user that runs Postgres may be unable to reach that directory (a
    /// clone below a home that only its owner may enter); the cluster then goes to a folder of its own below `/var/tmp`, named
    /// after a hash of the directory's path.
    pub(crate) fn place(data_dir: &Path, run_as: RunAs, progress: &Progress) -> Result<Self, Error> {
        let probe = data_dir.join("postgres.parent");
        run_as.private_folder(&probe)?;
        let is_reachable = run_as.can_write(&probe);
        std::fs::remove_dir(&probe).map_err(Error::file(&probe))?;
        let folder = if is_reachable {
            data_dir.join("postgres")
        } else {
            let parent = Self::fallback(data_dir);
            run_as.private_folder(&parent)?;
            progress.line(format!(
                "the user that runs PostgreSQL cannot reach {}; its files are in {}",
                data_dir.display(),
                parent.display()
            ));
            parent.join("postgres")
        };
        Ok(Self {
            folder,
            log: data_dir.join("postgres.log"),
            run_as,
        })
    }

    fn fallback(data_dir: &Path) -> PathBuf {
        let digest = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Path::new(FALLBACK).join(format!("parley-{name}"))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Runs initdb unless there is a cluster. It is made beside its place and moved there whole, so a start that was killed
    /// half-way leaves nothing that looks like a cluster. `true` when it was made now.
    pub(crate) fn create(&self, binaries: &Binaries) -> Result<bool, Error> {
        if self.folder.join("PG_VERSION").is_file() {
            return Ok(false);
        }
        let draft = self.folder.with_extension("new");
        remove(&draft)?;
        self.run_as.private_folder(&draft)?;
        let password = self.folder.with_extension("password");
        std::fs::write(&password, "postgres\n").map_err(Error::file(&password))?;
        self.run_as.own(&password)?;
        let outcome = self.initdb(binaries, &draft, &password);
        remove(&password)?;
        outcome?;
        std::fs::rename(&draft, &self.folder).map_err(Error::file(&self.folder))?;
        Ok(true)
    }

    fn initdb(&self, binaries: &Binaries, draft: &Path, password: &Path) -> Result<(), Error> {
        let mut command = self.run_as.command(binaries.program("initdb"));
        command.args([
            "--username=supabase_admin",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-sync",
        ]);
        // The same order of text everywhere, whatever locales the machine has.
        match binaries.major() {
            17.. => command.args(["--locale-provider=builtin", "--locale=C.UTF-8"]),
            _ => command.arg("--locale=C.UTF-8"),
        };
        command.arg("--pwfile").arg(password).arg("--pgdata").arg(draft);
        let output = command.output().map_err(|source| Error::System {
            doing: "running initdb",
            source,
        })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::Program {
            program: "initdb".to_owned(),
            output: said,
        })
    }

    /// Deletes the cluster of a data directory, wherever it is.
    pub(crate) fn remove(data_dir: &Path, run_as: RunAs) -> Result<(), Error> {
        for name in [
            "postgres",
            "postgres.new",
            "postgres.password",
            "postgres.parent",
            "postgres.log",
        ] {
            remove(&data_dir.join(name))?;
        }
        let fallback = Self::fallback(data_dir);
        if run_as.owns(&fallback) {
            remove(&fallback)?;
        }
        Ok(())
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    let removed = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    match removed {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Error::File {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fallback_differs_from_path_to_path_and_stays_the_same() {
        let one = Cluster::fallback(Path::new("/home/a/.parley"));
        assert_eq!(one, Cluster::fallback(Path::new("/home/a/.parley")));
        assert_ne!(one, Cluster::fallback(Path::new("/home/b/.parley")));
        assert!(one.starts_with(FALLBACK));
    }
}
