//! The gateway's own check: a known API key, swapped for the token of its role where the caller shows no token of their own.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::identity::ApiKeys;

const KEY: &str = "apikey";

/// What Supabase's gateway lets through without a key.
const OPEN: [&str; 4] = [
    "/auth/v1/verify",
    "/auth/v1/callback",
    "/auth/v1/authorize",
    "/auth/v1/.well-known/jwks.json",
];

/// Why a request goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    NoKey,
    WrongKey,
    SecretInBrowser,
}

impl Refusal {
    fn response(self) -> Response {
        let (message, hint) = match self {
            Self::NoKey => (
                "No API key found in request",
                "No `apikey` request header or url param was found.",
            ),
            Self::WrongKey => (
                "Invalid API key",
                "Double check your Supabase `anon` or `service_role` API key.",
            ),
            Self::SecretInBrowser => (
                "Forbidden use of secret API key in browser",
                "Secret API keys can only be used in a protected environment and should never be used in a browser. Delete this secret API key immediately.",
            ),
        };
        (
            StatusCode::UNAUTHORIZED,
            Json(json!({ "message": message, "hint": hint })),
        )
            .into_response()
    }
}

/// Whom a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    /// It tells a caller without a token from one whose token is a key: a legacy key, which is a token, is not made one here, as
    /// Supabase's gateways make none of it.
    Auth,
    Other,
}

/// The middleware.
pub(super) async fn check(State(keys): State<Arc<ApiKeys>>, mut request: Request, next: Next) -> Response {
    let is_open = OPEN.contains(&request.uri().path());
    if is_open || request.method() == Method::OPTIONS {
        return next.run(request).await;
    }
    let (key_in_query, uri) = take_key(request.uri());
    let service = if request.uri().path().starts_with("/auth/v1/") {
        Service::Auth
    } else {
        Service::Other
    };
    if let Err(refusal) = swap(&keys, request.headers_mut(), key_in_query.as_deref(), service) {
        return refusal.response();
    }
    if let Some(uri) = uri {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

/// The middleware of a service that looks at tokens itself, and has something for those who show none: what is public, and what was signed.
/// A key is checked and swapped only where one is shown.
pub(super) async fn exchange(State(keys): State<Arc<ApiKeys>>, request: Request, next: Next) -> Response {
    if request.headers().contains_key(KEY) || take_key(request.uri()).0.is_some() {
        return check(State(keys), request, next).await;
    }
    let shown = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let key = shown
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(|key| key.trim().to_owned())
        .filter(|key| key.starts_with("sb_"));
    match key.map(HeaderValue::try_from) {
        None => next.run(request).await,
        Some(Err(_)) => Refusal::WrongKey.response(),
        Some(Ok(key)) => {
            let mut request = request;
            request.headers_mut().insert(KEY, key);
            check(State(keys), request, next).await
        }
    }
}

/// Puts the token that the request acts with into `Authorization`.
fn swap(
    keys: &ApiKeys,
    headers: &mut HeaderMap,
    key_in_query: Option<&str>,
    service: Service,
) -> Result<(), Refusal> {
    let key = headers
        .get(KEY)
        .and_then(|value| value.to_str().ok())
        .or(key_in_query)
        .ok_or(Refusal::NoKey)?;
    let token = keys.token_for(key).ok_or(Refusal::WrongKey)?;
    let is_browser = headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .is_some_and(|agent| agent.starts_with("Mozilla/"));
    if key.starts_with("sb_secret_") && is_browser {
        return Err(Refusal::SecretInBrowser);
    }
    let shown = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .map(str::trim);
    let bearer = shown
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::trim);
    let is_swapped = match bearer {
        None => {
            let is_taken = service == Service::Other || key.starts_with("sb_");
            is_taken && shown.is_none_or(str::is_empty)
        }
        Some(bearer) if bearer.starts_with("sb_") && bearer != key => return Err(Refusal::WrongKey),
        Some(bearer) => bearer.starts_with("sb_"),
    };
    if is_swapped {
        let value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| Refusal::WrongKey)?;
        headers.insert(AUTHORIZATION, value);
    }
    headers.remove(KEY);
    Ok(())
}

