//! EchoRoom, one file a resource. docs/echoroom.md says where its specification is kept and where not.

mod messages;
mod participants;
mod personas;
mod routes;
mod sessions;
mod tavus;
pub mod wire;

pub use routes::routes;
pub use tavus::{Catalogue, Freshness};
