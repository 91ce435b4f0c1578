//! A conversation as the database tells it.

use serde_json::Value;

use crate::providers::tavus::{ConversationId, PersonaId};

/// The row, whole, and what the worker reads of it.
#[derive(Clone, Debug)]
pub(super) struct Row(pub(super) Value);

impl Row {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    fn is_null(&self, name: &str) -> bool {
        self.0.get(name).is_none_or(Value::is_null)
    }

    /// Tavus' id, once the call exists.
    pub(super) fn tavus_id(&self) -> Option<ConversationId> {
        ConversationId::parse(self.text("conversation_id")?)
    }

    pub(super) fn has_url(&self) -> bool {
        !self.is_null("conversation_url")
    }

    pub(super) fn persona_id(&self) -> Option<PersonaId> {
        PersonaId::parse(self.text("persona_id")?)
    }

    /// The call runs, and all that is to know of it is known.
    pub(super) fn is_complete(&self) -> bool {
        self.text("status") == Some("active") && self.has_url()
    }

    /// Over, in one way or the other.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.text("status"), Some("ended" | "failed"))
    }

    /// Why nobody needs the call any more.
    pub(super) fn why_end(&self) -> Option<&'static str> {
        if !self.is_null("end_requested_at") {
            Some("requested")
        } else if self.0.get("session_id").is_some_and(Value::is_null) {
            Some("room_deleted")
        } else {
            None
        }
    }

    /// An earlier attempt may have made the call.
    pub(super) fn was_attempted(&self) -> bool {
        !self.is_null("attempted_at")
    }

    /// What tells the claim of one worker from that of another.
    pub(super) fn claim(&self) -> &str {
        self.text("claimed_until").unwrap_or_default()
    }
}
