//! `/v2/conversations`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::server::Shared;
use super::world::{Conversation, World, page, text};
use super::{happen, naming};

/// What a row of a list has. More is remembered and not told.
const ROW: [&str; 9] = [
    "conversation_id",
    "conversation_name",
    "status",
    "conversation_url",
    "callback_url",
    "replica_id",
    "persona_id",
    "created_at",
    "updated_at",
];

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    limit: Option<usize>,
    page: Option<usize>,
    status: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct GetQuery {
    #[serde(default)]
    verbose: bool,
}

/// The object in a body.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(body)
        .map(naming::incoming)
        .map_err(|_| Refusal::Invalid("The body must be a JSON object".to_owned()))
}

pub(super) async fn create(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let wanted = object(&body)?;
    let is_test = wanted.get("test_mode") == Some(&Value::Bool(true));
    let (id, answer) = shared.world(|world| make(world, &shared.base_url, &wanted, is_test))?;
    if !is_test {
        happen::joined(&shared, &id);
    }
    Ok(Json(answer))
}

fn make(
    world: &mut World,
    base_url: &str,
    wanted: &Map<String, Value>,
    is_test: bool,
) -> Result<(String, Value), Refusal> {
    let invalid = |text: &str| Refusal::Invalid(text.to_owned());
    let callback_url = text(wanted, "callback_url").map(str::to_owned);
    let is_address = |url: &str| url.starts_with("http://") || url.starts_with("https://");
    if callback_url.as_deref().is_some_and(|url| !is_address(url)) {
        return Err(invalid("callback_url must be a URL"));
    }
    let persona = text(wanted, "persona_id")
        .map(|id| find_persona(world, id))
        .transpose()?;
    let replica = text(wanted, "replica_id").or_else(|| text(persona?, "default_replica_id"));
    let replica = replica
        .ok_or_else(|| invalid("replica_id is required"))?
        .to_owned();
    if !world
        .replicas
        .iter()
        .any(|row| text(row, "replica_id") == Some(&replica))
    {
        return Err(invalid("Invalid replica_id"));
    }
    if !is_test {
        charge(world)?;
    }
    let (id, now) = (world.id('c'), world.now());
    let status = if is_test { "ended" } else { "active" };
    let mut row = wanted.clone();
    row.extend([
        ("conversation_id".to_owned(), json!(id)),
        (
            "conversation_url".to_owned(),
            json!(format!("{base_url}/rooms/{id}")),
        ),
        ("status".to_owned(), json!(status)),
        ("replica_id".to_owned(), json!(replica)),
        ("created_at".to_owned(), json!(now)),
        ("updated_at".to_owned(), json!(now)),
    ]);
    let mut answer = shown(world, &row);
    answer.remove("updated_at");
    let is_private = |map: Option<&Value>| map.and_then(|map| map.get("require_auth")) == Some(&json!(true));
    if wanted.get("require_auth") == Some(&json!(true)) || is_private(wanted.get("properties")) {
        answer.insert(
            "meeting_token".to_owned(),
            json!(format!("meeting-token-of-{id}")),
        );
    }
    world.conversations.push(Conversation {
        id: id.clone(),
        row,
        callback_url,
        said: Vec::new(),
        events: Vec::new(),
        held: Vec::new(),
        sent: Vec::new(),
    });
    Ok((id, Value::Object(answer)))
}

fn charge(world: &mut World) -> Result<(), Refusal> {
    if world
        .behaviour
        .concurrency_cap
        .is_some_and(|cap| world.active() >= cap)
    {
        return Err(Refusal::AtCapacity);
    }
    match &mut world.behaviour.credits {
        Some(0) => Err(Refusal::OutOfCredits),
        Some(credits) => {
            *credits -= 1;
            Ok(())
        }
        None => Ok(()),
    }
}

fn find_persona<'a>(world: &'a World, id: &str) -> Result<&'a Map<String, Value>, Refusal> {
    world
        .personas
        .iter()
        .find(|row| text(row, "persona_id") == Some(id))
        .ok_or(Refusal::UnknownPersona)
}

fn shown(world: &World, row: &Map<String, Value>) -> Map<String, Value> {
    let told = row.iter().filter(|(name, _)| ROW.contains(&name.as_str()));
    let told = told.map(|(name, value)| (name.clone(), value.clone())).collect();
    naming::outgoing(world.behaviour.naming, &told)
}

pub(super) async fn list(State(shared): State<Shared>, Query(query): Query<ListQuery>) -> Json<Value> {
    shared.world(|world| {
        let fits = |row: &Map<String, Value>| {
            query.status.is_none() || text(row, "status") == query.status.as_deref()
        };
        let rows = world
            .conversations
            .iter()
            .rev()
            .map(|conversation| &conversation.row);
        let rows: Vec<_> = rows
            .filter(|row| fits(row))
            .map(|row| shown(world, row))
            .collect();
        let total = rows.len();
        let data = page(rows, query.page.unwrap_or(1), query.limit.unwrap_or(10));
        Json(json!({ "data": data, "total_count": total }))
    })
}

pub(super) async fn get(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Query(query): Query<GetQuery>,
) -> Result<Json<Value>, Refusal> {
    shared.world(|world| {
        let found = world
            .conversation(&id)
            .cloned()
            .ok_or(Refusal::UnknownConversation)?;
        let mut answer = shown(world, &found.row);
        if query.verbose {
            let is_empty = found.events.is_empty();
            let events = if is_empty {
                Value::Null
            } else {
                json!(found.events)
            };
            answer.insert("events".to_owned(), events);
        }
        Ok(Json(Value::Object(answer)))
    })
}

pub(super) async fn end(State(shared): State<Shared>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    if happen::ended(&shared, &id, "end_conversation_endpoint_hit") {
        return Ok(StatusCode::OK);
    }
    // What the real one answers to a second end is not documented; refusing is what a client has to cope with.
    match shared.world(|world| world.conversation(&id).is_some()) {
        true => Err(Refusal::Invalid("Conversation is not active".to_owned())),
        false => Err(Refusal::UnknownConversation),
    }
}

pub(super) async fn delete(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    shared.world(|world| {
        let before = world.conversations.len();
        world.conversations.retain(|conversation| conversation.id != id);
        if world.conversations.len() == before {
            return Err(Refusal::UnknownConversation);
        }
        Ok(StatusCode::NO_CONTENT)
    })
}
