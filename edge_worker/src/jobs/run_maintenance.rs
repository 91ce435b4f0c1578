//! `run_maintenance`: has the database do one of its sweeps, a batch a transaction.

use super::{Handlers, JobError};
use crate::db;

pub(super) async fn run(handlers: &Handlers, name: &str) -> Result<(), JobError> {
    let mut done = 0;
    loop {
        let batch = db::upkeep::run_maintenance(&handlers.pool, name).await?;
        done += batch.done;
        if !batch.has_more {
            break;
        }
    }
    if done > 0 {
        tracing::info!(maintenance = name, done, "maintenance was done");
    }
    Ok(())
}
