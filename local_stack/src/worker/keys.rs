//! The secrets between a stack and its worker. Each data directory has its own, and keeps them: a call at Tavus outlives a start, and the
//! token in its callback address has to be known to the next one.

use std::path::Path;

use rand::Rng as _;

use super::role::ROLE;
use crate::error::Error;
use crate::postgres::Address;
use crate::private_file;
use crate::secret::Secret;

/// The name of the file in the data directory.
const NAME: &str = "worker.keys";

const BYTES: usize = 32;

/// The two secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkerKeys {
    /// `WORKER_SECRET`: signs the tokens of callback addresses.
    pub(crate) signing: Secret,
    /// The password of the worker's role.
    pub(crate) password: Secret,
}

impl WorkerKeys {
    /// Those of the data directory, made when it has none.
    pub(crate) fn keep(data_dir: &Path) -> Result<Self, Error> {
        let path = data_dir.join(NAME);
        let kept = std::fs::read_to_string(&path).ok().and_then(|text| parse(&text));
        if let Some(keys) = kept {
            return Ok(keys);
        }
        let keys = Self {
            signing: generate(),
            password: generate(),
        };
        let text = format!("{}\n{}\n", keys.signing.expose(), keys.password.expose());
        private_file::write(&path, &text).map_err(Error::file(&path))?;
        Ok(keys)
    }

    /// The database as the worker's role.
    pub(crate) fn db_url(&self, address: Address) -> String {
        address.url_with(ROLE, self.password.expose())
    }

    /// Forgets them, when the database is thrown away.
    pub(crate) fn remove(data_dir: &Path) -> Result<(), Error> {
        private_file::remove(&data_dir.join(NAME))
    }
}

/// A file that somebody cut or changed is none.
fn parse(text: &str) -> Option<WorkerKeys> {
    let mut lines = text.lines();
    let mut next = || {
        let line = lines.next()?;
        let is_whole = line.len() == 2 * BYTES && line.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_whole.then(|| Secret::new(line))
    };
    Some(WorkerKeys {
        signing: next()?,
        password: next()?,
    })
}

fn generate() -> Secret {
    let bytes: [u8; BYTES] = rand::rng().random();
    Secret::new(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn keys_stay_from_start_to_start_and_differ_from_stack_to_stack() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let keys = WorkerKeys::keep(one.path()).unwrap();
        assert_eq!(WorkerKeys::keep(one.path()).unwrap(), keys);
        assert_ne!(WorkerKeys::keep(other.path()).unwrap(), keys);
        assert_ne!(keys.signing, keys.password);
        let file = one.path().join(NAME);
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        WorkerKeys::remove(one.path()).unwrap();
        assert_ne!(WorkerKeys::keep(one.path()).unwrap(), keys);
    }

    #[test]
    fn broken_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let keys = WorkerKeys::keep(folder.path()).unwrap();
        std::fs::write(folder.path().join(NAME), "half").unwrap();
        let new = WorkerKeys::keep(folder.path()).unwrap();
        assert_ne!(new, keys);
        assert_eq!(new.signing.expose().len(), 64);
    }
}
