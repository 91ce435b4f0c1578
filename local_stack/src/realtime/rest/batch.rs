//! `POST /realtime/v1/api/broadcast`: several messages at once.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::error::{BroadcastError, caller};
use crate::identity::Caller;
use crate::realtime::core::Core;
use crate::realtime::frame::Outgoing;
use crate::realtime::gate::Extension;

/// One message of the request.
#[derive(Debug)]
struct Message {
    topic: String,
    event: String,
    payload: Value,
    is_private: bool,
}

/// The handler. A private message without the right to send it is dropped, and the answer is 202 all the same.
pub(crate) async fn handle(
    State(core): State<Arc<Core>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, BroadcastError> {
    let caller = caller(&core, &headers)?;
    let body: Value = serde_json::from_slice(&body).map_err(|_| BroadcastError::NotJson)?;
    let messages = read(&body, core.limits.max_payload_bytes).map_err(BroadcastError::Invalid)?;
    let count = u64::try_from(messages.len()).unwrap_or(u64::MAX);
    if !core.rates.events.admit(count, Instant::now()) {
        return Err(BroadcastError::TooMany("You have exceeded your rate limit"));
    }
    let mut rights = HashMap::new();
    for message in &messages {
        if !message.is_private || may_send(&core, &caller, &message.topic, &mut rights).await {
            send(&core, message);
        }
    }
    Ok(StatusCode::ACCEPTED)
}

/// Asks once for each topic.
async fn may_send<'a>(
    core: &Core,
    caller: &Caller,
    topic: &'a str,
    rights: &mut HashMap<&'a str, bool>,
) -> bool {
    if let Some(may) = rights.get(topic) {
        return *may;
    }
    let may = match core.gate.write(caller, topic, Extension::Broadcast).await {
        Ok(may) => may,
        Err(error) => {
            tracing::warn!(%error, topic, "the policies of a topic could not be asked");
            false
        }
    };
    rights.insert(topic, may);
    may
}

fn send(core: &Core, message: &Message) {
    let payload = json!({ "type": "broadcast", "event": message.event, "payload": message.payload });
    let topic = format!("realtime:{}", message.topic);
    let outgoing = Outgoing::Event {
        topic: &topic,
        event: "broadcast",
        payload: &payload.to_string(),
    };
    core.hub.publish(&topic, message.is_private, &outgoing, None);
}

/// The messages, or what is wrong with each of them.
fn read(body: &Value, most_bytes: usize) -> Result<Vec<Message>, Value> {
    let entries = match &body["messages"] {
        Value::Array(entries) => entries,
        Value::Null => return Err(json!({ "messages": ["can't be blank"] })),
        _ => return Err(json!({ "messages": ["is invalid"] })),
    };
    let read: Vec<_> = entries.iter().map(|entry| read_one(entry, most_bytes)).collect();
    if read.iter().all(Result::is_ok) {
        return Ok(read.into_iter().flatten().collect());
    }
    let errors: Vec<Value> = read
        .into_iter()
        .map(|message| message.err().unwrap_or_default().into())
        .collect();
    Err(json!({ "messages": errors }))
}

fn read_one(entry: &Value, most_bytes: usize) -> Result<Message, Map<String, Value>> {
    let mut errors = Map::new();
    let topic = text(entry, "topic", &mut errors);
    let event = text(entry, "event", &mut errors);
    let payload = match &entry["payload"] {
        payload @ Value::Object(_) if payload.to_string().len() > most_bytes => {
            errors.insert("payload".to_owned(), json!(["Payload size exceeds tenant limit"]));
            Value::Null
        }
        payload @ Value::Object(_) => payload.clone(),
        Value::Null => {
            errors.insert("payload".to_owned(), json!(["can't be blank"]));
            Value::Null
        }
        _ => {
            errors.insert("payload".to_owned(), json!(["is invalid"]));
            Value::Null
        }
    };
    let is_private = match &entry["private"] {
        Value::Null => false,
        Value::Bool(is_private) => *is_private,
        Value::String(text) if text == "true" => true,
        Value::String(text) if text == "false" => false,
        _ => {
            errors.insert("private".to_owned(), json!(["is invalid"]));
            false
        }
    };
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Message {
        topic,
        event,
        payload,
        is_private,
    })
}

fn text(entry: &Value, field: &str, errors: &mut Map<String, Value>) -> String {
    let problem = match &entry[field] {
        Value::String(text) if !text.trim().is_empty() => return text.clone(),
        Value::String(_) | Value::Null => "can't be blank",
        _ => "is invalid",
    };
    errors.insert(field.to_owned(), json!([problem]));
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_messages_are_read() {
        let body = json!({ "messages": [
            { "topic": "a", "event": "e", "payload": { "x": 1 } },
            { "topic": "b", "event": "e", "payload": {}, "private": true }
        ] });
        let messages = read(&body, 100).unwrap();
        assert_eq!((messages[0].is_private, messages[1].is_private), (false, true));
    }

    #[test]
    fn one_bad_message_refuses_all_and_says_which() {
        let body = json!({ "messages": [
            { "topic": "a", "event": "e", "payload": {} },
            { "topic": "", "event": 1, "payload": [], "private": 3 },
            { "topic": "a", "event": "e", "payload": { "x": "y".repeat(100) } }
        ] });
        assert_eq!(
            read(&body, 50).unwrap_err(),
            json!({ "messages": [
                {},
                { "topic": ["can't be blank"], "event": ["is invalid"], "payload": ["is invalid"], "private": ["is invalid"] },
                { "payload": ["Payload size exceeds tenant limit"] }
            ] })
        );
        for body in [json!({}), json!([]), json!(null), json!({ "messages": 1 })] {
            assert!(read(&body, 50).is_err());
        }
    }
}
