//! The routes, by their place below `/realtime/v1`.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::core::Core;
use super::{rest, socket};

/// What one request may carry, as in Supabase.
const LARGEST_BODY: usize = 8_000_000;

/// The socket. It stands before the gateway's own check: its refusals have another form, and its key may be in another place.
pub(crate) fn websocket(core: Arc<Core>) -> Router {
    Router::new()
        .route("/websocket", get(socket::upgrade))
        .with_state(core)
}

/// What is asked by plain requests.
pub(crate) fn api(core: Arc<Core>) -> Router {
    Router::new()
        .route("/api/broadcast", post(rest::batch))
        .route("/api/broadcast/{topic}/events/{event}", post(rest::single))
        .route(
            "/api/ping",
            get(|| async { Json(json!({ "message": "Success" })) }),
        )
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(core)
}
