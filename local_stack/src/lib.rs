//! A stand-in for a Supabase project, for development and tests only.
//!
//! One process starts a private Postgres, gives it the Supabase contract, applies the migrations through the ledger that the
//! Supabase CLI keeps, and serves the REST API and the sign-in API on one port.
//!
//! ```no_run
//! # async fn run() -> Result<(), local_stack::Error> {
//! let mut config = local_stack::Config::new(".", "/tmp/parley");
//! config.api_port = 0;
//! config.db_port = 0;
//! let stack = local_stack::Stack::start(config).await?;
//! println!("{}", stack.endpoints().api_url);
//! stack.stop().await
//! # }
//! ```

mod auth;
mod bootstrap;
mod child;
mod config;
mod database;
mod endpoints;
mod env_file;
mod error;
mod gateway;
mod identity;
mod instance_lock;
mod kernel;
mod migrate;
mod partitions;
mod postgres;
mod private_file;
mod progress;
mod project;
mod realtime;
mod secret;
pub mod simulators;
mod stack;
mod storage;
mod worker;

pub use config::{Config, JwtSigning, Kernel};
pub use endpoints::Endpoints;
pub use error::Error;
pub use progress::Progress;
pub use realtime::RealtimeLimits;
pub use secret::Secret;
pub use stack::{Stack, reset};
pub use worker::{WorkerConfig, WorkerProgram};
