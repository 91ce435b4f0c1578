//! Hearing of new jobs at once: one connection that listens for all queues. Whoever enqueues calls at commit. Calls may be lost,
//! so the queues are looked at now and then anyway; this only makes it sooner.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Queue;
use crate::db::jobs::CHANNEL;
use crate::telemetry::{self, JobMetrics};

/// Between two tries to connect: the first wait, which doubles, and what it grows to.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A connection that does not answer for so long is gone, though nobody has said so.
const PATIENCE: Duration = Duration::from_secs(5);

/// One bell a queue. A ring that nobody waits for is kept, and several of them are one.
#[derive(Clone, Debug)]
pub(super) struct Wakeups(Arc<HashMap<Queue, Notify>>);

impl Default for Wakeups {
    fn default() -> Self {
        Self(Arc::new(
            Queue::ALL
                .into_iter()
                .map(|queue| (queue, Notify::new()))
                .collect(),
        ))
    }
}

impl Wakeups {
    /// Waits for a ring.
    pub(super) async fn rung(&self, queue: Queue) {
        match self.0.get(&queue) {
            Some(bell) => bell.notified().await,
            None => std::future::pending().await,
        }
    }

    fn ring(&self, queue: Queue) {
        if let Some(bell) = self.0.get(&queue) {
            bell.notify_one();
        }
    }

    fn ring_all(&self) {
        for bell in self.0.values() {
            bell.notify_one();
        }
    }

    /// Listens until it is told to stop, through lost connections.
    pub(super) async fn listen(
        &self,
        options: &PgConnectOptions,
        ping: Duration,
        metrics: &JobMetrics,
        stopping: &CancellationToken,
    ) {
        let mut wait = FIRST_WAIT;
        loop {
            let heard = tokio::select! {
                heard = self.listen_once(options, ping, metrics) => heard,
                () = stopping.cancelled() => return,
            };
            metrics.listening(false);
            match heard {
                Ok(()) => {
                    wait = FIRST_WAIT;
                    tracing::info!(
                        "the connection that hears of new jobs is gone; the queues are looked at now and then"
                    );
                }
                Err(error) => {
                    let error = telemetry::chain(&error);
                    tracing::warn!(
                        error,
                        "nobody hears of new jobs; the queues are looked at now and then"
                    );
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stopping.cancelled() => return,
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Until the connection is gone; an error where it never was.
    async fn listen_once(
        &self,
        options: &PgConnectOptions,
        ping: Duration,
        metrics: &JobMetrics,
    ) -> Result<(), sqlx::Error> {
        // A pool for each connection: one that hangs keeps its place in its pool until the system gives it up.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options.clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        within(PATIENCE, listener.listen(CHANNEL)).await?;
        metrics.listening(true);
        // What came before is not announced again.
        self.ring_all();
        loop {
            match tokio::time::timeout(ping, listener.try_recv()).await {
                Ok(Ok(Some(call))) => {
                    if let Some(queue) = Queue::parse(call.payload()) {
                        self.ring(queue);
                    }
                }
                Ok(Ok(None) | Err(_)) => return Ok(()),
                // Silence: nothing happens, or the line is dead.
                Err(_) => {
                    let alive = sqlx::query("select 1").execute(&mut listener);
                    if within(PATIENCE, alive).await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

async fn within<T>(
    patience: Duration,
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(patience, asked)
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
}
