//! Tavus: conversations with avatars.

mod call;
mod client;
mod error;
pub mod events;
mod ids;
mod refusal;
pub mod wire;

pub use client::{Ended, Patched, TavusClient, Timeouts};
pub use error::TavusError;
pub use ids::{ConversationId, PersonaId, ReplicaId};
