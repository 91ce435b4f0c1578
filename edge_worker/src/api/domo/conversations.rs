//! `/api/domo/conversations`: a call with the agent of a demo, for the demo's owner.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::avatars::{self, Avatar, Done};
use crate::api::input::{JsonBody, PathOf};
use crate::api::{Caller, Refused};
use crate::app::App;
use crate::conversations::AppName;
use crate::error::{ApiError, ErrorBody};

/// A call to start.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct NewCall {
    /// Whose agent.
    demo_id: Uuid,
    /// Chosen by whoever asks: the same one again is the same call.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<Uuid>,
}

/// A call.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Call {
    /// Its row in `domo.conversations`.
    id: Uuid,
    #[serde(flatten)]
    avatar: Avatar,
}

/// Starts a call with the agent of a demo (201), or gives the one that the same `client_id` started (200).
#[utoipa::path(
    post,
    path = "/api/domo/conversations",
    operation_id = "create_demo_conversation",
    tag = "domo",
    security(("bearer" = [])),
    request_body = NewCall,
    responses((status = 200, body = Call), (status = 201, body = Call), (status = "default", body = ErrorBody))
)]
pub(crate) async fn post(
    State(app): State<App>,
    caller: Caller,
    JsonBody(wanted): JsonBody<NewCall>,
) -> Result<(StatusCode, Json<Call>), Refused> {
    // Before anything is written down that nobody here can do.
    if !app.personas.is_on() {
        return Err(ApiError::ProviderOff.into());
    }
    let row: Value = app
        .domo
        .rpc(&caller, "start_conversation", &wanted)
        .await?
        .json()?;
    let id = avatars::id_of(&row)?;
    let (status, avatar) = avatars::started(&app, AppName::Domo, row).await?;
    Ok((status, Json(Call { id, avatar })))
}

/// Ends a call, by Tavus' id or the row's; twice is once.
#[utoipa::path(
    post,
    path = "/api/domo/conversations/{id}/end",
    operation_id = "end_demo_conversation",
    tag = "domo",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Tavus' id, or the one of the row")),
    responses((status = 200, body = Done), (status = "default", body = ErrorBody))
)]
pub(crate) async fn end(
    State(app): State<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<Json<Done>, Refused> {
    let wanted = json!({ "conversation_id": id });
    let row = app.domo.rpc(&caller, "end_conversation", &wanted).await?.json()?;
    avatars::end(&app, AppName::Domo, row).await
}
