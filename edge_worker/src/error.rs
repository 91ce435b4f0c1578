//! What a client is told when a request fails: PostgREST's body, so that one reader of errors serves both.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request is refused or failed. Codes and words are frozen; nothing of the inside is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No route has this path.
    #[error("There is nothing at this address.")]
    RouteNotFound,
    /// The route has other methods.
    #[error("This address does not take this method.")]
    MethodNotAllowed,
    /// The body is larger than the worker reads.
    #[error("The body is larger than {limit_bytes} bytes.")]
    BodyTooLarge {
        /// What it reads.
        limit_bytes: usize,
    },
    /// The body broke off or could not be decoded.
    #[error("The body did not arrive whole.")]
    BodyIncomplete,
    /// The token in the address of a callback is nobody's, or not that of the conversation in the body.
    #[error("This address takes no callbacks.")]
    InvalidToken,
    /// A webhook is signed, and not by whom it should be.
    #[error("The signature does not fit.")]
    InvalidSignature,
    /// The body is something else than JSON.
    #[error("The body must be JSON, and say so.")]
    UnsupportedMediaType,
    /// The body of a callback is no event.
    #[error("The body is no event.")]
    MalformedEvent,
    /// The answer took too long.
    #[error("The answer took too long.")]
    TimedOut,
    /// The database does not answer.
    #[error("The database cannot be reached.")]
    DatabaseUnavailable,
    /// The worker is going down.
    #[error("The worker is stopping.")]
    Stopping,
    /// A bug.
    #[error("Something went wrong here.")]
    Internal,
}

/// The body of every refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// `PT` and the HTTP status.
    #[schema(example = "PT503")]
    pub code: String,
    /// One plain sentence for people.
    #[schema(example = "The database cannot be reached.")]
    pub message: String,
    /// A stable word for programs.
    #[schema(example = "database_unavailable")]
    pub details: &'static str,
    /// What to do.
    #[schema(example = "Try again in a moment.")]
    pub hint: &'static str,
}

impl ApiError {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::RouteNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyIncomplete | Self::MalformedEvent => StatusCode::BAD_REQUEST,
            Self::InvalidToken | Self::InvalidSignature => StatusCode::UNAUTHORIZED,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TimedOut | Self::DatabaseUnavailable | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::RouteNotFound => "route_not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyIncomplete => "body_incomplete",
            Self::InvalidToken => "invalid_token",
            Self::InvalidSignature => "invalid_signature",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::MalformedEvent => "malformed_event",
            Self::TimedOut => "timed_out",
            Self::DatabaseUnavailable => "database_unavailable",
            Self::Stopping => "stopping",
            Self::Internal => "internal",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::RouteNotFound | Self::MethodNotAllowed => "GET /openapi.json lists what there is.",
            Self::BodyTooLarge { .. } => "Send less at once.",
            Self::BodyIncomplete => "Send it again.",
            Self::InvalidToken => "Use the callback address that the conversation was created with.",
            Self::InvalidSignature => {
                "Sign the raw body with the shared secret, and send it within five minutes."
            }
            Self::UnsupportedMediaType => "Send Content-Type: application/json, without an encoding.",
            Self::MalformedEvent => {
                "Send a JSON object with a text under event_type, at most 127 levels deep."
            }
            Self::TimedOut | Self::DatabaseUnavailable | Self::Stopping => "Try again in a moment.",
            Self::Internal => "Try again; if it stays, tell the operator the request id.",
        }
    }

    fn retry_after(self) -> Option<Duration> {
        (self.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(Duration::from_secs(1))
    }

    /// The body.
    pub fn body(self) -> ErrorBody {
        ErrorBody {
            code: format!("PT{}", self.status().as_u16()),
            message: self.to_string(),
            details: self.word(),
            hint: self.hint(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.body())).into_response();
        if let Some(wait) = self.retry_after() {
            let seconds = HeaderValue::from(wait.as_secs());
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_words_are_frozen() {
        let all = [
            (ApiError::RouteNotFound, "PT404", "route_not_found"),
            (ApiError::MethodNotAllowed, "PT405", "method_not_allowed"),
            (
                ApiError::BodyTooLarge { limit_bytes: 9 },
                "PT413",
                "body_too_large",
            ),
            (ApiError::BodyIncomplete, "PT400", "body_incomplete"),
            (ApiError::InvalidToken, "PT401", "invalid_token"),
            (ApiError::InvalidSignature, "PT401", "invalid_signature"),
            (ApiError::UnsupportedMediaType, "PT415", "unsupported_media_type"),
            (ApiError::MalformedEvent, "PT400", "malformed_event"),
            (ApiError::TimedOut, "PT503", "timed_out"),
            (ApiError::DatabaseUnavailable, "PT503", "database_unavailable"),
            (ApiError::Stopping, "PT503", "stopping"),
            (ApiError::Internal, "PT500", "internal"),
        ];
        for (error, code, word) in all {
            let body = error.body();
            assert_eq!((body.code.as_str(), body.details), (code, word));
        }
    }

    #[test]
    fn only_an_unavailable_worker_says_when_to_come_back() {
        let wait = |error: ApiError| error.into_response().headers().get("retry-after").cloned();
        assert_eq!(wait(ApiError::DatabaseUnavailable).unwrap(), "1");
        assert_eq!(wait(ApiError::Internal), None);
    }
}
