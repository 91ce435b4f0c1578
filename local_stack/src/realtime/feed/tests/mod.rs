//! Tests against a real Postgres.

mod broadcasts;
mod lifecycle;
mod replays;
mod support;
