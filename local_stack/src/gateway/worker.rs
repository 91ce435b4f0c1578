//! What the worker serves, passed on to it as it comes: callbacks of providers, the REST routes of the apps, and functions.

use std::net::SocketAddr;

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    CONNECTION, EXPECT, FORWARDED, HOST, HeaderName, RETRY_AFTER, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use axum::http::uri::{PathAndQuery, Scheme};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, Version};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use super::listener::Peer;

/// As in Supabase's gateway the function sees what follows this: `/functions/v1/api/sessions` is the worker's `/api/sessions`.
const FUNCTIONS: &str = "/functions/v1";

/// What callers may reach of the worker, under either name. The rest, such as `/metrics`, is for those who run it.
const SERVED: [&str; 2] = ["/api", "/webhooks"];

/// The description of the worker's routes.
const DESCRIPTION: &str = "/openapi.json";

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What concerns one connection and not the next one (RFC 9110, section 7.6.1), besides what `Connection` names.
const OF_THE_CONNECTION: [HeaderName; 7] = [
    CONNECTION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Where the worker is, and the connections to it.
#[derive(Clone)]
struct Way {
    worker: Option<SocketAddr>,
    client: Client<HttpConnector, Body>,
}

/// The routes. They ask for no key: the worker looks at the token of the caller, or of the callback, itself.
pub(super) fn router(worker: Option<SocketAddr>) -> Router {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut router = Router::new();
    for served in SERVED {
        for prefix in [served.to_owned(), format!("{FUNCTIONS}{served}")] {
            router = router
                .route(&prefix, any(pass))
                .route(&format!("{prefix}/"), any(pass))
                .route(&format!("{prefix}/{{*path}}"), any(pass));
        }
    }
    // Refusals of the worker point to the description.
    router
        .route(DESCRIPTION, any(pass))
        .route(FUNCTIONS, any(unknown))
        .route(&format!("{FUNCTIONS}/{{*path}}"), any(unknown))
        .with_state(Way { worker, client })
}

async fn pass(
    State(way): State<Way>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    mut request: Request,
) -> Response {
    let Some(worker) = way.worker else {
        return unavailable(
            "No worker runs here.",
            "no_worker",
            "docs/local-stack.md says how one starts; bin/setup builds it.",
        );
    };
    let Some(uri) = target(worker, request.uri()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    strip(headers);
    introduce(headers, peer);
    match way.client.request(request).await {
        Ok(mut response) => {
            strip(response.headers_mut());
            response.map(Body::new)
        }
        Err(error) => {
            tracing::debug!(%error, "the worker did not answer");
            unavailable(
                "The worker does not answer.",
                "worker_unavailable",
                "Try again in a moment; its log is worker.log in the data directory.",
            )
        }
    }
}

/// As Supabase answers for a function that is not there.
async fn unknown() -> Response {
    let body = json!({ "code": "NOT_FOUND", "message": "Requested function was not found" });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

/// The same path and query at the worker.
fn target(worker: SocketAddr, asked: &Uri) -> Option<Uri> {
    let path = asked.path_and_query().map_or("/", PathAndQuery::as_str);
    let path = path.strip_prefix(FUNCTIONS).unwrap_or(path);
    Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(worker.to_string())
        .path_and_query(path)
        .build()
        .ok()
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&OF_THE_CONNECTION) {
        headers.remove(name);
    }
}

/// Says on whose behalf this is. What a proxy in front said stays, and is continued.
fn introduce(headers: &mut HeaderMap, peer: Peer) {
    let address = peer.0.ip().to_string();
    let before = headers.get(FORWARDED_FOR).and_then(|value| value.to_str().ok());
    let chain = before.map_or_else(|| address.clone(), |before| format!("{before}, {address}"));
    if let Ok(value) = HeaderValue::try_from(chain) {
        headers.insert(FORWARDED_FOR, value);
    }
    if let Some(host) = headers.remove(HOST) {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
    headers
        .entry(FORWARDED_PROTO)
        .or_insert(HeaderValue::from_static("http"));
    // It would say the same in another form, and nobody continues it.
    headers.remove(FORWARDED);
    // Who waits for leave to send gets it here.
    headers.remove(EXPECT);
}

/// PostgREST's body, as the worker's own refusals have it.
fn unavailable(message: &str, details: &str, hint: &str) -> Response {
    let body = json!({ "code": "PT503", "message": message, "details": details, "hint": hint });
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [(RETRY_AFTER, HeaderValue::from_static("1"))],
        Json(body),
    )
        .into_response()
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
