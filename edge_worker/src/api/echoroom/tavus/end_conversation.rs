//! `POST /api/tavus/end-conversation`: the avatar leaves.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::avatars::{self, Done};
use crate::api::input::JsonBody;
use crate::api::{Caller, Refused};
use crate::app::App;
use crate::conversations::AppName;
use crate::error::ErrorBody;

/// Which one.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Wanted {
    /// Tavus' id, or the one of the row.
    #[schema(example = "c0123456789abcdef")]
    conversation_id: String,
}

/// Ends the avatar of a room; twice is once. For the room's members.
#[utoipa::path(
    post,
    path = "/api/tavus/end-conversation",
    operation_id = "end_conversation",
    tag = "echoroom",
    security(("bearer" = [])),
    request_body = Wanted,
    responses((status = 200, body = Done), (status = "default", body = ErrorBody))
)]
pub(crate) async fn post(
    State(app): State<App>,
    caller: Caller,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<Json<Done>, Refused> {
    let row = app.data.rpc(&caller, "end_conversation", &wanted).await?.json()?;
    avatars::end(&app, AppName::Echoroom, row).await
}
