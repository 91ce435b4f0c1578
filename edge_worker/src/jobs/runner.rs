//! Working on the queues until told to stop.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::attempt::{self, Ended};
use super::wakeups::Wakeups;
use super::{Job, Perform, Queue, Settings, Work};
use crate::db::{self, DbError};
use crate::telemetry::{self, JobMetrics};

/// Runs jobs.
#[derive(Debug)]
pub struct Runner {
    shared: Arc<Shared>,
    /// Where it hears of new jobs.
    listen: Option<PgConnectOptions>,
}

/// What all queues and all jobs of a runner have in common.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) pool: PgPool,
    pub(super) perform: Arc<dyn Perform>,
    pub(super) metrics: JobMetrics,
    pub(super) wakeups: Wakeups,
    /// No new jobs.
    pub(super) stopping: CancellationToken,
    /// Nor time for those that run.
    pub(super) cut: CancellationToken,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn lease_seconds(&self) -> i32 {
        i32::try_from(self.settings.lease.as_secs().max(1)).unwrap_or(i32::MAX)
    }
}

impl Runner {
    /// One that runs until `stopping`.
    pub fn new(
        settings: Settings,
        pool: PgPool,
        perform: Arc<dyn Perform>,
        metrics: JobMetrics,
        stopping: CancellationToken,
    ) -> Self {
        let listen = (*pool.connect_options()).clone();
        let shared = Shared {
            settings,
            pool,
            perform,
            metrics,
            wakeups: Wakeups::default(),
            stopping,
            cut: CancellationToken::new(),
        };
        Self {
            shared: Arc::new(shared),
            listen: Some(listen),
        }
    }

    /// Hears of new jobs by another address than the pool's.
    #[must_use]
    pub fn listening_at(mut self, options: PgConnectOptions) -> Self {
        self.listen = Some(options);
        self
    }

    /// Hears of nothing and looks at the queues now and then: for a database behind a pooler that loses what sessions listen to.
    #[must_use]
    pub fn without_wakeups(mut self) -> Self {
        self.listen = None;
        self
    }

    /// Works until it is told to stop, then gives the jobs that run as long as `patience`. Returns how many of them it had to
    /// cut off; another worker does those.
    pub async fn run(self, patience: Duration) -> usize {
        let Self { shared, listen } = self;
        if !shared.settings.is_on() {
            return 0;
        }
        let mut helpers = JoinSet::new();
        if let Some(listen) = listen {
            let listening = shared.clone();
            helpers.spawn(async move {
                let (ping, metrics) = (listening.settings.ping, &listening.metrics);
                listening
                    .wakeups
                    .listen(&listen, ping, metrics, &listening.stopping)
                    .await;
            });
        }
        let scheduling = shared.clone();
        helpers.spawn(async move { scheduling.follow_schedules().await });
        let counting = shared.clone();
        helpers.spawn(async move { counting.count_queues().await });
        let cutting = shared.clone();
        helpers.spawn(async move {
            cutting.stopping.cancelled().await;
            tokio::time::sleep(patience).await;
            cutting.cut.cancel();
        });
        let mut queues = JoinSet::new();
        for queue in Queue::ALL {
            if shared.settings.at_a_time(queue) > 0 {
                queues.spawn(Line::new(queue, shared.clone()).work());
            }
        }
        let cut = queues.join_all().await.into_iter().sum();
        helpers.shutdown().await;
        cut
    }
}

/// One queue at work.
struct Line {
    queue: Queue,
    shared: Arc<Shared>,
    running: JoinSet<Ended>,
    /// When a job that failed here is due again.
    next_retry: Option<Instant>,
    /// How often in a row the queue could not be read.
    failures: u32,
    cut: usize,
}

impl Line {
    fn new(queue: Queue, shared: Arc<Shared>) -> Self {
        Self {
            queue,
            shared,
            running: JoinSet::new(),
            next_retry: None,
            failures: 0,
            cut: 0,
        }
    }

    async fn work(mut self) -> usize {
        let most = usize::try_from(self.shared.settings.at_a_time(self.queue)).unwrap_or(usize::MAX);
        while !self.shared.stopping.is_cancelled() {
            let free = most.saturating_sub(self.running.len());
            if free > 0 {
                self.take(free).await;
            }
            let shared = self.shared.clone();
            let (has_room, next_look) = (self.running.len() < most, self.next_look());
            tokio::select! {
                () = shared.stopping.cancelled() => {}
                Some(ended) = self.running.join_next() => self.note(ended),
                () = shared.wakeups.rung(self.queue), if has_room && self.failures == 0 => {}
                () = tokio::time::sleep_until(next_look), if has_room => {}
            }
            while let Some(ended) = self.running.try_join_next() {
                self.note(ended);
            }
        }
        while let Some(ended) = self.running.join_next().await {
            self.note(ended);
        }
        self.cut
    }

    /// Takes as many jobs as there is room for.
    async fn take(&mut self, free: usize) {
        let asked_at = Instant::now();
        self.next_retry = self.next_retry.filter(|due| *due > asked_at);
        let (settings, seconds) = (&self.shared.settings, self.shared.lease_seconds());
        let most = u32::try_from(free).unwrap_or(u32::MAX);
        let taking = db::jobs::take(
            &self.shared.pool,
            self.queue,
            most,
            seconds,
            settings.max_attempts,
        );
        // Not dropped when the worker is told to stop: jobs that were taken unseen would wait for the end of their lease.
        let taken = tokio::select! {
            taken = taking => taken,
            () = self.shared.cut.cancelled() => return,
        };
        match taken {
            Ok(jobs) => {
                self.failures = 0;
                for job in jobs {
                    self.begin(job, asked_at);
                }
            }
            Err(error) => self.failed(&error),
        }
    }

    fn begin(&mut self, job: Job, asked_at: Instant) {
        let span = tracing::info_span!(
            "job",
            queue = self.queue.as_str(),
            kind = Work::label(&job.kind),
            job = job.id,
            attempt = job.attempt
        );
        let shared = self.shared.clone();
        let attempt = async move { attempt::run(&shared, &job, asked_at).await };
        self.running.spawn(attempt.instrument(span));
    }

    fn failed(&mut self, error: &DbError) {
        self.failures = self.failures.saturating_add(1);
        // Once, not every few seconds.
        if self.failures == 1 {
            let error = telemetry::chain(error);
            tracing::warn!(queue = self.queue.as_str(), error, "the queue cannot be read");
        }
    }

    fn note(&mut self, ended: Result<Ended, tokio::task::JoinError>) {
        // A task that is lost was a bug, of which the log has the place; the job comes back when its lease is over.
        let ended = ended.unwrap_or_default();
        self.cut += usize::from(ended.is_cut);
        if let Some(due) = ended.retry_in.map(|wait| Instant::now() + wait) {
            self.next_retry = Some(self.next_retry.map_or(due, |other| other.min(due)));
        }
    }

    /// When to look at the queue though nobody called. Between three quarters and five, so that workers spread.
    fn next_look(&self) -> Instant {
        let poll = self.shared.settings.poll;
        let look = Instant::now() + poll.mul_f64(rand::random_range(0.75..=1.25));
        self.next_retry.map_or(look, |due| due.min(look))
    }
}
