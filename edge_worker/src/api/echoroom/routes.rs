//! All routes of EchoRoom.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::tavus::{create_conversation, end_conversation, get_daily_room, personas as tavus_personas};
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
        .routes(routes!(create_conversation::post))
        .routes(routes!(get_daily_room::post))
        .routes(routes!(end_conversation::post))
        .routes(routes!(tavus_personas::list))
        .routes(routes!(tavus_personas::get))
}
