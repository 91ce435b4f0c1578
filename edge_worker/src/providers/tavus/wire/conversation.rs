//! Conversations.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::providers::fields::Fields;
use crate::providers::tavus::events::TavusEvent;
use crate::providers::tavus::{ConversationId, PersonaId, ReplicaId};

/// What to create. Nothing is required by itself; a replica has to come from here or from the persona.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewConversation {
    /// Who appears.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_id: Option<ReplicaId>,
    /// How they behave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona_id: Option<PersonaId>,
    /// A label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_name: Option<String>,
    /// Where the callbacks go. It holds the token of the conversation.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    pub callback_url: Option<SecretString>,
    /// Added to the context of the persona.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversational_context: Option<String>,
    /// The first words to whoever joins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_greeting: Option<String>,
    /// No picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_only: Option<bool>,
    /// At least 2; the replica counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_participants: Option<u32>,
    /// A private room: the answer has a token for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_auth: Option<bool>,
    /// Created and ended at once, free of charge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_mode: Option<bool>,
    /// Times and media.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<ConversationProperties>,
    /// Fields that Tavus knows and this type does not.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Times and media of a conversation.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ConversationProperties {
    /// A hard end.
    #[serde(rename = "max_call_duration", skip_serializing_if = "Option::is_none")]
    pub max_call_seconds: Option<u32>,
    /// After the last participant left.
    #[serde(rename = "participant_left_timeout", skip_serializing_if = "Option::is_none")]
    pub participant_left_seconds: Option<u32>,
    /// From the creation, when nobody comes.
    #[serde(
        rename = "participant_absent_timeout",
        skip_serializing_if = "Option::is_none"
    )]
    pub participant_absent_seconds: Option<u32>,
    /// Allows recording; it does not begin one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_recording: Option<bool>,
    /// Subtitles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_closed_captions: Option<bool>,
    /// A full name such as `english`, or `multilingual`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Fields that Tavus knows and this type does not.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

fn exposed<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => serializer.serialize_str(secret.expose_secret()),
        None => serializer.serialize_none(),
    }
}

/// Whether a conversation runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConversationStatus {
    /// It runs, and costs.
    Active,
    /// It is over.
    Ended,
    /// A word that is new to us, or none.
    Other(String),
}

impl ConversationStatus {
    fn parse(text: &str) -> Self {
        match text {
            "active" => Self::Active,
            "ended" => Self::Ended,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The word of Tavus.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Ended => "ended",
            Self::Other(text) => text,
        }
    }
}

/// A conversation as Tavus tells it.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Its label.
    pub name: Option<String>,
    /// The room, for a browser.
    pub url: Option<String>,
    /// Whether it runs.
    pub status: ConversationStatus,
    /// Who appears.
    pub replica_id: Option<ReplicaId>,
    /// How they behave.
    pub persona_id: Option<PersonaId>,
    /// Where its callbacks go. It holds the token of the conversation.
    pub callback_url: Option<SecretString>,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// Opens a private room.
    pub meeting_token: Option<SecretString>,
    /// What was or would have been sent to the callback address; `None` where Tavus does not say.
    pub events: Option<Vec<TavusEvent>>,
}

impl Conversation {
    /// `None` without an id.
    pub(crate) fn read(row: Value) -> Option<Self> {
        let fields = Fields::of(&row);
        let id = ConversationId::parse(fields.text(&["conversation_id"])?)?;
        let events = fields.list("events").map(|events| {
            let read = |event: &Value| TavusEvent::from_row(event.clone(), &id);
            events.iter().filter_map(read).collect()
        });
        Some(Self {
            name: fields.owned(&["conversation_name"]),
            url: fields.owned(&["conversation_url"]),
            status: ConversationStatus::parse(fields.text(&["status"]).unwrap_or_default()),
            replica_id: fields.text(&["replica_id", "face_id"]).and_then(ReplicaId::parse),
            persona_id: fields.text(&["persona_id", "pal_id"]).and_then(PersonaId::parse),
            callback_url: fields.owned(&["callback_url"]).map(Into::into),
            created_at: fields.time("created_at"),
            updated_at: fields.time("updated_at"),
            meeting_token: fields.owned(&["meeting_token"]).map(Into::into),
            events,
            id,
        })
    }
}
