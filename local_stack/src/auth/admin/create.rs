//! `POST /admin/users`: makes a user.

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::caller::{Admin, Body, given};
use super::super::credentials;
use super::super::error::AuthError;
use super::super::service::Auth;
use super::super::store::confirm;
use super::super::store::users::{self, Changes, NewUser};
use super::super::user::{User, merged};
use super::fields::{self, Fields};

pub(in super::super) async fn handle(
    State(auth): State<Auth>,
    _: Admin,
    Body(body): Body<Fields>,
) -> Result<Json<Value>, AuthError> {
    if given(body.email.clone()).is_none() && given(body.phone.clone()).is_none() {
        return Err(AuthError::invalid(
            "Cannot create a user without either an email or phone",
        ));
    }
    let email = fields::email(body.email)?;
    let phone = fields::phone(body.phone)?;
    let mut user = NewUser::with(
        email,
        phone,
        Value::Object(body.user_metadata.unwrap_or_default()),
    );
    if let Some(id) = given(body.id) {
        user.id = id_of(&id)?;
    }
    if let Some(role) = given(body.role) {
        user.role = role;
    }
    user.password_hash = password_hash(body.password, body.password_hash).await?;
    if let Some(metadata) = body.app_metadata {
        user.app_metadata = merged(&user.app_metadata, &Value::Object(metadata));
    }
    let ban = fields::ban(body.ban_duration.as_deref(), Utc::now())?;

    let mut transaction = auth.pool.begin().await?;
    refuse_taken(&mut transaction, &user).await?;
    let mut created: User = users::insert(&mut transaction, &user, AuthError::EmailExists).await?;
    if body.email_confirm {
        created = confirm::email(&mut transaction, &created).await?;
    }
    if body.phone_confirm {
        created = confirm::phone(&mut transaction, &created).await?;
    }
    let changes = Changes {
        banned_until: ban,
        ..Changes::default()
    };
    created = users::change(&mut transaction, created.id, changes).await?;
    let answer = users::shown(&mut transaction, &created).await?;
    transaction.commit().await?;
    Ok(Json(answer))
}

fn id_of(text: &str) -> Result<Uuid, AuthError> {
    match text.parse::<Uuid>() {
        Ok(id) if id.is_nil() => Err(AuthError::invalid("ID cannot be a nil uuid")),
        Ok(id) => Ok(id),
        Err(_) => Err(AuthError::invalid("ID must conform to the uuid v4 format")),
    }
}

/// Without either nobody signs in with a password. The real service does not look at how strong it is.
async fn password_hash(password: Option<String>, hash: Option<String>) -> Result<Option<String>, AuthError> {
    match (password, given(hash)) {
        (Some(_), Some(_)) => Err(AuthError::invalid(
            "Only a password or a password hash should be provided",
        )),
        (None, Some(hash)) if hash.starts_with("$2") => Ok(Some(hash)),
        (None, Some(_)) => Err(AuthError::invalid(
            "invalid format of a password hash: bcrypt is needed",
        )),
        (password, None) => match given(password) {
            Some(password) if password.len() > credentials::LONGEST_PASSWORD => {
                Err(AuthError::invalid("bcrypt: password length exceeds 72 bytes"))
            }
            Some(password) => credentials::hash(password).await.map(Some),
            None => Ok(None),
        },
    }
}

async fn refuse_taken(database: &mut PgConnection, user: &NewUser) -> Result<(), AuthError> {
    if let Some(email) = &user.email
        && users::by_email(database, email).await?.is_some()
    {
        return Err(AuthError::EmailExists);
    }
    if let Some(phone) = &user.phone
        && users::by_phone(database, phone).await?.is_some()
    {
        return Err(AuthError::PhoneExists);
    }
    Ok(())
}
