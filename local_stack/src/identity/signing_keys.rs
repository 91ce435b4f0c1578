//! The keys that sign the tokens of users. Each data directory has a pair of its own, made at the first start and kept: a session
//! outlives a start. A project that names its own keys (`[auth] signing_keys_path`) signs with the first of them.

use std::path::Path;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use serde_json::{Value, json};

use super::jwk::{self, Key};
use crate::error::Error;
use crate::private_file;
use crate::secret::Secret;

/// The name of the file in the data directory: a list of keys, as `supabase gen signing-key` writes one.
const NAME: &str = "auth.keys";

/// The keys, and the secret that is older than they are.
#[derive(Clone)]
pub(crate) struct SigningKeys {
    pub(super) secret: Secret,
    pub(super) keys: Vec<Key>,
    /// Whether new tokens are signed with the secret, as projects did before there were keys.
    is_legacy: bool,
}

impl SigningKeys {
    /// The secret alone, which signs and verifies.
    #[cfg(test)]
    pub(crate) fn legacy(secret: Secret) -> Self {
        Self {
            secret,
            keys: Vec::new(),
            is_legacy: true,
        }
    }

    /// Those of the data directory, made when it has none. With `is_legacy` they verify and the secret signs.
    pub(crate) fn keep(data_dir: &Path, secret: Secret, is_legacy: bool) -> Result<Self, Error> {
        let path = data_dir.join(NAME);
        let kept = std::fs::read_to_string(&path)
            .ok()
            .and_then(|text| parse(&text).ok());
        let keys = match kept {
            Some(keys) if !keys.is_empty() => keys,
            // A file that somebody cut or changed is none.
            _ => {
                let text = json!([jwk::generate()]).to_string();
                private_file::write(&path, &text).map_err(Error::file(&path))?;
                parse(&text).map_err(|reason| Error::ProjectFile { path, reason })?
            }
        };
        Ok(Self {
            secret,
            keys,
            is_legacy,
        })
    }

    /// Those of a file of the project.
    pub(crate) fn read(path: &Path, secret: Secret, is_legacy: bool) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
        let keys = parse(&text).map_err(|reason| Error::ProjectFile {
            path: path.to_owned(),
            reason,
        })?;
        Ok(Self {
            secret,
            keys,
            is_legacy,
        })
    }

    /// Forgets those of a data directory, when its users are thrown away.
    pub(crate) fn remove(data_dir: &Path) -> Result<(), Error> {
        private_file::remove(&data_dir.join(NAME))
    }

    /// The project's secret, which signs more than tokens of callers.
    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Signs the claims of a user.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> jsonwebtoken::errors::Result<String> {
        let own = self
            .keys
            .iter()
            .find_map(|key| Some((key, key.encoding.as_ref()?)))
            .filter(|_| !self.is_legacy);
        match own {
            Some((key, encoding)) => {
                let mut header = Header::new(key.algorithm);
                header.kid.clone_from(&key.id);
                encode(&header, claims, encoding)
            }
            None => self.sign_with_secret(claims),
        }
    }

    /// Signs with the project's secret, as the two legacy API keys are.
    pub(super) fn sign_with_secret(&self, claims: &impl Serialize) -> jsonwebtoken::errors::Result<String> {
        let key = EncodingKey::from_secret(self.secret.expose().as_bytes());
        encode(&Header::new(Algorithm::HS256), claims, &key)
    }

    /// What everybody may know: `/.well-known/jwks.json`.
    pub(crate) fn published(&self) -> Value {
        let keys: Vec<&Value> = self.keys.iter().filter_map(|key| key.shown.as_ref()).collect();
        json!({ "keys": keys })
    }
}

fn parse(text: &str) -> Result<Vec<Key>, String> {
    let list: Vec<Value> =
        serde_json::from_str(text).map_err(|error| format!("it is not a list of JSON Web Keys: {error}"))?;
    let numbered = list.iter().enumerate();
    numbered
        .map(|(index, jwk)| Key::read(jwk).map_err(|reason| format!("key {}: {reason}", index + 1)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn secret() -> Secret {
        Secret::new("k".repeat(40))
    }

    fn id(keys: &SigningKeys) -> Value {
        keys.published()["keys"][0]["kid"].clone()
    }

    #[test]
    fn keys_stay_from_start_to_start_and_differ_from_stack_to_stack() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let keep = |folder: &Path| id(&SigningKeys::keep(folder, secret(), false).unwrap());
        let first = keep(one.path());
        assert!(first.is_string());
        assert_eq!(keep(one.path()), first);
        assert_ne!(keep(other.path()), first);
        let file = one.path().join(NAME);
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::write(&file, "half").unwrap();
        let second = keep(one.path());
        assert_ne!(second, first);
        SigningKeys::remove(one.path()).unwrap();
        assert_ne!(keep(one.path()), second);
    }

    #[test]
    fn file_of_a_project_is_refused_by_the_key_that_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            SigningKeys::read(&path, secret(), false)
                .err()
                .unwrap()
                .to_string()
        };
        assert!(read("{}").contains("list"));
        let text = json!([jwk::generate(), { "kty": "EC" }]).to_string();
        assert!(read(&text).contains("key 2"), "{}", read(&text));
        std::fs::remove_file(&path).unwrap();
        assert!(SigningKeys::read(&path, secret(), false).is_err());
    }
}
