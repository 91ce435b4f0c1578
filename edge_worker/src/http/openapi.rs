//! `GET /openapi.json`: the description of all routes, made from the handlers.

use axum::routing::get;
use axum::{Json, Router};
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(info(
    title = "Parley worker",
    description = "Webhooks in, provider APIs out. Tables and functions of the apps are Supabase's API, not this one."
))]
struct Description;

/// The part that does not come from a handler.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

/// The route.
pub(crate) fn router(document: utoipa::openapi::OpenApi) -> Router {
    Router::new().route("/openapi.json", get(async move || Json(document)))
}
