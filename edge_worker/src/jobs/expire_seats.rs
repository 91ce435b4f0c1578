//! `expire_seats`: gives back the seats of people who are gone.

use super::{Handlers, JobError};
use crate::conversations::AppName;
use crate::db;

/// A sweep takes so many rooms at once; a full one was not the last.
const FULL_SWEEP: i64 = 500;

pub(super) async fn run(handlers: &Handlers, app: AppName) -> Result<(), JobError> {
    loop {
        let seats = db::upkeep::expire_seats(&handlers.pool, app).await?;
        if seats > 0 {
            tracing::info!(%app, seats, "seats were given back");
        }
        if seats < FULL_SWEEP {
            return Ok(());
        }
    }
}
