//! `POST /recover`: a link to set a new password. The answer does not tell whether there is such a user.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{Body, Params, given};
use super::error::AuthError;
use super::pkce::Challenge;
use super::service::Auth;
use super::store::users;
use super::{credentials, redirect, send};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Recovery {
    email: Option<String>,
    #[serde(flatten)]
    challenge: Challenge,
}

pub(super) async fn handle(
    State(auth): State<Auth>,
    params: Params,
    headers: HeaderMap,
    Body(body): Body<Recovery>,
) -> Result<Json<Value>, AuthError> {
    if !auth.settings.email.enable_signup {
        return Err(AuthError::EmailDisabled("Email logins are disabled"));
    }
    let email = given(body.email).ok_or_else(|| AuthError::invalid("Password recovery requires an email"))?;
    let email = credentials::email(&email)?;
    body.challenge.check()?;
    let mut transaction = auth.pool.begin().await?;
    let Some(user) = users::by_email(&mut transaction, &email).await? else {
        return Ok(Json(json!({})));
    };
    let page = redirect::target(&auth.settings, params.get("redirect_to"), &headers);
    let is_pkce = body
        .challenge
        .begin(&mut transaction, user.id, "recovery")
        .await?;
    let message = send::mail(&auth, &mut transaction, &user, send::RECOVERY, &page, is_pkce).await?;
    transaction.commit().await?;
    auth.send([message]);
    Ok(Json(json!({})))
}
