//! `shelve_nearest`: puts the vectors of large tenants on shelves, so that a search looks at a few of them.

use super::{Handlers, JobError};
use crate::db;

/// What one statement places, so that nobody waits for it for long.
const BATCH: i32 = 5000;

pub(super) async fn run(handlers: &Handlers) -> Result<(), JobError> {
    let mut rows = 0;
    loop {
        let moved = db::upkeep::shelve_nearest(&handlers.pool, BATCH).await?;
        if moved == 0 {
            break;
        }
        rows += moved;
    }
    if rows > 0 {
        tracing::info!(rows, "vectors are on their shelves");
    }
    Ok(())
}
