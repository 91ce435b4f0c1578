//! Rows of `realtime.messages` on their way to the members.

use std::sync::Arc;

use tokio::time::Instant;

use super::core::Rates;
use super::feed::{Receiver, StoredBroadcast, StoredPayload};
use super::frame::{Outgoing, UserPayload};
use super::hub::Hub;

/// Gives what the feed reads to the hub. Called by one task in the order of the commits, and never waits.
pub(super) struct HubReceiver {
    pub(super) hub: Arc<Hub>,
    pub(super) rates: Arc<Rates>,
}

impl Receiver for HubReceiver {
    fn broadcast(&self, message: StoredBroadcast) {
        let topic = format!("realtime:{}", message.topic);
        if !self.hub.has_members(&topic, message.is_private) {
            return;
        }
        if !self.rates.events.admit(1, Instant::now()) {
            tracing::warn!("too many messages per second: a message of the database is dropped");
            return;
        }
        let outgoing = Outgoing::User {
            topic: &topic,
            event: &message.event,
            payload: user_payload(&message.payload),
            id: Some(message.id),
        };
        self.hub
            .publish(&topic, message.is_private, &outgoing, Some(message.id));
    }
}

/// The payload of a row as a client gets it.
pub(super) fn user_payload(payload: &StoredPayload) -> UserPayload<'_> {
    match payload {
        StoredPayload::Json(json) => UserPayload::Json(json),
        StoredPayload::Binary(bytes) => UserPayload::Binary(bytes),
    }
}