/// The key of the query, and the address without it: behind the gateway it would be read as a filter.
fn take_key(uri: &Uri) -> (Option<String>, Option<Uri>) {
    let Some(query) = uri.query() else {
        return (None, None);
    };
    let prefix = format!("{KEY}=");
    let (found, rest): (Vec<&str>, Vec<&str>) = query.split('&').partition(|pair| pair.starts_with(&prefix));
    let Some(value) = found.first().and_then(|pair| pair.strip_prefix(&prefix)) else {
        return (None, None);
    };
    let mut target = uri.path().to_owned();
    if !rest.is_empty() {
        target.push('?');
        target.push_str(&rest.join("&"));
    }
    (Some(value.to_owned()), target.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> ApiKeys {
        ApiKeys::for_test("s")
    }

    fn authorization(pairs: &[(&'static str, &str)]) -> Result<String, Refusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        swap(&keys(), &mut headers, None, Service::Other)?;
        assert!(!headers.contains_key(KEY));
        Ok(headers.get(AUTHORIZATION).unwrap().to_str().unwrap().to_owned())
    }

    #[test]
    fn key_alone_becomes_the_token_of_its_role() {
        let keys = keys();
        let anon = format!("Bearer {}", keys.anon_token());
        let service = format!("Bearer {}", keys.service_token());
        assert_eq!(authorization(&[("apikey", keys.publishable())]).unwrap(), anon);
        assert_eq!(authorization(&[("apikey", keys.anon_token())]).unwrap(), anon);
        let bearer = format!("Bearer {}", keys.secret());
        assert_eq!(
            authorization(&[("apikey", keys.secret()), ("authorization", &bearer)]).unwrap(),
            service
        );
    }

    #[test]
    fn legacy_key_alone_is_no_token_of_a_user_for_the_sign_in_service() {
        let keys = keys();
        for (key, is_swapped) in [(keys.anon_token(), false), (keys.publishable(), true)] {
            let mut headers = HeaderMap::new();
            headers.insert("apikey", key.parse().unwrap());
            swap(&keys, &mut headers, None, Service::Auth).unwrap();
            assert_eq!(headers.contains_key(AUTHORIZATION), is_swapped);
        }
    }

    #[test]
    fn token_of_a_user_passes_through() {
        let keys = keys();
        let shown = authorization(&[("apikey", keys.publishable()), ("authorization", "Bearer a.b.c")]);
        assert_eq!(shown.unwrap(), "Bearer a.b.c");
    }

    #[test]
    fn missing_wrong_and_mixed_keys_are_refused() {
        let keys = keys();
        assert_eq!(authorization(&[]), Err(Refusal::NoKey));
        assert_eq!(authorization(&[("apikey", "nonsense")]), Err(Refusal::WrongKey));
        let bearer = format!("Bearer {}", keys.secret());
        let mixed = authorization(&[("apikey", keys.publishable()), ("authorization", &bearer)]);
        assert_eq!(mixed, Err(Refusal::WrongKey));
    }

    #[test]
    fn secret_key_is_refused_from_a_browser() {
        let keys = keys();
        let agent = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)");
        assert_eq!(
            authorization(&[("apikey", keys.secret()), agent]),
            Err(Refusal::SecretInBrowser)
        );
        assert!(authorization(&[("apikey", keys.publishable()), agent]).is_ok());
    }

    #[test]
    fn key_of_the_query_is_taken_out_of_it() {
        let (key, uri) = take_key(&"/rest/v1/t?a=eq.1&apikey=k&select=*".parse().unwrap());
        assert_eq!(key.as_deref(), Some("k"));
        assert_eq!(uri.unwrap().to_string(), "/rest/v1/t?a=eq.1&select=*");
        assert_eq!(take_key(&"/rest/v1/t?a=eq.1".parse().unwrap()), (None, None));
    }
}
