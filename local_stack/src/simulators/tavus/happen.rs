//! What happens in a conversation: it is remembered for the verbose answer, and told to the callback address.

use serde_json::{Map, Value, json};

use super::behaviour::{Naming, Script};
use super::naming;
use super::script;
use super::server::Shared;
use super::world::{Conversation, World, text};

/// An event, in the old names.
struct Event {
    event_type: &'static str,
    timestamp: String,
    properties: Map<String, Value>,
    is_last: bool,
}

/// The replica joins: at once after the creation, and waits.
pub(super) fn joined(shared: &Shared, id: &str) {
    shared.world(|world| {
        let naming = world.behaviour.naming;
        let timestamp = world.now();
        let types: &[&'static str] = match naming {
            Naming::Old => &["system.replica_joined"],
            Naming::New => &["system.pal_joined"],
            Naming::Both => &["system.replica_joined", "system.pal_joined"],
        };
        for event_type in types {
            let event = Event {
                event_type,
                timestamp: timestamp.clone(),
                properties: with_replica(world, id, json!({})),
                is_last: false,
            };
            tell(shared, world, id, &event);
        }
    });
}

/// It is over: the end, what was said, and what was seen. `false` when there is no such conversation, or it had ended.
pub(super) fn ended(shared: &Shared, id: &str, reason: &str) -> bool {
    shared.world(|world| {
        let time = world.now();
        let Some(conversation) = world.conversation(id) else {
            return false;
        };
        if !conversation.is_active() {
            return false;
        }
        conversation.row.insert("status".to_owned(), json!("ended"));
        conversation.row.insert("updated_at".to_owned(), json!(time));
        let transcript = transcript(world, id);
        let events = [
            ("system.shutdown", json!({ "shutdown_reason": reason })),
            (
                "application.transcription_ready",
                json!({ "transcript": transcript }),
            ),
            (
                "application.perception_analysis",
                json!({ "analysis": "## What was seen\n\nA person in front of a simulated camera." }),
            ),
        ];
        let last = events.len() - 1;
        for (index, (event_type, properties)) in events.into_iter().enumerate() {
            let event = Event {
                event_type,
                timestamp: if index == 0 { time.clone() } else { world.now() },
                properties: with_replica(world, id, properties),
                is_last: index == last,
            };
            tell(shared, world, id, &event);
        }
        true
    })
}

fn with_replica(world: &mut World, id: &str, properties: Value) -> Map<String, Value> {
    let mut all = Map::new();
    if let Some(replica) = world
        .conversation(id)
        .and_then(|found| found.row.get("replica_id"))
    {
        all.insert("replica_id".to_owned(), replica.clone());
    }
    if let Value::Object(properties) = properties {
        all.extend(properties);
    }
    all
}

fn tell(shared: &Shared, world: &mut World, id: &str, event: &Event) {
    let behaviour = world.behaviour.clone();
    let properties = naming::outgoing(behaviour.naming, &event.properties);
    let World {
        conversations,
        random,
        ..
    } = world;
    let Some(conversation) = conversations.iter_mut().find(|found| found.id == id) else {
        return;
    };
    conversation.events.push(row(event, properties.clone()));
    let Some(address) = conversation.callback_url.clone() else {
        return;
    };
    let body = json!({
        "properties": properties,
        "conversation_id": id,
        "webhook_url": address,
        "event_type": event.event_type,
        "message_type": event.event_type.split('.').next(),
        "timestamp": event.timestamp,
    })
    .to_string()
    .into_bytes();
    let bodies = script::bodies(
        behaviour.script,
        conversation,
        event.event_type,
        body,
        event.is_last,
        random,
    );
    let is_late = behaviour.script == Script::Delayed;
    for body in bodies {
        shared.callbacks.send(id, &address, body, is_late);
    }
}

/// The verbose answer names the reason differently than the callback, as the real one does.
fn row(event: &Event, mut properties: Map<String, Value>) -> Value {
    if let Some(reason) = properties.remove("shutdown_reason") {
        properties.insert("reason".to_owned(), reason);
    }
    json!({ "event_type": event.event_type, "timestamp": event.timestamp, "properties": properties })
}

/// The prompt first, then what was said; times in the form of the generation.
fn transcript(world: &mut World, id: &str) -> Vec<Value> {
    let naming = world.behaviour.naming;
    let Some(conversation) = world.conversation(id).cloned() else {
        return Vec::new();
    };
    let prompt = prompt(world, &conversation);
    let greeting = text(&conversation.row, "custom_greeting").unwrap_or("Hello, good to see you.");
    let mut entries = vec![("system", prompt), ("assistant", greeting.to_owned())];
    entries.extend(conversation.said);
    entries
        .into_iter()
        .zip(0_u32..)
        .map(|((role, content), index)| {
            let mut entry = Map::new();
            entry.insert("role".to_owned(), json!(role));
            entry.insert("content".to_owned(), json!(content));
            if naming != Naming::Old && role != "system" {
                entry.extend(times(naming, index));
            }
            Value::Object(entry)
        })
        .collect()
}

/// What newer payloads add. The time was seen as a number and as a text.
fn times(naming: Naming, index: u32) -> [(String, Value); 4] {
    let second = f64::from(index) * 2.5;
    let time = if naming == Naming::Both && index.is_multiple_of(2) {
        json!("2026-05-22T18:47:37.840000Z")
    } else {
        json!(1_779_475_657.84 + second)
    };
    [
        ("timestamp".to_owned(), time),
        ("seconds_from_start".to_owned(), json!(second)),
        ("duration".to_owned(), json!(1.25)),
        ("inference_id".to_owned(), json!(format!("i-{index}"))),
    ]
}

fn prompt(world: &World, conversation: &Conversation) -> String {
    let persona = text(&conversation.row, "persona_id").and_then(|id| {
        world
            .personas
            .iter()
            .find(|persona| text(persona, "persona_id") == Some(id))
    });
    persona
        .and_then(|persona| text(persona, "system_prompt"))
        .unwrap_or("You are a companion.")
        .to_owned()
}
