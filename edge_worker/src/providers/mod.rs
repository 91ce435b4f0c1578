//! Other people's services. Each is a folder with its client, its wire types and its error.

mod advice;
pub mod elevenlabs;
pub mod embeddings;
mod exchange;
mod fields;
pub(crate) mod json;
pub mod project;
mod raw;
mod retry;
pub mod storage;
pub mod tavus;

pub use advice::Advice;
pub use exchange::Broken;
pub use raw::Raw;
pub use retry::{RetryPolicy, Wait, retry_after};
