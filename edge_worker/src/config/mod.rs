//! The settings of the worker and the environment they come from.

mod jobs;
mod knowledge;
mod origins;
mod read;
mod settings;
mod supabase;
mod tavus;

pub use knowledge::{ElevenLabs, Embeddings};
pub use origins::Origins;
pub use read::{Problem, SettingsError};
pub use settings::{Config, Database};
pub use supabase::{Jwks, Supabase};
pub use tavus::Tavus;
