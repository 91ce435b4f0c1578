//! `/realtime/v1`: a small stand-in for Supabase Realtime. Phoenix channels over a websocket with broadcast, presence, private
//! channels that row level security on `realtime.messages` guards, what the database broadcasts, and changes of tables.

mod channel;
mod core;
mod feed;
mod frame;
mod gate;
mod hub;
mod limits;
mod rate;
mod receiver;
mod rest;
mod router;
mod service;
mod socket;

pub use limits::RealtimeLimits;
pub(crate) use router::{api, websocket};
pub(crate) use service::Realtime;
