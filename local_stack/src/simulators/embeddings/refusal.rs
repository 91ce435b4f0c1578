//! Refusals in OpenAI's shape.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why the simulator refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    WrongKey,
    /// What is wrong with which parameter.
    Invalid(&'static str, String),
    UnknownModel(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::WrongKey => body(
                StatusCode::UNAUTHORIZED,
                "Incorrect API key provided.",
                "invalid_request_error",
                None,
                Some("invalid_api_key"),
            ),
            Self::Invalid(param, text) => body(
                StatusCode::BAD_REQUEST,
                &text,
                "invalid_request_error",
                Some(param),
                None,
            ),
            Self::UnknownModel(model) => body(
                StatusCode::NOT_FOUND,
                &format!("The model `{model}` does not exist or you do not have access to it."),
                "invalid_request_error",
                None,
                Some("model_not_found"),
            ),
        }
    }
}

/// A refusal by status. Without a code it has the one that the service is known to use.
pub(super) fn refuse(status: StatusCode, code: Option<String>, message: Option<String>) -> Response {
    let (kind, known) = match status {
        StatusCode::UNAUTHORIZED => ("invalid_request_error", Some("invalid_api_key")),
        StatusCode::TOO_MANY_REQUESTS => ("requests", Some("rate_limit_exceeded")),
        status if status.is_server_error() => ("server_error", None),
        _ => ("invalid_request_error", None),
    };
    let message = message.unwrap_or_else(|| "Something went wrong".to_owned());
    body(status, &message, kind, None, code.as_deref().or(known))
}

fn body(status: StatusCode, message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> Response {
    let error = json!({ "message": message, "type": kind, "param": param, "code": code });
    (status, Json(json!({ "error": error }))).into_response()
}
