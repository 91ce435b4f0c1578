//! What is served beside the APIs: a page that says what this is, and a plain answer for every other path.

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Json};
use axum::routing::get;
use serde_json::json;

const PAGE: &str = "\
Parley, local stack: a stand-in for Supabase, for development and tests only.

  /rest/v1       tables and functions, as PostgREST serves them (send the header apikey)
  /auth/v1       sign-up, sign-in, refresh, user, sign-out, settings, health
  /realtime/v1   channels: broadcast, presence, changes of tables

Addresses and keys are in stack.env in the data directory.
";

/// The routes.
pub(super) fn router() -> Router {
    Router::new().route("/", get(|| async { PAGE })).fallback(unknown)
}

async fn unknown(uri: Uri) -> impl IntoResponse {
    let message = format!("no route for {}", uri.path());
    (
        StatusCode::NOT_FOUND,
        Json(json!({ "message": message, "hint": "GET / lists the routes." })),
    )
}
