//! `/api/tavus`: the AI avatar of a room. What is wanted is written down as the caller, by an RPC; what goes to Tavus is done
//! with the worker's own key.

mod catalogue;
pub(super) mod create_conversation;
pub(super) mod end_conversation;
pub(super) mod get_daily_room;
pub(super) mod personas;
mod room;

pub use catalogue::{Catalogue, Freshness};
