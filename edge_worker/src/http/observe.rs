//! What every request gets: an id, one log line, counters, a limit of time, and an answer after a panic.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::Instrument as _;

use super::request_id::RequestId;
use crate::error::ApiError;
use crate::telemetry::Metrics;

/// No handler takes longer: the longest call of a provider with its retries fits in.
pub const TIME_LIMIT: Duration = Duration::from_secs(60);

/// In place of a path that no route has. The path itself comes from a stranger, and each would be a metric of its own.
const UNMATCHED: &str = "unmatched";

/// The middleware.
pub async fn observe(State(metrics): State<Metrics>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let _in_flight = metrics.request_begins();
    let id = RequestId::of(request.headers());
    // The pattern and not the path: the path of a webhook holds its token.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(UNMATCHED, MatchedPath::as_str)
        .to_owned();
    let method = method_name(&request);
    let span = tracing::info_span!("request", request_id = id.as_str(), method, route);
    request.extensions_mut().insert(id.clone());

    let answer = tokio::time::timeout(TIME_LIMIT, next.run(request)).instrument(span.clone());
    let mut response = answer
        .await
        .unwrap_or_else(|_| ApiError::TimedOut.into_response());
    if let Some(value) = id.header_value() {
        response.headers_mut().insert(RequestId::HEADER, value);
    }
    let status = response.status().as_u16();
    let took = begun.elapsed();
    metrics.request_answered(method, &route, status, took);
    span.in_scope(|| log(&route, status, took));
    response
}

/// Probes come every few seconds; they are told only when they fail.
fn log(route: &str, status: u16, took: Duration) {
    let milliseconds = took.as_secs_f64() * 1000.0;
    let is_probe = matches!(route, "/healthz" | "/readyz" | "/metrics");
    if status >= 500 {
        tracing::error!(status, milliseconds, "answered");
    } else if is_probe {
        tracing::debug!(status, milliseconds, "answered");
    } else {
        tracing::info!(status, milliseconds, "answered");
    }
}

/// A method is any word that the client likes; only the usual ones become labels.
fn method_name(request: &Request) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// The answer after a panic. The panic itself was logged where it happened.
pub fn after_panic(_: Box<dyn Any + Send>) -> Response {
    ApiError::Internal.into_response()
}
