//! `keep_orphans`: looks for calls that cost money and serve nobody, and for wishes whose job was lost.

use super::{Handlers, JobError};
use crate::conversations::AppName;
use crate::db;

pub(super) async fn run(handlers: &Handlers, app: AppName) -> Result<(), JobError> {
    let (to_start, to_end) = db::upkeep::keep_orphans(&handlers.pool, app).await?;
    if to_start + to_end > 0 {
        tracing::info!(%app, to_start, to_end, "conversations are looked after");
    }
    Ok(())
}
