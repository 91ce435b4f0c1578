//! The sign-in service.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod client;
mod confirmations;
mod factors;
mod keys;
mod sessions;
#[path = "../support/mod.rs"]
mod support;
