//! Why a broadcast by request is not sent, and who asks.

use axum::Json;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::identity::Caller;
use crate::realtime::core::Core;
use crate::realtime::gate::ProbeError;

/// The answers that are not 202.
#[derive(Debug)]
pub(crate) enum BroadcastError {
    Unauthorized,
    Forbidden,
    UnsupportedMediaType,
    /// What is wrong, by field.
    Invalid(Value),
    NotJson,
    TooMany(&'static str),
    Unprocessable(&'static str),
}

impl IntoResponse for BroadcastError {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, json!({ "message": "Unauthorized" })),
            Self::Forbidden => (StatusCode::FORBIDDEN, json!({ "message": "Unauthorized" })),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                json!({ "error": "Unsupported Media Type. Use application/json or application/octet-stream" }),
            ),
            Self::Invalid(errors) => (StatusCode::UNPROCESSABLE_ENTITY, json!({ "errors": errors })),
            Self::NotJson => (
                StatusCode::BAD_REQUEST,
                json!({ "errors": { "detail": "Bad Request" } }),
            ),
            Self::TooMany(message) => (StatusCode::TOO_MANY_REQUESTS, json!({ "message": message })),
            Self::Unprocessable(message) => (StatusCode::UNPROCESSABLE_ENTITY, json!({ "message": message })),
        };
        (status, Json(body)).into_response()
    }
}

impl From<ProbeError> for BroadcastError {
    fn from(error: ProbeError) -> Self {
        tracing::warn!(%error, "the policies of a topic could not be asked");
        match error {
            ProbeError::MissingPartition => Self::Unprocessable("Missing messages partition"),
            ProbeError::Canceled(_) => Self::Unprocessable("Query canceled"),
            ProbeError::Policy(_) => Self::Unprocessable("RLS policy error"),
            ProbeError::PoolExhausted => Self::TooMany("Connection pool exhausted"),
            ProbeError::Unreachable(_) => Self::Unprocessable("Tenant database unavailable"),
        }
    }
}

/// Whose token the request shows; the gateway has put the one of the key where there was none.
pub(super) fn caller(core: &Core, headers: &HeaderMap) -> Result<Caller, BroadcastError> {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, token)| core.verifier.verify(token.trim(), core.now()).ok())
        .map(|token| token.caller)
        .ok_or(BroadcastError::Unauthorized)
}
