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
        } else if self.0.get("demo_id").is_some_and(Value::is_null) {
            Some("demo_deleted")
        } else {
            None
        }
    }

    /// What the agent of a demo is to know of itself.
    pub(super) fn demo(&self) -> Option<Demo<'_>> {
        let demo = self.0.get("demo").filter(|demo| demo.is_object())?;
        let knowledge = self.text("knowledge");
        Some(Demo { demo, knowledge })
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

/// A demo as its call tells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demo<'a> {
    demo: &'a Value,
    /// As much of its knowledge as fits.
    knowledge: Option<&'a str>,
}

impl<'a> Demo<'a> {
    fn text(self, name: &str) -> Option<&'a str> {
        self.demo
            .get(name)?
            .as_str()
            .filter(|text| !text.trim().is_empty())
    }

    /// The first words to whoever joins.
    pub(super) fn greeting(self) -> Option<&'a str> {
        self.text("agent_greeting")
    }

    /// Who the agent is and what it speaks about, as sentences for a language model. `None` of a demo that says nothing.
    pub(super) fn context(self) -> Option<String> {
        let mut lines = Vec::new();
        if let Some(name) = self.text("agent_name") {
            lines.push(format!("Your name is {name}."));
        }
        if let Some(personality) = self.text("agent_personality") {
            lines.push(format!("Your personality: {personality}"));
        }
        if let Some(name) = self.text("name") {
            lines.push(format!("You present the demo \"{name}\"."));
        }
        if let Some(description) = self.text("description") {
            lines.push(format!("What the demo is about: {description}"));
        }
        if let (Some(text), Some(link)) = (self.text("cta_text"), self.text("cta_link")) {
            lines.push(format!("When it fits, invite the visitor: {text} ({link})"));
        }
        if let Some(knowledge) = self.knowledge {
            lines.push(format!("What you know about it:\n\n{knowledge}"));
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn call_of_a_demo_tells_the_agent_who_it_is() {
        let row = Row(json!({ "demo_id": "d", "demo": {
            "name": "Tour", "description": null, "agent_name": "Mia", "agent_personality": " ", "agent_greeting": "Hello!",
            "cta_text": "Book a call", "cta_link": "https://example.com/book",
        }, "knowledge": "Q: How long?\nA: An hour." }));
        let demo = row.demo().unwrap();
        assert_eq!(demo.greeting(), Some("Hello!"));
        assert_eq!(
            demo.context().unwrap(),
            "Your name is Mia.\nYou present the demo \"Tour\".\nWhen it fits, invite the visitor: Book a call (https://example.com/book)\nWhat you know about it:\n\nQ: How long?\nA: An hour."
        );
        assert_eq!(row.why_end(), None);
        let orphan = Row(json!({ "demo_id": null, "demo": null }));
        assert_eq!(orphan.why_end(), Some("demo_deleted"));
        assert!(orphan.demo().is_none());
    }
}
