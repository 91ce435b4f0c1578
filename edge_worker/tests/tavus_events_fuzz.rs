//! The parser against bytes and JSON that nobody thought of.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use edge_worker::providers::tavus::events::{EventKind, Identity, TavusEvent};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const TYPES: [&str; 22] = [
    "",
    "system.replica_joined",
    "system.pal_joined",
    "system.replica_present",
    "system.shutdown",
    "application.transcription_ready",
    "application.recording_ready",
    "application.recording_copy_failed",
    "application.perception_analysis",
    "application.perception_unavailable",
    "application.post_call_action_executed",
    "application.memory_consolidation",
    "canvas.interaction",
    "conversation.utterance",
    "conversation.utterance.streaming",
    "conversation.tool_call",
    "conversation.perception_tool_call",
    "conversation.stopped_speaking",
    "conversation.user.started_speaking",
    "conversation.objective.completed",
    "document.ready",
    "unheard.of",
];

const NAMES: [&str; 18] = [
    "replica_id",
    "face_id",
    "shutdown_reason",
    "reason",
    "transcript",
    "role",
    "content",
    "timestamp",
    "duration",
    "analysis",
    "speech",
    "name",
    "arguments",
    "request",
    "body",
    "document_id",
    "video_id",
    "status",
];

/// Whatever comes out of it holds what every event promises.
fn check(bytes: &[u8]) {
    if let Ok(event) = TavusEvent::parse(bytes) {
        assert!(event.raw.0.is_object());
        assert!(event.raw.0.get("webhook_url").is_none());
        // What it means and what it is claimed under can be told of anything.
        let _ = (event.kind(), Identity::of(&event.raw.0));
        // What was kept can be read again, and is the same event.
        let again = TavusEvent::parse(event.raw.0.to_string().as_bytes()).unwrap();
        assert_eq!(again, event);
    }
}

/// JSON with the names that the parser looks for, and values of every type where it expects another.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(Value::from),
        Just(json!("2026-08-03T10:11:12.472000Z")),
        Just(json!("{\"a\":\"\\u0000\"}")),
        Just(json!("c123")),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(&NAMES[..]), inner), 0..6).prop_map(|pairs| {
                let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value));
                Value::Object(pairs.collect::<Map<_, _>>())
            }),
        ]
    })
}

#[test]
fn fuzzed_bytes_are_an_event_or_malformed_and_never_a_panic() {
    bolero::check!().for_each(check);
}

proptest! {
    #[test]
    fn any_bytes_are_an_event_or_malformed_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes);
    }

    #[test]
    fn damaged_bodies_are_an_event_or_malformed_and_never_a_panic(
        event_type in prop::sample::select(&TYPES[..]),
        properties in value(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        end in any::<prop::sample::Index>(),
        is_cut: bool,
    ) {
        let mut body = json!({ "event_type": event_type, "properties": properties, "webhook_url": "x" })
            .to_string()
            .into_bytes();
        for (place, byte) in damages {
            let place = place.index(body.len());
            body[place] = byte;
        }
        if is_cut {
            body.truncate(end.index(body.len()));
        }
        check(&body);
    }

    #[test]
    fn any_json_keeps_its_type_and_its_properties(
        event_type in prop::sample::select(&TYPES[..]),
        properties in value(),
        top in value(),
    ) {
        let mut body = json!({ "event_type": event_type, "properties": properties });
        if let Value::Object(top) = top {
            for (name, value) in top {
                body[name] = value;
            }
        }
        let event = TavusEvent::parse(body.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&event.event_type, event_type);
        prop_assert!(!event.raw.0.to_string().contains('\0'));
        if event_type == "unheard.of" {
            prop_assert_eq!(event.kind(), EventKind::Unknown);
        }
        if event_type == "system.shutdown" {
            let is_shutdown = matches!(event.kind(), EventKind::Shutdown { .. });
            prop_assert!(is_shutdown);
        }
    }
}
