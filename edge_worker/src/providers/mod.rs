//! Other people's services. Each is a folder with its client, its wire types and its error.

mod advice;
mod fields;
mod raw;
mod retry;
pub mod tavus;

pub use advice::Advice;
pub use raw::Raw;
pub use retry::{RetryPolicy, Wait, retry_after};
