//! The worker beside the stack: found, given its environment, watched, and started again when it ends.

mod config;
mod environment;
mod keys;
mod launch;
mod log;
mod ready;
mod reservation;
mod role;
mod supervisor;

pub(crate) use config::RealProviders;
pub use config::{WorkerConfig, WorkerProgram};
pub(crate) use keys::WorkerKeys;
pub(crate) use launch::Launch;
pub(crate) use role::settle as settle_role;
pub(crate) use supervisor::Worker;
