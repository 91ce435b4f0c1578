//! `remove_files`: removes the files that an erased demo left in the storage.

use super::{Handlers, JobError};
use crate::db;
use crate::providers::Advice;
use crate::providers::storage::StorageError;
use crate::telemetry;

/// What one request removes; Storage takes up to 1,000.
const BATCH: i32 = 100;

pub(super) async fn run(handlers: &Handlers, path: &str) -> Result<(), JobError> {
    let mut removed = 0;
    loop {
        // The database knows the names, so nothing is listed: a page of a listing shifts while files go.
        let files = db::files::to_remove(&handlers.pool, path, BATCH).await?;
        let Some(bucket) = files.first().map(|file| file.bucket.clone()) else {
            break;
        };
        let names: Vec<&str> = files
            .iter()
            .filter(|file| file.bucket == bucket)
            .map(|file| file.name.as_str())
            .collect();
        handlers.knowledge.storage().remove(&bucket, &names).await?;
        removed += names.len();
    }
    db::files::removed(&handlers.pool, path).await?;
    if removed > 0 {
        tracing::info!(removed, "the files of an erased demo were removed");
    }
    Ok(())
}

impl From<StorageError> for JobError {
    fn from(error: StorageError) -> Self {
        let reason = telemetry::chain(&error);
        match error.advice() {
            Advice::RetryAfter(wait) => Self::Retry {
                after: Some(wait),
                reason,
            },
            Advice::RetryLater | Advice::Misconfigured => Self::Retry { after: None, reason },
            Advice::GiveUp => Self::GiveUp { reason },
        }
    }
}
