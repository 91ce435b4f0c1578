//! Tells a client that asked when the database's stream runs.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::task::{Channel, Flow};
use crate::realtime::core::Core;

/// After this time the channel is closed: the stream does not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for the stream, once.
pub(super) struct Ready {
    /// Taken when there is nothing more to wait for.
    live: Option<watch::Receiver<bool>>,
    deadline: Instant,
}

impl Ready {
    pub(super) fn new(core: &Core, is_wanted: bool) -> Self {
        Self {
            live: is_wanted.then(|| core.live.clone()),
            deadline: Instant::now() + PATIENCE,
        }
    }

    /// Whether the stream runs; ends once at most, and may be dropped and asked again before.
    pub(super) async fn wait(&mut self) -> bool {
        let Some(live) = &mut self.live else {
            return std::future::pending().await;
        };
        let is_live = tokio::time::timeout_at(self.deadline, live.wait_for(|is_live| *is_live))
            .await
            .is_ok_and(|live| live.is_ok());
        self.live = None;
        is_live
    }
}

impl Channel {
    pub(super) fn tell_replication(&self, is_live: bool) -> Flow {
        if !is_live {
            return self.shut("Replication connection was not established in time");
        }
        self.wire
            .system("system", "ok", "Replication connection established");
        Flow::GoOn
    }
}
