//! One task pair per connection: one reads and hands messages to channels, one writes what is queued.

mod handshake;
mod outbox;
mod peer;
mod session;
mod writer;

pub(crate) use handshake::upgrade;
pub(crate) use outbox::Closing;
#[cfg(test)]
pub(crate) use outbox::{Outbox, TestQueue};
pub(crate) use peer::{Peer, Sockets};
