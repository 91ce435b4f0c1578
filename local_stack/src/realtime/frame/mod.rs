//! The frames of the Phoenix protocol, in both versions that Realtime speaks: what clients send is parsed, what they get is
//! encoded. Pure code; nothing here knows a socket.

mod binary;
mod incoming;
mod outgoing;
#[cfg(test)]
mod properties;
mod push;
mod version;

pub(crate) use incoming::{Body, Incoming, Malformed, Reference, UserBody};
pub(crate) use outgoing::{Outgoing, UserPayload};
pub(crate) use push::Push;
pub(crate) use version::Version;

/// A JSON text of a string.
fn quoted(text: &str) -> String {
    // A string always has a JSON form.
    serde_json::to_string(text).unwrap_or_default()
}
