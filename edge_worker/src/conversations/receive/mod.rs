//! Taking an event in.

mod lanes;
mod prepared;

use serde_json::Value;
use uuid::Uuid;

use super::{AppName, ConversationError, Conversations};
use crate::db::DbError;
use prepared::Prepared;

pub(super) use lanes::Lanes;

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
        self.take_in(app, id, event.clone()).await
    }

    /// The same with an event that nobody else needs.
    ///
    /// # Errors
    ///
    /// [`ConversationError::Database`].
    pub async fn take_in(&self, app: AppName, id: Uuid, event: Value) -> Result<Received, ConversationError> {
        let patience = self.0.patience;
        let lanes = self.0.lanes.get_or_init(|| Lanes::open(&self.0.pool, patience));
        let brought = lanes.bring(app, id, Prepared::of(app, event));
        let word = tokio::time::timeout(patience, brought)
            .await
            .map_err(|_| DbError::late())??;
        Ok(match word.as_str() {
            "new" => Received::New,
            "duplicate" => Received::Duplicate,
            "conflicting" => Received::Conflicting,
            _ => Received::Unknown,
        })
    }
}
