//! What makes two deliveries the same event: the key and the digest of the database's `parley.tavus_event_key` and
//! `parley.tavus_event_digest`, worked out here because the value is in memory here, and there it costs up to 15 ms.
//!
//! A test compares the two on generated events.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::canonical::{self, Exotic};

/// What happens once a conversation, so that a second delivery may bear another time.
const ONCE: [&str; 5] = [
    "system.replica_joined",
    "system.shutdown",
    "application.transcription_ready",
    "application.perception_analysis",
    "application.perception_unavailable",
];

/// What differs between two deliveries, or is said elsewhere.
const ENVELOPE: [&str; 4] = ["conversation_id", "webhook_url", "message_type", "timestamp"];

/// In characters, of a type and of an id.
const LONGEST: usize = 100;

/// A longer time stamp is none, and counts by its hash.
const LONGEST_MOMENT: usize = 40;

/// Under what an event is claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Two deliveries of one event have the same.
    pub key: String,
    /// Two deliveries that say the same have the same: a SHA-256 in hexadecimal digits.
    pub digest: String,
}

impl Identity {
    /// `None` where the event has no type, names no conversation, or has a number that is not told exactly here: then the
    /// database refuses it, or knows better.
    pub fn of(event: &Value) -> Option<Self> {
        let event = event.as_object()?;
        let is_short = |text: &&str| (1..=LONGEST).contains(&text.chars().count());
        let conversation = event.get("conversation_id")?.as_str().filter(is_short)?;
        let kind = oldest_name(event.get("event_type")?.as_str()?);
        let kind = Some(kind.as_str()).filter(is_short)?;
        let digest = digest(event, kind).ok()?;
        let mut key = format!("{conversation}/{kind}");
        if !ONCE.contains(&kind) {
            key = format!("{key}/{}/{digest}", moment(event.get("timestamp")).ok()?);
        }
        Some(Self { key, digest })
    }
}

/// Personas are becoming "pals".
pub(super) fn oldest_name(event_type: &str) -> String {
    event_type
        .replace(".pal_", ".replica_")
        .replace(".pal.", ".replica.")
}

/// The digest of what the event says: its type and properties, or all but the envelope where the type is not a documented one.
fn digest(event: &Map<String, Value>, kind: &str) -> Result<String, Exotic> {
    let mut said = Vec::new();
    if kind.starts_with("system.") || kind.starts_with("application.") {
        said.extend_from_slice(b"{\"event_type\":");
        canonical::write_text(kind, &mut said);
        said.extend_from_slice(b",\"properties\":");
        match event.get("properties") {
            None | Some(Value::Null) => said.extend_from_slice(b"{}"),
            Some(Value::Object(properties)) => write_properties(properties, kind, &mut said)?,
            Some(other) => canonical::write(other, &mut said)?,
        }
        said.push(b'}');
    } else {
        let members = event.iter().map(|(name, value)| (name.as_str(), value));
        let members = members.filter(|(name, _)| !ENVELOPE.contains(name));
        canonical::write_members(members.collect(), &mut said, |name, value, out| {
            if name == "event_type" {
                canonical::write_text(kind, out);
                Ok(())
            } else {
                canonical::write(value, out)
            }
        })?;
    }
    Ok(hex::encode(Sha256::digest(&said)))
}

fn write_properties(properties: &Map<String, Value>, kind: &str, out: &mut Vec<u8>) -> Result<(), Exotic> {
    let members = properties.iter().map(|(name, value)| (name.as_str(), value));
    let mut members: Vec<_> = members.collect();
    rename(&mut members, "face_id", "replica_id");
    rename(&mut members, "pal_id", "persona_id");
    let is_shutdown = kind == "system.shutdown";
    if is_shutdown {
        // `reason` in the verbose answer.
        rename(&mut members, "reason", "shutdown_reason");
    }
    let has_transcript = kind == "application.transcription_ready";
    canonical::write_members(members, out, |name, value, out| match (name, value) {
        // The same reason is known with and without this ending.
        ("shutdown_reason", Value::String(reason)) if is_shutdown => {
            canonical::write_text(reason.strip_suffix(" reached").unwrap_or(reason), out);
            Ok(())
        }
        ("transcript", Value::Array(entries)) if has_transcript => {
            canonical::write_list(entries, out, write_entry)
        }
        (_, value) => canonical::write(value, out),
    })
}

/// Without its time, which is known as seconds and as ISO 8601.
fn write_entry(entry: &Value, out: &mut Vec<u8>) -> Result<(), Exotic> {
    match entry {
        Value::Object(entry) => {
            let members = entry.iter().map(|(name, value)| (name.as_str(), value));
            let members = members.filter(|(name, _)| *name != "timestamp");
            canonical::write_members(members.collect(), out, |_, value, out| {
                canonical::write(value, out)
            })
        }
        other => canonical::write(other, out),
    }
}

/// Puts a member under its old name; where both names are there, the one that says something.
fn rename<'a>(members: &mut Vec<(&'a str, &'a Value)>, new: &str, old: &'static str) {
    let Some(at) = members.iter().position(|(name, _)| *name == new) else {
        return;
    };
    let (_, value) = members.swap_remove(at);
    match members.iter_mut().find(|(name, _)| *name == old) {
        Some((_, kept)) if kept.is_null() => *kept = value,
        Some(_) => {}
        None => members.push((old, value)),
    }
}

/// The time that an event bears, in one spelling.
fn moment(timestamp: Option<&Value>) -> Result<String, Exotic> {
    let moment = match timestamp {
        Some(Value::String(text)) => respelled(text).unwrap_or_else(|| text.clone()),
        Some(number @ Value::Number(_)) => {
            let mut digits = Vec::new();
            canonical::write(number, &mut digits)?;
            String::from_utf8_lossy(&digits).into_owned()
        }
        _ => "-".to_owned(),
    };
    Ok(if moment.chars().count() <= LONGEST_MOMENT {
        moment
    } else {
        hex::encode(Sha256::digest(moment.as_bytes()))
    })
}

/// A moment of UTC in ISO 8601, as `2026-08-03T10:00:00.472Z`; `None` for any other text, which counts as it stands.
fn respelled(text: &str) -> Option<String> {
    let (date, rest) = text.split_at_checked(10)?;
    let (time, rest) = rest.strip_prefix(['T', ' '])?.split_at_checked(8)?;
    if !has_shape(date, "0000-00-00") || !has_shape(time, "00:00:00") {
        return None;
    }
    let (fraction, zone) = match rest.strip_prefix('.') {
        None => ("", rest),
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            (1..=9)
                .contains(&digits)
                .then(|| rest.split_at_checked(digits))??
        }
    };
    if !["", "Z", "+00", "+0000", "+00:00"].contains(&zone) {
        return None;
    }
    Some(match fraction.trim_end_matches('0') {
        "" => format!("{date}T{time}Z"),
        fraction => format!("{date}T{time}.{fraction}Z"),
    })
}

/// Whether there is a digit wherever the shape has one, and the same character elsewhere.
fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(byte, wanted): (u8, u8)| match wanted {
        b'0' => byte.is_ascii_digit(),
        wanted => byte == wanted,
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}
