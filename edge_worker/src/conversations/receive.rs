//! Taking an event in.

use serde_json::Value;
use uuid::Uuid;

use super::{AppName, ConversationError, Conversations};
use crate::db;

/// What became of an event. Only the first is applied; all but the last are acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is kept and applied.
    New,
    /// It was here before.
    Duplicate,
    /// One of the same key was here before and said something else. The first counts, this one is kept beside it.
    Conflicting,
    /// There is no such conversation, or the event is another's.
    Unknown,
}

impl Received {
    /// The word of the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Duplicate => "duplicate",
            Self::Conflicting => "conflicting",
            Self::Unknown => "unknown",
        }
    }
}

impl Conversations {
    /// Claims, keeps and applies an event in one transaction. It may come twice, at once, and in any order.
    ///
    /// # Errors
    ///
    /// [`ConversationError::Database`].
    pub async fn receive(
        &self,
        app: AppName,
        id: Uuid,
        event: &Value,
    ) -> Result<Received, ConversationError> {
        self.receive_text(app, id, event.to_string().as_bytes()).await
    }

    /// The same with JSON that is text already.
    ///
    /// # Errors
    ///
    /// [`ConversationError::Database`].
    pub async fn receive_text(
        &self,
        app: AppName,
        id: Uuid,
        event: &[u8],
    ) -> Result<Received, ConversationError> {
        let word = db::conversations::receive(self.pool(), app, id, event).await?;
        Ok(match word.as_str() {
            "new" => Received::New,
            "duplicate" => Received::Duplicate,
            "conflicting" => Received::Conflicting,
            _ => Received::Unknown,
        })
    }
}
