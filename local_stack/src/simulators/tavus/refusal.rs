//! Refusals, in the shapes and words of the real service: validation says `error`, all else says `message`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why the simulator refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Invalid(String),
    UnknownConversation,
    UnknownPersona,
    WrongKey,
    AtCapacity,
    OutOfCredits,
    InvalidPatch,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Self::Invalid(text) => (StatusCode::BAD_REQUEST, json!({ "error": text })),
            // Not 404: the real one answers so.
            Self::UnknownConversation => (
                StatusCode::BAD_REQUEST,
                json!({ "error": "Invalid conversation_id" }),
            ),
            Self::UnknownPersona => (StatusCode::BAD_REQUEST, json!({ "error": "Invalid persona_id" })),
            Self::WrongKey => (
                StatusCode::UNAUTHORIZED,
                json!({ "message": "Invalid access token" }),
            ),
            Self::AtCapacity => (
                StatusCode::BAD_REQUEST,
                json!({ "message": "User has reached maximum concurrent conversations" }),
            ),
            Self::OutOfCredits => (
                StatusCode::PAYMENT_REQUIRED,
                json!({ "message": "The user is out of conversational credits." }),
            ),
            Self::InvalidPatch => (
                StatusCode::UNPROCESSABLE_ENTITY,
                json!({ "message": "Invalid JSON patch format" }),
            ),
        };
        (status, Json(body)).into_response()
    }
}
