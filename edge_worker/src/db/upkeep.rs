//! What the database does for itself when it is told to.

use sqlx::PgPool;

use super::DbError;
use crate::conversations::AppName;

/// Gives expired seats back; how many. The calls of Domo have none.
pub(crate) async fn expire_seats(pool: &PgPool, app: AppName) -> Result<i64, DbError> {
    let statement = match app {
        AppName::Echoroom => "select echoroom_private.release_expired_seats()::bigint",
        AppName::Domo => return Ok(0),
    };
    Ok(sqlx::query_scalar(statement).fetch_one(pool).await?)
}

/// Enqueues what triggers cannot know of; how many starts and ends.
pub(crate) async fn keep_orphans(pool: &PgPool, app: AppName) -> Result<(i32, i32), DbError> {
    let statement = match app {
        AppName::Echoroom => "select to_start, to_end from echoroom_private.keep_orphans()",
        AppName::Domo => "select to_start, to_end from domo_private.keep_orphans()",
    };
    Ok(sqlx::query_as(statement).fetch_one(pool).await?)
}

/// Forgets a batch of an app's old events; how many. Domo keeps those of its calls, and forgets what its channels were told.
pub(crate) async fn prune_conversation_events(
    pool: &PgPool,
    app: AppName,
    batch: i32,
) -> Result<i64, DbError> {
    let statement = match app {
        AppName::Echoroom => "select echoroom_private.prune_conversation_events(p_batch => $1)",
        AppName::Domo => "select domo_private.prune_stream(p_batch => $1)",
    };
    Ok(sqlx::query_scalar(statement).bind(batch).fetch_one(pool).await?)
}

/// Forgets a batch of the kernel's; how many events.
pub(crate) async fn prune(pool: &PgPool, batch: i32) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar("select parley.prune($1)")
        .bind(batch)
        .fetch_one(pool)
        .await?)
}

/// Puts a batch of a large tenant's vectors on shelves; how many.
pub(crate) async fn shelve_nearest(pool: &PgPool, batch: i32) -> Result<i32, DbError> {
    Ok(sqlx::query_scalar("select parley.shelve_nearest($1)")
        .bind(batch)
        .fetch_one(pool)
        .await?)
}

/// Makes the words of a batch of chunks anew that an older release made; how many.
pub(crate) async fn refresh_words(pool: &PgPool, batch: i32) -> Result<i32, DbError> {
    Ok(sqlx::query_scalar("select domo_private.refresh_words($1)")
        .bind(batch)
        .fetch_one(pool)
        .await?)
}
