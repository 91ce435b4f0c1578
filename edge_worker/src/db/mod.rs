//! The database: the only place with queries.

mod check;
pub(crate) mod conversations;
pub(crate) mod dead_letters;
mod failure;
pub(crate) mod files;
pub(crate) mod jobs;
pub(crate) mod knowledge;
mod pool;
mod ready;
mod reason;
pub mod requirements;
mod session;
pub(crate) mod upkeep;

pub use check::{CheckError, check};
pub use dead_letters::{DeadLetter, DeadLetterFilter};
pub use failure::DbError;
pub use pool::connect;
pub use ready::is_reachable;
pub use session::{Session, session};
