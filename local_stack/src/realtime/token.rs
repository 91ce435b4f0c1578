//! Checks the tokens that clients show.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::caller::Caller;
use crate::secret::Secret;

/// A token that was checked.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) caller: Caller,
    /// Seconds since 1970.
    pub(crate) expires: i64,
}

/// Why a token is not accepted. The texts are Supabase's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("The token provided is not a valid JWT")]
    Malformed,
    #[error("Failed to validate JWT signature")]
    Signature,
    #[error("Failed to generate JWT signer, check your JWT secret or JWKS configuration")]
    Signer,
    #[error("Fields `role` and `exp` are required in JWT")]
    MissingClaims,
    #[error("Token has expired {seconds} seconds ago")]
    Expired { seconds: i64 },
}

impl TokenError {
    /// What stands before the text in the answer to a join.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Malformed => "MalformedJWT",
            Self::Signature => "JwtSignatureError",
            Self::Signer => "JwtSignerError",
            Self::MissingClaims | Self::Expired { .. } => "InvalidJWTToken",
        }
    }
}

/// Checks against the project's one secret.
pub(crate) struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl Verifier {
    pub(crate) fn new(secret: &Secret) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.algorithms = vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
        validation.validate_aud = false;
        // The expiry is looked at below: its refusal says by how much, and a test may choose the time.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        Self {
            key: DecodingKey::from_secret(secret.expose().as_bytes()),
            validation,
        }
    }

    /// Checks signature, claims and expiry at `now`, in seconds since 1970.
    pub(crate) fn verify(&self, token: &str, now: i64) -> Result<Token, TokenError> {
        let token: String = percent_decode_str(token)
            .decode_utf8_lossy()
            .split_whitespace()
            .collect();
        let header = decode_header(&token).map_err(|_| TokenError::Malformed)?;
        if !self.validation.algorithms.contains(&header.alg) {
            return Err(TokenError::Signer);
        }
        let claims = decode::<Value>(&token, &self.key, &self.validation)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature => TokenError::Signature,
                _ => TokenError::Malformed,
            })?
            .claims;
        if !claims.is_object() {
            return Err(TokenError::Malformed);
        }
        let expires = claims.get("exp").and_then(seconds);
        if let Some(expires) = expires
            && expires <= now
        {
            let seconds = now.saturating_sub(expires);
            return Err(TokenError::Expired { seconds });
        }
        let role = claims.get("role").and_then(Value::as_str).map(str::to_owned);
        match (expires, role) {
            (Some(expires), Some(role)) => Ok(Token {
                caller: Caller { role, claims },
                expires,
            }),
            _ => Err(TokenError::MissingClaims),
        }
    }
}

/// RFC 7519 lets a date have a fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast from float to integer saturates"
)]
fn seconds(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_f64().map(|seconds| seconds.round() as i64))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_000_000;

    fn sign(claims: &Value, secret: &str) -> String {
        let key = EncodingKey::from_secret(secret.as_bytes());
        encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
    }

    fn verify(token: &str) -> Result<Token, TokenError> {
        Verifier::new(&Secret::new("k".repeat(40))).verify(token, NOW)
    }

    fn own(claims: &Value) -> Result<Token, TokenError> {
        verify(&sign(claims, &"k".repeat(40)))
    }

    #[test]
    fn own_token_gives_its_role_and_all_its_claims() {
        let claims = json!({ "role": "authenticated", "exp": NOW + 5, "sub": "x", "more": [1] });
        let token = own(&claims).unwrap();
        assert_eq!(
            (token.caller.role.as_str(), token.expires),
            ("authenticated", NOW + 5)
        );
        assert_eq!(token.caller.claims, claims);
        assert_eq!(
            own(&json!({ "role": "a", "exp": NOW as f64 + 4.6 }))
                .unwrap()
                .expires,
            NOW + 5
        );
    }

    #[test]
    fn every_other_token_is_refused_with_its_reason() {
        assert_eq!(verify("").unwrap_err(), TokenError::Malformed);
        assert_eq!(verify("sb_publishable_x").unwrap_err(), TokenError::Malformed);
        assert_eq!(verify("a.b.c").unwrap_err(), TokenError::Malformed);
        let forged = sign(
            &json!({ "role": "service_role", "exp": NOW + 5 }),
            &"x".repeat(40),
        );
        assert_eq!(verify(&forged).unwrap_err(), TokenError::Signature);
        let old = own(&json!({ "role": "anon", "exp": NOW - 7 })).unwrap_err();
        assert_eq!(old.to_string(), "Token has expired 7 seconds ago");
        for claims in [
            json!({ "exp": NOW + 5 }),
            json!({ "role": "anon" }),
            json!({ "role": 1, "exp": NOW + 5 }),
        ] {
            assert_eq!(own(&claims).unwrap_err(), TokenError::MissingClaims);
        }
        assert_eq!(own(&json!([1])).unwrap_err(), TokenError::Malformed);
        // {"alg":"RS256"}.{}.x
        assert_eq!(
            verify("eyJhbGciOiJSUzI1NiJ9.e30.eA").unwrap_err(),
            TokenError::Signer
        );
    }
}
