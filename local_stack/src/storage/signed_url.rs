//! The tokens in signed URLs: a claim for one action on one path, and nothing that any other part of the stack would take for a session.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::error::StorageError;
use crate::secret::Secret;

/// What a URL is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    Download,
    Upload,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    /// The bucket and the name of the object.
    pub(super) url: String,
    pub(super) scope: Scope,
    /// Whom an upload will belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<String>,
    /// Whether an upload may replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) upsert: Option<bool>,
    pub(super) iat: i64,
    pub(super) exp: i64,
}

/// Signs with the secret of the project.
pub(super) struct Signer {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Signer {
    pub(super) fn new(secret: &Secret) -> Self {
        let bytes = secret.expose().as_bytes();
        Self {
            encoding: EncodingKey::from_secret(bytes),
            decoding: DecodingKey::from_secret(bytes),
        }
    }

    pub(super) fn sign(&self, claims: &Claims) -> Result<String, StorageError> {
        encode(&Header::new(Algorithm::HS256), claims, &self.encoding)
            .map_err(|_| StorageError::InvalidJwt("Invalid JWT"))
    }

    /// Checks that a token is for this action on this path, at `now` in seconds since 1970.
    pub(super) fn verify(
        &self,
        token: &str,
        scope: Scope,
        url: &str,
        now: i64,
    ) -> Result<Claims, StorageError> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_aud = false;
        // Looked at below: a test may choose the time.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let claims = decode::<Claims>(token, &self.decoding, &validation)
            .map_err(|error| {
                StorageError::InvalidJwt(match error.kind() {
                    ErrorKind::InvalidSignature => "signature verification failed",
                    _ => "Invalid Compact JWS",
                })
            })?
            .claims;
        if claims.exp <= now {
            return Err(StorageError::InvalidJwt("\"exp\" claim timestamp check failed"));
        }
        match scope {
            _ if claims.scope == scope && claims.url == url => Ok(claims),
            _ if claims.scope == scope => Err(StorageError::InvalidSignature("Invalid signature")),
            Scope::Download => Err(StorageError::InvalidSignature("Token is not scoped for download")),
            Scope::Upload => Err(StorageError::InvalidSignature("Token is not scoped for upload")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    fn signer() -> Signer {
        Signer::new(&Secret::new("k".repeat(40)))
    }

    fn token() -> String {
        let claims = Claims {
            url: "b/a.txt".into(),
            scope: Scope::Download,
            owner: None,
            upsert: None,
            iat: NOW,
            exp: NOW + 60,
        };
        signer().sign(&claims).unwrap()
    }

    #[test]
    fn token_is_good_for_its_path_its_action_and_its_time() {
        let verify = |scope, url, now| signer().verify(&token(), scope, url, now);
        assert_eq!(verify(Scope::Download, "b/a.txt", NOW).unwrap().exp, NOW + 60);
        assert!(verify(Scope::Download, "b/other.txt", NOW).is_err());
        assert!(verify(Scope::Upload, "b/a.txt", NOW).is_err());
        assert!(verify(Scope::Download, "b/a.txt", NOW + 60).is_err());
    }

    #[test]
    fn token_of_another_secret_and_token_of_a_user_are_refused() {
        let other = Signer::new(&Secret::new("x".repeat(40)));
        assert!(other.verify(&token(), Scope::Download, "b/a.txt", NOW).is_err());
        assert!(
            signer()
                .verify("nonsense", Scope::Download, "b/a.txt", NOW)
                .is_err()
        );
        let keys = crate::identity::SigningKeys::legacy(Secret::new("k".repeat(40)));
        let user = crate::identity::Verifier::new(&keys);
        assert!(user.verify(&token(), NOW).is_err());
    }
}
