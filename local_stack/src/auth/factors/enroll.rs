//! `POST /factors`: begins to add an authenticator app.

use axum::Json;
use axum::extract::State;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::caller::{Body, Caller, given};
use super::super::error::AuthError;
use super::super::service::Auth;
use super::super::store::{factors, sessions};
use super::totp;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Enrolment {
    friendly_name: Option<String>,
    factor_type: Option<String>,
    issuer: Option<String>,
}

pub(in super::super) async fn handle(
    State(auth): State<Auth>,
    caller: Caller,
    Body(body): Body<Enrolment>,
) -> Result<Json<Value>, AuthError> {
    let user = &caller.user;
    if user.is_anonymous {
        return Err(AuthError::AnonymousNotAllowed);
    }
    match body.factor_type.as_deref() {
        Some("totp") if auth.settings.mfa.totp.enroll_enabled => {}
        Some("totp") => return Err(AuthError::TotpDisabled("enroll")),
        Some("phone") => return Err(AuthError::FactorKindDisabled("Phone")),
        Some("webauthn") => return Err(AuthError::FactorKindDisabled("WebAuthn")),
        _ => {
            return Err(AuthError::invalid(
                "factor_type needs to be totp, phone, or webauthn",
            ));
        }
    }
    let name = body.friendly_name.unwrap_or_default();
    let issuer = given(body.issuer).unwrap_or_else(|| site_of(&auth.settings.site_url));
    let enrolment = totp::generate(&issuer, user.email().or(user.phone()).unwrap_or_default())?;

    let mut transaction = auth.pool.begin().await?;
    let all = factors::of(&mut transaction, user.id).await?;
    // The real service refuses a second factor without a name as well.
    if all.iter().any(|factor| factor.friendly_name == name) {
        return Err(AuthError::FactorNameConflict(name));
    }
    if i64::try_from(all.len()).is_ok_and(|count| count >= auth.settings.mfa.max_enrolled_factors) {
        return Err(AuthError::TooManyFactors);
    }
    let level = match caller.session_id {
        Some(session_id) => sessions::level(&mut transaction, session_id).await?,
        None => String::new(),
    };
    if level != "aal2" && all.iter().any(factors::Factor::is_verified) {
        return Err(AuthError::InsufficientAal("AAL2 required to enroll a new factor"));
    }
    let factor = factors::insert_totp(&mut transaction, user.id, &name, &enrolment.secret).await?;
    transaction.commit().await?;
    Ok(Json(json!({
        "id": factor.id,
        "type": "totp",
        "friendly_name": name,
        "totp": { "qr_code": enrolment.qr_code, "secret": enrolment.secret, "uri": enrolment.uri },
    })))
}

/// The host and port of the site, as apps show whose code it is.
fn site_of(url: &str) -> String {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(|url| Some((url.host_str()?, url.port())));
    match host {
        Some((host, Some(port))) => format!("{host}:{port}"),
        Some((host, None)) => host.to_owned(),
        None => "local stack".to_owned(),
    }
}
