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
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AuthError {
    #[error("{0}")]
    ValidationFailed(String),
    /// What should be an id in a path is none.
    #[error("{0} must be an UUID")]
    NotAnId(&'static str),
    #[error("Invalid email format")]
    InvalidEmail,
    #[error("Could not parse request body as JSON: {0}")]
    BadJson(String),
    #[error("{text}")]
    WeakPassword {
        text: String,
        reasons: Vec<&'static str>,
    },
    #[error("User already registered")]
    UserAlreadyExists,
    #[error("A user with this email address has already been registered")]
    EmailExists,
    #[error("Phone number already registered by another user")]
    PhoneExists,
    #[error("New password should be different from the old password.")]
    SamePassword,
    #[error("Invalid login credentials")]
    InvalidCredentials,
    #[error("unsupported_grant_type")]
    UnsupportedGrantType,
    #[error("Email not confirmed")]
    EmailNotConfirmed,
    #[error("Phone not confirmed")]
    PhoneNotConfirmed,
    #[error("User is banned")]
    UserBanned,
    /// The same of somebody who had signed in before.
    #[error("User is banned")]
    CallerBanned,
    #[error("Anonymous sign-ins are disabled")]
    AnonymousDisabled,
    #[error("Anonymous user not allowed to perform these actions")]
    AnonymousNotAllowed,
    #[error("Signups not allowed for this instance")]
    SignupDisabled,
    #[error("Signups not allowed for otp")]
    OtpDisabled,
    #[error("{0}")]
    EmailDisabled(&'static str),
    #[error("{0}")]
    PhoneDisabled(&'static str),
    #[error("SAML 2.0 is disabled")]
    SamlDisabled,
    #[error("Web3 provider is disabled")]
    Web3Disabled,
    #[error("Provider (issuer {0:?}) is not enabled")]
    ProviderDisabled(String),
    #[error("OAuth server is disabled")]
    OAuthServerDisabled,
    #[error("Manual linking is disabled")]
    ManualLinkingDisabled,
    #[error("{0}")]
    OtpExpired(&'static str),
    #[error("For security purposes, you can only request this after {seconds} seconds.")]
    TooManyMails { seconds: i64 },
    #[error("For security purposes, you can only request this after {seconds} seconds.")]
    TooManyMessages { seconds: i64 },
    #[error("invalid flow state, no valid flow state found")]
    FlowStateNotFound,
    #[error("invalid flow state, flow state has expired")]
    FlowStateExpired,
    #[error("code challenge does not match previously saved code verifier")]
    BadCodeVerifier,
    #[error("Password update requires reauthentication")]
    ReauthenticationNeeded,
    #[error("Nonce has expired or is invalid")]
    ReauthenticationNotValid,
    #[error("User must have at least 1 identity after unlinking")]
    SingleIdentity,
    #[error("Identity doesn't exist")]
    IdentityNotFound,
    #[error("Factor not found")]
    FactorNotFound,
    #[error("A factor with the friendly name \"{0}\" for this user already exists")]
    FactorNameConflict(String),
    #[error("Maximum number of verified factors reached, unenroll to continue")]
    TooManyFactors,
    #[error("MFA {0} is disabled for TOTP")]
    TotpDisabled(&'static str),
    #[error("MFA enroll is disabled for {0}")]
    FactorKindDisabled(&'static str),
    #[error("Invalid TOTP code entered")]
    WrongTotp,
    #[error("{0}")]
    ChallengeExpired(String),
    #[error("{0}")]
    InsufficientAal(&'static str),
    #[error("AAL2 session is required to update email or password when MFA is enabled.")]
    UpdateNeedsAal2,
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
    #[error("{0}")]
    UserNotFound(&'static str),
    #[error("{0}")]
    NotAdmin(&'static str),
    #[error("{0}")]
    NoSuchRoute(String),
    /// The cause is logged where it happens and not told.
    #[error("Unexpected failure, please check server logs for more information")]
    Unexpected,
}

impl AuthError {
    /// Of a user that an administrator names.
    pub(super) const NO_USER: Self = Self::UserNotFound("User not found");

    pub(super) fn invalid(text: impl Into<String>) -> Self {
        Self::ValidationFailed(text.into())
    }

    pub(super) fn status(&self) -> StatusCode {
        self.parts().0
    }

    pub(super) fn code(&self) -> &'static str {
        self.parts().1
    }

    /// The status and the code.
    fn parts(&self) -> (StatusCode, &'static str) {
        const BAD: StatusCode = StatusCode::BAD_REQUEST;
        const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;
        const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;
        const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
        const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
        const TOO_MANY: StatusCode = StatusCode::TOO_MANY_REQUESTS;
        match self {
            Self::ValidationFailed(_) => (BAD, "validation_failed"),
            Self::NotAnId(_) => (NOT_FOUND, "validation_failed"),
            Self::InvalidEmail => (UNPROCESSABLE, "validation_failed"),
            Self::BadJson(_) => (BAD, "bad_json"),
            Self::WeakPassword { .. } => (UNPROCESSABLE, "weak_password"),
            Self::UserAlreadyExists => (UNPROCESSABLE, "user_already_exists"),
            Self::EmailExists => (UNPROCESSABLE, "email_exists"),
            Self::PhoneExists => (UNPROCESSABLE, "phone_exists"),
            Self::SamePassword => (UNPROCESSABLE, "same_password"),
            Self::InvalidCredentials | Self::UnsupportedGrantType => (BAD, "invalid_credentials"),
            Self::EmailNotConfirmed => (BAD, "email_not_confirmed"),
            Self::PhoneNotConfirmed => (BAD, "phone_not_confirmed"),
            Self::UserBanned => (BAD, "user_banned"),
            Self::CallerBanned => (FORBIDDEN, "user_banned"),
            Self::AnonymousDisabled => (UNPROCESSABLE, "anonymous_provider_disabled"),
            Self::SignupDisabled => (UNPROCESSABLE, "signup_disabled"),
            Self::OtpDisabled => (UNPROCESSABLE, "otp_disabled"),
            // Of a sign-in, as the real service has it.
            Self::EmailDisabled("Email logins are disabled") => (UNPROCESSABLE, "email_provider_disabled"),
            Self::PhoneDisabled("Phone logins are disabled") => (UNPROCESSABLE, "phone_provider_disabled"),
            Self::EmailDisabled(_) => (BAD, "email_provider_disabled"),
            Self::PhoneDisabled(_) => (BAD, "phone_provider_disabled"),
            Self::Web3Disabled => (UNPROCESSABLE, "web3_provider_disabled"),
            Self::ProviderDisabled(_) => (BAD, "provider_disabled"),
            Self::OAuthServerDisabled => (NOT_FOUND, "feature_disabled"),
            Self::SamlDisabled => (NOT_FOUND, "saml_provider_disabled"),
            Self::ManualLinkingDisabled => (NOT_FOUND, "manual_linking_disabled"),
            Self::OtpExpired(_) => (FORBIDDEN, "otp_expired"),
            Self::TooManyMails { .. } => (TOO_MANY, "over_email_send_rate_limit"),
            Self::TooManyMessages { .. } => (TOO_MANY, "over_sms_send_rate_limit"),
            Self::FlowStateNotFound => (NOT_FOUND, "flow_state_not_found"),
            Self::FlowStateExpired => (UNPROCESSABLE, "flow_state_expired"),
            Self::BadCodeVerifier => (BAD, "bad_code_verifier"),
            Self::ReauthenticationNeeded => (BAD, "reauthentication_needed"),
            Self::ReauthenticationNotValid => (UNPROCESSABLE, "reauthentication_not_valid"),
            Self::SingleIdentity => (UNPROCESSABLE, "single_identity_not_deletable"),
            Self::IdentityNotFound => (UNPROCESSABLE, "identity_not_found"),
            Self::FactorNotFound => (NOT_FOUND, "mfa_factor_not_found"),
            Self::FactorNameConflict(_) => (UNPROCESSABLE, "mfa_factor_name_conflict"),
            Self::TooManyFactors => (UNPROCESSABLE, "too_many_enrolled_mfa_factors"),
            Self::TotpDisabled("enroll") => (UNPROCESSABLE, "mfa_totp_enroll_not_enabled"),
            Self::TotpDisabled(_) => (UNPROCESSABLE, "mfa_totp_verify_not_enabled"),
            Self::FactorKindDisabled("Phone") => (UNPROCESSABLE, "mfa_phone_enroll_not_enabled"),
            Self::FactorKindDisabled(_) => (UNPROCESSABLE, "mfa_webauthn_enroll_not_enabled"),
            Self::WrongTotp => (UNPROCESSABLE, "mfa_verification_failed"),
            Self::ChallengeExpired(_) => (UNPROCESSABLE, "mfa_challenge_expired"),
            Self::InsufficientAal(_) => (FORBIDDEN, "insufficient_aal"),
            Self::UpdateNeedsAal2 => (UNAUTHORIZED, "insufficient_aal"),
            Self::RefreshTokenNotFound => (BAD, "refresh_token_not_found"),
            Self::RefreshTokenAlreadyUsed => (BAD, "refresh_token_already_used"),
            Self::NoAuthorization => (UNAUTHORIZED, "no_authorization"),
            Self::AnonymousNotAllowed => (FORBIDDEN, "no_authorization"),
            Self::BadJwt(_) => (FORBIDDEN, "bad_jwt"),
            Self::SessionNotFound => (FORBIDDEN, "session_not_found"),
            Self::UserOfTokenNotFound => (FORBIDDEN, "user_not_found"),
            Self::UserNotFound(_) => (NOT_FOUND, "user_not_found"),
            Self::NotAdmin(_) => (FORBIDDEN, "not_admin"),
            Self::NoSuchRoute(_) => (NOT_FOUND, "not_found"),
            Self::Unexpected => (StatusCode::INTERNAL_SERVER_ERROR, "unexpected_failure"),
        }
    }

    fn body(&self, is_current: bool) -> Value {
        let mut body = if is_current {
            json!({ "code": self.code(), "message": self.to_string() })
        } else {
            json!({ "code": self.status().as_u16(), "error_code": self.code(), "msg": self.to_string() })
        };
        if let (Self::WeakPassword { reasons, .. }, Some(fields)) = (self, body.as_object_mut()) {
            fields.insert("weak_password".to_owned(), json!({ "reasons": reasons }));
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
        let error = AuthError::WeakPassword {
            text: "Password should be at least 6 characters.".to_owned(),
            reasons: vec!["length"],
        };
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
