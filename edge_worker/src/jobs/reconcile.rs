//! `reconcile`: asks Tavus for events that never arrived.

use super::{Handlers, JobError};
use crate::conversations::{AppName, ConversationError, Reconciled};

pub(super) async fn run(handlers: &Handlers, app: AppName) -> Result<(), JobError> {
    match handlers.conversations.reconcile(app).await {
        Ok(done) if done.new_events + done.ended + done.failed == 0 => {}
        Ok(Reconciled {
            looked_at,
            new_events,
            ended,
            failed,
        }) => tracing::info!(%app, looked_at, new_events, ended, failed, "conversations were reconciled"),
        // Conversations from before it was switched off; nobody can ask about them.
        Err(ConversationError::Off) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
