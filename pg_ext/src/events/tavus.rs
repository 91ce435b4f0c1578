//! What makes two deliveries from Tavus the same event, read off the stored bytes of the event.
//!
//! Tavus sends no event id, and tells one event in several ways: a callback may come twice, the list of a conversation's events holds the
//! same events without the envelope, and names are in motion. So the digest is of what an event says, in the oldest of its names.

use super::moment;
use crate::digest::{
    Container, DigestError, HashSink, Shape, Sink, Value, compare_keys, write_part, write_string,
};

const MAX_TYPE_LENGTH: usize = 100;
const MAX_CONVERSATION_LENGTH: usize = 100;
/// A longer time stamp is none, and counts by its hash.
const MAX_MOMENT_LENGTH: usize = 40;

/// What happens once a conversation, so that a second delivery may bear another time.
const ONCE: [&str; 5] = [
    "system.replica_joined",
    "system.shutdown",
    "application.transcription_ready",
    "application.perception_analysis",
    "application.perception_unavailable",
];

/// What differs between two deliveries, or is said elsewhere.
const ENVELOPE: [&[u8]; 4] = [b"conversation_id", b"webhook_url", b"message_type", b"timestamp"];

/// Why there is no key or digest.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadEvent {
    /// Null, or another kind of JSON.
    #[error("The event must be a JSON object.")]
    NotAnObject,
    /// Not there, no string, empty or too long.
    #[error("The event_type must be a text of 1 to {MAX_TYPE_LENGTH} characters.")]
    Type,
    /// Neither given nor in the event, no string, empty or too long.
    #[error("The conversation_id must be a text of 1 to {MAX_CONVERSATION_LENGTH} characters.")]
    Conversation,
    /// It cannot be hashed.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

/// An event with a type.
pub struct Event<'a> {
    members: Vec<Member<'a>>,
    /// The oldest of its names.
    kind: String,
}

type Member<'a> = (&'a [u8], Value<'a>);

impl<'a> Event<'a> {
    /// Takes a stored `jsonb` for an event.
    pub fn parse(stored: Option<&'a [u8]>) -> Result<Self, BadEvent> {
        let container = Container::parse(stored.ok_or(BadEvent::NotAnObject)?)?;
        if container.shape != Shape::Object {
            return Err(BadEvent::NotAnObject);
        }
        let members = container.members().collect::<Result<Vec<_>, _>>()?;
        let kind = text(&members, b"event_type").ok_or(BadEvent::Type)?;
        // Personas are becoming "pals".
        let kind = kind.replace(".pal_", ".replica_").replace(".pal.", ".replica.");
        if !has_length(&kind, MAX_TYPE_LENGTH) {
            return Err(BadEvent::Type);
        }
        Ok(Self { members, kind })
    }

    /// The key of the event in this conversation, or in the one that the event names.
    pub fn key(&self, conversation: Option<&str>) -> Result<String, BadEvent> {
        let conversation = conversation
            .or_else(|| text(&self.members, b"conversation_id"))
            .filter(|text| has_length(text, MAX_CONVERSATION_LENGTH))
            .ok_or(BadEvent::Conversation)?;
        let kind = &self.kind;
        if ONCE.contains(&kind.as_str()) {
            return Ok(format!("{conversation}/{kind}"));
        }
        let (moment, digest) = (self.moment()?, self.digest()?);
        Ok(format!("{conversation}/{kind}/{moment}/{digest}"))
    }

    /// The time that the event bears, in one spelling.
    fn moment(&self) -> Result<String, BadEvent> {
        let moment = match find(&self.members, b"timestamp") {
            Some(Value::Text(bytes)) => moment::spell(&String::from_utf8_lossy(bytes)),
            Some(number @ Value::Number(_)) => {
                let mut digits = Vec::new();
                write_part(number, 0, &mut digits)?;
                String::from_utf8_lossy(&digits).into_owned()
            }
            _ => "-".to_owned(),
        };
        if has_length(&moment, MAX_MOMENT_LENGTH) || moment.is_empty() {
            return Ok(moment);
        }
        let mut hash = HashSink::new();
        hash.put(moment.as_bytes());
        Ok(hash.finish())
    }

