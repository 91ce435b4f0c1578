//! Keeping a job while it is worked on.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Job;
use super::runner::Shared;
use crate::db;
use crate::telemetry;

/// Until when this worker has a job for sure, as far as it knows.
#[derive(Debug)]
pub(super) struct Lease(watch::Sender<Instant>);

impl Lease {
    /// `asked_at`: before the question was sent, because the answer may have taken long.
    pub(super) fn new(asked_at: Instant, length: Duration) -> Self {
        Self(watch::Sender::new(asked_at + length))
    }

    /// Another worker may take the job from then on.
    pub(super) fn ends_at(&self) -> Instant {
        *self.0.borrow()
    }

    /// Extends it again and again; comes back when it is lost.
    pub(super) async fn keep(&self, shared: &Shared, job: &Job) {
        let (length, seconds) = (shared.settings.lease, shared.lease_seconds());
        let mut pause = length / 3;
        loop {
            tokio::time::sleep(pause).await;
            let asked_at = Instant::now();
            let extending = db::jobs::extend(&shared.pool, job, seconds);
            match tokio::time::timeout_at(self.ends_at(), extending).await {
                Ok(Ok(true)) => {
                    self.0.send_replace(asked_at + length);
                    pause = length / 3;
                }
                Ok(Ok(false)) | Err(_) => return,
                Ok(Err(error)) => {
                    let error = telemetry::chain(&error);
                    tracing::warn!(error, "the lease of a job was not extended");
                    // Sooner, and with the end in sight.
                    pause = length / 10;
                    if asked_at + pause >= self.ends_at() {
                        tokio::time::sleep_until(self.ends_at()).await;
                        return;
                    }
                }
            }
        }
    }
}
