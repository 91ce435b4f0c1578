//! Access tokens.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::error::AuthError;
use super::user::User;
use crate::identity::{SigningKeys, TokenError, Verifier};

/// How a session was proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AuthenticationMethod {
    pub(super) method: String,
    /// Seconds since 1970.
    pub(super) timestamp: i64,
}

/// What an access token of a user says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) sub: Uuid,
    pub(super) aud: String,
    pub(super) exp: i64,
    pub(super) iat: i64,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) app_metadata: Value,
    pub(super) user_metadata: Value,
    pub(super) role: String,
    pub(super) aal: String,
    pub(super) amr: Vec<AuthenticationMethod>,
    pub(super) session_id: Uuid,
    pub(super) is_anonymous: bool,
}

/// The claims that decide what a token may do here. A legacy API key has no more than its role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct ShownClaims {
    pub(super) role: Option<String>,
    pub(super) sub: Option<String>,
    pub(super) session_id: Option<Uuid>,
}

/// Makes the tokens of users, and reads those that are shown.
pub(super) struct Signer {
    keys: SigningKeys,
    verifier: Arc<Verifier>,
    issuer: String,
    life_seconds: u32,
}

impl Signer {
    pub(super) fn new(keys: SigningKeys, verifier: Arc<Verifier>, issuer: &str, life_seconds: u32) -> Self {
        Self {
            keys,
            verifier,
            issuer: issuer.to_owned(),
            life_seconds,
        }
    }

    /// The public keys.
    pub(super) fn published(&self) -> Value {
        self.keys.published()
    }

    /// The life of a token in seconds.
    pub(super) fn life_seconds(&self) -> u32 {
        self.life_seconds
    }

    /// What a token for this session says when it is issued at `now`, in seconds since 1970.
    pub(super) fn claims(
        &self,
        user: &User,
        session_id: Uuid,
        aal: String,
        amr: Vec<AuthenticationMethod>,
        now: i64,
    ) -> Claims {
        Claims {
            iss: self.issuer.clone(),
            sub: user.id,
            aud: user.aud().to_owned(),
            exp: now + i64::from(self.life_seconds),
            iat: now,
            email: user.email.clone().unwrap_or_default(),
            phone: user.phone.clone().unwrap_or_default(),
            app_metadata: user.app_metadata(),
            user_metadata: user.user_metadata(),
            role: user.role().to_owned(),
            aal,
            amr,
            session_id,
            is_anonymous: user.is_anonymous,
        }
    }

    pub(super) fn sign(&self, claims: &Claims) -> Result<String, AuthError> {
        self.keys.sign(claims).map_err(|error| {
            tracing::error!(%error, "could not sign a token");
            AuthError::Unexpected
        })
    }

    /// Checks signature and expiry. The audience is not looked at: the two API keys have none.
    pub(super) fn verify(&self, token: &str) -> Result<ShownClaims, AuthError> {
        let claims = self
            .verifier
            .claims(token, chrono::Utc::now().timestamp())
            .map_err(|error| match error {
                TokenError::Expired { .. } => "token has invalid claims: token is expired".to_owned(),
                error => error.to_string(),
            });
        claims
            .and_then(|claims| serde_json::from_value(claims).map_err(|error| error.to_string()))
            .map_err(|reason| {
                AuthError::BadJwt(format!(
                    "invalid JWT: unable to parse or verify signature, {reason}"
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::secret::Secret;

    fn signer_of(letter: &str) -> Signer {
        let keys = SigningKeys::legacy(Secret::new(letter.repeat(40)));
        let verifier = Arc::new(Verifier::new(&keys));
        Signer::new(keys, verifier, "http://127.0.0.1:1/auth/v1", 3600)
    }

    fn signer() -> Signer {
        signer_of("k")
    }

    #[test]
    fn token_has_every_claim_that_supabase_promises() {
        let user = User {
            is_anonymous: true,
            ..User::default()
        };
        let amr = vec![AuthenticationMethod {
            method: "anonymous".to_owned(),
            timestamp: 5,
        }];
        let session = Uuid::from_u128(7);
        let claims =
            serde_json::to_value(signer().claims(&user, session, "aal1".to_owned(), amr, 10)).unwrap();
        assert_eq!(
            claims,
            json!({
                "iss": "http://127.0.0.1:1/auth/v1",
                "sub": user.id,
                "aud": "authenticated",
                "exp": 3610,
                "iat": 10,
                "email": "",
                "phone": "",
                "app_metadata": {},
                "user_metadata": {},
                "role": "authenticated",
                "aal": "aal1",
                "amr": [{ "method": "anonymous", "timestamp": 5 }],
                "session_id": session,
                "is_anonymous": true
            })
        );
    }

    #[test]
    fn only_own_unexpired_tokens_are_accepted() {
        let now = chrono::Utc::now().timestamp();
        let claims = |at| {
            signer().claims(
                &User::default(),
                Uuid::from_u128(7),
                "aal1".to_owned(),
                vec![],
                at,
            )
        };
        let good = signer().sign(&claims(now)).unwrap();
        assert_eq!(
            signer().verify(&good).unwrap().session_id,
            Some(Uuid::from_u128(7))
        );
        let old = signer().sign(&claims(now - 3601)).unwrap();
        assert!(matches!(signer().verify(&old), Err(AuthError::BadJwt(_))));
        let other = signer_of("x");
        assert!(matches!(other.verify(&good), Err(AuthError::BadJwt(_))));
        assert!(matches!(
            signer().verify("not.a.token"),
            Err(AuthError::BadJwt(_))
        ));
    }
}
