//! Who calls. The token is passed on and PostgREST checks it; what is read of it here decides nothing but refusals.

use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use uuid::Uuid;

use crate::error::ApiError;
use crate::http::RequestId;

/// How Supabase's keys that are no tokens begin. Its gateway swaps them for the token of their role.
const OPAQUE_KEY: &str = "sb_";

/// Whom a token names, unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// A user.
    User(Uuid),
    /// A role alone, as the keys of the project do.
    Nobody,
    /// It is no token, and PostgREST will say so.
    Unreadable,
}

/// The caller of a request.
#[derive(Clone)]
pub struct Caller {
    token: SecretString,
    named: Named,
    /// What else goes along: the request's id, and the browser or program.
    pub(super) passed_on: HeaderMap,
}

impl Caller {
    /// The token, as it was shown.
    pub(super) fn token(&self) -> &str {
        self.token.expose_secret()
    }

    /// The key of the project that was shown instead of a token.
    pub(super) fn key(&self) -> Option<&str> {
        Some(self.token()).filter(|token| token.starts_with(OPAQUE_KEY))
    }

    /// The user that the token names.
    pub fn user_id(&self) -> Option<Uuid> {
        match self.named {
            Named::User(id) => Some(id),
            Named::Nobody | Named::Unreadable => None,
        }
    }

    /// Refuses somebody else's id. The one of the token counts anyway; a client that sends another one is mistaken about who
    /// it is.
    ///
    /// # Errors
    ///
    /// [`ApiError::NotYourUserId`].
    pub fn check_is(&self, user_id: Option<Uuid>) -> Result<(), ApiError> {
        match (self.named, user_id) {
            (_, None) | (Named::Unreadable, _) => Ok(()),
            (Named::User(own), Some(given)) if own == given => Ok(()),
            (Named::User(_) | Named::Nobody, Some(_)) => Err(ApiError::NotYourUserId),
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Caller").finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or(ApiError::MissingToken)?;
        let named = if token.starts_with(OPAQUE_KEY) {
            Named::Nobody
        } else {
            named(token)
        };
        let mut passed_on = HeaderMap::new();
        let agent = parts.headers.get(USER_AGENT).cloned();
        passed_on.extend(agent.map(|agent| (USER_AGENT, agent)));
        let id = parts
            .extensions
            .get::<RequestId>()
            .and_then(RequestId::header_value);
        passed_on.extend(id.map(|id| (RequestId::HEADER, id)));
        Ok(Self {
            token: token.to_owned().into(),
            named,
            passed_on,
        })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let shown: &HeaderValue = headers.get(AUTHORIZATION)?;
    let (scheme, token) = shown.to_str().ok()?.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn named(token: &str) -> Named {
    let claims = token.split('.').nth(1).and_then(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    });
    let Some(Value::Object(claims)) = claims else {
        return Named::Unreadable;
    };
    let subject = claims.get("sub").and_then(Value::as_str);
    subject
        .and_then(|text| Uuid::parse_str(text).ok())
        .map_or(Named::Nobody, Named::User)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(claims: &Value) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    #[test]
    fn only_a_bearer_token_counts() {
        let shown = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, text.parse().unwrap());
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(shown("Bearer a.b.c").as_deref(), Some("a.b.c"));
        assert_eq!(shown("bearer  a.b.c ").as_deref(), Some("a.b.c"));
        for text in ["", "Bearer", "Bearer ", "Basic YTpi", "a.b.c"] {
            assert_eq!(shown(text), None, "{text}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }

    #[test]
    fn user_is_read_where_there_is_one_and_junk_is_left_to_postgrest() {
        let id = Uuid::new_v4();
        assert_eq!(named(&token(&json!({ "sub": id }))), Named::User(id));
        assert_eq!(named(&token(&json!({ "role": "service_role" }))), Named::Nobody);
        assert_eq!(named(&token(&json!({ "sub": "me" }))), Named::Nobody);
        for junk in ["", "a", "a.b.c", "..", &token(&json!([1]))] {
            assert_eq!(named(junk), Named::Unreadable, "{junk}");
        }
    }
}
