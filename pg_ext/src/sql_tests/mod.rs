//! The extension as its clients see it: real sessions, roles, transactions and errors, on the server of `cargo pgrx test`.
//! Each test has a database of its own.
#![cfg(feature = "pg_test")]

mod broadcast;
mod counters;
mod counters_model;
mod counters_plans;
mod counters_races;
mod counters_rights;
mod digest;
mod events;
mod harness;
mod install;
mod rate_limit;
mod touch;
