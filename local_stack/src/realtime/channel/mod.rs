//! One joined topic of one socket: a task that answers the client's messages in their order.

mod broadcast;
mod changes;
mod join;
mod presence;
mod refusal;
mod replication;
mod settings;
mod task;
mod token;

pub(crate) use task::{Ended, Inbound, Opening, run};
