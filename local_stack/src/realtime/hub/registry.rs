//! All topics that have members.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use uuid::Uuid;

use super::membership::Membership;
use super::topic::{Hearing, Member, Topic};
use crate::realtime::frame::Outgoing;
use crate::realtime::socket::Peer;

type Topics = RwLock<HashMap<Arc<str>, Arc<Topic>>>;

/// The topics by their full name. Private and public ones are apart, even when their names are the same.
#[derive(Default)]
pub(crate) struct Hub {
    public: Topics,
    private: Topics,
    members: AtomicU64,
}

impl Hub {
    fn topics(&self, is_private: bool) -> &Topics {
        if is_private { &self.private } else { &self.public }
    }

    /// Makes `peer` a member, from now on. What comes is held back until [`Membership::release`].
    pub(crate) fn join(
        self: &Arc<Self>,
        name: &str,
        is_private: bool,
        peer: Arc<Peer>,
        hearing: Hearing,
    ) -> Membership {
        let id = self.members.fetch_add(1, Ordering::Relaxed);
        let member = Member::new(id, peer, hearing);
        let mut topics = self.topics(is_private).write();
        let topic = match topics.get(name) {
            Some(topic) => topic.clone(),
            None => {
                let topic = Arc::new(Topic::new(name));
                topics.insert(topic.name.clone(), topic.clone());
                topic
            }
        };
        // Still under the lock of the registry: a topic that loses its last member meanwhile must not be taken out.
        topic.enter(member);
        Membership::new(self.clone(), topic, is_private, id)
    }

    /// Sends to everybody on a topic who may hear broadcasts. `id` is that of the row it comes from.
    pub(crate) fn publish(&self, name: &str, is_private: bool, message: &Outgoing<'_>, id: Option<Uuid>) {
        let topic = self.topics(is_private).read().get(name).cloned();
        if let Some(topic) = topic {
            topic.broadcast(message, id, None);
        }
    }

    /// Whether anybody is there: what nobody hears need not be prepared.
    pub(crate) fn has_members(&self, name: &str, is_private: bool) -> bool {
        self.topics(is_private).read().contains_key(name)
    }

    /// Forgets the topic if nobody is there any more.
    pub(super) fn tidy(&self, topic: &Topic, is_private: bool) {
        let mut topics = self.topics(is_private).write();
        if topic.is_empty() {
            topics.remove(&topic.name);
        }
    }
}
