//! `/v2/personas`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::conversations::object;
use super::naming;
use super::refusal::Refusal;
use super::server::Shared;
use super::world::{World, page, text};

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    limit: Option<usize>,
    page: Option<usize>,
    persona_type: Option<String>,
}

pub(super) async fn create(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let mut row = object(&body)?;
    let is_echo = text(&row, "pipeline_mode") == Some("echo");
    if !is_echo && text(&row, "system_prompt").is_none() {
        return Err(Refusal::Invalid("system_prompt is required".to_owned()));
    }
    Ok(shared.world(|world| {
        let (id, now) = (world.id('p'), world.now());
        row.entry("persona_name")
            .or_insert_with(|| json!(format!("Persona {id}")));
        row.extend([
            ("persona_id".to_owned(), json!(id)),
            ("persona_type".to_owned(), json!("user")),
            ("created_at".to_owned(), json!(now)),
            ("updated_at".to_owned(), json!(now)),
        ]);
        world.personas.push(row.clone());
        let told = ["persona_id", "persona_name", "created_at"];
        row.retain(|name, _| told.contains(&name.as_str()));
        Json(Value::Object(naming::outgoing(world.behaviour.naming, &row)))
    }))
}

pub(super) async fn list(State(shared): State<Shared>, Query(query): Query<ListQuery>) -> Json<Value> {
    shared.world(|world| {
        let kind = query.persona_type.as_deref();
        let fits = |row: &&Map<String, Value>| kind.is_none() || text(row, "persona_type") == kind;
        let naming = world.behaviour.naming;
        let rows = world.personas.iter().filter(fits);
        let rows: Vec<_> = rows.map(|row| naming::outgoing(naming, row)).collect();
        let total = rows.len();
        let data = page(rows, query.page.unwrap_or(1), query.limit.unwrap_or(10));
        Json(json!({ "data": data, "total_count": total }))
    })
}

/// A list of one, as the specification of the real one has it.
pub(super) async fn get(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    shared.world(|world| {
        let naming = world.behaviour.naming;
        let row = find(world, &id)?;
        Ok(Json(json!({ "data": [naming::outgoing(naming, row)] })))
    })
}

pub(super) async fn patch(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    shared.world(|world| {
        let row = find(world, &id)?;
        let patch: json_patch::Patch = serde_json::from_slice(&body).map_err(|_| Refusal::InvalidPatch)?;
        let mut patched = Value::Object(row.clone());
        json_patch::patch(&mut patched, &patch).map_err(|error| Refusal::Invalid(error.to_string()))?;
        let Value::Object(mut patched) = patched else {
            return Err(Refusal::InvalidPatch);
        };
        if patched == *row {
            return Ok(StatusCode::NOT_MODIFIED.into_response());
        }
        // Its id is not for changing.
        patched.insert("persona_id".to_owned(), json!(id));
        *row = patched;
        Ok(Json(json!({ "message": "Persona updated" })).into_response())
    })
}

pub(super) async fn delete(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    shared.world(|world| {
        find(world, &id)?;
        world.personas.retain(|row| text(row, "persona_id") != Some(&id));
        Ok(StatusCode::NO_CONTENT)
    })
}

fn find<'a>(world: &'a mut World, id: &str) -> Result<&'a mut Map<String, Value>, Refusal> {
    world
        .personas
        .iter_mut()
        .find(|row| text(row, "persona_id") == Some(id))
        .ok_or(Refusal::UnknownPersona)
}
