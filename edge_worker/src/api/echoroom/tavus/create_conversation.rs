//! `POST /api/tavus/create-conversation`: the avatar of a room. Asking again gives the same one.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::room;
use crate::api::avatars::{self, Avatar};
use crate::api::input::JsonBody;
use crate::api::{Caller, Refused};
use crate::app::App;
use crate::conversations::AppName;
use crate::error::{ApiError, ErrorBody};

/// An avatar to start.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewConversation {
    /// Chooses the persona; by default the mood of the room.
    #[schema(example = "Calm")]
    mood: Option<String>,
    /// The room. It may be left out by who sits in one open room of the mood only.
    session_id: Option<Uuid>,
}

/// Starts the avatar of a room (201), or gives the one that is there (200). For the room's members.
#[utoipa::path(
    post,
    path = "/api/tavus/create-conversation",
    operation_id = "create_conversation",
    tag = "echoroom",
    security(("bearer" = [])),
    request_body = NewConversation,
    responses((status = 200, body = Avatar), (status = 201, body = Avatar), (status = "default", body = ErrorBody))
)]
pub(crate) async fn post(
    State(app): State<App>,
    caller: Caller,
    JsonBody(wanted): JsonBody<NewConversation>,
) -> Result<(StatusCode, Json<Avatar>), Refused> {
    // Before anything is written down that nobody here can do.
    if !app.personas.is_on() {
        return Err(ApiError::ProviderOff.into());
    }
    let mood = wanted.mood.as_deref();
    let session_id = match wanted.session_id {
        Some(session_id) => session_id,
        None => room::of_mood(&app, &caller, mood).await?,
    };
    let asked = json!({ "session_id": session_id, "mood": mood });
    let answer = app.data.rpc(&caller, "start_conversation", &asked).await?;
    let row: Value = answer.json()?;
    let (status, avatar) = avatars::started(&app, AppName::Echoroom, row).await?;
    Ok((status, Json(avatar)))
}
