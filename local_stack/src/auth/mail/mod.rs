//! What would have been sent: mails and SMS go into a box that whoever works with the stack can read, as the CLI's does.

mod mailbox;
mod page;

pub(super) use mailbox::{Channel, Mailbox, Message};
pub(super) use page::router;
