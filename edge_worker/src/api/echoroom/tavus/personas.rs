//! `/api/tavus/personas`: the personas with what Tavus calls them.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value};

use super::catalogue::Told;
use crate::api::echoroom::personas;
use crate::api::echoroom::wire::TavusPersona;
use crate::api::input::PathOf;
use crate::api::{Caller, Refused};
use crate::app::App;
use crate::error::ErrorBody;

type Row = Map<String, Value>;

/// All personas that the caller sees.
#[utoipa::path(
    get,
    path = "/api/tavus/personas",
    operation_id = "list_tavus_personas",
    tag = "echoroom",
    security(("bearer" = [])),
    responses((status = 200, body = [TavusPersona]), (status = "default", body = ErrorBody))
)]
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Vec<Row>>, Refused> {
    let mut rows: Vec<Row> = personas::all(&app, &caller).await?.json()?;
    let told = app.personas.told().await;
    for row in &mut rows {
        enrich(row, &told);
    }
    Ok(Json(rows))
}

/// The persona of a mood, in any case of letters.
#[utoipa::path(
    get,
    path = "/api/tavus/personas/{mood}",
    operation_id = "get_tavus_persona",
    tag = "echoroom",
    security(("bearer" = [])),
    params(("mood" = String, Path)),
    responses((status = 200, body = TavusPersona), (status = "default", body = ErrorBody))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    PathOf(mood): PathOf<String>,
) -> Result<Json<Row>, Refused> {
    let mut row: Row = personas::of_mood(&app, &caller, &mood).await?.json()?;
    let told = app.personas.told().await;
    enrich(&mut row, &told);
    Ok(Json(row))
}

fn enrich(row: &mut Row, all: &HashMap<String, Told>) {
    let id = row.get("persona_id").and_then(Value::as_str);
    let told = id.and_then(|id| all.get(id)).cloned().unwrap_or_default();
    row.insert("persona_name".to_owned(), told.name.into());
    row.insert("default_replica_id".to_owned(), told.replica_id.into());
}
