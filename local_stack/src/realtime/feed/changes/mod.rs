//! Changes of published tables, to those who subscribed to them and may see them.
//!
//! The reader of the WAL puts a change into a bounded queue and goes on. One task takes it out, applies the filters, asks the
//! policies and hands it to the sinks, so the order is kept for every subscriber and a slow policy delays no broadcast.

mod catalogue;
mod change;
mod conditions;
mod data;
mod delivery;
mod error;
mod filter;
mod generated;
mod letters;
mod queue;
mod registry;
mod render;
mod request;
mod settle;
mod subscribe;
mod validate;
mod visibility;
mod worker;

pub(super) use change::{Change, Description, Kind, Transaction};
pub(super) use queue::Queue;
pub(super) use registry::Registry;
pub(super) use worker::Worker;

#[cfg(test)]
pub(crate) use error::SubscribeError;
pub(crate) use registry::{ChangeSink, ChangeSubscription};
pub(crate) use request::ChangeRequest;
