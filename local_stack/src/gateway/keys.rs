//! The API keys of the stack. All of them follow from the JWT secret, so they survive a restart.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::secret::Secret;

/// 2025-01-01 and 2035-01-01. Fixed, so that the same secret gives the same tokens.
const ISSUED: i64 = 1_735_689_600;
const EXPIRES: i64 = 2_051_222_400;

/// The four keys, and the roles behind them.
#[derive(Clone)]
pub(crate) struct ApiKeys {
    anon_token: String,
    service_token: String,
    publishable: String,
    secret: String,
}

/// A legacy key names a role and no user.
#[derive(Serialize)]
struct KeyClaims<'a> {
    iss: &'a str,
    role: &'a str,
    iat: i64,
    exp: i64,
}

impl ApiKeys {
    /// Derives the keys.
    pub(crate) fn new(jwt_secret: &Secret) -> Self {
        Self {
            anon_token: token(jwt_secret, "anon"),
            service_token: token(jwt_secret, "service_role"),
            publishable: format!("sb_publishable_{}", opaque(jwt_secret, "publishable")),
            secret: format!("sb_secret_{}", opaque(jwt_secret, "secret")),
        }
    }

    pub(crate) fn anon_token(&self) -> &str {
        &self.anon_token
    }

    pub(crate) fn service_token(&self) -> &str {
        &self.service_token
    }

    pub(crate) fn publishable(&self) -> &str {
        &self.publishable
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// The token of the role that a key stands for; `None` for a key that is not ours.
    pub(crate) fn token_for(&self, key: &str) -> Option<&str> {
        if key == self.publishable || key == self.anon_token {
            Some(&self.anon_token)
        } else if key == self.secret || key == self.service_token {
            Some(&self.service_token)
        } else {
            None
        }
    }
}

fn token(jwt_secret: &Secret, role: &str) -> String {
    let claims = KeyClaims {
        iss: "parley-local-stack",
        role,
        iat: ISSUED,
        exp: EXPIRES,
    };
    let key = EncodingKey::from_secret(jwt_secret.expose().as_bytes());
    // An HMAC over four plain fields cannot fail; an empty key would be refused by every check.
    encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap_or_default()
}

/// 22 characters, an underscore and a checksum of 8: the form of Supabase's own keys.
fn opaque(jwt_secret: &Secret, label: &str) -> String {
    let body = letters(&[label.as_bytes(), b"/", jwt_secret.expose().as_bytes()], 22);
    let checksum = letters(&[body.as_bytes()], 8);
    format!("{body}_{checksum}")
}

fn letters(parts: &[&[u8]], count: usize) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let digest = parts
        .iter()
        .fold(Sha256::new(), |hash, part| hash.chain_update(part))
        .finalize();
    digest
        .iter()
        .take(count)
        .filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()))
        .map(|letter| char::from(*letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_supabase_s_form_and_survive_a_restart() {
        let secret = Secret::new("a".repeat(40));
        let (one, two) = (ApiKeys::new(&secret), ApiKeys::new(&secret));
        assert_eq!(one.publishable, two.publishable);
        assert_eq!(one.anon_token, two.anon_token);
        let rest = one.secret.strip_prefix("sb_secret_").unwrap();
        assert_eq!(rest.find('_'), Some(22));
        assert_eq!(rest.len(), 31);
        assert_ne!(
            one.publishable,
            ApiKeys::new(&Secret::new("b".repeat(40))).publishable
        );
    }

    #[test]
    fn each_key_stands_for_its_role() {
        let keys = ApiKeys::new(&Secret::new("a".repeat(40)));
        assert_eq!(keys.token_for(keys.publishable()), Some(keys.anon_token()));
        assert_eq!(keys.token_for(keys.secret()), Some(keys.service_token()));
        assert_eq!(keys.token_for("sb_publishable_x"), None);
        assert_eq!(keys.token_for(""), None);
    }
}
