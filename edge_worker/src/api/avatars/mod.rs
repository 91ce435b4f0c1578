//! What routes do with an avatar of any app, once an RPC has written down, as the caller, what is wanted.

mod ending;
mod starting;

pub(super) use ending::{Done, end};
pub use starting::PATIENCE;
pub(super) use starting::{Avatar, avatar};
