//! A channel's place on its topic.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::registry::Hub;
use super::topic::{Hearing, Topic};
use crate::realtime::frame::Outgoing;

/// Dropping it leaves the topic, and the others learn who is gone.
pub(crate) struct Membership {
    hub: Arc<Hub>,
    topic: Arc<Topic>,
    is_private: bool,
    id: u64,
}

impl Membership {
    pub(super) fn new(hub: Arc<Hub>, topic: Arc<Topic>, is_private: bool, id: u64) -> Self {
        Self {
            hub,
            topic,
            is_private,
            id,
        }
    }

    /// Hands over what was held back since the join, without the rows that were replayed, and holds back nothing more.
    pub(crate) fn release(&self, replayed: HashSet<Uuid>) {
        self.topic.release(self.id, replayed);
    }

    /// Changes what this member may hear.
    pub(crate) fn hear(&self, hearing: Hearing) {
        self.topic.hear(self.id, hearing);
    }

    /// Sends to all members that may hear broadcasts.
    pub(crate) fn broadcast(&self, message: &Outgoing<'_>, reaches_self: bool) {
        self.topic
            .broadcast(message, None, (!reaches_self).then_some(self.id));
    }

    /// Is present under `key` with `meta`, or changes what it was present with.
    pub(crate) fn track(&self, key: &str, meta: Map<String, Value>) {
        self.topic.track(self.id, key, meta);
    }

    /// Is not present any more.
    pub(crate) fn untrack(&self) {
        self.topic.untrack(self.id);
    }

    /// Gives the member who is present. Changes that come later are sent later.
    pub(crate) fn send_presences(&self, encode: impl FnOnce(&Value) -> axum::extract::ws::Message) {
        self.topic.send_presences(self.id, encode);
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if self.topic.leave(self.id) {
            self.hub.tidy(&self.topic, self.is_private);
        }
    }
}
