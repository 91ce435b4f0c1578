//! `POST /signup`: anonymous when there is neither an address nor a number, else with a password.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::caller::Body;
use super::error::AuthError;
use super::service::Auth;
use super::store::users::{self, NewUser};
use super::user::merged;
use super::{credentials, session};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Signup {
    email: Option<String>,
    phone: Option<String>,
    password: Option<String>,
    data: Option<Map<String, Value>>,
}

pub(super) async fn handle(
    State(auth): State<Auth>,
    headers: HeaderMap,
    Body(body): Body<Signup>,
) -> Result<Json<Value>, AuthError> {
    if !auth.settings.enable_signup {
        return Err(AuthError::SignupDisabled);
    }
    let is_given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    let (user, method) = match (is_given(&body.email), is_given(&body.phone)) {
        (true, _) => (with_password(&auth, body).await?, "password"),
        (false, true) => return Err(AuthError::PhoneDisabled),
        (false, false) => (anonymous(&auth, body)?, "anonymous"),
    };
    let mut transaction = auth.pool.begin().await?;
    let created = users::insert(&mut transaction, &user, AuthError::UserAlreadyExists).await?;
    if let Some(email) = &user.email {
        users::put_email_identity(&mut transaction, created.id, email).await?;
    }
    let answer = session::open(&auth, &mut transaction, &created, method, &headers).await?;
    transaction.commit().await?;
    Ok(Json(answer))
}

fn anonymous(auth: &Auth, body: Signup) -> Result<NewUser, AuthError> {
    if !auth.settings.enable_anonymous_sign_ins {
        return Err(AuthError::AnonymousDisabled);
    }
    Ok(NewUser {
        id: Uuid::new_v4(),
        role: "authenticated".to_owned(),
        app_metadata: json!({}),
        user_metadata: Value::Object(body.data.unwrap_or_default()),
        is_anonymous: true,
        ..NewUser::default()
    })
}

/// There is nobody to send a mail to, so the address counts as confirmed at once.
async fn with_password(auth: &Auth, body: Signup) -> Result<NewUser, AuthError> {
    if !auth.settings.email.enable_signup {
        return Err(AuthError::EmailDisabled);
    }
    let password = body
        .password
        .filter(|password| !password.is_empty())
        .ok_or_else(|| AuthError::ValidationFailed("Signup requires a valid password".to_owned()))?;
    let email = credentials::email(&body.email.unwrap_or_default())?;
    credentials::check_strength(&password, auth.settings.minimum_password_length)?;
    let id = Uuid::new_v4();
    let own = users::email_identity(id, &email);
    let data = Value::Object(body.data.unwrap_or_default());
    Ok(NewUser {
        id,
        role: "authenticated".to_owned(),
        user_metadata: merged(&data, own.as_object().unwrap_or(&Map::new())),
        email: Some(email),
        password_hash: Some(credentials::hash(password).await?),
        is_confirmed: true,
        app_metadata: json!({ "provider": "email", "providers": ["email"] }),
        ..NewUser::default()
    })
}
