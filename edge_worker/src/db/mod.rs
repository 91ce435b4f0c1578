//! The database: the only place with queries.

mod check;
pub(crate) mod conversations;
mod failure;
mod pool;
mod ready;

pub use check::{CheckError, check};
pub use failure::DbError;
pub use pool::connect;
pub use ready::is_reachable;
