//! What every socket and every request works with.

use std::sync::Arc;

use tokio::sync::{RwLock, watch};
use tokio::time::Instant;

use super::feed::Feed;
use super::gate::Gate;
use super::hub::Hub;
use super::limits::RealtimeLimits;
use super::rate::Rate;
use super::socket::Sockets;
use crate::identity::{ApiKeys, Verifier};

/// The shared parts of the service.
pub(crate) struct Core {
    pub(super) limits: RealtimeLimits,
    pub(super) keys: Arc<ApiKeys>,
    pub(super) verifier: Arc<Verifier>,
    pub(super) hub: Arc<Hub>,
    pub(super) gate: Gate,
    pub(super) sockets: Sockets,
    pub(super) rates: Arc<Rates>,
    /// Taken out when the stack stops.
    pub(super) feed: RwLock<Option<Feed>>,
    /// Whether the database's stream runs.
    pub(super) live: watch::Receiver<bool>,
    /// Becomes true when the stack stops.
    pub(super) stopping: watch::Receiver<bool>,
}

/// What all clients do together.
pub(super) struct Rates {
    pub(super) joins: Rate,
    pub(super) events: Rate,
    pub(super) presences: Rate,
}

impl Rates {
    pub(super) fn new(limits: &RealtimeLimits) -> Self {
        let now = Instant::now();
        Self {
            joins: Rate::new(limits.max_joins_per_second, now),
            events: Rate::new(limits.max_events_per_second, now),
            presences: Rate::new(limits.max_presence_events_per_second, now),
        }
    }
}

impl Core {
    /// Seconds since 1970.
    pub(super) fn now(&self) -> i64 {
        chrono::Utc::now().timestamp()
    }
}
