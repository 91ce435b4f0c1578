//! The binary frames of version 2.0.0. Each begins with its kind and the lengths of its names, one byte each.

use bytes::{Bytes, BytesMut};
use serde_json::value::RawValue;

use super::incoming::{Body, Incoming, Malformed, Reference, UserBody};

/// A message of a client with bytes as its payload.
const PUSH: u8 = 0;
/// A message to all with bytes as its payload.
const BROADCAST: u8 = 2;
/// A client's broadcast, its payload apart.
const USER_PUSH: u8 = 3;
/// The same on its way to the members.
const USER_BROADCAST: u8 = 4;

/// How the payload of a user's broadcast is to be read.
const JSON: u8 = 1;

/// Takes a frame apart from front to back.
struct Reader<'a> {
    bytes: &'a Bytes,
    position: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.bytes.get(self.position).ok_or(Malformed::Short)?;
        self.position += 1;
        Ok(byte)
    }

    fn name(&mut self, length: u8) -> Result<&str, Malformed> {
        let end = self.position + usize::from(length);
        let bytes = self.bytes.get(self.position..end).ok_or(Malformed::Short)?;
        self.position = end;
        Ok(std::str::from_utf8(bytes)?)
    }

    /// An empty reference is none: this format has no null.
    fn reference(&mut self, length: u8) -> Result<Option<Reference>, Malformed> {
        let name = self.name(length)?;
        Ok((!name.is_empty()).then(|| Reference::Text(name.to_owned())))
    }

    fn rest(self) -> Bytes {
        // The position is never beyond the end: `byte` and `name` refuse that.
        self.bytes.slice(self.position..)
    }
}

/// Reads a frame of a client.
pub(super) fn parse(bytes: &Bytes) -> Result<Incoming, Malformed> {
    let mut reader = Reader { bytes, position: 0 };
    match reader.byte()? {
        PUSH => push(reader),
        USER_PUSH => user_push(reader),
        kind => Err(Malformed::Kind(kind)),
    }
}

fn push(mut reader: Reader<'_>) -> Result<Incoming, Malformed> {
    let (join_ref, reference) = (reader.byte()?, reader.byte()?);
    let (topic, event) = (reader.byte()?, reader.byte()?);
    Ok(Incoming {
        join_ref: reader.reference(join_ref)?,
        reference: reader.reference(reference)?,
        topic: reader.name(topic)?.to_owned(),
        event: reader.name(event)?.to_owned(),
        body: Body::Binary(reader.rest()),
    })
}

fn user_push(mut reader: Reader<'_>) -> Result<Incoming, Malformed> {
    let (join_ref, reference) = (reader.byte()?, reader.byte()?);
    let (topic, event) = (reader.byte()?, reader.byte()?);
    let (metadata, encoding) = (reader.byte()?, reader.byte()?);
    let join_ref = reader.reference(join_ref)?;
    let reference = reader.reference(reference)?;
    let topic = reader.name(topic)?.to_owned();
    let event = reader.name(event)?.to_owned();
    // Nothing is done with the metadata, there as here; it has to be JSON all the same.
    let metadata = reader.name(metadata)?;
    if !metadata.is_empty() {
        serde_json::from_str::<&RawValue>(metadata)?;
    }
    let rest = reader.rest();
    let payload = if encoding == 0 {
        UserBody::Binary(rest)
    } else {
        // Whoever gets this parses it, so it is checked here: one client must not make another one fail.
        UserBody::Json(serde_json::from_slice(&rest)?)
    };
    Ok(Incoming {
        join_ref,
        reference,
        topic,
        event: "broadcast".to_owned(),
        body: Body::User { event, payload },
    })
}

/// A user's broadcast for the members; `None` when a name is longer than the format can say.
pub(super) fn user_broadcast(
    topic: &str,
    event: &str,
    metadata: &str,
    is_json: bool,
    payload: &[u8],
) -> Option<Bytes> {
    let lengths = [length(topic)?, length(event)?, length(metadata)?];
    let names = topic.len() + event.len() + metadata.len();
    let mut frame = BytesMut::with_capacity(5 + names + payload.len());
    frame.extend_from_slice(&[USER_BROADCAST]);
    frame.extend_from_slice(&lengths);
    frame.extend_from_slice(&[if is_json { JSON } else { 0 }]);
    for name in [topic, event, metadata] {
        frame.extend_from_slice(name.as_bytes());
    }
    frame.extend_from_slice(payload);
    Some(frame.freeze())
}

/// Bytes for all members; `None` when a name is longer than the format can say.
pub(super) fn broadcast(topic: &str, event: &str, payload: &[u8]) -> Option<Bytes> {
    let mut frame = BytesMut::with_capacity(3 + topic.len() + event.len() + payload.len());
    frame.extend_from_slice(&[BROADCAST, length(topic)?, length(event)?]);
    frame.extend_from_slice(topic.as_bytes());
    frame.extend_from_slice(event.as_bytes());
    frame.extend_from_slice(payload);
    Some(frame.freeze())
}

fn length(name: &str) -> Option<u8> {
    u8::try_from(name.len()).ok()
}
