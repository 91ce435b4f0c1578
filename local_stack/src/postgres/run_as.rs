//! Who runs Postgres: it refuses to run as root.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User};

use crate::error::Error;

/// The operating system user that Postgres needs when this process is root.
const USER: &str = "postgres";

/// The user of the Postgres processes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunAs {
    /// `None`: as this process.
    other: Option<(Uid, Gid)>,
}

impl RunAs {
    /// Another user when this process is root, itself when not.
    pub(crate) fn choose() -> Result<Self, Error> {
        if !Uid::effective().is_root() {
            return Ok(Self { other: None });
        }
        let user = User::from_name(USER)
            .map_err(|errno| Error::System {
                doing: "looking up the user postgres",
                source: errno.into(),
            })?
            .ok_or(Error::NoPostgresUser)?;
        Ok(Self {
            other: Some((user.uid, user.gid)),
        })
    }

    /// A command that will run as that user, in a folder it can certainly reach, and without this process's groups.
    pub(crate) fn command(self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null());
        if let Some((uid, gid)) = self.other {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        command
    }

    /// Creates a folder that only that user may look into, or takes one that exists and is the user's.
    pub(crate) fn private_folder(self, path: &Path) -> Result<(), Error> {
        std::fs::create_dir_all(path).map_err(Error::file(path))?;
        self.own(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(Error::file(path))
    }

    /// Gives a file or folder to that user.
    pub(crate) fn own(self, path: &Path) -> Result<(), Error> {
        if let Some((uid, gid)) = self.other {
            std::os::unix::fs::chown(path, Some(uid.as_raw()), Some(gid.as_raw()))
                .map_err(Error::file(path))?;
        }
        Ok(())
    }

    /// Whether that user can get to a folder and write in it; the kernel of the operating system is asked, because modes alone
    /// do not tell.
    pub(crate) fn can_write(self, folder: &Path) -> bool {
        if self.other.is_none() {
            return true;
        }
        let status = self
            .command("test")
            .arg("-w")
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    /// Whether a path belongs to that user, or to this process.
    pub(crate) fn owns(self, path: &Path) -> bool {
        let uid = self.other.map_or_else(Uid::effective, |(uid, _)| uid);
        std::fs::symlink_metadata(path).is_ok_and(|metadata| {
            metadata.is_dir()
                && (metadata.uid() == uid.as_raw() || metadata.uid() == Uid::effective().as_raw())
        })
    }
}
