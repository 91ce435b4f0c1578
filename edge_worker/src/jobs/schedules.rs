//! What comes round by itself, whichever worker looks first; and counting the queues.

use std::time::Duration;

use super::Queue;
use super::runner::Shared;
use crate::db;
use crate::telemetry;

/// A schedule that is due at once cannot keep a worker from everything else.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

impl Shared {
    /// Enqueues what is due, until told to stop.
    pub(super) async fn follow_schedules(&self) {
        let mut is_failing = false;
        loop {
            let pause = match db::jobs::run_due_schedules(&self.pool).await {
                Ok(next) => {
                    is_failing = false;
                    let next = next.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                    // Somebody may change a schedule meanwhile.
                    next.unwrap_or(self.settings.poll)
                        .clamp(SHORTEST_PAUSE, self.settings.poll.max(SHORTEST_PAUSE))
                }
                Err(error) => {
                    // Once, not every few seconds.
                    if !std::mem::replace(&mut is_failing, true) {
                        let error = telemetry::chain(&error);
                        tracing::warn!(error, "what is due by the clock cannot be enqueued");
                    }
                    self.settings.poll
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stopping.cancelled() => return,
            }
        }
    }

    /// Counts the queues for the metrics, until told to stop.
    pub(super) async fn count_queues(&self) {
        loop {
            // Whoever watches the metrics sees the database missing elsewhere.
            for stats in db::jobs::stats(&self.pool).await.unwrap_or_default() {
                if let Some(queue) = Queue::parse(&stats.queue) {
                    self.metrics.counted(queue.as_str(), stats.count);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(self.settings.count) => {}
                () = self.stopping.cancelled() => return,
            }
        }
    }
}