    /// The digest of what the event says: its type and properties, or all but the envelope where the type is not a documented one.
    pub fn digest(&self) -> Result<String, BadEvent> {
        let mut hash = HashSink::new();
        if self.kind.starts_with("system.") || self.kind.starts_with("application.") {
            hash.put(b"{\"event_type\":");
            write_string(self.kind.as_bytes(), &mut hash);
            hash.put(b",\"properties\":");
            match find(&self.members, b"properties") {
                None | Some(Value::Null) => hash.put(b"{}"),
                Some(Value::Nested(properties)) if properties.shape == Shape::Object => {
                    self.write_properties(properties, &mut hash)?;
                }
                Some(other) => write_part(other, 1, &mut hash)?,
            }
            hash.put(b"}");
        } else {
            let said = self.members.iter().filter(|(name, _)| !ENVELOPE.contains(name));
            let content = said.map(|(name, value)| match *name {
                b"event_type" => (*name, Value::Text(self.kind.as_bytes())),
                name => (name, *value),
            });
            write_members(content.collect(), &mut hash, |_, value, out| {
                write_part(value, 1, out)
            })?;
        }
        Ok(hash.finish())
    }

    fn write_properties(&self, properties: Container<'a>, out: &mut impl Sink) -> Result<(), DigestError> {
        let mut members = properties.members().collect::<Result<Vec<_>, _>>()?;
        rename(&mut members, b"face_id", b"replica_id");
        rename(&mut members, b"pal_id", b"persona_id");
        if self.kind == "system.shutdown" {
            // `reason` in the list. The same reason is known with and without this ending.
            rename(&mut members, b"reason", b"shutdown_reason");
            for (name, value) in &mut members {
                if let (b"shutdown_reason", Value::Text(reason)) = (*name, &mut *value) {
                    *value = Value::Text(reason.strip_suffix(b" reached").unwrap_or(reason));
                }
            }
        }
        let has_transcript = self.kind == "application.transcription_ready";
        write_members(members, out, |name, value, out| match value {
            Value::Nested(transcript)
                if has_transcript && name == b"transcript" && transcript.shape == Shape::Array =>
            {
                write_transcript(transcript, out)
            }
            value => write_part(value, 2, out),
        })
    }
}

fn has_length(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count())
}

fn find<'a>(members: &[Member<'a>], name: &[u8]) -> Option<Value<'a>> {
    let found = members.iter().find(|(key, _)| *key == name);
    found.map(|(_, value)| *value)
}

fn text<'a>(members: &[Member<'a>], name: &[u8]) -> Option<&'a str> {
    match find(members, name) {
        Some(Value::Text(bytes)) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// Puts a member under its old name; where both names are there, the one that says something.
fn rename<'a>(members: &mut Vec<Member<'a>>, new: &[u8], old: &'static [u8]) {
    let Some(at) = members.iter().position(|(name, _)| *name == new) else {
        return;
    };
    let (_, value) = members.remove(at);
    match members.iter_mut().find(|(name, _)| *name == old) {
        Some((_, kept)) if matches!(kept, Value::Null) => *kept = value,
        Some(_) => {}
        None => members.push((old, value)),
    }
}

/// Writes members as an object, each value in a way of the caller's.
fn write_members<S: Sink>(
    mut members: Vec<Member<'_>>,
    out: &mut S,
    write: impl Fn(&[u8], Value<'_>, &mut S) -> Result<(), DigestError>,
) -> Result<(), DigestError> {
    members.sort_unstable_by(|(left, _), (right, _)| compare_keys(left, right));
    let mut separator: &[u8] = b"{";
    for (name, value) in members {
        out.put(std::mem::replace(&mut separator, b","));
        write_string(name, out);
        out.put(b":");
        write(name, value, out)?;
    }
    out.put(if separator == b"{" { b"{}" } else { b"}" });
    Ok(())
}

/// The transcript, inside the properties, inside the content: without the times of its entries, which are known as seconds and as
/// ISO 8601.
fn write_transcript(transcript: Container<'_>, out: &mut impl Sink) -> Result<(), DigestError> {
    let mut separator: &[u8] = b"[";
    for entry in transcript.elements() {
        out.put(std::mem::replace(&mut separator, b","));
        match entry? {
            Value::Nested(entry) if entry.shape == Shape::Object => {
                let mut members = entry.members().collect::<Result<Vec<_>, _>>()?;
                members.retain(|(name, _)| *name != b"timestamp");
                write_members(members, out, |_, value, out| write_part(value, 4, out))?;
            }
            other => write_part(other, 3, out)?,
        }
    }
    out.put(if separator == b"[" { b"[]" } else { b"]" });
    Ok(())
}
