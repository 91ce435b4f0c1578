//! All routes of Domo.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{conversations, knowledge};
use crate::app::App;

/// The routes, and their part of the description.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(conversations::post))
        .routes(routes!(conversations::end))
        .routes(routes!(knowledge::post))
        .routes(routes!(knowledge::search))
        .routes(routes!(knowledge::tool))
}
