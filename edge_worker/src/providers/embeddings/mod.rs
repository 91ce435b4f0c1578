//! Embeddings by any API of OpenAI's form.

mod batch;
mod client;
mod error;
mod wire;

pub use client::{EmbeddingsClient, Timeouts};
pub use error::EmbeddingsError;
