//! One attempt at one job, from its being taken to its being settled.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;

use super::lease::Lease;
use super::runner::Shared;
use super::{Job, JobError, Work};

/// How an attempt went.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is done.
    Done,
    /// It is not.
    Failed(JobError),
    /// Another worker has the job, or may have.
    Lost,
    /// This worker stops, and the job took too long to wait for.
    Cut,
}

/// What the queue wants to know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// When it is due again.
    pub(super) retry_in: Option<Duration>,
    /// It was cut off.
    pub(super) is_cut: bool,
}

pub(super) async fn run(shared: &Shared, job: &Job, asked_at: Instant) -> Ended {
    let lease = Lease::new(asked_at, shared.settings.lease);
    let began = Instant::now();
    let outcome = work(shared, job, &lease).await;
    let took = began.elapsed();
    let is_cut = matches!(outcome, Outcome::Cut);
    let settled = shared.settle(job, outcome, &lease).await;
    let kind = Work::label(&job.kind);
    shared
        .metrics
        .attempted(job.queue.as_str(), kind, settled.word, took);
    Ended {
        retry_in: settled.retry_in,
        is_cut,
    }
}

async fn work(shared: &Shared, job: &Job, lease: &Lease) -> Outcome {
    // Also what panics before it begins to wait.
    let performing = AssertUnwindSafe(async { shared.perform.perform(job).await }).catch_unwind();
    let performing = tokio::time::timeout(shared.settings.longest_run, performing);
    tokio::select! {
        biased;
        performed = performing => match performed {
            Ok(Ok(Ok(()))) => Outcome::Done,
            Ok(Ok(Err(error))) => Outcome::Failed(error),
            // The log has the place.
            Ok(Err(_)) => failed("it ended in a panic, which is a bug"),
            Err(_) => failed("it took too long"),
        },
        () = lease.keep(shared, job) => Outcome::Lost,
        () = shared.cut.cancelled() => Outcome::Cut,
    }
}

fn failed(reason: &str) -> Outcome {
    Outcome::Failed(JobError::Retry {
        after: None,
        reason: reason.to_owned(),
    })
}
