//! `start_conversation`: makes the call that somebody asked for.

use std::time::Duration;

use uuid::Uuid;

use super::{Handlers, JobError};
use crate::conversations::{AppName, ConversationError, Started};
use crate::{db, telemetry};

/// When to look whether the other one has done it. It may die with it.
const OTHER_WAIT: Duration = Duration::from_secs(10);

pub(super) async fn run(handlers: &Handlers, app: AppName, id: Uuid) -> Result<(), JobError> {
    match handlers.conversations.start(app, id).await {
        Ok(Started::Now(_) | Started::Already(_) | Started::Gone) => Ok(()),
        Ok(Started::TakenByAnother) => Err(JobError::Retry {
            after: Some(OTHER_WAIT),
            reason: "another worker is starting the call".to_owned(),
        }),
        Err(error) if error.is_passing() || matches!(error, ConversationError::Database(_)) => {
            Err(error.into())
        }
        Err(error) => {
            // The conversation has failed and says why: trying again would do nothing.
            let error = telemetry::chain(&error);
            tracing::error!(%app, conversation = %id, error, "a conversation could not be started");
            Ok(())
        }
    }
}

/// A conversation that waited for ever would keep its room from asking again.
pub(super) async fn given_up(handlers: &Handlers, app: AppName, id: Uuid) {
    // Which of the attempts' reasons it was, the dead letter says.
    const WHY: &str = "The avatar could not be started, however often it was tried.";
    if let Err(error) = db::conversations::failed(&handlers.pool, app, id, WHY).await {
        let error = telemetry::chain(&error);
        tracing::warn!(%app, conversation = %id, error, "a conversation that was given up goes on waiting");
    }
}
