//! `POST /webhooks/tavus/{token}`: an event of a conversation. It is answered with 200 once it is in the database.

use std::time::{Instant, SystemTime};

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::conversations::{ConversationError, Received};
use crate::db::DbError;
use crate::error::{ApiError, ErrorBody};
use crate::http::body::RawBody;
use crate::providers::tavus::events::{TavusEvent, label};
use crate::telemetry;
use crate::webhooks::verify;

/// In counters.
const PROVIDER: &str = "tavus";

/// The same limit as the database has, in characters.
const LONGEST_TYPE: usize = 100;

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acknowledged {
    /// `new`, `duplicate`, or `conflicting`: one of the same key was here before and said something else.
    #[schema(example = "new")]
    status: &'static str,
}

/// Takes in an event of a call.
#[utoipa::path(
    post,
    path = "/webhooks/tavus/{token}",
    operation_id = "receive_tavus_event",
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
    token: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<Acknowledged>, ApiError> {
    let begun = Instant::now();
    let mut seen = Seen::default();
    // What is no text is no token either.
    let token = token.map(|Path(token)| token).unwrap_or_default();
    let answer = take_in(&app, &token, request, &mut seen).await;
    let outcome = answer
        .as_ref()
        .map_or_else(|error| error.word(), |received| received.as_str());
    let metrics = app.metrics.webhooks();
    metrics.told(PROVIDER, seen.event_type, outcome);
    seen.log(outcome);
    answer.map(|received| {
        metrics.acknowledged(PROVIDER, begun.elapsed());
        Json(Acknowledged {
            status: received.as_str(),
        })
    })
}

/// What may be told of a callback: neither its token nor its body, nor the address that it came to.
#[derive(Debug)]
struct Seen {
    conversation: Option<Uuid>,
    event_type: &'static str,
    /// Of a type that nobody knows.
    unknown_type: Option<String>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            conversation: None,
            event_type: "unread",
            unknown_type: None,
        }
    }
}

impl Seen {
    fn event(&mut self, event: &TavusEvent) {
        self.event_type = label(&event.event_type);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_';
        let is_new = self.event_type == "other" && event.event_type.bytes().all(is_name);
        self.unknown_type = is_new.then(|| event.event_type.clone());
    }

    fn log(&self, outcome: &'static str) {
        let Self {
            conversation,
            event_type,
            unknown_type,
        } = self;
        let conversation = conversation.map(tracing::field::display);
        tracing::info!(
            conversation,
            event_type,
            unknown_type,
            outcome,
            "a callback of Tavus"
        );
    }
}

async fn take_in(app: &App, token: &str, request: Request, seen: &mut Seen) -> Result<Received, ApiError> {
    // Before the body is read: strangers make us keep nothing.
    let owner = app.conversations.callbacks().verify(token);
    let (owner, id) = owner.ok_or(ApiError::InvalidToken)?;
    seen.conversation = Some(id);
    check_form(request.headers())?;
    let signed = app
        .webhook_secret
        .as_ref()
        .map(|secret| (secret, request.headers().clone()));
    let RawBody(body) = RawBody::from_request(request, &()).await?;
    if let Some((secret, headers)) = signed {
        verify(secret, &headers, &body, SystemTime::now()).map_err(|_| ApiError::InvalidSignature)?;
    }
    let event = TavusEvent::parse(&body).map_err(|_| ApiError::MalformedEvent)?;
    seen.event(&event);
    if !is_event(&event) {
        return Err(ApiError::MalformedEvent);
    }
    match app.conversations.take_in(owner, id, event.raw.0).await {
        // Of no conversation, or of another one than the address is for.
        Ok(Received::Unknown) => Err(ApiError::InvalidToken),
        Ok(received) => Ok(received),
        Err(error) => {
            let refusal = refusal(&error);
            let error = telemetry::chain(&error);
            tracing::warn!(conversation = %id, error, "an event was not taken in");
            Err(refusal)
        }
    }
}

/// It has a type, and where it names a conversation, it does so in a text.
fn is_event(event: &TavusEvent) -> bool {
    let has_type = (1..=LONGEST_TYPE).contains(&event.event_type.chars().count());
    let conversation = event.raw.0.get("conversation_id");
    has_type && conversation.is_none_or(|value| value.is_null() || value.is_string())
}

/// The sender comes back where that helps.
fn refusal(error: &ConversationError) -> ApiError {
    match error {
        // It names a call that another conversation got meanwhile.
        ConversationError::Database(error) if error.is_duplicate() => ApiError::InvalidToken,
        ConversationError::Database(DbError::Data(_)) => ApiError::MalformedEvent,
        ConversationError::Database(DbError::Statement(_)) => ApiError::Internal,
        _ => ApiError::DatabaseUnavailable,
    }
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
