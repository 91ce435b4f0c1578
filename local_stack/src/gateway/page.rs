//! What is served beside the APIs: the playground, a list of the routes, and a plain answer for every other path.

use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::json;

use super::playground;

const ROUTES: &str = "\
Parley, local stack: a stand-in for Supabase, for development and tests only.

  /              the playground, a page to try all of it in
  /rest/v1       tables and functions, as PostgREST serves them (send the header apikey)
  /auth/v1       sign-up, sign-in, codes and links by mail or SMS, second factors, users, as Supabase Auth serves them
  /_mail         what would have been sent: the codes and links (/_mail/messages as JSON)
  /realtime/v1   channels: broadcast, presence, changes of tables
  /api           the routes of the worker for apps
  /webhooks      where providers call back; the worker's too
  /openapi.json  the description of the worker's routes
  /functions/v1  the worker, as supabase-js calls functions: /functions/v1/api/... is /api/...
  /routes        this list

Addresses and keys are in stack.env in the data directory.
";

const NOT_BUILT: &str = "\
The playground is not built. This builds it, and the running stack serves it at once:

  bin/setup

It needs Node 20.19 or newer. Everything else works without it: /routes lists what there is.
";

/// The stack as its visitors see it.
pub(crate) struct Site<'a> {
    /// The gateway, without a slash at the end.
    pub(crate) api_url: &'a str,
    /// The folder of the built playground.
    pub(crate) playground_dir: &'a Path,
    /// The folder that belongs to this stack alone.
    pub(crate) data_dir: &'a Path,
    /// Where the worker listens, when one runs.
    pub(crate) worker: Option<SocketAddr>,
}

/// The routes that need no key.
pub(super) fn router(site: &Site<'_>, publishable_key: &str) -> Router {
    Router::new()
        .route("/routes", get(|| async { ROUTES }))
        .merge(playground::router(site, publishable_key))
}

/// The answer where no file of the playground is.
pub(super) async fn missing(uri: Uri) -> Response {
    if uri.path() == "/" {
        return NOT_BUILT.into_response();
    }
    let message = format!("no route for {}", uri.path());
    (
        StatusCode::NOT_FOUND,
        Json(json!({ "message": message, "hint": "GET /routes lists the routes." })),
    )
        .into_response()
}
