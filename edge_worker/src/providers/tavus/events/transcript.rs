//! What was said.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::providers::fields::Fields;

/// The entries, in the order they were sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// All of them, the system prompt too.
    pub entries: Vec<TranscriptEntry>,
}

impl Transcript {
    pub(super) fn read(list: &[Value]) -> Self {
        Self {
            entries: list.iter().filter_map(TranscriptEntry::read).collect(),
        }
    }

    /// What people said or heard: no system prompt, which tells how the persona was made, no results of tools, and no turn that is
    /// only a call of one.
    pub fn spoken(&self) -> impl Iterator<Item = &TranscriptEntry> {
        self.entries.iter().filter(|entry| entry.is_spoken())
    }
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct TranscriptEntry {
    /// Who.
    pub role: TranscriptRole,
    /// The words.
    pub content: String,
    /// When; newer.
    pub at: Option<DateTime<Utc>>,
    /// Since the conversation began; newer.
    pub seconds_from_start: Option<f64>,
    /// How long it took; newer.
    pub duration_seconds: Option<f64>,
    /// Joins it with events of the room; newer, and not on every entry.
    pub inference_id: Option<String>,
}

impl TranscriptEntry {
    /// As the database's `parley.tavus_spoken`.
    fn is_spoken(&self) -> bool {
        const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];
        matches!(self.role, TranscriptRole::User | TranscriptRole::Assistant)
            && !self.content.trim_matches(BLANK).is_empty()
    }

    /// Who speaks and the words, where an entry was spoken.
    pub(crate) fn spoken(value: &Value) -> Option<(&'static str, String)> {
        let entry = Self::read(value).filter(Self::is_spoken)?;
        let role = match entry.role {
            TranscriptRole::User => "user",
            _ => "assistant",
        };
        Some((role, entry.content))
    }

    /// `None` for what is no object, or says neither who nor what.
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value);
        let role = fields.text(&["role"]);
        let content = fields.value(&["content"]).map(words);
        if role.is_none() && content.is_none() {
            return None;
        }
        Some(Self {
            role: role.map_or_else(|| TranscriptRole::Other(String::new()), TranscriptRole::parse),
            content: content.unwrap_or_default(),
            at: fields.time("timestamp"),
            seconds_from_start: fields.number("seconds_from_start"),
            duration_seconds: fields.number("duration"),
            inference_id: fields.owned(&["inference_id"]),
        })
    }
}

/// A text, or parts with texts, as chat models write it: a list of them, or one. As the database's `parley.tavus_spoken`.
fn words(content: &Value) -> String {
    match content {
        Value::Array(parts) => parts.iter().filter_map(part).collect::<Vec<_>>().join(" "),
        other => part(other).unwrap_or_default().to_owned(),
    }
}

fn part(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| Fields::of(value).text(&["text"]))
}

/// Who speaks in a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TranscriptRole {
    /// The prompt of the persona; usually the first entry, and it can be longer than all others.
    System,
    /// A person.
    User,
    /// The replica.
    Assistant,
    /// The result of a tool.
    Tool,
    /// A role that is new to us. It is not shown to people until it is known.
    Other(String),
}

impl TranscriptRole {
    /// In any case: senders write `User` too. As the database's `parley.tavus_role`.
    fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "system" | "developer" => Self::System,
            "user" => Self::User,
            "assistant" | "replica" | "pal" => Self::Assistant,
            "tool" | "function" => Self::Tool,
            _ => Self::Other(text.to_owned()),
        }
    }
}
