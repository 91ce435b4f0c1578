//! `POST /webhooks/tavus/{token}` on a real database.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

#[path = "../support/mod.rs"]
mod support;

mod events;
mod identity;
mod once;
mod outages;
mod refusals;
mod scene;
mod signatures;
