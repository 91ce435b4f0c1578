//! `POST /invite`: makes an account for somebody and sends them the link to it. For whoever has the secret key.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value};
use sqlx::PgConnection;
use uuid::Uuid;

use super::caller::{Admin, Body, Params};
use super::error::AuthError;
use super::service::Auth;
use super::store::users::{self, NewUser};
use super::user::User;
use super::{credentials, redirect, send};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Invitation {
    email: Option<String>,
    data: Option<Map<String, Value>>,
}

pub(super) async fn handle(
    State(auth): State<Auth>,
    _: Admin,
    params: Params,
    headers: HeaderMap,
    Body(body): Body<Invitation>,
) -> Result<Json<Value>, AuthError> {
    let email = credentials::email(&body.email.unwrap_or_default())?;
    let page = redirect::target(&auth.settings, params.get("redirect_to"), &headers);
    let mut transaction = auth.pool.begin().await?;
    let data = Value::Object(body.data.unwrap_or_default());
    let user = invited(&mut transaction, &email, data).await?;
    let message = send::mail(&auth, &mut transaction, &user, send::INVITE, &page, false).await?;
    let user = users::again(&mut transaction, user.id).await?;
    let answer = users::shown(&mut transaction, &user).await?;
    transaction.commit().await?;
    auth.send([message]);
    Ok(Json(answer))
}

/// The account of an address, made when there is none; refused when it is somebody's already.
pub(super) async fn invited(
    database: &mut PgConnection,
    email: &str,
    data: Value,
) -> Result<User, AuthError> {
    let user = match users::by_email(database, email).await? {
        Some(user) if user.email_confirmed_at.is_some() => return Err(AuthError::EmailExists),
        Some(user) => user,
        None => {
            let user = NewUser::with(Some(email.to_owned()), None, data);
            users::insert(database, &user, AuthError::EmailExists).await?
        }
    };
    mark(database, user.id).await?;
    users::again(database, user.id).await
}

async fn mark(database: &mut PgConnection, id: Uuid) -> Result<(), AuthError> {
    sqlx::query("update auth.users set invited_at = now() where id = $1")
        .bind(id)
        .execute(database)
        .await?;
    Ok(())
}
