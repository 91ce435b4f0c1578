//! Starts and stops the service.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{RwLock, watch};

use super::core::{Core, Rates};
use super::feed::Feed;
use super::gate::Gate;
use super::hub::Hub;
use super::limits::RealtimeLimits;
use super::receiver::HubReceiver;
use super::socket::Sockets;
use crate::error::Error;
use crate::identity::{ApiKeys, Verifier};
use crate::postgres::Address;

/// How often the end of the sockets is looked for.
const POLL: Duration = Duration::from_millis(10);

/// How long sockets may take to end. Whoever does not read keeps nobody waiting.
const GRACE: Duration = Duration::from_millis(1_500);

/// The service, running.
pub(crate) struct Realtime {
    core: Arc<Core>,
    stop: watch::Sender<bool>,
}

impl Realtime {
    /// Connects to the database and listens to it.
    pub(crate) async fn start(
        address: Address,
        verifier: Arc<Verifier>,
        keys: Arc<ApiKeys>,
        limits: RealtimeLimits,
    ) -> Result<Self, Error> {
        let hub = Arc::new(Hub::default());
        let rates = Arc::new(Rates::new(&limits));
        let receiver = HubReceiver {
            hub: hub.clone(),
            rates: rates.clone(),
        };
        let feed = Feed::start(address, Arc::new(receiver)).await?;
        let (stop, stopping) = watch::channel(false);
        let core = Core {
            sockets: Sockets::new(limits.max_connections),
            verifier,
            gate: Gate::new(address),
            live: feed.live(),
            feed: RwLock::new(Some(feed)),
            limits,
            keys,
            hub,
            rates,
            stopping,
        };
        Ok(Self {
            core: Arc::new(core),
            stop,
        })
    }

    /// What the routes work with.
    pub(crate) fn core(&self) -> Arc<Core> {
        self.core.clone()
    }

    /// Says goodbye to every socket, and leaves the database.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        let all_gone = async {
            while self.core.sockets.open() > 0 {
                tokio::time::sleep(POLL).await;
            }
        };
        if tokio::time::timeout(GRACE, all_gone).await.is_err() {
            tracing::warn!(count = self.core.sockets.open(), "sockets did not end in time");
        }
        self.stop_listening().await;
        self.core.gate.close().await;
    }

    /// Hears nothing more from the database.
    pub(crate) async fn stop_listening(&self) {
        let feed = self.core.feed.write().await.take();
        if let Some(feed) = feed {
            feed.stop().await;
        }
    }
}
