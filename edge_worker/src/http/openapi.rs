//! `GET /openapi.json`: the description of all routes, made from the handlers.

use axum::routing::get;
use axum::{Json, Router};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Parley worker",
        description = "Webhooks in, provider APIs out, and the REST routes of the apps. Tables and functions of the apps are Supabase's API, not this one."
    ),
    modifiers(&Bearer)
)]
struct Description;

/// How callers of the apps' routes show who they are.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "The token of Supabase Auth; visitors send the publishable key.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The part that does not come from a handler.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

/// The route.
pub(crate) fn router(document: utoipa::openapi::OpenApi) -> Router {
    Router::new().route("/openapi.json", get(async move || Json(document)))
}
