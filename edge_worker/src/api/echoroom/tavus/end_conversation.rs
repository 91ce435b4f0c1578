//! `POST /api/tavus/end-conversation`: the avatar leaves.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tracing::Instrument as _;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::input::JsonBody;
use crate::api::{Caller, Refused};
use crate::app::App;
use crate::conversations::AppName;
use crate::error::ErrorBody;
use crate::telemetry;

/// The end is written down by then, and is done whether somebody waits or not.
const PATIENCE: Duration = Duration::from_secs(5);

/// What Tavus' own reason is put beside.
const REASON: &str = "requested";

/// Which one.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Wanted {
    /// Tavus' id, or the one of the row.
    #[schema(example = "c0123456789abcdef")]
    conversation_id: String,
}

/// It is over, or will be in a moment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Done {
    /// Always true.
    success: bool,
}

#[derive(Debug, Deserialize)]
struct Row {
    id: Uuid,
    status: String,
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
    let row: Row = app.data.rpc(&caller, "end_conversation", &wanted).await?.json()?;
    if matches!(row.status.as_str(), "starting" | "active") {
        end(&app, row.id).await;
    }
    Ok(Json(Done { success: true }))
}

/// At once where that goes; otherwise the job that was queued with the wish does it.
async fn end(app: &App, id: Uuid) {
    let conversations = app.conversations.clone();
    let ending = async move {
        if let Err(error) = conversations.end(AppName::Echoroom, id, REASON).await {
            let error = telemetry::chain(&error);
            tracing::warn!(conversation = %id, error, "an avatar did not end at once");
        }
    };
    let ending = tokio::spawn(ending.in_current_span());
    // Whoever waited long enough has their answer all the same.
    let _ = timeout(PATIENCE, ending).await;
}
