//! Starting, ending and reconciling conversations, on a real database and the simulator of Tavus.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

#[path = "../support/mod.rs"]
mod support;

mod early;
mod end;
mod lost;
mod reconcile;
mod refusals;
mod scene;
mod start;
mod strays;
