//! `GET /user` and `PUT /user`: the caller's own account.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::caller::{Body, Caller, Params, given};
use super::error::AuthError;
use super::mail::Message;
use super::pkce::Challenge;
use super::service::Auth;
use super::store::codes::Slot;
use super::store::users::{self, Changes};
use super::store::{confirm, factors, sessions};
use super::user::{User, merged};
use super::{credentials, reauthenticate, redirect, send, signup};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Update {
    email: Option<String>,
    phone: Option<String>,
    password: Option<String>,
    nonce: Option<String>,
    data: Option<Map<String, Value>>,
    app_metadata: Option<Map<String, Value>>,
    channel: Option<String>,
    #[serde(flatten)]
    challenge: Challenge,
}

pub(super) async fn show(State(auth): State<Auth>, caller: Caller) -> Result<Json<Value>, AuthError> {
    let mut database = auth.pool.acquire().await?;
    users::shown(&mut database, &caller.user).await.map(Json)
}

/// An anonymous user who gives an address or a number becomes a permanent one and keeps the id.
pub(super) async fn handle(
    State(auth): State<Auth>,
    params: Params,
    headers: HeaderMap,
    caller: Caller,
    Body(body): Body<Update>,
) -> Result<Json<Value>, AuthError> {
    let user = &caller.user;
    let different = |new: String, old: Option<&str>| Some(new).filter(|new| Some(new.as_str()) != old);
    let email = match given(body.email) {
        Some(email) => different(credentials::email(&email)?, user.email()),
        None => None,
    };
    let phone = match given(body.phone) {
        Some(phone) => {
            signup::check_channel(body.channel.as_deref())?;
            different(credentials::phone(&phone)?, user.phone())
        }
        None => None,
    };
    if body.app_metadata.is_some() && caller.role != "service_role" {
        return Err(AuthError::NotAdmin(
            "Updating app_metadata requires admin privileges",
        ));
    }
    body.challenge.check()?;
    let password = given(body.password);
    if user.is_anonymous && password.is_some() && email.is_none() && phone.is_none() {
        return Err(AuthError::invalid(
            "Updating password of an anonymous user without an email or phone is not allowed",
        ));
    }
    if password.is_some() || email.is_some() || phone.is_some() {
        require_second_factor(&auth, &caller).await?;
    }
    let password_hash = match password {
        Some(password) => Some(new_password(&auth, user, password).await?),
        None => None,
    };
    let page = redirect::target(&auth.settings, params.get("redirect_to"), &headers);

    let mut transaction = auth.pool.begin().await?;
    refuse_taken(&mut transaction, user, email.as_deref(), phone.as_deref()).await?;
    if password_hash.is_some() {
        reauthenticate::require(&auth, &mut transaction, &caller, body.nonce.as_deref()).await?;
        // Whoever knew the old password is out; the caller stays.
        sessions::close_all(&mut transaction, user.id, caller.session_id).await?;
    }
    let changes = Changes {
        password_hash,
        user_metadata: body
            .data
            .map(|data| merged(&user.user_metadata(), &Value::Object(data))),
        ..Changes::default()
    };
    let changed = users::change(&mut transaction, user.id, changes).await?;
    let mut messages = Vec::new();
    if let Some(email) = &email {
        let challenge = &body.challenge;
        messages.extend(change_email(&auth, &mut transaction, &changed, email, challenge, &page).await?);
    }
    if let Some(phone) = &phone {
        messages.extend(change_phone(&auth, &mut transaction, &changed, phone).await?);
    }
    let changed = users::again(&mut transaction, user.id).await?;
    let answer = users::shown(&mut transaction, &changed).await?;
    transaction.commit().await?;
    auth.send(messages);
    Ok(Json(answer))
}

async fn change_email(
    auth: &Auth,
    database: &mut PgConnection,
    user: &User,
    email: &str,
    challenge: &Challenge,
    page: &str,
) -> Result<Vec<Message>, AuthError> {
    if auth.confirms_emails_itself() {
        confirm::email_change(database, user, email).await?;
        return Ok(Vec::new());
    }
    let is_pkce = challenge.begin(database, user.id, "email_change").await?;
    send::email_change(auth, database, user, email, page, is_pkce).await
}

async fn change_phone(
    auth: &Auth,
    database: &mut PgConnection,
    user: &User,
    phone: &str,
) -> Result<Option<Message>, AuthError> {
    if auth.confirms_phones_itself() {
        confirm::phone_change(database, user, phone).await?;
        return Ok(None);
    }
    send::sms(auth, database, user, Slot::PhoneChange, phone).await
}

async fn refuse_taken(
    database: &mut PgConnection,
    user: &User,
    email: Option<&str>,
    phone: Option<&str>,
) -> Result<(), AuthError> {
    let is_other = |found: Option<User>| found.is_some_and(|found| found.id != user.id);
    if let Some(email) = email
        && is_other(users::by_email(database, email).await?)
    {
        return Err(AuthError::EmailExists);
    }
    if let Some(phone) = phone
        && is_other(users::by_phone(database, phone).await?)
    {
        return Err(AuthError::PhoneExists);
    }
    Ok(())
}

/// Who has a second factor shows it before an address, a number or a password changes.
async fn require_second_factor(auth: &Auth, caller: &Caller) -> Result<(), AuthError> {
    let mut database = auth.pool.acquire().await?;
    let all = factors::of(&mut database, caller.user.id).await?;
    if !all.iter().any(factors::Factor::is_verified) {
        return Ok(());
    }
    let level = match caller.session_id {
        Some(session_id) => sessions::level(&mut database, session_id).await?,
        None => String::new(),
    };
    if level == "aal2" {
        Ok(())
    } else {
        Err(AuthError::UpdateNeedsAal2)
    }
}

async fn new_password(auth: &Auth, user: &User, password: String) -> Result<String, AuthError> {
    credentials::check_strength(&password, &auth.settings)?;
    if let Some(hash) = user.encrypted_password.clone().filter(|hash| !hash.is_empty())
        && credentials::fits(password.clone(), hash).await?
    {
        return Err(AuthError::SamePassword);
    }
    credentials::hash(password).await
}
