//! Counters and timers of jobs.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Seconds. Upkeep takes milliseconds, a call of Tavus seconds, a reconciliation of many conversations minutes.
const BUCKETS: [f64; 10] = [0.005, 0.02, 0.1, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    queue: &'static str,
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    queue: &'static str,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    queue: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    queue: &'static str,
    state: &'static str,
}

/// What is counted of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueueCount {
    /// Jobs that are due.
    pub ready: i64,
    /// Jobs that wait for their time.
    pub delayed: i64,
    /// Jobs that workers have, all of them together.
    pub running: i64,
    /// How long the oldest is due.
    pub oldest_ready_seconds: f64,
    /// Dead letters.
    pub dead: i64,
}

/// The metrics of jobs. Clones count together.
#[derive(Clone, Debug)]
pub struct JobMetrics {
    attempts: Family<OutcomeLabels, Counter>,
    seconds: Family<KindLabels, Histogram, fn() -> Histogram>,
    jobs: Family<StateLabels, Gauge>,
    oldest_ready: Family<QueueLabels, Gauge<f64, AtomicU64>>,
    dead_letters: Family<QueueLabels, Gauge>,
    is_listening: Gauge<i64, AtomicI64>,
}

impl Default for JobMetrics {
    fn default() -> Self {
        Self {
            attempts: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            jobs: Family::default(),
            oldest_ready: Family::default(),
            dead_letters: Family::default(),
            is_listening: Gauge::default(),
        }
    }
}

impl JobMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let attempts = "Attempts at jobs by queue, kind and how they ended";
        registry.register("job_attempts", attempts, self.attempts.clone());
        registry.register_with_unit(
            "job_duration",
            "Time of one attempt",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "jobs",
            "Jobs in the queues by what they wait for",
            self.jobs.clone(),
        );
        registry.register_with_unit(
            "job_oldest_ready",
            "How long the oldest job is due",
            Unit::Seconds,
            self.oldest_ready.clone(),
        );
        registry.register(
            "dead_letters",
            "Jobs that were given up and wait for an operator",
            self.dead_letters.clone(),
        );
        registry.register(
            "job_wakeups_connected",
            "1 while the connection is there that hears of new jobs at once",
            self.is_listening.clone(),
        );
    }

    /// Counts one attempt. The outcome is a word of a small fixed set.
    pub fn attempted(&self, queue: &'static str, kind: &'static str, outcome: &'static str, took: Duration) {
        self.seconds
            .get_or_create(&KindLabels { queue, kind })
            .observe(took.as_secs_f64());
        self.attempts
            .get_or_create(&OutcomeLabels { queue, kind, outcome })
            .inc();
    }

    /// Sets what a queue holds.
    pub fn counted(&self, queue: &'static str, count: QueueCount) {
        for (state, jobs) in [
            ("ready", count.ready),
            ("delayed", count.delayed),
            ("running", count.running),
        ] {
            self.jobs.get_or_create(&StateLabels { queue, state }).set(jobs);
        }
        let labels = QueueLabels { queue };
        self.oldest_ready
            .get_or_create(&labels)
            .set(count.oldest_ready_seconds);
        self.dead_letters.get_or_create(&labels).set(count.dead);
    }

    /// Sets whether new jobs are heard of at once.
    pub fn listening(&self, is_listening: bool) {
        self.is_listening.set(i64::from(is_listening));
    }
}
