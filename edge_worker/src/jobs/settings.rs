//! How jobs are run.

use std::time::Duration;

use super::Queue;

/// Everything that an operator or a test may set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `WORKER_JOBS_TAVUS`: how many jobs of this queue run at a time; none leaves the queue to other workers.
    pub tavus: u32,
    /// `WORKER_JOBS_KNOWLEDGE`: the same.
    pub knowledge: u32,
    /// `WORKER_JOBS_MAINTENANCE`: the same.
    pub maintenance: u32,
    /// `WORKER_JOBS_ATTEMPTS`: how often a job is tried before it goes to the dead letters.
    pub max_attempts: u32,
    /// `WORKER_JOBS_LEASE_SECONDS`: after so long without a sign of this worker, another one takes its jobs. Whole seconds.
    pub lease: Duration,
    /// `WORKER_JOBS_POLL_SECONDS`: how often the queues are looked at when nobody calls.
    pub poll: Duration,
    /// The wait after a first attempt that failed. It doubles each time.
    pub first_delay: Duration,
    /// What the growing wait grows to. A provider may ask for longer.
    pub longest_delay: Duration,
    /// An attempt that takes longer is stuck.
    pub longest_run: Duration,
    /// How often the connection that hears the calls is tried when it is silent.
    pub ping: Duration,
    /// How often the queues are counted for the metrics.
    pub count: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // They wait for the network nearly all of the time.
            tavus: 8,
            // A document is in memory while it is read, and providers limit how much they do at a time.
            knowledge: 4,
            maintenance: 2,
            // With the delays below the last attempt is a quarter of an hour after the first.
            max_attempts: 10,
            lease: Duration::from_secs(60),
            poll: Duration::from_secs(5),
            first_delay: Duration::from_secs(2),
            longest_delay: Duration::from_secs(600),
            // The reconciliation of 200 conversations with a slow Tavus takes a part of it.
            longest_run: Duration::from_secs(3600),
            ping: Duration::from_secs(30),
            count: Duration::from_secs(15),
        }
    }
}

impl Settings {
    /// Runs no jobs at all.
    #[must_use]
    pub fn off(self) -> Self {
        Self {
            tavus: 0,
            knowledge: 0,
            maintenance: 0,
            ..self
        }
    }

    /// Whether any queue is worked on.
    pub fn is_on(&self) -> bool {
        Queue::ALL.into_iter().any(|queue| self.at_a_time(queue) > 0)
    }

    /// How many jobs of a queue run at a time.
    pub fn at_a_time(&self, queue: Queue) -> u32 {
        match queue {
            Queue::Tavus => self.tavus,
            Queue::Knowledge => self.knowledge,
            Queue::Maintenance => self.maintenance,
        }
    }
}
