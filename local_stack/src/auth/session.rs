//! The answer to a sign-in: an access token, a refresh token and the user.

use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use chrono::Utc;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::AuthError;
use super::service::Auth;
use super::store::{sessions, users};
use super::user::User;

/// Opens a session for a user who has just proved who they are, and answers with it.
pub(super) async fn open(
    auth: &Auth,
    database: &mut PgConnection,
    user: &User,
    method: &str,
    headers: &HeaderMap,
) -> Result<Value, AuthError> {
    let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    let session_id = sessions::open(database, user.id, method, user_agent).await?;
    let refresh_token = sessions::issue(database, session_id, user.id, None).await?;
    answer(auth, database, user.id, session_id, &refresh_token).await
}

/// The answer for a session that is there.
pub(super) async fn answer(
    auth: &Auth,
    database: &mut PgConnection,
    user_id: Uuid,
    session_id: Uuid,
    refresh_token: &str,
) -> Result<Value, AuthError> {
    let user = users::again(database, user_id).await?;
    let methods = sessions::methods(database, session_id).await?;
    let level = sessions::level(database, session_id).await?;
    let claims = auth
        .signer
        .claims(&user, session_id, level, methods, Utc::now().timestamp());
    Ok(json!({
        "access_token": auth.signer.sign(&claims)?,
        "token_type": "bearer",
        "expires_in": auth.signer.life_seconds(),
        "expires_at": claims.exp,
        "refresh_token": refresh_token,
        "user": users::shown(database, &user).await?,
    }))
}
