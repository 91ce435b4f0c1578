//! Telling the database how an attempt went.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;

use super::attempt::Outcome;
use super::lease::Lease;
use super::runner::Shared;
use super::{Job, JobError, Queue, backoff};
use crate::db::{self, DbError};
use crate::telemetry;

/// Between two tries to tell: the first wait, which doubles, and what it grows to.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What is left for it when the worker has to end.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    /// For the metrics.
    pub(super) word: &'static str,
    /// When the job is due again.
    pub(super) retry_in: Option<Duration>,
}

impl Settled {
    fn with(word: &'static str) -> Self {
        Self { word, retry_in: None }
    }
}

impl Shared {
    pub(super) async fn settle(&self, job: &Job, outcome: Outcome, lease: &Lease) -> Settled {
        match outcome {
            Outcome::Done => {
                let told = self.tell(lease, || db::jobs::finish(&self.pool, job)).await;
                if told == Told::Heard {
                    match job.queue {
                        // Every few seconds.
                        Queue::Maintenance => tracing::debug!("a job is done"),
                        Queue::Tavus | Queue::Knowledge => tracing::info!("a job is done"),
                    }
                }
                told.or_word("done")
            }
            Outcome::Failed(JobError::Retry { after, reason })
                if job.attempt < self.settings.max_attempts =>
            {
                self.retry(job, after, &reason, lease).await
            }
            Outcome::Failed(JobError::Retry { reason, .. } | JobError::GiveUp { reason }) => {
                self.bury(job, &reason, lease).await
            }
            Outcome::Lost => {
                tracing::warn!("the lease of a job is lost; another worker does it");
                Settled::with("lost")
            }
            Outcome::Cut => {
                tracing::warn!("a job that took too long is given back");
                let told = self.tell(lease, || db::jobs::release(&self.pool, job)).await;
                told.or_word("given_back")
            }
        }
    }

    async fn retry(&self, job: &Job, after: Option<Duration>, reason: &str, lease: &Lease) -> Settled {
        let wait = backoff::delay(&self.settings, job.attempt, after, &mut rand::rng());
        // Rounded up: what a provider asked for is kept.
        let seconds = i32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
        tracing::warn!(error = reason, seconds, "a job failed and is tried again");
        let told = self
            .tell(lease, || db::jobs::retry(&self.pool, job, seconds, reason))
            .await;
        Settled {
            retry_in: Some(Duration::from_secs(u64::from(seconds.unsigned_abs()))),
            ..told.or_word("retried")
        }
    }

    async fn bury(&self, job: &Job, reason: &str, lease: &Lease) -> Settled {
        tracing::error!(error = reason, "a job is given up; see edge_worker dead-letters");
        let last_words = AssertUnwindSafe(async { self.perform.given_up(job).await }).catch_unwind();
        if !matches!(
            tokio::time::timeout_at(lease.ends_at(), last_words).await,
            Ok(Ok(()))
        ) {
            tracing::warn!("what a job leaves behind was not put in order");
        }
        let told = self.tell(lease, || db::jobs::bury(&self.pool, job, reason)).await;
        told.or_word("dead")
    }

    /// Tries until the database has heard it or the lease is over: then the job comes back by itself, and is done again.
    async fn tell<F>(&self, lease: &Lease, telling: impl Fn() -> F) -> Told
    where
        F: Future<Output = Result<bool, DbError>>,
    {
        let mut wait = FIRST_WAIT;
        loop {
            let until = match self.cut.is_cancelled() {
                true => lease.ends_at().min(Instant::now() + LAST_PATIENCE),
                false => lease.ends_at(),
            };
            match tokio::time::timeout_at(until, telling()).await {
                Ok(Ok(true)) => return Told::Heard,
                Ok(Ok(false)) => {
                    tracing::warn!("a job is another worker's by now, or was settled before");
                    return Told::Stale;
                }
                Ok(Err(DbError::Passing(_))) if Instant::now() + wait < until => {}
                Ok(Err(error)) => {
                    let error = telemetry::chain(&error);
                    tracing::error!(
                        error,
                        "the database does not take how a job went; it will be done again"
                    );
                    return Told::Nobody;
                }
                Err(_) => {
                    tracing::error!("the database does not hear how a job went; it will be done again");
                    return Told::Nobody;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.cut.cancelled() => {}
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

/// Whether the database knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Heard,
    Stale,
    Nobody,
}

impl Told {
    fn or_word(self, word: &'static str) -> Settled {
        Settled::with(match self {
            Self::Heard => word,
            Self::Stale => "lost",
            Self::Nobody => "unsettled",
        })
    }
}
