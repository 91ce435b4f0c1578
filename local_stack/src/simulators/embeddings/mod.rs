//! A stand-in for an embeddings API in OpenAI's form, and `/_control` to make it misbehave.
//!
//! A vector follows from the words of its text: texts that share words are near each other.

mod create;
mod input;
mod refusal;
mod server;
mod vector;

pub use server::EmbeddingsSimulator;
