//! The REST routes that the apps' specifications promise. They act as the caller: PostgREST, its policies and the checks of
//! the RPCs decide, and what they say is passed on. Only what goes to a provider is done with the worker's own rights.

mod avatars;
mod caller;
mod data;
pub mod domo;
pub mod echoroom;
mod input;
mod refused;

pub use avatars::PATIENCE;
pub use caller::Caller;
pub use data::{Answer, DataApi, Timeouts};
pub use refused::Refused;
