//! A connection, as its channels see it, and the count of connections.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use super::outbox::Outbox;
use crate::realtime::frame::Version;

/// One connected client.
pub(crate) struct Peer {
    pub(crate) version: Version,
    pub(crate) outbox: Outbox,
    /// The checked token of the handshake: whoever shows none of their own at a join acts with it.
    pub(crate) token: String,
    /// Taken at the first join.
    slot: OnceLock<Slot>,
}

impl Peer {
    pub(super) fn new(version: Version, outbox: Outbox, token: String) -> Self {
        Self {
            version,
            outbox,
            token,
            slot: OnceLock::new(),
        }
    }

    /// Counts this client, once; `false` when there are too many already.
    pub(crate) fn enter(&self, sockets: &Sockets) -> bool {
        if self.slot.get().is_some() {
            return true;
        }
        match sockets.joined.take() {
            // Two joins of one socket may both have come here: the second slot is given back.
            Some(slot) => {
                let _ = self.slot.set(slot);
                true
            }
            None => false,
        }
    }
}

/// How many clients there are.
pub(crate) struct Sockets {
    /// Open connections; more than clients, because some have not joined yet or not left.
    open: Count,
    joined: Count,
}

impl Sockets {
    /// Clients without a channel may come on top, so that a full server still tells a join why it is refused.
    pub(crate) fn new(max_connections: u32) -> Self {
        Self {
            open: Count::new(max_connections.saturating_mul(2).saturating_add(16)),
            joined: Count::new(max_connections),
        }
    }

    /// A place for a new connection, if a client could still join.
    pub(super) fn admit(&self) -> Option<Slot> {
        if self.joined.is_full() {
            return None;
        }
        self.open.take()
    }

    /// How many connections there are.
    pub(crate) fn open(&self) -> u32 {
        self.open.taken.load(Ordering::Relaxed)
    }
}

struct Count {
    most: u32,
    taken: Arc<AtomicU32>,
}

impl Count {
    fn new(most: u32) -> Self {
        Self {
            most,
            taken: Arc::default(),
        }
    }

    fn is_full(&self) -> bool {
        self.taken.load(Ordering::Relaxed) >= self.most
    }

    fn take(&self) -> Option<Slot> {
        let taken = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                (taken < self.most).then_some(taken + 1)
            });
        taken.is_ok().then(|| Slot(self.taken.clone()))
    }
}

/// A place; dropping it gives it back.
pub(super) struct Slot(Arc<AtomicU32>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
impl Peer {
    /// A client that only has a queue.
    pub(crate) fn for_test(version: Version, outbox: Outbox) -> Arc<Self> {
        Arc::new(Self::new(version, outbox, String::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> Peer {
        let (outbox, _queue) = Outbox::new(1, 1);
        Peer::new(Version::V2, outbox, String::new())
    }

    #[test]
    fn client_counts_once_and_until_it_is_gone() {
        let sockets = Sockets::new(1);
        let (one, two) = (peer(), peer());
        let place = sockets.admit().unwrap();
        assert!(one.enter(&sockets) && one.enter(&sockets));
        assert!(!two.enter(&sockets));
        assert!(sockets.admit().is_none());
        drop(one);
        assert!(two.enter(&sockets));
        assert_eq!(sockets.open(), 1);
        drop(place);
        assert_eq!(sockets.open(), 0);
    }
}
