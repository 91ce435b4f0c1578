//! `stack.env`: there while the stack is ready, complete, and gone when it stops.

use std::path::{Path, PathBuf};

use crate::endpoints::Endpoints;
use crate::error::Error;
use crate::private_file;

/// The name of the file in the data directory.
const NAME: &str = "stack.env";

/// The file on disk. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct EnvFile {
    path: PathBuf,
}

impl EnvFile {
    /// Writes the file beside its place and renames it, so that a reader sees all of it or none.
    pub(crate) fn write(data_dir: &Path, endpoints: &Endpoints) -> Result<Self, Error> {
        let path = data_dir.join(NAME);
        let draft = data_dir.join(format!("{NAME}.{}", std::process::id()));
        let written =
            private_file::write(&draft, &render(endpoints)).and_then(|()| std::fs::rename(&draft, &path));
        written.map_err(Error::file(&path))?;
        Ok(Self { path })
    }

    /// Removes what a killed run left behind.
    pub(crate) fn clear(data_dir: &Path) -> Result<(), Error> {
        private_file::remove(&data_dir.join(NAME))
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "could not remove the environment file");
        }
    }
}

/// One `NAME=value` a line. Each value is a URL, a key or a secret; quotes go around those that a shell would take apart.
fn render(endpoints: &Endpoints) -> String {
    endpoints
        .variables()
        .iter()
        .map(|(name, value)| format!("{name}={}\n", quote(value)))
        .collect()
}

fn quote(value: &str) -> String {
    let is_plain = value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.:/@+=,%".contains(c));
    if is_plain {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints() -> Endpoints {
        Endpoints {
            api_url: "http://127.0.0.1:1".into(),
            anon_key: "a.b-c_d".into(),
            service_role_key: "s".into(),
            publishable_key: "sb_publishable_x".into(),
            secret_key: "sb_secret_x".into(),
            jwt_secret: "it's $HOME".into(),
            db_url: "postgresql://postgres:postgres@127.0.0.1:2/postgres".into(),
            admin_db_url: "postgresql://supabase_admin:postgres@127.0.0.1:2/postgres".into(),
            tavus_base_url: Some("http://127.0.0.1:3".into()),
            tavus_api_key: Some("k".into()),
            elevenlabs_base_url: Some("http://127.0.0.1:5".into()),
            elevenlabs_api_key: Some("e".into()),
            embeddings_simulator_url: Some("http://127.0.0.1:6".into()),
            embeddings_simulator_key: Some("v".into()),
            worker_db_url: Some("postgresql://parley_worker:p@127.0.0.1:2/postgres".into()),
            worker_secret: Some("w".into()),
            worker_url: Some("http://127.0.0.1:4".into()),
        }
    }

    #[test]
    fn shell_reads_back_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let _file = EnvFile::write(folder.path(), &endpoints()).unwrap();
        let output = std::process::Command::new("sh")
            .arg("-c")
            .arg(r#". "$1"; printf '%s|%s' "$SUPABASE_JWT_SECRET" "$SUPABASE_DB_URL""#)
            .arg("sh")
            .arg(folder.path().join(NAME))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            text,
            "it's $HOME|postgresql://postgres:postgres@127.0.0.1:2/postgres"
        );
    }

    #[test]
    fn file_is_private_complete_and_gone_after_the_drop() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = EnvFile::write(folder.path(), &endpoints()).unwrap();
        let path = folder.path().join(NAME);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 17);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(file);
        assert!(!path.exists());
    }
}
