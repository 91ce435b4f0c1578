//! `/api/sessions`: the rooms.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::wire::{ListedSession, Session};
use crate::api::input::JsonBody;
use crate::api::{Answer, Caller, Refused};
use crate::app::App;
use crate::error::ErrorBody;

/// A room to open.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct NewSession {
    /// The mood.
    #[schema(example = "Calm")]
    category: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Seats, 6 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_participants: Option<i32>,
}

/// All active rooms.
#[utoipa::path(
    get,
    path = "/api/sessions",
    operation_id = "list_sessions",
    tag = "echoroom",
    security(("bearer" = [])),
    responses((status = 200, body = [ListedSession]), (status = "default", body = ErrorBody))
)]
pub async fn get(State(app): State<App>, caller: Caller) -> Result<Answer, Refused> {
    app.data.rpc(&caller, "list_sessions", &json!({})).await
}

/// Opens a room. The caller is not seated.
#[utoipa::path(
    post,
    path = "/api/sessions",
    operation_id = "create_session",
    tag = "echoroom",
    security(("bearer" = [])),
    request_body = NewSession,
    responses((status = 201, body = Session), (status = "default", body = ErrorBody))
)]
pub async fn post(
    State(app): State<App>,
    caller: Caller,
    JsonBody(wanted): JsonBody<NewSession>,
) -> Result<Answer, Refused> {
    let answer = app.data.rpc(&caller, "create_session", &wanted).await?;
    Ok(answer.with_status(StatusCode::CREATED))
}
