//! Supabase Storage, with the project's secret key.

mod client;
mod error;
mod wire;

pub use client::{StorageClient, Timeouts};
pub use error::StorageError;
