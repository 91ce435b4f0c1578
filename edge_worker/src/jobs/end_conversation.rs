//! `end_conversation`: ends a call that nobody wants any more.

use uuid::Uuid;

use super::{Handlers, JobError};
use crate::conversations::{AppName, Ended};

pub(super) async fn run(handlers: &Handlers, app: AppName, id: Uuid, reason: &str) -> Result<(), JobError> {
    match handlers.conversations.end(app, id, reason).await? {
        Ended::Now => tracing::info!(%app, conversation = %id, reason, "a call was ended"),
        Ended::Before | Ended::Gone => {}
    }
    Ok(())
}
