//! What a channel missed.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::lifecycle::Feed;
use super::stored::{StoredBroadcast, StoredPayload};
use crate::identity::Caller;

/// What is older is gone with its partition, sooner or later.
const WINDOW: TimeDelta = TimeDelta::hours(72);
/// The most messages of one replay.
const MOST: i64 = 25;

/// Rows of one transaction carry the same time; where they lie in their partition tells which came first.
const NEWEST: &str = "select id, topic, event, payload::text, binary_payload
    from realtime.messages
    where topic = $1
      and extension = 'broadcast'
      and private is true
      and inserted_at >= $2
      and inserted_at < $4
      and event is not null
      and (payload is not null or binary_payload is not null)
    order by inserted_at desc, ctid desc
    limit $3";

/// What lies further ahead was written in another time zone than UTC. The server looks no further either.
const AHEAD: TimeDelta = TimeDelta::minutes(1);

type Row = (Uuid, String, String, Option<String>, Option<Vec<u8>>);

impl Feed {
    /// The newest `limit` (1 to 25) private broadcasts of a topic since a time in milliseconds, oldest first, as far as the
    /// caller may read them.
    pub(crate) async fn replay(
        &self,
        caller: &Caller,
        topic: &str,
        since_ms: i64,
        limit: i64,
    ) -> Result<Vec<StoredBroadcast>, sqlx::Error> {
        let now = Utc::now();
        let oldest = now - WINDOW;
        let since = DateTime::from_timestamp_millis(since_ms).map_or_else(
            // A time that no calendar has: before all messages, or after them.
            || {
                if since_ms < 0 {
                    oldest
                } else {
                    DateTime::<Utc>::MAX_UTC
                }
            },
            |since| since.max(oldest),
        );
        // The last moment that Postgres can hold is earlier than chrono's.
        let since = since.min(now + WINDOW);
        let mut transaction = self.admin.begin().await?;
        caller
            .assume(&mut transaction, &[("realtime.topic", topic)])
            .await?;
        let rows: Vec<Row> = sqlx::query_as(NEWEST)
            .bind(topic)
            .bind(since.naive_utc())
            .bind(limit.clamp(1, MOST))
            .bind((now + AHEAD).naive_utc())
            .fetch_all(&mut *transaction)
            .await?;
        // Whatever a policy did while it was asked is undone.
        transaction.rollback().await?;
        Ok(rows.into_iter().rev().filter_map(broadcast).collect())
    }
}

fn broadcast((id, topic, event, json, binary): Row) -> Option<StoredBroadcast> {
    let payload = match (json, binary) {
        (Some(text), _) => StoredPayload::Json(text.into()),
        (None, Some(bytes)) => StoredPayload::Binary(Bytes::from(bytes)),
        (None, None) => return None,
    };
    Some(StoredBroadcast {
        id,
        topic,
        event,
        is_private: true,
        payload,
    })
}
