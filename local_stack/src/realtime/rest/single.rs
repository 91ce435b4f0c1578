//! `POST /realtime/v1/api/broadcast/{topic}/events/{event}`: one message, JSON or bytes.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::error::{BroadcastError, caller};
use crate::realtime::core::Core;
use crate::realtime::frame::{Outgoing, UserPayload};
use crate::realtime::gate::Extension;

/// The parameters of the address.
#[derive(Deserialize)]
pub(crate) struct Parameters {
    private: Option<String>,
}

/// What the body is.
enum Kind {
    Json,
    Binary,
}

/// The handler. Unlike the other one it says when a private message is not allowed.
pub(crate) async fn handle(
    State(core): State<Arc<Core>>,
    Path((topic, event)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, BroadcastError> {
    let kind = kind(&headers)?;
    let caller = caller(&core, &headers)?;
    if body.len() > core.limits.max_payload_bytes {
        let errors = json!({ "payload": ["Payload size exceeds tenant limit"] });
        return Err(BroadcastError::Invalid(errors));
    }
    let json = match kind {
        Kind::Json => Some(object(&body)?),
        Kind::Binary => None,
    };
    if !core.rates.events.admit(1, Instant::now()) {
        return Err(BroadcastError::TooMany("You have exceeded your rate limit"));
    }
    let is_private = parameters.private.as_deref() == Some("true");
    if is_private && !core.gate.write(&caller, &topic, Extension::Broadcast).await? {
        return Err(BroadcastError::Forbidden);
    }
    let topic = format!("realtime:{topic}");
    let message = Outgoing::User {
        topic: &topic,
        event: &event,
        payload: json
            .as_deref()
            .map_or(UserPayload::Binary(&body), UserPayload::Json),
        id: None,
    };
    core.hub.publish(&topic, is_private, &message, None);
    Ok(StatusCode::ACCEPTED)
}

/// Without a header it is JSON.
fn kind(headers: &HeaderMap) -> Result<Kind, BroadcastError> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(Kind::Json);
    };
    let name = value.to_str().unwrap_or_default();
    let name = name.split(';').next().unwrap_or_default().trim();
    match name.to_ascii_lowercase().as_str() {
        "application/json" => Ok(Kind::Json),
        "application/octet-stream" => Ok(Kind::Binary),
        _ => Err(BroadcastError::UnsupportedMediaType),
    }
}

/// A body that is no object becomes one, as Supabase's server does it; an empty one is an empty object.
fn object(body: &[u8]) -> Result<String, BroadcastError> {
    if body.is_empty() {
        return Ok("{}".to_owned());
    }
    let value: Value = serde_json::from_slice(body).map_err(|_| BroadcastError::NotJson)?;
    Ok(match value {
        Value::Object(_) => value.to_string(),
        other => json!({ "_json": other }).to_string(),
    })
}
