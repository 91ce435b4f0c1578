//! Queued jobs: work that somebody enqueued inside a transaction of theirs, done here at least once, whatever breaks off meanwhile.
//!
//! [`Runner`] takes jobs off the queues on a lease and hands them to a [`Perform`], in production [`Handlers`], where each kind
//! has a file. The rules are in the database (`parley.take_jobs` and its siblings); the queries in `db::jobs`.

mod attempt;
mod backoff;
mod end_conversation;
mod erase_call;
mod error;
mod handlers;
mod job;
mod knowledge;
mod lease;
mod reconcile;
mod remove_files;
mod run_maintenance;
mod runner;
mod schedules;
mod settings;
mod settle;
mod start_conversation;
mod wakeups;
mod work;

pub use error::JobError;
pub use handlers::{Handlers, Perform};
pub use job::{Job, Queue};
pub use runner::Runner;
pub use settings::Settings;
pub use work::{KINDS, Unusable, Work};
