//! What routes do with an avatar of any app, once an RPC has written down, as the caller, what is wanted.

mod ending;
mod finding;
mod starting;

pub(super) use ending::{Done, end};
pub(super) use finding::find;
pub use starting::PATIENCE;
pub(super) use starting::{Avatar, id_of, started};
