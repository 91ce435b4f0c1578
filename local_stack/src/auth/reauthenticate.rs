//! `GET /reauthenticate`: a code that proves again who somebody is, for a new password.

use axum::Json;
use axum::extract::State;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::caller::Caller;
use super::error::AuthError;
use super::service::Auth;
use super::store::codes::{self as kept, Slot};
use super::store::sessions;
use super::{codes, send};

/// A session that is younger proves enough.
const RECENT: TimeDelta = TimeDelta::hours(24);

pub(super) async fn handle(State(auth): State<Auth>, caller: Caller) -> Result<Json<Value>, AuthError> {
    let user = &caller.user;
    let mut transaction = auth.pool.begin().await?;
    let message = match (user.email(), user.phone()) {
        (Some(_), _) if user.email_confirmed_at.is_none() => return Err(AuthError::EmailNotConfirmed),
        (Some(_), _) => Some(send::reauthentication(&auth, &mut transaction, user).await?),
        (None, Some(_)) if user.phone_confirmed_at.is_none() => return Err(AuthError::PhoneNotConfirmed),
        (None, Some(phone)) => {
            send::sms(&auth, &mut transaction, user, Slot::Reauthentication, phone).await?
        }
        (None, None) => {
            return Err(AuthError::invalid(
                "Reauthentication requires the user to have an email or a phone number",
            ));
        }
    };
    transaction.commit().await?;
    auth.send(message);
    Ok(Json(json!({})))
}

/// Refuses a new password where `[auth.email] secure_password_change` asks for more proof than there is.
pub(super) async fn require(
    auth: &Auth,
    database: &mut PgConnection,
    caller: &Caller,
    nonce: Option<&str>,
) -> Result<(), AuthError> {
    if !auth.settings.email.secure_password_change {
        return Ok(());
    }
    let began = match caller.session_id {
        Some(session_id) => sessions::began(database, session_id).await?,
        None => None,
    };
    if began.is_some_and(|began| Utc::now() < began + RECENT) {
        return Ok(());
    }
    let nonce = nonce
        .filter(|nonce| !nonce.is_empty())
        .ok_or(AuthError::ReauthenticationNeeded)?;
    let user = &caller.user;
    let (address, expiry) = match (user.email(), user.phone()) {
        (Some(email), _) => (email, auth.settings.email.otp_expiry),
        (None, Some(phone)) => (phone, codes::SMS_EXPIRY),
        (None, None) => return Err(AuthError::ReauthenticationNotValid),
    };
    let digest = codes::digest(address, nonce);
    if !codes::is_valid(user, Slot::Reauthentication, &digest, expiry, Utc::now()) {
        return Err(AuthError::ReauthenticationNotValid);
    }
    kept::clear(database, user.id, Slot::Reauthentication).await
}
