//! The port of a simulator, and the task that serves it.

use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::Error;

/// How long requests that are under way may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// A server on loopback. It stops when it is dropped, and is waited for by [`Port::stop`].
#[derive(Debug)]
pub(super) struct Port {
    base_url: String,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Port {
    /// Serves `routes` on a port; 0 takes a free one. `variable` chooses another.
    pub(super) async fn serve(port: u16, variable: &'static str, routes: Router) -> Result<Self, Error> {
        let listening = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => Error::PortInUse { port, variable },
            _ => Error::System {
                doing: "starting a simulator",
                source,
            },
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(listening)?;
        let local = listener.local_addr().map_err(listening)?.port();
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        let serving =
            axum::serve(listener, routes).with_graceful_shutdown(stopping.clone().cancelled_owned());
        tasks.spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "a simulator stopped");
            }
        });
        Ok(Self {
            base_url: format!("http://127.0.0.1:{local}"),
            stopping,
            tasks,
        })
    }

    /// Where it is, without a slash at the end.
    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(super) async fn stop(self) {
        self.stopping.cancel();
        self.tasks.close();
        if tokio::time::timeout(GRACE, self.tasks.wait()).await.is_err() {
            tracing::warn!("a request of a simulator was still under way");
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}
