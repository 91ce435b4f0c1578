//! One message in the form of each protocol version, made when the first member needs it and shared by all.

use axum::extract::ws::Message;

use crate::realtime::frame::{Outgoing, Version};

/// Encodes at most once a version. The frames share their bytes: a clone copies a pointer.
pub(super) struct Fanout<'a> {
    message: &'a Outgoing<'a>,
    one: Option<Option<Message>>,
    two: Option<Option<Message>>,
}

impl<'a> Fanout<'a> {
    pub(super) fn new(message: &'a Outgoing<'a>) -> Self {
        Self {
            message,
            one: None,
            two: None,
        }
    }

    /// The frame for a version; `None` when that version cannot say this.
    pub(super) fn frame(&mut self, version: Version) -> Option<Message> {
        let made = match version {
            Version::V1 => &mut self.one,
            Version::V2 => &mut self.two,
        };
        made.get_or_insert_with(|| self.message.encode(version)).clone()
    }
}
