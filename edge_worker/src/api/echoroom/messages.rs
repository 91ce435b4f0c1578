//! `/api/sessions/{session_id}/messages`: the history of a room.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::wire::Message;
use crate::api::input::{PathOf, QueryOf};
use crate::api::{Answer, Caller, Refused};
use crate::app::App;
use crate::error::ErrorBody;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// How many, 1 to 200; 50 by default.
    limit: Option<i32>,
    /// How many to skip. It shifts when somebody writes: page by `before_seq`.
    offset: Option<i32>,
    /// Only older ones: the `created_at` of the last message of the page before.
    #[serde(default, deserialize_with = "time")]
    before_timestamp: Option<DateTime<Utc>>,
    /// Only older ones: the `seq` of the last message of the page before. It is exact, which a rounded time is not.
    before_seq: Option<i64>,
}

/// What the RPC takes.
#[derive(Debug, Serialize)]
struct Arguments {
    session_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_offset: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before_timestamp: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before_seq: Option<i64>,
}

/// The messages of a room with their reactions, newest first. For its members.
#[utoipa::path(
    get,
    path = "/api/sessions/{session_id}/messages",
    operation_id = "get_messages",
    tag = "echoroom",
    security(("bearer" = [])),
    params(("session_id" = Uuid, Path), Page),
    responses((status = 200, body = [Message]), (status = "default", body = ErrorBody))
)]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    PathOf(session_id): PathOf<Uuid>,
    QueryOf(page): QueryOf<Page>,
) -> Result<Answer, Refused> {
    let arguments = Arguments {
        session_id,
        page_limit: page.limit,
        page_offset: page.offset,
        before_timestamp: page.before_timestamp,
        before_seq: page.before_seq,
    };
    app.data.rpc(&caller, "get_messages", &arguments).await
}

/// RFC 3339. A `+` that nobody escaped has become a space on the way, and there is none in a time otherwise.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = String::deserialize(deserializer)?;
    DateTime::parse_from_rfc3339(&text.replace(' ', "+"))
        .map(|time| Some(time.to_utc()))
        .map_err(serde::de::Error::custom)
}
