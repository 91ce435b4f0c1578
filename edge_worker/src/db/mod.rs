//! The database: the only place with queries.

mod check;
mod pool;
mod ready;

pub use check::{CheckError, check};
pub use pool::connect;
pub use ready::is_reachable;
