//! `/api/personas`: the personas of the AI avatars. Everybody reads them, the project's secret key writes them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::wire::{Deleted, Persona};
use crate::api::input::{JsonBody, PathOf};
use crate::api::{Answer, Caller, Refused};
use crate::app::App;
use crate::error::{ApiError, ErrorBody};

const TABLE: &str = "persona";

/// A persona to keep.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct NewPersona {
    /// Its id at Tavus.
    persona_id: String,
    /// Its mood; without one nobody finds it by mood.
    #[serde(skip_serializing_if = "Option::is_none")]
    mood: Option<String>,
}

impl NewPersona {
    fn row(&self) -> Result<String, ApiError> {
        serde_json::to_string(self).map_err(|_| ApiError::Internal)
    }
}

/// All personas.
#[utoipa::path(
    get,
    path = "/api/personas",
    operation_id = "list_personas",
    tag = "echoroom",
    security(("bearer" = [])),
    responses((status = 200, body = [Persona]), (status = "default", body = ErrorBody))
)]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Answer, Refused> {
    all(&app, &caller).await
}

/// The rows of the caller's view.
pub(super) async fn all(app: &App, caller: &Caller) -> Result<Answer, Refused> {
    let rows = app.data.table(TABLE).select("*").order("id.asc");
    app.data.send(caller, "list_personas", rows).await
}

/// The persona of a mood, whatever its case.
pub(super) async fn of_mood(app: &App, caller: &Caller, mood: &str) -> Result<Answer, Refused> {
    app.data
        .rpc(caller, "persona_by_mood", &json!({ "mood": mood }))
        .await
}

/// One persona.
#[utoipa::path(
    get,
    path = "/api/personas/{id}",
    operation_id = "get_persona",
    tag = "echoroom",
    security(("bearer" = [])),
    params(("id" = i64, Path)),
    responses((status = 200, body = Persona), (status = "default", body = ErrorBody))
)]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    PathOf(id): PathOf<i64>,
) -> Result<Json<Value>, Refused> {
    let row = app.data.table(TABLE).select("*").eq("id", id.to_string());
    only(&app.data.send(&caller, "get_persona", row).await?).map(Json)
}

/// The persona of a mood, in any case of letters.
#[utoipa::path(
    get,
    path = "/api/personas/by-mood/{mood}",
    operation_id = "get_persona_by_mood",
    tag = "echoroom",
    security(("bearer" = [])),
    params(("mood" = String, Path)),
    responses((status = 200, body = Persona), (status = "default", body = ErrorBody))
)]
pub async fn get_by_mood(
    State(app): State<App>,
    caller: Caller,
    PathOf(mood): PathOf<String>,
) -> Result<Answer, Refused> {
    of_mood(&app, &caller, &mood).await
}

/// Keeps a persona. For the secret key.
#[utoipa::path(
    post,
    path = "/api/personas",
    operation_id = "create_persona",
    tag = "echoroom",
    security(("bearer" = [])),
    request_body = NewPersona,
    responses((status = 201, body = Persona), (status = "default", body = ErrorBody))
)]
pub async fn post(
    State(app): State<App>,
    caller: Caller,
    JsonBody(wanted): JsonBody<NewPersona>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let row = app.data.table(TABLE).insert(wanted.row()?);
    let answer = app.data.send(&caller, "create_persona", row).await?;
    Ok((StatusCode::CREATED, Json(only(&answer)?)))
}

/// Changes a persona. For the secret key.
#[utoipa::path(
    put,
    path = "/api/personas/{id}",
    operation_id = "update_persona",
    tag = "echoroom",
    security(("bearer" = [])),
    params(("id" = i64, Path)),
    request_body = NewPersona,
    responses((status = 200, body = Persona), (status = "default", body = ErrorBody))
)]
pub async fn put(
    State(app): State<App>,
    caller: Caller,
    PathOf(id): PathOf<i64>,
    JsonBody(wanted): JsonBody<NewPersona>,
) -> Result<Json<Value>, Refused> {
    let row = app
        .data
        .table(TABLE)
        .update(wanted.row()?)
        .eq("id", id.to_string());
    only(&app.data.send(&caller, "update_persona", row).await?).map(Json)
}

/// Deletes a persona. For the secret key.
#[utoipa::path(
    delete,
    path = "/api/personas/{id}",
    operation_id = "delete_persona",
    tag = "echoroom",
    security(("bearer" = [])),
    params(("id" = i64, Path)),
    responses((status = 200, body = Deleted), (status = "default", body = ErrorBody))
)]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    PathOf(id): PathOf<i64>,
) -> Result<Json<Deleted>, Refused> {
    let row = app.data.table(TABLE).delete().eq("id", id.to_string());
    only(&app.data.send(&caller, "delete_persona", row).await?)?;
    Ok(Json(Deleted::persona(id)))
}

/// The row that an id means.
fn only(answer: &Answer) -> Result<Value, Refused> {
    answer.first()?.ok_or_else(|| ApiError::PersonaNotFound.into())
}
