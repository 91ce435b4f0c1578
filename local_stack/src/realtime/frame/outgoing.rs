//! What goes to many members at once. It names no join, so that one encoding serves all of them.

use axum::extract::ws::Message;
use uuid::Uuid;

use super::{Version, binary, quoted};

/// A message to the members of a topic. `topic` has the prefix `realtime:`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outgoing<'a> {
    /// An event with JSON.
    Event {
        topic: &'a str,
        event: &'a str,
        payload: &'a str,
    },
    /// Somebody's broadcast; `id` is that of its row when it comes from the database.
    User {
        topic: &'a str,
        event: &'a str,
        payload: UserPayload<'a>,
        id: Option<Uuid>,
    },
    /// An event with bytes.
    Binary {
        topic: &'a str,
        event: &'a str,
        payload: &'a [u8],
    },
}

/// What somebody broadcasts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum UserPayload<'a> {
    /// Valid JSON.
    Json(&'a str),
    /// Bytes; clients of version 1.0.0 cannot get them.
    Binary(&'a [u8]),
}

impl Outgoing<'_> {
    /// The frame for clients of a version; `None` when that version cannot say this.
    pub(crate) fn encode(&self, version: Version) -> Option<Message> {
        match *self {
            Self::Event {
                topic,
                event,
                payload,
            } => Some(text(version, topic, event, payload)),
            Self::User {
                topic,
                event,
                payload,
                id,
            } => user(version, topic, event, payload, id),
            Self::Binary {
                topic,
                event,
                payload,
            } => match version {
                Version::V1 => None,
                Version::V2 => binary::broadcast(topic, event, payload).map(Message::Binary),
            },
        }
    }
}

fn user(
    version: Version,
    topic: &str,
    event: &str,
    payload: UserPayload<'_>,
    id: Option<Uuid>,
) -> Option<Message> {
    let metadata = id.map(|id| format!(r#"{{"id":"{id}"}}"#));
    let (is_json, bytes) = match payload {
        UserPayload::Json(json) => (true, json.as_bytes()),
        UserPayload::Binary(bytes) => (false, bytes),
    };
    if version == Version::V2 {
        let metadata = metadata.as_deref().unwrap_or_default();
        if let Some(frame) = binary::user_broadcast(topic, event, metadata, is_json, bytes) {
            return Some(Message::Binary(frame));
        }
    }
    // Long names fit into a text only, and so does version 1.0.0.
    let UserPayload::Json(json) = payload else {
        return None;
    };
    let envelope = user_envelope(event, json, metadata.as_deref());
    Some(text(version, topic, "broadcast", &envelope))
}

/// The object that a callback for broadcasts gets.
pub(super) fn user_envelope(event: &str, payload: &str, meta: Option<&str>) -> String {
    let meta = meta.map(|meta| format!(r#","meta":{meta}"#)).unwrap_or_default();
    format!(
        r#"{{"type":"broadcast","event":{},"payload":{payload}{meta}}}"#,
        quoted(event)
    )
}

fn text(version: Version, topic: &str, event: &str, payload: &str) -> Message {
    let (topic, event) = (quoted(topic), quoted(event));
    let text = match version {
        Version::V1 => format!(r#"{{"topic":{topic},"event":{event},"payload":{payload},"ref":null}}"#),
        Version::V2 => format!("[null,null,{topic},{event},{payload}]"),
    };
    Message::Text(text.into())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parsed(message: &Message) -> Value {
        serde_json::from_str(message.to_text().unwrap()).unwrap()
    }

    #[test]
    fn broadcast_of_a_row_has_the_two_documented_forms() {
        let id = Uuid::from_u128(1);
        let message = Outgoing::User {
            topic: "realtime:r",
            event: "e\"",
            payload: UserPayload::Json(r#"{"a": 1}"#),
            id: Some(id),
        };
        assert_eq!(
            parsed(&message.encode(Version::V1).unwrap()),
            json!({ "topic": "realtime:r", "event": "broadcast", "ref": null,
                "payload": { "type": "broadcast", "event": "e\"", "payload": { "a": 1 }, "meta": { "id": id } } })
        );
        let frame = message.encode(Version::V2).unwrap().into_data();
        assert_eq!(&frame[..5], [4, 10, 2, 45, 1]);
        assert_eq!(
            &frame[5..],
            format!("realtime:re\"{{\"id\":\"{id}\"}}{{\"a\": 1}}").as_bytes()
        );
    }

    #[test]
    fn bytes_reach_only_version_two() {
        for message in [
            Outgoing::User {
                topic: "realtime:r",
                event: "e",
                payload: UserPayload::Binary(&[0, 255]),
                id: None,
            },
            Outgoing::Binary {
                topic: "realtime:r",
                event: "e",
                payload: &[0, 255],
            },
        ] {
            assert!(message.encode(Version::V1).is_none());
            assert!(
                message
                    .encode(Version::V2)
                    .unwrap()
                    .into_data()
                    .ends_with(&[0, 255])
            );
        }
    }

    #[test]
    fn names_too_long_for_the_binary_form_go_as_text() {
        let topic = format!("realtime:{}", "x".repeat(255));
        let message = Outgoing::User {
            topic: &topic,
            event: "e",
            payload: UserPayload::Json("[]"),
            id: None,
        };
        assert_eq!(
            parsed(&message.encode(Version::V2).unwrap()),
            json!([null, null, topic, "broadcast", { "type": "broadcast", "event": "e", "payload": [] }])
        );
    }
}
