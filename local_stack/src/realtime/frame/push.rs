//! What goes to one channel of one socket.

use axum::extract::ws::Message;
use serde_json::{Value, json};
use uuid::Uuid;

use super::outgoing::{UserPayload, user_envelope};
use super::{Outgoing, Reference, Version, quoted};

/// A message to one channel. Version 1.0.0 does not say which join it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Push<'a> {
    pub(crate) join_ref: Option<&'a Reference>,
    pub(crate) reference: Option<&'a Reference>,
    pub(crate) topic: &'a str,
    pub(crate) event: &'a str,
}

impl Push<'_> {
    /// The frame with this payload.
    pub(crate) fn encode(&self, version: Version, payload: &Value) -> Message {
        self.encode_raw(version, &payload.to_string())
    }

    /// The frame with this JSON as its payload.
    pub(crate) fn encode_raw(&self, version: Version, payload: &str) -> Message {
        let reference = json_of(self.reference);
        let (topic, event) = (quoted(self.topic), quoted(self.event));
        let text = match version {
            Version::V1 => {
                format!(r#"{{"topic":{topic},"event":{event},"payload":{payload},"ref":{reference}}}"#)
            }
            Version::V2 => {
                let join_ref = json_of(self.join_ref);
                format!("[{join_ref},{reference},{topic},{event},{payload}]")
            }
        };
        Message::Text(text.into())
    }

    /// The answer to the message that had this reference.
    pub(crate) fn reply(&self, version: Version, status: &str, response: &Value) -> Message {
        let answer = Push {
            event: "phx_reply",
            ..*self
        };
        answer.encode(version, &json!({ "status": status, "response": response }))
    }

    /// A broadcast out of the past: a text frame in both versions, unless it is bytes.
    pub(crate) fn replayed(
        &self,
        version: Version,
        event: &str,
        payload: UserPayload<'_>,
        id: Uuid,
    ) -> Option<Message> {
        match payload {
            UserPayload::Json(json) => {
                let meta = format!(r#"{{"replayed":true,"id":"{id}"}}"#);
                Some(self.encode_raw(version, &user_envelope(event, json, Some(&meta))))
            }
            UserPayload::Binary(_) => Outgoing::User {
                topic: self.topic,
                event,
                payload,
                id: Some(id),
            }
            .encode(version),
        }
    }
}

fn json_of(reference: Option<&Reference>) -> String {
    // Texts and numbers always have a JSON form.
    serde_json::to_string(&reference).unwrap_or_else(|_| "null".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_carries_both_references_in_version_two_and_one_in_version_one() {
        let (join, reference) = (Reference::Text("1".into()), Reference::Number(2.into()));
        let push = Push {
            join_ref: Some(&join),
            reference: Some(&reference),
            topic: "realtime:r",
            event: "",
        };
        let text = |version| {
            let message = push.reply(version, "ok", &json!({}));
            serde_json::from_str::<Value>(message.to_text().unwrap()).unwrap()
        };
        let payload = json!({ "status": "ok", "response": {} });
        assert_eq!(
            text(Version::V2),
            json!(["1", 2, "realtime:r", "phx_reply", payload])
        );
        assert_eq!(
            text(Version::V1),
            json!({ "topic": "realtime:r", "event": "phx_reply", "payload": payload, "ref": 2 })
        );
    }

    #[test]
    fn replayed_broadcast_is_a_text_that_says_so() {
        let id = Uuid::from_u128(9);
        let push = Push {
            join_ref: None,
            reference: None,
            topic: "realtime:r",
            event: "broadcast",
        };
        let message = push
            .replayed(Version::V2, "e", UserPayload::Json("{}"), id)
            .unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(message.to_text().unwrap()).unwrap()[4],
            json!({ "type": "broadcast", "event": "e", "payload": {}, "meta": { "replayed": true, "id": id } })
        );
    }
}
