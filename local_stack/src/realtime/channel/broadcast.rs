//! What a client broadcasts.

use serde_json::json;
use tokio::time::Instant;

use super::refusal::Refusal;
use super::task::{Channel, Flow};
use crate::realtime::frame::{Body, Outgoing, Reference, UserBody, UserPayload};
use crate::realtime::gate::Extension;

impl Channel {
    pub(super) async fn broadcast(&mut self, reference: Option<&Reference>, body: &Body) -> Flow {
        // Who may not send is not told, and gets no acknowledgement either.
        if !self.may_broadcast().await {
            return Flow::GoOn;
        }
        if !self.core.rates.events.admit(1, Instant::now()) {
            return self.shut("Too many messages per second");
        }
        let Some((size, message)) = outgoing(&self.wire.topic, body) else {
            tracing::info!("a broadcast without an object is ignored");
            return Flow::GoOn;
        };
        let fits = size <= self.core.limits.max_payload_bytes;
        if fits {
            self.membership.broadcast(&message, self.settings.hears_itself);
        }
        match (self.settings.wants_ack, fits) {
            (false, _) => {}
            (true, true) => self.wire.reply(reference, "ok", &json!({})),
            (true, false) => self
                .wire
                .reply(reference, "error", &json!("payload_size_exceeded")),
        }
        Flow::GoOn
    }

    /// The right to send, asked once for each token.
    async fn may_broadcast(&mut self) -> bool {
        let Some(rights) = &mut self.rights else {
            return true;
        };
        if let Some(may) = rights.may_broadcast {
            return may;
        }
        let name = self.wire.name();
        match self
            .core
            .gate
            .write(&self.token.caller, name, Extension::Broadcast)
            .await
        {
            Ok(may) => *rights.may_broadcast.insert(may),
            Err(error) => {
                // Not remembered: the next message asks again.
                Refusal::from_probe(&error, name);
                false
            }
        }
    }
}

/// What goes to the members, and its size. A text goes on as it came.
fn outgoing<'a>(topic: &'a str, body: &'a Body) -> Option<(usize, Outgoing<'a>)> {
    let event = "broadcast";
    match body {
        Body::Json(raw) if raw.get().starts_with('{') => {
            let payload = raw.get();
            Some((
                payload.len(),
                Outgoing::Event {
                    topic,
                    event,
                    payload,
                },
            ))
        }
        Body::Json(_) => None,
        Body::Binary(payload) => Some((
            payload.len(),
            Outgoing::Binary {
                topic,
                event,
                payload,
            },
        )),
        Body::User { event, payload } => {
            let (size, payload) = match payload {
                UserBody::Json(raw) => (raw.get().len(), UserPayload::Json(raw.get())),
                UserBody::Binary(bytes) => (bytes.len(), UserPayload::Binary(bytes)),
            };
            let message = Outgoing::User {
                topic,
                event,
                payload,
                id: None,
            };
            Some((size, message))
        }
    }
}
