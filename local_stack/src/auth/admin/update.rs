//! `PUT /admin/users/{user_id}`: changes a user.

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use serde_json::Value;

use super::super::caller::{Admin, Body, UserId, given};
use super::super::credentials;
use super::super::error::AuthError;
use super::super::service::Auth;
use super::super::store::users::{self, Changes};
use super::super::store::{confirm, identities, sessions};
use super::super::user::merged;
use super::fields::{self, Fields};

pub(in super::super) async fn handle(
    State(auth): State<Auth>,
    _: Admin,
    UserId(id): UserId,
    Body(body): Body<Fields>,
) -> Result<Json<Value>, AuthError> {
    let user = users::again(&mut *auth.pool.acquire().await?, id).await?;
    let email = fields::email(body.email)?;
    let phone = fields::phone(body.phone)?;
    let banned_until = fields::ban(body.ban_duration.as_deref(), Utc::now())?;
    let password_hash = match body.password {
        Some(password) => {
            credentials::check_strength(&password, &auth.settings)?;
            Some(credentials::hash(password).await?)
        }
        None => None,
    };
    let has_new_password = password_hash.is_some();
    let becomes_permanent =
        (email.is_some() && body.email_confirm) || (phone.is_some() && body.phone_confirm);
    let changes = Changes {
        email: email.clone(),
        phone: phone.clone(),
        password_hash,
        role: given(body.role),
        user_metadata: body
            .user_metadata
            .map(|changes| merged(&user.user_metadata(), &Value::Object(changes))),
        is_anonymous: (user.is_anonymous && becomes_permanent).then_some(false),
        banned_until,
        ..Changes::default()
    };
    let mut transaction = auth.pool.begin().await?;
    let mut changed = users::change(&mut transaction, id, changes).await?;
    if let Some(email) = &email {
        identities::put_email(&mut transaction, id, email, body.email_confirm).await?;
    }
    if let Some(phone) = &phone {
        identities::put_phone(&mut transaction, id, phone, body.phone_confirm).await?;
    }
    if body.email_confirm {
        changed = confirm::email(&mut transaction, &changed).await?;
    }
    if body.phone_confirm {
        changed = confirm::phone(&mut transaction, &changed).await?;
    }
    if let Some(metadata) = body.app_metadata {
        // After the identities, which write their names into it.
        let changes = Changes {
            app_metadata: Some(merged(
                &users::again(&mut transaction, id).await?.app_metadata(),
                &Value::Object(metadata),
            )),
            ..Changes::default()
        };
        changed = users::change(&mut transaction, id, changes).await?;
    }
    if has_new_password {
        sessions::close_all(&mut transaction, id, None).await?;
    }
    let changed = users::again(&mut transaction, changed.id).await?;
    let answer = users::shown(&mut transaction, &changed).await?;
    transaction.commit().await?;
    Ok(Json(answer))
}
