//! All routes of EchoRoom.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{messages, participants, personas, sessions};
use crate::app::App;

/// The routes, and their part of the description.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sessions::get, sessions::post))
        .routes(routes!(messages::get))
        .routes(routes!(participants::post))
        .routes(routes!(participants::get))
        .routes(routes!(participants::put))
        .routes(routes!(personas::list, personas::post))
        .routes(routes!(personas::get, personas::put, personas::delete))
        .routes(routes!(personas::get_by_mood))
}
