//! What the database tells: rows of `realtime.messages` and changes of published tables, through logical replication.
//!
//! One temporary slot covers both publications, so everything arrives in the order in which it was committed, and a process that
//! ends in whatever way leaves nothing behind that keeps WAL.

mod backoff;
mod changes;
mod error;
mod lifecycle;
mod publications;
mod reader;
mod replay;
mod stored;
#[cfg(test)]
mod tests;
mod wal;

#[cfg(test)]
pub(crate) use changes::SubscribeError;
pub(crate) use changes::{ChangeRequest, ChangeSink, ChangeSubscription};
pub(crate) use lifecycle::Feed;
pub(crate) use stored::{Receiver, StoredBroadcast, StoredPayload};
