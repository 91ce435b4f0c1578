//! `transcribe_video`, `read_document` and `embed_knowledge`: files become chunks, chunks get embeddings.

use uuid::Uuid;

use super::{Handlers, JobError};
use crate::knowledge::{File, KnowledgeError};
use crate::providers::Advice;
use crate::telemetry;

pub(super) async fn ingest(handlers: &Handlers, file: File) -> Result<(), JobError> {
    match handlers.knowledge.ingest(file).await {
        Ok(()) => Ok(()),
        Err(error) if error.is_passing() || matches!(error, KnowledgeError::Database(_)) => Err(error.into()),
        Err(error) => {
            // The file has failed and says why: trying again would do nothing.
            let error = telemetry::chain(&error);
            tracing::error!(?file, error, "a file could not be processed");
            Ok(())
        }
    }
}

/// A file that was processing for ever would keep its demo from being published.
pub(super) async fn given_up(handlers: &Handlers, file: File) {
    if let Err(error) = handlers.knowledge.give_up(file).await {
        let error = telemetry::chain(&error);
        tracing::warn!(?file, error, "a file that was given up goes on waiting");
    }
}

pub(super) async fn embed(handlers: &Handlers, demo: Uuid) -> Result<(), JobError> {
    let chunks = handlers.knowledge.embed_demo(demo).await?;
    if chunks > 0 {
        tracing::info!(%demo, chunks, model = handlers.knowledge.embedder().model(), "chunks have their embeddings");
    }
    Ok(())
}

impl From<KnowledgeError> for JobError {
    fn from(error: KnowledgeError) -> Self {
        let reason = telemetry::chain(&error);
        match error.advice() {
            Advice::RetryAfter(wait) => Self::Retry {
                after: Some(wait),
                reason,
            },
            // A key, a plan or a model may be put right within the attempts that there are.
            Advice::RetryLater | Advice::Misconfigured => Self::Retry { after: None, reason },
            Advice::GiveUp => Self::GiveUp { reason },
        }
    }
}
