//! ElevenLabs: speech to text.

mod client;
mod error;
mod wire;

pub use client::{ElevenLabsClient, Timeouts};
pub use error::ElevenLabsError;
pub use wire::{Transcript, Word};
