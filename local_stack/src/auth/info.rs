//! What the service says of itself.

use axum::Json;
use axum::extract::State;
use axum::http::{Method, Uri};
use serde_json::{Map, Value, json};

use super::error::AuthError;
use super::service::Auth;

/// Providers that the real service knows and this one never serves.
const ABSENT: [&str; 25] = [
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "kakao",
    "keycloak",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "slack",
    "slack_oidc",
    "snapchat",
    "spotify",
    "twitch",
    "twitter",
    "web3",
    "workos",
    "x",
    "zoom",
];

pub(super) async fn settings(State(auth): State<Auth>) -> Json<Value> {
    let settings = &auth.settings;
    let mut external: Map<String, Value> = ABSENT
        .iter()
        .map(|name| ((*name).to_owned(), json!(false)))
        .collect();
    external.insert(
        "anonymous_users".to_owned(),
        json!(settings.enable_anonymous_sign_ins),
    );
    external.insert("email".to_owned(), json!(settings.email.enable_signup));
    external.insert("phone".to_owned(), json!(settings.sms.enable_signup));
    Json(json!({
        "external": external,
        "disable_signup": !settings.enable_signup,
        "mailer_autoconfirm": auth.confirms_emails_itself(),
        "phone_autoconfirm": auth.confirms_phones_itself(),
        "sms_provider": "",
        "saml_enabled": false,
        "mfa_enabled": settings.mfa.totp.enroll_enabled,
    }))
}

pub(super) async fn health() -> Json<Value> {
    Json(json!({
        "version": concat!("local_stack ", env!("CARGO_PKG_VERSION")),
        "name": "GoTrue",
        "description": "A stand-in for Supabase Auth, for development and tests only",
    }))
}

/// What verifies the tokens of users without asking this service.
pub(super) async fn jwks(State(auth): State<Auth>) -> Json<Value> {
    Json(auth.signer.published())
}

pub(super) async fn unknown(method: Method, uri: Uri) -> AuthError {
    AuthError::NoSuchRoute(format!(
        "the local stand-in for Supabase Auth does not serve {method} /auth/v1{}",
        uri.path()
    ))
}
