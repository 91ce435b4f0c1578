//! Ending a call.

use uuid::Uuid;

use super::row::Row;
use super::start::CLAIM_SECONDS;
use super::{AppName, ConversationError, Conversations};
use crate::db;
use crate::providers::tavus::{ConversationId, TavusError};

/// How a conversation came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By this call.
    Now,
    /// It was over before.
    Before,
    /// There is no such conversation.
    Gone,
}

impl Conversations {
    /// Ends a call at Tavus and notes it. One that Tavus does not know, or that is over there, counts as ended.
    ///
    /// # Errors
    ///
    /// [`ConversationError::Busy`] while another worker is starting the call, and any other.
    pub async fn end(&self, app: AppName, id: Uuid, reason: &str) -> Result<Ended, ConversationError> {
        let Some(row) = db::conversations::conversation(self.pool(), app, id)
            .await?
            .map(Row)
        else {
            return Ok(Ended::Gone);
        };
        if row.is_over() {
            return Ok(Ended::Before);
        }
        match row.tavus_id() {
            Some(tavus_id) => self.end_call(&tavus_id).await?,
            None => self.end_unstarted(app, id).await?,
        }
        match db::conversations::ended(self.pool(), app, id, reason).await? {
            true => Ok(Ended::Now),
            false => Ok(Ended::Before),
        }
    }

    /// One that is not started yet may have a call of an attempt whose answer was lost.
    async fn end_unstarted(&self, app: AppName, id: Uuid) -> Result<(), ConversationError> {
        let row = db::conversations::claim(self.pool(), app, id, CLAIM_SECONDS)
            .await?
            .map(Row);
        let row = row.ok_or(ConversationError::Busy)?;
        let done = match row.tavus_id() {
            Some(tavus_id) => self.end_call(&tavus_id).await,
            None if row.was_attempted() => match self.find(app, id).await {
                Ok(Some(call)) => self.end_call(&call.id).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            },
            None => Ok(()),
        };
        if done.is_err() {
            db::conversations::release(self.pool(), app, id, row.claim(), false).await?;
        }
        done
    }

    /// Destroys what Tavus keeps of a call, for good. `false` when it knows none of this id.
    ///
    /// # Errors
    ///
    /// [`ConversationError::Off`] without Tavus, and what Tavus says.
    pub(crate) async fn erase(&self, call: &str) -> Result<bool, ConversationError> {
        match ConversationId::parse(call) {
            Some(call) => Ok(self.tavus()?.delete_conversation(&call, true).await?),
            None => Ok(false),
        }
    }

    pub(super) async fn end_call(&self, call: &ConversationId) -> Result<(), ConversationError> {
        match self.tavus()?.end_conversation(call).await {
            Ok(_) | Err(TavusError::NotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
