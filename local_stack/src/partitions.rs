//! Keeps the daily partitions of `realtime.messages`, which on Supabase the Realtime server does. Without one for today every
//! message from SQL is lost.

use std::time::Duration;

use sqlx::PgPool;

use crate::error::Error;

/// Days begin far apart; an hour late is still two days early.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Creates what is missing and drops what is old, now.
pub(crate) async fn keep_once(admin: &PgPool) -> Result<(), Error> {
    sqlx::query("select _realtime.keep_partitions()")
        .execute(admin)
        .await
        .map_err(Error::database("keeping the partitions of realtime.messages"))?;
    Ok(())
}

/// Does it every hour until it is dropped.
pub(crate) async fn keep(admin: PgPool) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        if let Err(error) = keep_once(&admin).await {
            tracing::error!(%error, "the partitions of realtime.messages were not kept; trying again in an hour");
        }
    }
}
