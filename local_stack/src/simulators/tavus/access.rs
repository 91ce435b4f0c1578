//! The key, and the count of requests.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::refusal::Refusal;
use super::server::Shared;

/// The middleware of everything below `/v2`.
pub(super) async fn check(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let shown = request.headers().get("x-api-key").map(|key| key.as_bytes());
    if shown != Some(shared.api_key.expose().as_bytes()) {
        return Refusal::WrongKey.into_response();
    }
    next.run(request).await
}
