//! The envelope.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::kind::EventKind;
use super::parse;
use crate::providers::fields::Fields;
use crate::providers::tavus::ConversationId;
use crate::providers::{Raw, json};

/// The body is no event at all. Answer 400: it will not get better.
#[derive(Debug, thiserror::Error)]
pub enum MalformedBody {
    /// It is no JSON, or nested deeper than 127 levels.
    #[error("the body is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// It is JSON, and no object.
    #[error("the body is not a JSON object")]
    NotAnObject,
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct TavusEvent {
    /// The conversation. Callbacks that are about something else have none.
    pub conversation_id: Option<ConversationId>,
    /// `event_type`, as it was sent; empty for callbacks that have no envelope.
    pub event_type: String,
    /// When it happened, by Tavus' clock.
    pub occurred_at: Option<DateTime<Utc>>,
    /// Where it stands in the conversation; only events of the room say so.
    pub turn: Turn,
    /// All of it, without the callback address, which holds the token. What is no text, or none for Postgres (U+0000), is U+FFFD in it:
    /// [`json`] reads it so.
    pub raw: Raw,
}

/// Where an event of the room stands among the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Grows from event to event.
    pub seq: Option<i64>,
    /// The same for all events of a turn.
    pub index: Option<i64>,
    /// Joins it with an entry of the transcript.
    pub inference_id: Option<String>,
}

impl TavusEvent {
    /// Reads the body of a callback.
    ///
    /// # Errors
    ///
    /// [`MalformedBody`] only where there is nothing to keep.
    pub fn parse(body: &[u8]) -> Result<Self, MalformedBody> {
        let value: Value = json::read(body).map_err(MalformedBody::NotJson)?;
        if !value.is_object() {
            return Err(MalformedBody::NotAnObject);
        }
        Ok(Self::from_object(value))
    }

    /// Reads a row of the verbose answer, which does not repeat the conversation.
    pub fn from_row(row: Value, conversation: &ConversationId) -> Option<Self> {
        if !row.is_object() {
            return None;
        }
        let mut event = Self::from_object(row);
        event.conversation_id = Some(conversation.clone());
        Some(event)
    }

    /// What happened. Worked out on every call: a transcript is long, and whoever only passes an event on does not need it.
    pub fn kind(&self) -> EventKind {
        parse::kind(&self.event_type, Fields::of(&self.raw.0))
    }

    fn from_object(mut value: Value) -> Self {
        if let Some(map) = value.as_object_mut() {
            map.remove("webhook_url");
        }
        let fields = Fields::of(&value);
        let event_type = fields.owned(&["event_type"]).unwrap_or_default();
        let conversation = fields
            .text(&["conversation_id"])
            .or_else(|| fields.child("properties").text(&["conversation_id"]));
        Self {
            conversation_id: conversation.and_then(ConversationId::parse),
            occurred_at: fields.time("timestamp"),
            turn: Turn {
                seq: fields.integer("seq"),
                index: fields.integer("turn_idx"),
                inference_id: fields.owned(&["inference_id"]),
            },
            event_type,
            raw: Raw(value),
        }
    }
}
