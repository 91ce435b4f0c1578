//! `/realtime/v1`, seen by a client that sends raw frames.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod broadcast;
mod join;
mod limits;
mod malformed;
mod presence;
mod private;
mod renewal;
mod request;
mod socket;
#[path = "../support/mod.rs"]
mod support;
