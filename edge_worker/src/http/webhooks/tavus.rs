//! `POST /webhooks/tavus/{token}`: an event of a conversation. It is answered with 200 once it is in the database.

use std::time::SystemTime;

use axum::Json;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::conversations::{AppName, ConversationError, Received};
use crate::db::DbError;
use crate::error::{ApiError, ErrorBody};
use crate::http::body::RawBody;
use crate::providers::tavus::events::TavusEvent;
use crate::telemetry;
use crate::webhooks::verify;

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acknowledged {
    /// `new`, `duplicate`, or `conflicting`: one of the same key was here before and said something else.
    #[schema(example = "new")]
    status: &'static str,
}

/// The handler.
#[utoipa::path(
    post,
    path = "/webhooks/tavus/{token}",
    tag = "webhooks",
    params(("token" = String, Path, description = "The last part of the callback address that the conversation was created with")),
    request_body(content = Object, description = "An event of Tavus: an object with `event_type`", content_type = "application/json"),
    responses(
        (status = 200, body = Acknowledged),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 413, body = ErrorBody),
        (status = 415, body = ErrorBody),
        (status = 503, body = ErrorBody),
    )
)]
pub async fn post(
    State(app): State<App>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Json<Acknowledged>, ApiError> {
    // Before the body is read: strangers make us keep nothing.
    let owner = app.conversations.callbacks().verify(&token);
    let (owner, id) = owner.ok_or(ApiError::InvalidToken)?;
    check_form(request.headers())?;
    let headers = request.headers().clone();
    let RawBody(body) = RawBody::from_request(request, &()).await?;
    if let Some(secret) = &app.webhook_secret {
        verify(secret, &headers, &body, SystemTime::now()).map_err(|_| ApiError::InvalidSignature)?;
    }
    let event = TavusEvent::parse(&body).map_err(|_| ApiError::MalformedEvent)?;
    let received = receive(&app, owner, id, &event).await?;
    if received == Received::Unknown {
        return Err(ApiError::InvalidToken);
    }
    Ok(Json(Acknowledged {
        status: received.as_str(),
    }))
}

/// JSON, not packed.
fn check_form(headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = text(CONTENT_TYPE).and_then(|value| value.split(';').next());
    let kind = kind
        .map(|kind| kind.trim().to_ascii_lowercase())
        .unwrap_or_default();
    let is_json = kind == "application/json" || (kind.contains('/') && kind.ends_with("+json"));
    let is_plain = text(CONTENT_ENCODING).is_none_or(|value| value.eq_ignore_ascii_case("identity"));
    if is_json && is_plain {
        Ok(())
    } else {
        Err(ApiError::UnsupportedMediaType)
    }
}

async fn receive(app: &App, owner: AppName, id: Uuid, event: &TavusEvent) -> Result<Received, ApiError> {
    let received = app.conversations.receive(owner, id, &event.raw.0).await;
    received.map_err(|error| {
        tracing::warn!(conversation = %id, error = telemetry::chain(&error), "an event was not taken in");
        match error {
            ConversationError::Database(DbError::Data(_)) => ApiError::MalformedEvent,
            ConversationError::Database(DbError::Statement(_)) => ApiError::Internal,
            _ => ApiError::DatabaseUnavailable,
        }
    })
}
