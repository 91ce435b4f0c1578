//! The API keys of the stack. All of them follow from the JWT secret, so they survive a restart.

use std::sync::Arc;

use chrono::Utc;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::token::Verifier;
use super::{DEVELOPMENT_JWT_SECRET, SigningKeys};

/// The end of the CLI's own tokens, in 2032. Fixed, so that the same secret gives the same tokens.
const EXPIRES: i64 = 1_983_812_996;

/// What `supabase start` prints, and the CLI shows to a local stack.
const CLI_PUBLISHABLE: &str = "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH";
const CLI_SECRET: &str = "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz";

/// The four keys, and the roles behind them.
#[derive(Clone)]
pub(crate) struct ApiKeys {
    anon_token: String,
    service_token: String,
    publishable: String,
    secret: String,
    verifier: Arc<Verifier>,
}

/// A legacy key names a role and no user. These are the claims of the CLI's.
#[derive(Serialize)]
struct KeyClaims<'a> {
    iss: &'a str,
    role: &'a str,
    exp: i64,
}

impl ApiKeys {
    /// Derives the keys. With the well-known secret they are the well-known ones.
    pub(crate) fn new(keys: &SigningKeys, verifier: Arc<Verifier>) -> Self {
        let secret = keys.secret.expose();
        let (publishable, opaque_secret) = if secret == DEVELOPMENT_JWT_SECRET {
            (CLI_PUBLISHABLE.to_owned(), CLI_SECRET.to_owned())
        } else {
            (
                format!("sb_publishable_{}", opaque(secret, "publishable")),
                format!("sb_secret_{}", opaque(secret, "secret")),
            )
        };
        Self {
            anon_token: token(keys, "anon"),
            service_token: token(keys, "service_role"),
            publishable,
            secret: opaque_secret,
            verifier,
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

    /// The token of the role that a key stands for; `None` for a key that is not ours. A token that this stack's keys signed for one
    /// of the two roles and for no user is a legacy key too: other tools make theirs from the secret, and spell them otherwise.
    pub(crate) fn token_for<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        if key == self.publishable || key == self.anon_token {
            Some(&self.anon_token)
        } else if key == self.secret || key == self.service_token {
            Some(&self.service_token)
        } else {
            self.is_legacy_key(key).then_some(key)
        }
    }

    fn is_legacy_key(&self, key: &str) -> bool {
        let claims = self.verifier.claims(key, Utc::now().timestamp());
        claims.is_ok_and(|claims| {
            let role = claims.get("role").and_then(Value::as_str);
            matches!(role, Some("anon" | "service_role")) && claims.get("sub").is_none()
        })
    }
}

fn token(keys: &SigningKeys, role: &str) -> String {
    let claims = KeyClaims {
        iss: "supabase-demo",
        role,
        exp: EXPIRES,
    };
    // An HMAC over three plain fields cannot fail; an empty key would be refused by every check.
    keys.sign_with_secret(&claims).unwrap_or_default()
}

/// 22 characters, an underscore and a checksum of 8: the form of Supabase's own keys.
fn opaque(jwt_secret: &str, label: &str) -> String {
    let body = letters(&[label.as_bytes(), b"/", jwt_secret.as_bytes()], 22);
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
impl ApiKeys {
    /// Those of a secret that is so many times this letter.
    pub(crate) fn for_test(letter: &str) -> Self {
        let keys = SigningKeys::legacy(crate::secret::Secret::new(letter.repeat(40)));
        Self::new(&keys, Arc::new(Verifier::new(&keys)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    /// What the CLI shows to a local stack whose configuration names no keys: signed with the well-known secret, and spelled as Go
    /// spells a token.
    const CLI_SERVICE_ROLE: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJzdXBhYmFzZS1kZW1vIiwicm9sZSI6InNlcnZpY2Vfcm9sZSIsImV4cCI6MTk4MzgxMjk5Nn0.EGIM96RAZx35lJzdJsyH-qQwv8Hdp7fsn3W0YpN81IU";

    #[test]
    fn keys_have_supabase_s_form_and_survive_a_restart() {
        let (one, two) = (ApiKeys::for_test("a"), ApiKeys::for_test("a"));
        assert_eq!(one.publishable, two.publishable);
        assert_eq!(one.anon_token, two.anon_token);
        let rest = one.secret.strip_prefix("sb_secret_").unwrap();
        assert_eq!(rest.find('_'), Some(22));
        assert_eq!(rest.len(), 31);
        assert_ne!(one.publishable, ApiKeys::for_test("b").publishable);
    }

    #[test]
    fn each_key_stands_for_its_role() {
        let keys = ApiKeys::for_test("a");
        assert_eq!(keys.token_for(keys.publishable()), Some(keys.anon_token()));
        assert_eq!(keys.token_for(keys.secret()), Some(keys.service_token()));
        assert_eq!(keys.token_for("sb_publishable_x"), None);
        assert_eq!(keys.token_for(""), None);
    }

    #[test]
    fn well_known_keys_belong_to_the_well_known_secret_alone() {
        let signing = SigningKeys::legacy(Secret::new(DEVELOPMENT_JWT_SECRET));
        let known = ApiKeys::new(&signing, Arc::new(Verifier::new(&signing)));
        assert_eq!(known.token_for(CLI_SERVICE_ROLE), Some(CLI_SERVICE_ROLE));
        assert_eq!(known.token_for(CLI_PUBLISHABLE), Some(known.anon_token()));
        assert_eq!(known.token_for(CLI_SECRET), Some(known.service_token()));
        let other = ApiKeys::for_test("a");
        for key in [CLI_SERVICE_ROLE, CLI_PUBLISHABLE, CLI_SECRET] {
            assert_eq!(other.token_for(key), None);
        }
    }

    #[test]
    fn token_of_a_user_or_of_another_role_is_no_key() {
        let signing = SigningKeys::legacy(Secret::new("a".repeat(40)));
        let keys = ApiKeys::for_test("a");
        for claims in [
            serde_json::json!({ "role": "anon", "sub": "x" }),
            serde_json::json!({ "role": "authenticated" }),
            serde_json::json!({ "role": "anon", "exp": 1 }),
        ] {
            let token = signing.sign(&claims).unwrap();
            assert_eq!(keys.token_for(&token), None, "{claims}");
        }
    }
}
