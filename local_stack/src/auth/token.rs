//! `POST /token`: a session for a password or for the code of a link, or a new one for a refresh token.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use chrono::{TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgConnection;

use super::caller::{Body, Params, given};
use super::error::AuthError;
use super::service::Auth;
use super::store::sessions::{self, RefreshToken};
use super::store::users;
use super::{credentials, pkce, session};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Proof {
    email: Option<String>,
    phone: Option<String>,
    password: Option<String>,
    refresh_token: Option<String>,
    auth_code: Option<String>,
    code_verifier: Option<String>,
    provider: Option<String>,
}

pub(super) async fn handle(
    State(auth): State<Auth>,
    params: Params,
    headers: HeaderMap,
    Body(proof): Body<Proof>,
) -> Result<Json<Value>, AuthError> {
    let answer = match params.get("grant_type") {
        Some("password") => password(&auth, proof, &headers).await,
        Some("refresh_token") => refresh(&auth, proof).await,
        Some("pkce") => pkce::exchange(&auth, proof.auth_code, proof.code_verifier, &headers).await,
        Some("id_token") => Err(AuthError::ProviderDisabled(proof.provider.unwrap_or_default())),
        Some("web3") => Err(AuthError::Web3Disabled),
        _ => Err(AuthError::UnsupportedGrantType),
    };
    answer.map(Json)
}

async fn password(auth: &Auth, proof: Proof, headers: &HeaderMap) -> Result<Value, AuthError> {
    let (email, phone) = (given(proof.email), given(proof.phone));
    let is_by_email = email.is_some();
    let mut database = auth.pool.acquire().await?;
    let found = match (email, phone) {
        (Some(_), Some(_)) => {
            return Err(AuthError::invalid(
                "Only an email address or phone number should be provided on login.",
            ));
        }
        (Some(_), None) if !auth.settings.email.enable_signup => {
            return Err(AuthError::EmailDisabled("Email logins are disabled"));
        }
        (None, Some(_)) if !auth.settings.sms.enable_signup => {
            return Err(AuthError::PhoneDisabled("Phone logins are disabled"));
        }
        (Some(email), None) => users::by_email(&mut database, &email.trim().to_lowercase()).await?,
        (None, Some(phone)) => users::by_phone(&mut database, &credentials::phone_as_kept(&phone)).await?,
        (None, None) => return Err(AuthError::invalid("missing email or phone")),
    };
    // A hash takes a while, and the connection is somebody else's meanwhile.
    drop(database);
    let user = found.ok_or(AuthError::InvalidCredentials)?;
    if !user.has_password() {
        return Err(AuthError::InvalidCredentials);
    }
    if user.is_banned(Utc::now()) {
        return Err(AuthError::UserBanned);
    }
    let hash = user.encrypted_password.clone().unwrap_or_default();
    if !credentials::fits(proof.password.unwrap_or_default(), hash).await? {
        return Err(AuthError::InvalidCredentials);
    }
    if is_by_email && user.email_confirmed_at.is_none() {
        return Err(AuthError::EmailNotConfirmed);
    }
    if !is_by_email && user.phone_confirmed_at.is_none() {
        return Err(AuthError::PhoneNotConfirmed);
    }
    let mut transaction = auth.pool.begin().await?;
    let answer = session::open(auth, &mut transaction, &user, "password", headers).await?;
    transaction.commit().await?;
    Ok(answer)
}

async fn refresh(auth: &Auth, proof: Proof) -> Result<Value, AuthError> {
    let shown = given(proof.refresh_token).ok_or_else(|| AuthError::invalid("refresh_token required"))?;
    let mut transaction = auth.pool.begin().await?;
    let token = sessions::find_and_lock(&mut transaction, &shown)
        .await?
        .ok_or(AuthError::RefreshTokenNotFound)?;
    let user = users::by_id(&mut transaction, token.user_id)
        .await?
        .ok_or(AuthError::RefreshTokenNotFound)?;
    if user.is_banned(Utc::now()) {
        return Err(AuthError::UserBanned);
    }
    let Some(next) = rotate(auth, &mut transaction, &token).await? else {
        // The family stays revoked although the request is refused.
        transaction.commit().await?;
        return Err(AuthError::RefreshTokenAlreadyUsed);
    };
    sessions::touch(&mut transaction, token.session_id).await?;
    let answer = session::answer(auth, &mut transaction, token.user_id, token.session_id, &next).await?;
    transaction.commit().await?;
    Ok(answer)
}

/// The token that takes the place of one that is shown; `None` when that one is stolen or stale.
///
/// A used token is forgiven twice: when its successor was never used (the client did not get the answer), and for some seconds
/// after its use (two tabs at once). Otherwise the whole session's tokens are revoked.
async fn rotate(
    auth: &Auth,
    database: &mut PgConnection,
    token: &RefreshToken,
) -> Result<Option<String>, AuthError> {
    if token.revoked {
        if let Some(successor) = sessions::active_child_of(database, token).await? {
            return Ok(Some(successor.token));
        }
        let grace = TimeDelta::seconds(i64::from(auth.settings.refresh_token_reuse_interval));
        if Utc::now() > token.updated_at + grace {
            if auth.settings.enable_refresh_token_rotation {
                sessions::revoke_family(database, token.session_id).await?;
            }
            return Ok(None);
        }
    }
    if !auth.settings.enable_refresh_token_rotation {
        return Ok(Some(token.token.clone()));
    }
    // A forgiven token keeps the time of its first use, so that it cannot be used on and on.
    if !token.revoked {
        sessions::revoke(database, &token.token).await?;
    }
    sessions::issue(database, token.session_id, token.user_id, Some(&token.token))
        .await
        .map(Some)
}
