//! `/_control`: for tests and for the curious. It needs no key, because it is on loopback.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::behaviour::Behaviour;
use super::faults::Fault;
use super::happen;
use super::server::Shared;
use super::world::World;

/// Everything that happened: requests, conversations, attempts of callbacks.
pub(super) async fn state(State(shared): State<Shared>) -> Json<Value> {
    let waiting = shared.callbacks.waiting();
    shared.world(|world| {
        let conversations = world.conversations.iter().map(|conversation| {
            json!({
                "conversation_id": conversation.id,
                "is_active": conversation.is_active(),
                // With what Tavus itself does not tell again, such as the context.
                "row": conversation.row,
                "events": conversation.events,
            })
        });
        Json(json!({
            "behaviour": world.behaviour,
            "requests": world.requests,
            "conversations": conversations.collect::<Vec<_>>(),
            "deliveries": world.deliveries,
            "callbacks_waiting": waiting,
        }))
    })
}

pub(super) async fn set_behaviour(
    State(shared): State<Shared>,
    Json(behaviour): Json<Behaviour>,
) -> StatusCode {
    shared.world(|world| world.behaviour = behaviour);
    StatusCode::NO_CONTENT
}

pub(super) async fn add_fault(State(shared): State<Shared>, Json(fault): Json<Fault>) -> StatusCode {
    shared.world(|world| world.faults.push(fault));
    StatusCode::NO_CONTENT
}

/// The form of a reset.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reset {
    seed: Option<u64>,
}

pub(super) async fn reset(State(shared): State<Shared>, Json(reset): Json<Reset>) -> StatusCode {
    shared.world(|world| *world = World::new(reset.seed));
    StatusCode::NO_CONTENT
}

/// The form of an end.
#[derive(Debug, Deserialize)]
pub(super) struct End {
    reason: String,
}

/// Ends a conversation for any reason, as timeouts do in the real one.
pub(super) async fn end(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Json(end): Json<End>,
) -> StatusCode {
    if happen::ended(&shared, &id, &end.reason) {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}
