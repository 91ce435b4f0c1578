//! Refusals, in the two forms that Supabase Auth gives them.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The version from which on `code` is a text.
const VERSION: &str = "2024-01-01";
const VERSION_HEADER: HeaderName = HeaderName::from_static("x-supabase-api-version");

/// Why a request is refused.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum AuthError {
    #[error("{0}")]
    ValidationFailed(String),
    #[error("Could not parse request body as JSON: {0}")]
    BadJson(String),
    #[error("Password should be at least {at_least} characters.")]
    WeakPassword { at_least: u32 },
    #[error("User already registered")]
    UserAlreadyExists,
    #[error("A user with this email address has already been registered")]
    EmailExists,
    #[error("New password should be different from the old password.")]
    SamePassword,
    #[error("Invalid login credentials")]
    InvalidCredentials,
    #[error("unsupported_grant_type")]
    UnsupportedGrantType,
    #[error("User is banned")]
    UserBanned,
    #[error("Anonymous sign-ins are disabled")]
    AnonymousDisabled,
    #[error("Signups not allowed for this instance")]
    SignupDisabled,
    #[error("Email signups are disabled")]
    EmailDisabled,
    #[error("Phone signups are disabled")]
    PhoneDisabled,
    #[error("Invalid Refresh Token: Refresh Token Not Found")]
    RefreshTokenNotFound,
    #[error("Invalid Refresh Token: Already Used")]
    RefreshTokenAlreadyUsed,
    #[error("This endpoint requires a valid Bearer token")]
    NoAuthorization,
    #[error("{0}")]
    BadJwt(String),
    #[error("Session from session_id claim in JWT does not exist")]
    SessionNotFound,
    #[error("User from sub claim in JWT does not exist")]
    UserOfTokenNotFound,
    #[error("User not found")]
    UserNotFound,
    #[error("User not allowed")]
    NotAdmin,
    #[error("{0}")]
    NoSuchRoute(String),
    /// The cause is logged where it happens and not told.
    #[error("Unexpected failure, please check server logs for more information")]
    Unexpected,
}

impl AuthError {
    fn status(&self) -> StatusCode {
        match self {
            Self::ValidationFailed(_)
            | Self::BadJson(_)
            | Self::InvalidCredentials
            | Self::UnsupportedGrantType
            | Self::UserBanned
            | Self::EmailDisabled
            | Self::PhoneDisabled
            | Self::RefreshTokenNotFound
            | Self::RefreshTokenAlreadyUsed => StatusCode::BAD_REQUEST,
            Self::NoAuthorization => StatusCode::UNAUTHORIZED,
            Self::BadJwt(_) | Self::SessionNotFound | Self::UserOfTokenNotFound | Self::NotAdmin => {
                StatusCode::FORBIDDEN
            }
            Self::UserNotFound | Self::NoSuchRoute(_) => StatusCode::NOT_FOUND,
            Self::WeakPassword { .. }
            | Self::UserAlreadyExists
            | Self::EmailExists
            | Self::SamePassword
            | Self::AnonymousDisabled
            | Self::SignupDisabled => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unexpected => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::ValidationFailed(_) => "validation_failed",
            Self::BadJson(_) => "bad_json",
            Self::WeakPassword { .. } => "weak_password",
            Self::UserAlreadyExists => "user_already_exists",
            Self::EmailExists => "email_exists",
            Self::SamePassword => "same_password",
            Self::InvalidCredentials | Self::UnsupportedGrantType => "invalid_credentials",
            Self::UserBanned => "user_banned",
            Self::AnonymousDisabled => "anonymous_provider_disabled",
            Self::SignupDisabled => "signup_disabled",
            Self::EmailDisabled => "email_provider_disabled",
            Self::PhoneDisabled => "phone_provider_disabled",
            Self::RefreshTokenNotFound => "refresh_token_not_found",
            Self::RefreshTokenAlreadyUsed => "refresh_token_already_used",
            Self::NoAuthorization => "no_authorization",
            Self::BadJwt(_) => "bad_jwt",
            Self::SessionNotFound => "session_not_found",
            Self::UserOfTokenNotFound | Self::UserNotFound => "user_not_found",
            Self::NotAdmin => "not_admin",
            Self::NoSuchRoute(_) => "not_found",
            Self::Unexpected => "unexpected_failure",
        }
    }

    fn body(&self, is_current: bool) -> Value {
        let mut body = if is_current {
            json!({ "code": self.code(), "message": self.to_string() })
        } else {
            json!({ "code": self.status().as_u16(), "error_code": self.code(), "msg": self.to_string() })
        };
        if let (Self::WeakPassword { .. }, Some(fields)) = (self, body.as_object_mut()) {
            fields.insert("weak_password".to_owned(), json!({ "reasons": ["length"] }));
        }
        body
    }
}

impl From<sqlx::Error> for AuthError {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "a statement of the sign-in service failed");
        Self::Unexpected
    }
}

impl IntoResponse for AuthError {
    /// The form depends on the request, so [`render`] writes the body.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of a refusal in the version that the request names.
pub(super) async fn render(request: Request, next: Next) -> Response {
    let asked = request
        .headers()
        .get(VERSION_HEADER)
        .and_then(|value| value.to_str().ok());
    // Dates of this form sort as texts.
    let is_current = asked.is_some_and(|version| version >= VERSION);
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions_mut().remove::<AuthError>() {
        response = (error.status(), Json(error.body(is_current))).into_response();
    }
    if is_current {
        response
            .headers_mut()
            .insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_carry_the_code_and_the_text() {
        let error = AuthError::WeakPassword { at_least: 6 };
        assert_eq!(
            error.body(true),
            json!({
                "code": "weak_password",
                "message": "Password should be at least 6 characters.",
                "weak_password": { "reasons": ["length"] }
            })
        );
        assert_eq!(
            AuthError::InvalidCredentials.body(false),
            json!({ "code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials" })
        );
    }
}
