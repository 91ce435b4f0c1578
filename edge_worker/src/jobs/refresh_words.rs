//! `refresh_words`: brings the words of chunks over to those of this release, so that what was stored before is found by the same words.

use super::{Handlers, JobError};
use crate::db;

/// What one statement makes anew: some tenths of a second in the portable kernel.
const BATCH: i32 = 500;

pub(super) async fn run(handlers: &Handlers) -> Result<(), JobError> {
    let mut chunks = 0;
    loop {
        let refreshed = db::upkeep::refresh_words(&handlers.pool, BATCH).await?;
        if refreshed == 0 {
            break;
        }
        chunks += refreshed;
    }
    if chunks > 0 {
        tracing::info!(chunks, "chunks have the words of this release");
    }
    Ok(())
}
