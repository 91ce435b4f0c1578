//! Kills: the worker and Postgres go down with `kill -9` at random points, while events come in and jobs run.
//!
//! `KILLS_SEED` repeats a run's plan, `KILLS_RUNS` changes its length. What a kill hits is a matter of microseconds, so the same seed
//! makes the same plan, not the same history.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod audit;
mod calls;
mod events;
mod house;
mod jobs;
mod postgres;
mod sender;
mod worker;

/// The seed of a test, and how many runs it has.
fn plan(runs: usize) -> (u64, usize) {
    let seed = setting("KILLS_SEED").unwrap_or_else(rand::random);
    let runs = setting("KILLS_RUNS").unwrap_or(runs);
    eprintln!("KILLS_SEED={seed} KILLS_RUNS={runs}");
    (seed, runs)
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}
