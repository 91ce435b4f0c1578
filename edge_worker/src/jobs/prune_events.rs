//! `prune_events`: forgets events by age.

use super::{Handlers, JobError};
use crate::conversations::AppName;
use crate::db;

/// What one statement deletes, so that none holds its locks for long.
const BATCH: i32 = 5000;

pub(super) async fn run(handlers: &Handlers, app: Option<AppName>) -> Result<(), JobError> {
    let mut events = 0;
    loop {
        let pruned = match app {
            Some(app) => db::upkeep::prune_conversation_events(&handlers.pool, app, BATCH).await?,
            None => db::upkeep::prune(&handlers.pool, BATCH).await?,
        };
        events += pruned;
        if pruned < i64::from(BATCH) {
            break;
        }
    }
    if events > 0 {
        tracing::info!(app = app.map(AppName::as_str), events, "old events are forgotten");
    }
    Ok(())
}
