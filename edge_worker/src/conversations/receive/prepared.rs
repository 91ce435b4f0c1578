//! An event as it goes to the database.

use serde_json::Value;

use crate::conversations::AppName;
use crate::providers::tavus::events::{Identity, TranscriptEntry};

/// What is kept of an entry of a transcript beside who speaks and the words; of what is unknown only what people read is kept.
const KEPT: [&str; 3] = ["timestamp", "seconds_from_start", "duration"];

/// An event with what it is claimed under.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) json: Vec<u8>,
    /// `None` where the event does not say enough: then the database works it out, and what it needs is left as it is.
    pub(super) identity: Option<Identity>,
}

impl Prepared {
    pub(super) fn of(app: AppName, mut event: Value) -> Self {
        let identity = Identity::of(&event);
        let has_transcript =
            event.get("event_type").and_then(Value::as_str) == Some("application.transcription_ready");
        match app {
            // It keeps a transcript as it comes prepared.
            AppName::Echoroom if has_transcript && identity.is_some() => clean_transcript(&mut event),
            // Its database takes the system prompt out, and keeps the rest of an event as it came.
            AppName::Echoroom | AppName::Domo => {}
        }
        Self {
            json: event.to_string().into_bytes(),
            identity,
        }
    }
}

/// The same as the database's `parley.tavus_transcript`: what was spoken, by user or assistant.
fn clean_transcript(event: &mut Value) {
    let Some(Value::Array(entries)) = event.pointer_mut("/properties/transcript") else {
        return;
    };
    entries.retain_mut(|entry| {
        let Some((role, words)) = TranscriptEntry::spoken(entry) else {
            return false;
        };
        let Value::Object(fields) = entry else {
            return false;
        };
        fields.retain(|name, value| KEPT.contains(&name.as_str()) && !value.is_null());
        fields.values_mut().for_each(strip_nulls);
        fields.insert("role".to_owned(), role.into());
        fields.insert("content".to_owned(), words.into());
        true
    });
}

/// At any depth, as `jsonb_strip_nulls` does.
fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(strip_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}
