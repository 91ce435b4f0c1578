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
            // Once for each message, and there are too many of them: not above debug.
            tracing::debug!("too many messages per second: a message of the database is dropped");
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use axum::extract::ws::Message;
    use uuid::Uuid;

    use super::*;
    use crate::realtime::RealtimeLimits;
    use crate::realtime::frame::Version;
    use crate::realtime::hub::Hearing;
    use crate::realtime::socket::{Outbox, Peer};

    fn row(is_private: bool, payload: StoredPayload) -> StoredBroadcast {
        StoredBroadcast {
            id: Uuid::from_u128(1),
            topic: "room".to_owned(),
            event: "e".to_owned(),
            is_private,
            payload,
        }
    }

    #[test]
    fn rows_reach_the_members_of_their_namespace_until_there_are_too_many() {
        let hub = Arc::new(Hub::default());
        let limits = RealtimeLimits {
            max_events_per_second: 1,
            ..RealtimeLimits::default()
        };
        let receiver = HubReceiver {
            hub: hub.clone(),
            rates: Arc::new(Rates::new(&limits)),
        };
        let hearing = Hearing {
            broadcasts: true,
            presences: true,
        };
        let (outbox, mut queue) = Outbox::for_test(100, 10_000);
        let member = hub.join(
            "realtime:room",
            true,
            Peer::for_test(Version::V2, outbox),
            hearing,
        );
        member.release(HashSet::new());
        receiver.broadcast(row(false, StoredPayload::Json("{}".into())));
        receiver.broadcast(row(true, StoredPayload::Json("{}".into())));
        receiver.broadcast(row(true, StoredPayload::Binary(vec![7].into())));
        let frames = queue.drain();
        assert_eq!(frames.len(), 2);
        assert!(
            frames
                .iter()
                .all(|frame| matches!(frame, Message::Binary(bytes) if bytes[0] == 4))
        );
        (0..100).for_each(|_| receiver.broadcast(row(true, StoredPayload::Json("{}".into()))));
        assert_eq!(queue.drain().len(), 58);
    }
}
