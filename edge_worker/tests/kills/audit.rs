//! What must hold once everything was acknowledged.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::calls::{Call, name};

/// Everything that is wrong with the calls; nothing when all is well.
pub async fn faults(session: &mut PgConnection, calls: &[Call]) -> Vec<String> {
    let mut faults = Vec::new();
    for call in calls {
        faults.extend(events(session, call).await);
        faults.extend(outcome(session, call).await);
        faults.extend(broadcasts(session, call).await);
    }
    faults
}

/// Every acknowledged event is kept once and claimed once, and nothing else is.
async fn events(session: &mut PgConnection, call: &Call) -> Vec<String> {
    let bodies: Vec<(Json<Value>, bool)> = sqlx::query_as(
        "select body, is_conflicting from echoroom_private.conversation_events where conversation = $1",
    )
    .bind(call.id)
    .fetch_all(&mut *session)
    .await
    .unwrap();
    let claims: i64 = sqlx::query_scalar(
        "select count(*) from parley.processed_events where source = 'tavus' and event_key like $1 || '/%' and conflicting_digests is null",
    )
    .bind(&call.tavus_id)
    .fetch_one(session)
    .await
    .unwrap();
    let mut kept: Vec<(String, String)> = bodies.iter().map(|(body, _)| name(&body.0)).collect();
    kept.sort();
    let expected = call.kept();
    let mut faults = Vec::new();
    if kept != expected {
        faults.push(format!("{}: kept {kept:?} of {expected:?}", call.id));
    }
    if usize::try_from(claims) != Ok(expected.len()) {
        faults.push(format!(
            "{}: {claims} claims for {} events",
            call.id,
            expected.len()
        ));
    }
    if bodies.iter().any(|(_, is_conflicting)| *is_conflicting) {
        faults.push(format!("{}: an event is said to conflict with itself", call.id));
    }
    faults
}

/// The conversation is in the state that the events in their order make.
async fn outcome(session: &mut PgConnection, call: &Call) -> Option<String> {
    let Json(outcome): Json<Value> = sqlx::query_scalar(
        r#"select jsonb_build_object(
               'status', status, 'replica_id', replica_id, 'shutdown_reason', shutdown_reason, 'transcript', transcript,
               'replica_joined_at', to_char(replica_joined_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'ended_at', to_char(ended_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'perception_analysis', perception_analysis, 'recording', recording)
           from echoroom.conversations where id = $1"#,
    )
    .bind(call.id)
    .fetch_one(session)
    .await
    .unwrap();
    (outcome != Call::outcome()).then(|| format!("{}: came to {outcome}", call.id))
}

/// The room heard of the end and of the transcript once, and of the beginning once, unless the end was known before it.
async fn broadcasts(session: &mut PgConnection, call: &Call) -> Option<String> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select event, count(*) from realtime.messages where topic like 'echoroom:' || $1 || ':%' and event like 'avatar-%' group by event",
    )
    .bind(call.room.to_string())
    .fetch_all(session)
    .await
    .unwrap();
    let told: BTreeMap<String, i64> = rows.into_iter().collect();
    let times = |event: &str| told.get(event).copied().unwrap_or_default();
    let is_started = if call.is_ordered {
        times("avatar-started") == 1
    } else {
        times("avatar-started") <= 1
    };
    let is_right = is_started && times("avatar-ended") == 1 && times("avatar-transcript") == 1;
    (!is_right).then(|| format!("{}: the room was told {told:?}", call.id))
}
