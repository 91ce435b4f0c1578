//! The playground: the files that its build made, and what they must know of this stack.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::HandlerWithoutStateExt as _;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::json;
use tower_http::services::ServeDir;

use super::page::{self, Site};

/// The names of these files contain a digest of their content.
const HASHED: &str = "/assets/";

/// What the page is told. The publishable key may be seen by everybody; no other key belongs here.
struct About {
    api_url: String,
    publishable_key: String,
}

/// The files, `/playground.json`, and what is said where no file is.
pub(super) fn router(site: &Site<'_>, publishable_key: &str) -> Router {
    let about = Arc::new(About {
        api_url: site.api_url.to_owned(),
        publishable_key: publishable_key.to_owned(),
    });
    let files = ServeDir::new(site.playground_dir)
        .call_fallback_on_method_not_allowed(true)
        .fallback(page::missing.into_service());
    Router::new()
        .route("/playground.json", get(tell))
        .with_state(about)
        .fallback_service(files)
        .layer(middleware::from_fn(add_headers))
}

/// Where the APIs are, seen from the page: it may have come by another name of this machine, or through a forwarded port.
async fn tell(State(about): State<Arc<About>>, headers: HeaderMap) -> impl IntoResponse {
    let url = asked_host(&headers).map_or_else(|| about.api_url.clone(), |host| format!("http://{host}"));
    let body = json!({ "url": url, "publishable_key": about.publishable_key });
    ([(CACHE_CONTROL, "no-store")], Json(body))
}

async fn add_headers(request: Request, next: Next) -> Response {
    let is_hashed = request.uri().path().starts_with(HASHED);
    let host = asked_host(request.headers());
    let mut response = next.run(request).await;
    let is_file = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_file && !headers.contains_key(CACHE_CONTROL) {
        let cache = if is_hashed {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    }
    let is_page = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if let Ok(policy) = HeaderValue::try_from(security_policy(host.as_ref())) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
    }
    response
}

/// The page runs its own scripts and styles and talks to its own stack, and nothing else. Not every browser counts the WebSocket
/// of the same host as `'self'`, so it is named.
fn security_policy(host: Option<&Authority>) -> String {
    let socket = host.map_or_else(String::new, |host| format!(" ws://{host}"));
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'{socket}; \
         manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The host and port that the request was sent to. A user name before the host has no place in an address that is handed on, and
/// `;` and `,` would end a directive of the policy.
fn asked_host(headers: &HeaderMap) -> Option<Authority> {
    headers
        .get(HOST)?
        .to_str()
        .ok()?
        .parse::<Authority>()
        .ok()
        .filter(|host| !host.as_str().contains(['@', ';', ',', '\'', '*']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, value.parse().unwrap());
        asked_host(&headers).map(|host| host.to_string())
    }

    #[test]
    fn host_of_the_request_is_taken_over() {
        for name in [
            "127.0.0.1:54321",
            "localhost:54321",
            "[::1]:54321",
            "parley.example",
        ] {
            assert_eq!(host(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn host_that_would_change_the_policy_is_not_taken_over() {
        for name in [
            "a; script-src *",
            "a;script-src",
            "a,b",
            "*",
            "*.example",
            "user@a",
            "",
            "a b",
        ] {
            assert_eq!(host(name), None, "{name}");
        }
    }

    #[test]
    fn policy_names_the_socket_of_the_host_and_no_other_place() {
        let policy = security_policy(Some(&"localhost:7".parse().unwrap()));
        assert!(
            policy.contains("connect-src 'self' ws://localhost:7;"),
            "{policy}"
        );
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
