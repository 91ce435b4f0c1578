//! What a client is told when a request fails: PostgREST's body, so that one reader of errors serves both.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::providers::project::Problem;

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
    /// The body is no JSON.
    #[error("The body is not JSON.")]
    InvalidJson,
    /// The body lacks a field, or has one of another type.
    #[error("The body lacks a field, or a field has another type.")]
    InvalidBody,
    /// An id in the path is none.
    #[error("An id in the address is none.")]
    InvalidPath,
    /// A parameter of the query is none.
    #[error("A parameter of the query cannot be read.")]
    InvalidQuery,
    /// No bearer token was shown.
    #[error("You are not signed in.")]
    MissingToken,
    /// A key of the project was shown in place of a token, and it is none.
    #[error("This key is not one of the project.")]
    InvalidKey,
    /// A request names another user than its token.
    #[error("This is not your user id.")]
    NotYourUserId,
    /// There is no such persona.
    #[error("There is no such persona.")]
    PersonaNotFound,
    /// There is no such conversation, or it is in a room of others.
    #[error("There is no such conversation.")]
    ConversationNotFound,
    /// The conversation has ended.
    #[error("The conversation is over.")]
    ConversationOver,
    /// More requests than the limits allow.
    #[error("Too many requests: try again in {retry_seconds} s.")]
    RateLimited {
        /// When to try again.
        retry_seconds: u64,
    },
    /// An avatar is asked for in one of several rooms, or in none.
    #[error("It is not clear which room is meant.")]
    SessionIdNeeded,
    /// The avatar is on its way.
    #[error("The avatar is still being started.")]
    AvatarStarting,
    /// The provider has no room for another avatar, or fails for the moment.
    #[error("The avatar cannot come just now.")]
    AvatarUnavailable {
        /// When to try again.
        retry_seconds: u64,
    },
    /// The provider refuses, and will again.
    #[error("The avatar could not be started.")]
    ProviderFailed,
    /// This deployment has no avatars.
    #[error("There are no avatars here.")]
    ProviderOff,
    /// PostgREST does not answer.
    #[error("The data cannot be reached.")]
    DataApiUnavailable,
    /// The answer took too long.
    #[error("The answer took too long.")]
    TimedOut,
    /// The database does not answer.
    #[error("The database cannot be reached.")]
    DatabaseUnavailable,
    /// The project has not taken the worker as it is set up since it started.
    #[error("The project does not take this worker.")]
    NotReady(Problem),
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
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyIncomplete
            | Self::MalformedEvent
            | Self::SessionIdNeeded
            | Self::InvalidJson
            | Self::InvalidBody
            | Self::InvalidPath
            | Self::InvalidQuery => StatusCode::BAD_REQUEST,
            Self::InvalidToken | Self::InvalidSignature | Self::MissingToken | Self::InvalidKey => {
                StatusCode::UNAUTHORIZED
            }
            Self::NotYourUserId => StatusCode::FORBIDDEN,
            Self::PersonaNotFound | Self::ConversationNotFound => StatusCode::NOT_FOUND,
            Self::ConversationOver => StatusCode::GONE,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::ProviderFailed => StatusCode::BAD_GATEWAY,
            Self::DataApiUnavailable
            | Self::AvatarStarting
            | Self::AvatarUnavailable { .. }
            | Self::ProviderOff => StatusCode::SERVICE_UNAVAILABLE,
            Self::TimedOut | Self::DatabaseUnavailable | Self::NotReady(_) | Self::Stopping => {
                StatusCode::SERVICE_UNAVAILABLE
            }
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
            Self::InvalidJson => "invalid_json",
            Self::InvalidBody => "invalid_body",
            Self::InvalidPath => "invalid_path",
            Self::InvalidQuery => "invalid_query",
            Self::MissingToken => "missing_token",
            Self::InvalidKey => "invalid_key",
            Self::NotYourUserId => "not_your_user_id",
            Self::PersonaNotFound => "persona_not_found",
            Self::ConversationNotFound => "conversation_not_found",
            Self::ConversationOver => "conversation_over",
            Self::RateLimited { .. } => "rate_limited",
            Self::SessionIdNeeded => "session_id_needed",
            Self::AvatarStarting => "avatar_starting",
            Self::AvatarUnavailable { .. } => "avatar_unavailable",
            Self::ProviderFailed => "provider_failed",
            Self::ProviderOff => "provider_off",
            Self::DataApiUnavailable => "data_api_unavailable",
            Self::TimedOut => "timed_out",
            Self::DatabaseUnavailable => "database_unavailable",
            Self::NotReady(problem) => problem.word(),
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
            Self::InvalidJson => "Correct it; at most 127 levels deep.",
            Self::InvalidBody | Self::InvalidPath | Self::InvalidQuery => {
                "GET /openapi.json has the form of every request."
            }
            Self::MissingToken => {
                "Sign in, and send Authorization: Bearer with the token; visitors send the publishable key."
            }
            Self::InvalidKey => "Look at the keys of the project.",
            Self::NotYourUserId => "Send your own, or none: the one of your token counts.",
            Self::PersonaNotFound => "GET /api/personas lists them.",
            Self::ConversationNotFound => {
                "Use the id of a conversation of yours, or of a room that you are in."
            }
            Self::ConversationOver => "Start another one.",
            Self::SessionIdNeeded => "Send session_id: the room in which you sit.",
            Self::AvatarStarting => "Ask again: it will be the same avatar.",
            Self::AvatarUnavailable { .. } | Self::RateLimited { .. } => {
                "Try again after the time in Retry-After."
            }
            Self::ProviderFailed => "Tell the operator; trying again will not help.",
            Self::ProviderOff => "The operator can switch them on.",
            Self::DataApiUnavailable => "Try again in a moment.",
            Self::NotReady(_) => "Look at SUPABASE_URL and the keys; the log names the setting.",
            Self::TimedOut | Self::DatabaseUnavailable | Self::Stopping => "Try again in a moment.",
            Self::Internal => "Try again; if it stays, tell the operator the request id.",
        }
    }

    fn retry_after(self) -> Option<Duration> {
        match self {
            Self::AvatarUnavailable { retry_seconds } | Self::RateLimited { retry_seconds } => {
                Some(Duration::from_secs(retry_seconds))
            }
            Self::ProviderOff => None,
            _ => (self.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(Duration::from_secs(1)),
        }
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
        if matches!(self, Self::MissingToken | Self::InvalidKey) {
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::project::Key;

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
            (ApiError::InvalidJson, "PT400", "invalid_json"),
            (ApiError::InvalidBody, "PT400", "invalid_body"),
            (ApiError::InvalidPath, "PT400", "invalid_path"),
            (ApiError::InvalidQuery, "PT400", "invalid_query"),
            (ApiError::MissingToken, "PT401", "missing_token"),
            (ApiError::InvalidKey, "PT401", "invalid_key"),
            (ApiError::NotYourUserId, "PT403", "not_your_user_id"),
            (ApiError::PersonaNotFound, "PT404", "persona_not_found"),
            (ApiError::ConversationNotFound, "PT404", "conversation_not_found"),
            (ApiError::ConversationOver, "PT410", "conversation_over"),
            (
                ApiError::RateLimited { retry_seconds: 9 },
                "PT429",
                "rate_limited",
            ),
            (ApiError::SessionIdNeeded, "PT400", "session_id_needed"),
            (ApiError::AvatarStarting, "PT503", "avatar_starting"),
            (
                ApiError::AvatarUnavailable { retry_seconds: 9 },
                "PT503",
                "avatar_unavailable",
            ),
            (ApiError::ProviderFailed, "PT502", "provider_failed"),
            (ApiError::ProviderOff, "PT503", "provider_off"),
            (ApiError::DataApiUnavailable, "PT503", "data_api_unavailable"),
            (ApiError::TimedOut, "PT503", "timed_out"),
            (ApiError::DatabaseUnavailable, "PT503", "database_unavailable"),
            (
                ApiError::NotReady(Problem::Unreachable),
                "PT503",
                "data_api_unreachable",
            ),
            (
                ApiError::NotReady(Problem::Failing { status: 502 }),
                "PT503",
                "data_api_failing",
            ),
            (
                ApiError::NotReady(Problem::NotDataApi { status: 404 }),
                "PT503",
                "not_the_data_api",
            ),
            (
                ApiError::NotReady(Problem::Refused {
                    key: Key::Publishable,
                }),
                "PT503",
                "publishable_key_refused",
            ),
            (
                ApiError::NotReady(Problem::Refused { key: Key::Secret }),
                "PT503",
                "secret_key_refused",
            ),
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
        assert_eq!(
            wait(ApiError::AvatarUnavailable { retry_seconds: 9 }).unwrap(),
            "9"
        );
        assert_eq!(wait(ApiError::ProviderOff), None);
        assert_eq!(wait(ApiError::Internal), None);
    }
}
