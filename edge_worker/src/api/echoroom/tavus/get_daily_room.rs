//! `POST /api/tavus/get-daily-room`: the address of an avatar's call.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::avatars;
use crate::api::input::JsonBody;
use crate::api::{Caller, Refused};
use crate::app::App;
use crate::error::{ApiError, ErrorBody};

/// Whose address.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Wanted {
    /// Tavus' id, or the one of the row.
    #[schema(example = "c0123456789abcdef")]
    conversation_id: String,
}

/// The address.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DailyRoom {
    /// For a browser.
    #[schema(example = "https://tavus.daily.co/c0123456789abcdef")]
    room_url: String,
}

#[derive(Debug, Deserialize)]
struct Row {
    status: String,
    conversation_url: Option<String>,
}

/// The Daily room of an avatar. For the members of its room; to others there is no such conversation.
#[utoipa::path(
    post,
    path = "/api/tavus/get-daily-room",
    operation_id = "get_daily_room",
    tag = "echoroom",
    security(("bearer" = [])),
    request_body = Wanted,
    responses((status = 200, body = DailyRoom), (status = "default", body = ErrorBody))
)]
pub(crate) async fn post(
    State(app): State<App>,
    caller: Caller,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<Json<DailyRoom>, Refused> {
    let found = avatars::find(
        &app.data,
        &caller,
        &wanted.conversation_id,
        "status,conversation_url",
        ApiError::InvalidBody,
    );
    let row: Row = found.await?.ok_or(ApiError::ConversationNotFound)?;
    if matches!(row.status.as_str(), "ended" | "failed") {
        return Err(ApiError::ConversationOver.into());
    }
    let room_url = row.conversation_url.ok_or(ApiError::AvatarStarting)?;
    Ok(Json(DailyRoom { room_url }))
}
