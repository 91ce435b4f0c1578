//! Checks the tokens that clients show. Every service of the stack asks this one.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::caller::Caller;
use super::jwk::Key;
use super::signing_keys::SigningKeys;

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

/// What the project's secret may have signed with.
const OF_THE_SECRET: [Algorithm; 3] = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];

/// Checks against the keys of the project, and against its secret, which signed all tokens before there were keys.
pub(crate) struct Verifier {
    secret: DecodingKey,
    keys: Vec<Key>,
}

impl Verifier {
    pub(crate) fn new(keys: &SigningKeys) -> Self {
        Self {
            secret: DecodingKey::from_secret(keys.secret.expose().as_bytes()),
            keys: keys.keys.clone(),
        }
    }

    /// Checks signature and expiry at `now`, in seconds since 1970, and that there are a role and an expiry.
    pub(crate) fn verify(&self, token: &str, now: i64) -> Result<Token, TokenError> {
        let claims = self.claims(token, now)?;
        let role = claims.get("role").and_then(Value::as_str).map(str::to_owned);
        match (claims.get("exp").and_then(seconds), role) {
            (Some(expires), Some(role)) => Ok(Token {
                caller: Caller { role, claims },
                expires,
            }),
            _ => Err(TokenError::MissingClaims),
        }
    }

    /// The claims of a token whose signature is right, and that has not expired at `now`; one without an expiry never does.
    pub(crate) fn claims(&self, token: &str, now: i64) -> Result<Value, TokenError> {
        current(self.payload(token)?, now)
    }

    /// What a token says whose signature is right, whenever that was.
    pub(crate) fn payload(&self, token: &str) -> Result<Value, TokenError> {
        let token: String = percent_decode_str(token)
            .decode_utf8_lossy()
            .split_whitespace()
            .collect();
        let header = decode_header(&token).map_err(|_| TokenError::Malformed)?;
        let mut validation = Validation::new(header.alg);
        validation.validate_aud = false;
        // Times are looked at later: each service says in its own way what is wrong with them.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let mut failure = TokenError::Signer;
        for key in self.candidates(&header) {
            match decode::<Value>(&token, key, &validation) {
                Ok(data) => return Ok(data.claims),
                Err(error) => {
                    failure = match error.kind() {
                        ErrorKind::InvalidSignature => TokenError::Signature,
                        _ => TokenError::Malformed,
                    };
                }
            }
        }
        Err(failure)
    }

    /// What may have signed such a token: the key that it names, else the secret, else any key of its kind. The header chooses; the
    /// key says what it is good for, so that no public key is ever taken for a secret.
    fn candidates<'a>(&'a self, header: &'a Header) -> impl Iterator<Item = &'a DecodingKey> {
        let is_meant =
            |key: &&Key| key.algorithm == header.alg && (header.kid.is_none() || key.id == header.kid);
        let keys = self.keys.iter().filter(is_meant).map(|key| &key.decoding);
        keys.chain(OF_THE_SECRET.contains(&header.alg).then_some(&self.secret))
    }
}

fn current(claims: Value, now: i64) -> Result<Value, TokenError> {
    if !claims.is_object() {
        return Err(TokenError::Malformed);
    }
    match claims.get("exp").and_then(seconds) {
        Some(expires) if expires <= now => Err(TokenError::Expired {
            seconds: now.saturating_sub(expires),
        }),
        _ => Ok(claims),
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
    use crate::secret::Secret;

    const NOW: i64 = 1_000_000;

    fn sign(claims: &Value, secret: &str) -> String {
        let key = EncodingKey::from_secret(secret.as_bytes());
        encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
    }

    fn keys() -> SigningKeys {
        SigningKeys::legacy(Secret::new("k".repeat(40)))
    }

    fn verify(token: &str) -> Result<Token, TokenError> {
        Verifier::new(&keys()).verify(token, NOW)
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

    #[test]
    fn keys_and_the_secret_are_both_accepted_and_never_one_for_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let secret = || Secret::new("k".repeat(40));
        let keys = SigningKeys::keep(folder.path(), secret(), false).unwrap();
        let verifier = Verifier::new(&keys);
        let claims = json!({ "role": "authenticated", "exp": NOW + 5 });
        let modern = keys.sign(&claims).unwrap();
        let header = decode_header(&modern).unwrap();
        assert_eq!(header.alg, Algorithm::ES256);
        let id = keys.published()["keys"][0]["kid"].clone();
        assert_eq!(json!(header.kid), id);
        assert_eq!(verifier.verify(&modern, NOW).unwrap().caller.claims, claims);
        let legacy = SigningKeys::keep(folder.path(), secret(), true)
            .unwrap()
            .sign(&claims)
            .unwrap();
        assert_eq!(decode_header(&legacy).unwrap().alg, Algorithm::HS256);
        assert!(verifier.verify(&legacy, NOW).is_ok());

        let other = SigningKeys::keep(tempfile::tempdir().unwrap().path(), secret(), false).unwrap();
        assert_eq!(
            verifier.verify(&other.sign(&claims).unwrap(), NOW).unwrap_err(),
            TokenError::Signer
        );
        // The public key used as a secret, under the name of the key.
        let mut header = Header::new(Algorithm::HS256);
        header.kid = id.as_str().map(str::to_owned);
        let x = keys.published()["keys"][0]["x"].as_str().unwrap().to_owned();
        let confused = encode(&header, &claims, &EncodingKey::from_secret(x.as_bytes())).unwrap();
        assert_eq!(
            verifier.verify(&confused, NOW).unwrap_err(),
            TokenError::Signature
        );
    }

    #[test]
    fn key_without_an_expiry_never_expires() {
        let token = sign(&json!({ "role": "service_role" }), &"k".repeat(40));
        let verifier = Verifier::new(&keys());
        assert!(verifier.claims(&token, i64::MAX).is_ok());
        assert_eq!(
            verifier.verify(&token, NOW).unwrap_err(),
            TokenError::MissingClaims
        );
    }
}
