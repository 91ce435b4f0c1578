//! Asking Tavus what never arrived. Its verbose answer has the same events as the callbacks, and both claim the same keys.

use uuid::Uuid;

use super::{AppName, ConversationError, Conversations, Received};
use crate::db;
use crate::providers::tavus::wire::ConversationStatus;
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
    /// Conversations that are over at Tavus without an event that says so.
    pub ended: u32,
    /// Conversations that could not be looked at; the log says why.
    pub failed: u32,
}

impl Conversations {
    /// Fetches the events of the conversations that may lack some, and takes in what is new.
    ///
    /// # Errors
    ///
    /// What makes it useless to go on: Tavus is away, too busy or refuses the key, or the database is away. What was done
    /// until then is done.
    pub async fn reconcile(&self, app: AppName) -> Result<Reconciled, ConversationError> {
        let mut done = Reconciled::default();
        for (id, tavus_id) in db::conversations::open(self.pool(), app, MOST).await? {
            done.looked_at += 1;
            match self.reconcile_one(app, id, &tavus_id, &mut done).await {
                Ok(()) => {}
                Err(error) if concerns_all(&error) => return Err(error),
                Err(error) => {
                    done.failed += 1;
                    let error = telemetry::chain(&error);
                    tracing::warn!(%app, conversation = %id, error, "a conversation was not reconciled");
                }
            }
        }
        Ok(done)
    }

    async fn reconcile_one(
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
            Ok(call) => {
                for event in call.events.unwrap_or_default() {
                    if self.receive(app, id, &event.raw.0).await? == Received::New {
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
        Ok(())
    }
}

/// The next conversation would fare no better.
fn concerns_all(error: &ConversationError) -> bool {
    match error {
        ConversationError::Tavus(error) => !matches!(
            error,
            TavusError::Rejected { .. } | TavusError::Unintelligible(_) | TavusError::NotFound
        ),
        ConversationError::Database(db::DbError::Data(_)) => false,
        _ => true,
    }
}
