//! Refusals in the shapes of the real service: `detail` is an object, or a list where a field is wrong.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why the simulator refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    WrongKey,
    /// A field is missing or wrong.
    Field(&'static str, String),
    /// The file cannot be had or heard: the code and the sentence.
    Source(&'static str, String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::WrongKey => refuse(
                StatusCode::UNAUTHORIZED,
                Some("invalid_api_key".to_owned()),
                Some("Invalid API key".to_owned()),
            ),
            Self::Field(name, text) => {
                let detail = json!([{ "loc": ["body", name], "msg": text, "type": "value_error" }]);
                (
                    StatusCode::UNPROCESSABLE_ENTITY,
                    Json(json!({ "detail": detail })),
                )
                    .into_response()
            }
            Self::Source(code, text) => refuse(StatusCode::BAD_REQUEST, Some(code.to_owned()), Some(text)),
        }
    }
}

/// A refusal by status. Without a code it has the one that the service is known to use.
pub(super) fn refuse(status: StatusCode, code: Option<String>, message: Option<String>) -> Response {
    let known = match status {
        StatusCode::UNAUTHORIZED => "invalid_api_key",
        StatusCode::TOO_MANY_REQUESTS => "system_busy",
        status if status.is_server_error() => "internal_error",
        _ => "invalid_request",
    };
    let code = code.unwrap_or_else(|| known.to_owned());
    // The word has a newer name and its old one.
    let detail = json!({
        "code": code,
        "status": code,
        "message": message.unwrap_or_else(|| "Something went wrong".to_owned()),
    });
    (status, Json(json!({ "detail": detail }))).into_response()
}
