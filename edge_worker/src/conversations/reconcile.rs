//! Asking Tavus what never arrived. Its verbose answer has the same events as the callbacks, and both claim the same keys. Its
//! list has the calls that nobody here knows of, or needs any more, and that cost money all the same.

use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::row::Row;
use super::start::CLAIM_SECONDS;
use super::{AppName, ConversationError, Conversations, Received};
use crate::db;
use crate::providers::tavus::wire::{Conversation, ConversationStatus};
use crate::providers::tavus::{ConversationId, TavusError};
use crate::telemetry;

/// Conversations a run.
const MOST: i32 = 200;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Conversations that were looked at.
    pub looked_at: u32,
    /// Events that had never arrived, and are applied now.
    pub new_events: u32,
    /// Conversations that are over at Tavus without an event that says so, and calls that nobody needs any more.
    pub ended: u32,
    /// Conversations and calls that could not be looked at; the log says why.
    pub failed: u32,
}

impl Conversations {
    /// Fetches the events of the conversations that may lack some, and takes in what is new. Then it looks for calls that are
    /// not noted in their conversation, and notes or ends them.
    ///
    /// # Errors
    ///
    /// What makes it useless to go on: Tavus is away, too busy or refuses the key, or the database is away. What was done
    /// until then is done.
    pub async fn reconcile(&self, app: AppName) -> Result<Reconciled, ConversationError> {
        let mut done = Reconciled::default();
        for (id, tavus_id) in db::conversations::open(self.pool(), app, MOST).await? {
            done.looked_at += 1;
            let looked = self.look_at(app, id, &tavus_id, &mut done).await;
            self.or_next(app, id, looked, &mut done)?;
        }
        for (id, call) in self.running_of(app).await? {
            let swept = self.sweep(app, id, &call).await;
            done.ended += u32::from(self.or_next(app, id, swept, &mut done)?.unwrap_or(false));
        }
        Ok(done)
    }

    /// What went wrong with one is told, and the next has its turn, unless that would fare no better.
    fn or_next<T>(
        &self,
        app: AppName,
        id: Uuid,
        result: Result<T, ConversationError>,
        done: &mut Reconciled,
    ) -> Result<Option<T>, ConversationError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if concerns_all(&error) => Err(error),
            Err(error) => {
                done.failed += 1;
                let error = telemetry::chain(&error);
                tracing::warn!(%app, conversation = %id, error, "a conversation was not reconciled");
                Ok(None)
            }
        }
    }

    async fn look_at(
        &self,
        app: AppName,
        id: Uuid,
        tavus_id: &str,
        done: &mut Reconciled,
    ) -> Result<(), ConversationError> {
        let call = match ConversationId::parse(tavus_id) {
            Some(tavus_id) => self.tavus()?.conversation(&tavus_id).await,
            None => Err(TavusError::NotFound),
        };
        let reason = match call {
            Ok(mut call) => {
                for event in call.events.take().unwrap_or_default() {
                    if self.take_in(app, id, event.raw.0).await? == Received::New {
                        done.new_events += 1;
                    }
                }
                (call.status == ConversationStatus::Ended).then_some("ended_at_tavus")
            }
            Err(TavusError::NotFound) => Some("unknown_at_tavus"),
            Err(error) => return Err(error.into()),
        };
        if let Some(reason) = reason {
            done.ended += u32::from(db::conversations::ended(self.pool(), app, id, reason).await?);
        }
        db::conversations::looked(self.pool(), app, id).await?;
        Ok(())
    }

    /// Notes a running call in its conversation, or ends it where that has another one, is over or is gone. Says whether it
    /// was ended.
    async fn sweep(&self, app: AppName, id: Uuid, call: &Conversation) -> Result<bool, ConversationError> {
        let row = db::conversations::conversation(self.pool(), app, id).await?;
        let is_needed = match row.map(Row) {
            // It may be that of another worker with the same keys and an address of the same name.
            None => !self.is_ours_alone(call),
            Some(row) if row.is_over() => false,
            Some(row) if row.tavus_id().as_ref() == Some(&call.id) => {
                if !row.has_url() {
                    self.note(app, id, call).await?;
                }
                true
            }
            Some(row) if row.tavus_id().is_some() => false,
            Some(_) => {
                // Whoever has the claim is about to note it.
                let claimed = db::conversations::claim(self.pool(), app, id, CLAIM_SECONDS).await?;
                if claimed.is_some() {
                    self.note(app, id, call).await?;
                }
                true
            }
        };
        if !is_needed {
            tracing::warn!(%app, conversation = %id, "ending a call that nobody needs");
            self.end_call(&call.id).await?;
        }
        Ok(!is_needed)
    }

    fn is_ours_alone(&self, call: &Conversation) -> bool {
        let address = call.callback_url.as_ref();
        address.is_some_and(|address| self.callbacks().is_ours_alone(address.expose_secret()))
    }
}

/// The next conversation would fare no better.
fn concerns_all(error: &ConversationError) -> bool {
    match error {
        ConversationError::Tavus(error) => !matches!(
            error,
            TavusError::Rejected { .. } | TavusError::Unintelligible(_) | TavusError::NotFound
        ),
        ConversationError::Database(db::DbError::Data(_)) | ConversationError::IdTaken(_) => false,
        _ => true,
    }
}
