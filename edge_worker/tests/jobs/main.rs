//! Queued jobs on a real database: shared, taken over, tried again, given up, heard of, scheduled and given back.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

#[path = "../support/mod.rs"]
mod support;

mod fakes;
mod handlers;
mod keys;
mod knowledge;
mod knowledge_kills;
mod leases;
mod pipeline;
mod retries;
mod scene;
mod schedules;
mod sharing;
mod shutdown;
mod wakeups;
