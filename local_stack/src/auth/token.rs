//! `POST /token`: a session for a password, or a new one for a refresh token.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use chrono::{TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgConnection;

use super::caller::Body;
use super::error::AuthError;
use super::service::Auth;
use super::store::sessions::{self, RefreshToken};
use super::store::users;
use super::{credentials, session};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Grant {
    grant_type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Proof {
    email: Option<String>,
    phone: Option<String>,
    password: Option<String>,
    refresh_token: Option<String>,
}

pub(super) async fn handle(
    State(auth): State<Auth>,
    Query(grant): Query<Grant>,
    headers: HeaderMap,
    Body(proof): Body<Proof>,
) -> Result<Json<Value>, AuthError> {
    match grant.grant_type.as_str() {
        "password" => password(&auth, proof, &headers).await.map(Json),
        "refresh_token" => refresh(&auth, proof).await.map(Json),
        _ => Err(AuthError::UnsupportedGrantType),
    }
}

async fn password(auth: &Auth, proof: Proof, headers: &HeaderMap) -> Result<Value, AuthError> {
    let email = proof.email.filter(|email| !email.is_empty());
    let email = match (email, proof.phone) {
        (Some(email), _) => email.trim().to_lowercase(),
        (None, Some(_)) => return Err(AuthError::InvalidCredentials),
        (None, None) => return Err(AuthError::ValidationFailed("missing email or phone".to_owned())),
    };
    let found = users::by_email(&mut *auth.pool.acquire().await?, &email).await?;
    let user = found.ok_or(AuthError::InvalidCredentials)?;
    let hash = user.encrypted_password.clone().unwrap_or_default();
    if !credentials::fits(proof.password.unwrap_or_default(), hash).await? {
        return Err(AuthError::InvalidCredentials);
    }
    if user.is_banned(Utc::now()) {
        return Err(AuthError::UserBanned);
    }
    let mut transaction = auth.pool.begin().await?;
    let answer = session::open(auth, &mut transaction, &user, "password", headers).await?;
    transaction.commit().await?;
    Ok(answer)
}

async fn refresh(auth: &Auth, proof: Proof) -> Result<Value, AuthError> {
    let shown = proof
        .refresh_token
        .filter(|token| !token.is_empty())
        .ok_or_else(|| AuthError::ValidationFailed("refresh_token required".to_owned()))?;
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
