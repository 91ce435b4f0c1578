//! Stand-ins for the providers that the worker talks to. They cost nothing, are the same from run to run, and misbehave on
//! request.

mod all;
pub mod elevenlabs;
pub mod embeddings;
mod misbehaviour;
mod port;
pub mod tavus;

pub(crate) use all::Simulators;
pub use misbehaviour::{Fault, FaultKind, Seen};
