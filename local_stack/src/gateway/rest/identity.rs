//! Who is asking: the token of a request, checked.

use postgrest_sql::Error;
use serde_json::{Map, Value};

use crate::identity::{TokenError, Verifier};

/// The role of a request without a token of its own.
const ANONYMOUS: &str = "anon";

/// How far clocks may differ, in seconds.
const SKEW: i64 = 30;

/// A caller.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) role: String,
    pub(super) claims: Map<String, Value>,
}

impl Identity {
    /// Whether they showed who they are.
    pub(super) fn is_known(&self) -> bool {
        self.role != ANONYMOUS
    }

    fn of(mut claims: Map<String, Value>) -> Self {
        let role = match claims.get("role") {
            Some(Value::String(role)) => role.clone(),
            Some(other) => other.to_string(),
            None => ANONYMOUS.to_owned(),
        };
        claims.insert("role".to_owned(), Value::String(role.clone()));
        Self { role, claims }
    }
}

/// The caller that an `Authorization` header shows at `now`, in seconds since 1970.
pub(super) fn identify(
    verifier: &Verifier,
    authorization: Option<&str>,
    now: i64,
) -> Result<Identity, Error> {
    let bearer = authorization.and_then(|text| {
        let (scheme, token) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let Some(token) = bearer else {
        return Ok(Identity::of(Map::new()));
    };
    let claims = claims(verifier, token)?;
    // PostgREST has an error of its own for each, and forgives clocks that differ.
    check_times(&claims, now)?;
    Ok(Identity::of(claims))
}

/// The claims of a token whose signature is right.
fn claims(verifier: &Verifier, token: &str) -> Result<Map<String, Value>, Error> {
    if token.is_empty() {
        return Err(refused("PGRST301", "Empty JWT is sent in Authorization header"));
    }
    let parts = token.split('.').count();
    if parts != 3 {
        return Err(refused(
            "PGRST301",
            &format!("Expected 3 parts in JWT; got {parts}"),
        ));
    }
    match verifier.payload(token) {
        Ok(Value::Object(claims)) => Ok(claims),
        Ok(_) => Err(refused("PGRST303", "Parsing claims failed")),
        Err(TokenError::Signer) => Err(refused("PGRST301", "No suitable key or wrong key type")),
        Err(_) => Err(refused("PGRST301", "JWT cryptographic operation failed")),
    }
}

fn check_times(claims: &Map<String, Value>, now: i64) -> Result<(), Error> {
    let seconds = |name: &str, complaint: &str| match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64().or_else(|| value.as_f64().map(whole)) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(refused("PGRST303", complaint)),
        },
    };
    let expires = seconds("exp", "The JWT 'exp' claim must be a number")?;
    let begins = seconds("nbf", "The JWT 'nbf' claim must be a number")?;
    let issued = seconds("iat", "The JWT 'iat' claim must be a number")?;
    if expires.is_some_and(|expires| expires < now - SKEW) {
        return Err(refused("PGRST303", "JWT expired"));
    }
    if begins.is_some_and(|begins| begins > now + SKEW) {
        return Err(refused("PGRST303", "JWT not yet valid"));
    }
    if issued.is_some_and(|issued| issued > now + SKEW) {
        return Err(refused("PGRST303", "JWT issued at future"));
    }
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast from float to integer saturates"
)]
fn whole(seconds: f64) -> i64 {
    seconds as i64
}

fn refused(code: &str, message: &str) -> Error {
    Error::new(401, code, message).with_header(
        "WWW-Authenticate",
        format!("Bearer error=\"invalid_token\", error_description=\"{message}\""),
    )
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;
    use crate::identity::SigningKeys;
    use crate::secret::Secret;

    const NOW: i64 = 1_000_000;

    fn shown(authorization: Option<&str>) -> Result<Identity, Error> {
        let keys = SigningKeys::legacy(Secret::new("k".repeat(40)));
        identify(&Verifier::new(&keys), authorization, NOW)
    }

    fn signed(claims: &Value, secret: &str) -> Result<Identity, Error> {
        let key = EncodingKey::from_secret(secret.as_bytes());
        let token = encode(&Header::new(Algorithm::HS256), claims, &key).unwrap();
        shown(Some(&format!("Bearer {token}")))
    }

    fn own(claims: &Value) -> Result<Identity, Error> {
        signed(claims, &"k".repeat(40))
    }

    #[test]
    fn token_gives_its_role_and_claims_and_none_is_anonymous() {
        let identity = own(&json!({ "role": "authenticated", "sub": "x", "exp": NOW })).unwrap();
        assert_eq!(
            (identity.role.as_str(), identity.is_known()),
            ("authenticated", true)
        );
        assert_eq!(identity.claims["sub"], "x");
        let nobody = shown(None).unwrap();
        assert!(!nobody.is_known());
        assert_eq!(nobody.claims["role"], "anon");
        assert_eq!(own(&json!({ "sub": "x" })).unwrap().role, "anon");
    }

    #[test]
    fn every_other_token_is_refused_with_its_reason() {
        let code = |result: Result<Identity, Error>| {
            let error = result.unwrap_err();
            assert_eq!(error.status, 401);
            (error.code.clone(), error.message.clone())
        };
        let message = |claims: Value| code(own(&claims)).1;
        assert_eq!(message(json!({ "exp": NOW - 31 })), "JWT expired");
        assert_eq!(message(json!({ "nbf": NOW + 31 })), "JWT not yet valid");
        assert_eq!(message(json!({ "iat": NOW + 31 })), "JWT issued at future");
        assert_eq!(
            message(json!({ "exp": "x" })),
            "The JWT 'exp' claim must be a number"
        );
        assert!(own(&json!({ "exp": NOW - 29 })).is_ok());
        assert_eq!(
            code(signed(&json!({ "role": "service_role" }), &"x".repeat(40))).0,
            "PGRST301"
        );
        for text in ["Bearer", "Bearer a.b", "bearer a.b.c"] {
            assert_eq!(code(shown(Some(text))).0, "PGRST301");
        }
    }
}
