//! `erase_call`: destroys what Tavus keeps of a call whose row is gone, recordings among it.

use super::{Handlers, JobError};
use crate::conversations::ConversationError;

pub(super) async fn run(handlers: &Handlers, call: &str) -> Result<(), JobError> {
    match handlers.conversations.erase(call).await {
        Ok(true) => tracing::info!("a call was erased at its provider"),
        // Gone already, or from before Tavus was switched off.
        Ok(false) | Err(ConversationError::Off) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
