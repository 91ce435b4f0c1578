//! Tests against a real Postgres.

mod broadcasts;
mod changes;
mod lifecycle;
mod partitions;
mod replays;
pub(in crate::realtime::feed) mod support;
