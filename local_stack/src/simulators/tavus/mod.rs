//! A stand-in for Tavus: its API, rooms that are pages, callbacks on a script, and `/_control` to make it misbehave.
//!
//! Shapes, statuses and texts follow what is public of the real one, with its inconsistencies.

mod access;
mod behaviour;
mod callbacks;
mod control;
mod conversations;
mod faults;
mod happen;
mod naming;
mod personas;
mod refusal;
mod replicas;
mod room;
mod script;
mod server;
mod stock;
mod world;

pub use behaviour::{Behaviour, Naming, Script};
pub use callbacks::Delivery;
pub use faults::{Fault, FaultKind};
pub use server::TavusSimulator;
