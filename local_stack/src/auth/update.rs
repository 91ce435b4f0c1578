//! `GET /user` and `PUT /user`: the caller's own account.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::caller::{Body, Caller};
use super::credentials;
use super::error::AuthError;
use super::service::Auth;
use super::store::sessions;
use super::store::users::{self, Changes};
use super::user::{User, merged};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Update {
    email: Option<String>,
    phone: Option<String>,
    password: Option<String>,
    data: Option<Map<String, Value>>,
}

pub(super) async fn show(State(auth): State<Auth>, caller: Caller) -> Result<Json<Value>, AuthError> {
    let mut database = auth.pool.acquire().await?;
    users::shown(&mut database, &caller.user).await.map(Json)
}

/// An anonymous user who gives an address becomes a permanent one and keeps the id.
pub(super) async fn handle(
    State(auth): State<Auth>,
    caller: Caller,
    Body(body): Body<Update>,
) -> Result<Json<Value>, AuthError> {
    let user = &caller.user;
    if body.phone.as_deref().is_some_and(|phone| !phone.is_empty()) {
        return Err(AuthError::PhoneDisabled);
    }
    let email = match body.email.filter(|email| !email.is_empty()) {
        Some(email) => Some(credentials::email(&email)?).filter(|email| user.email.as_ref() != Some(email)),
        None => None,
    };
    let password = body.password.filter(|password| !password.is_empty());
    if user.is_anonymous && password.is_some() && email.is_none() {
        return Err(AuthError::ValidationFailed(
            "Updating password of an anonymous user without an email or phone is not allowed".to_owned(),
        ));
    }
    let has_new_password = password.is_some();
    let password_hash = match password {
        Some(password) => Some(new_password(&auth, user, password).await?),
        None => None,
    };
    let changes = changes(user, email.clone(), password_hash, body.data.as_ref());

    let mut transaction = auth.pool.begin().await?;
    let changed = users::change(&mut transaction, user.id, changes).await?;
    if let Some(email) = &email {
        users::put_email_identity(&mut transaction, user.id, email).await?;
    }
    if has_new_password {
        // Whoever knew the old password is out; the caller stays.
        sessions::close_all(&mut transaction, user.id, caller.session_id).await?;
    }
    let answer = users::shown(&mut transaction, &changed).await?;
    transaction.commit().await?;
    Ok(Json(answer))
}

fn changes(
    user: &User,
    email: Option<String>,
    password_hash: Option<String>,
    data: Option<&Map<String, Value>>,
) -> Changes {
    let mut metadata = data.map(|data| merged(&user.user_metadata(), data));
    let mut changes = Changes {
        password_hash,
        ..Changes::default()
    };
    if let Some(email) = email {
        let own = users::email_identity(user.id, &email);
        let base = metadata.unwrap_or_else(|| user.user_metadata());
        metadata = Some(merged(&base, own.as_object().unwrap_or(&Map::new())));
        changes.email = Some(email);
        changes.is_confirmed = true;
        if user.is_anonymous {
            changes.is_anonymous = Some(false);
            let provider = json!({ "provider": "email", "providers": ["email"] });
            changes.app_metadata = Some(merged(
                &user.app_metadata(),
                provider.as_object().unwrap_or(&Map::new()),
            ));
        }
    }
    changes.user_metadata = metadata;
    changes
}

async fn new_password(auth: &Auth, user: &User, password: String) -> Result<String, AuthError> {
    credentials::check_strength(&password, auth.settings.minimum_password_length)?;
    if let Some(hash) = user.encrypted_password.clone().filter(|hash| !hash.is_empty())
        && credentials::fits(password.clone(), hash).await?
    {
        return Err(AuthError::SamePassword);
    }
    credentials::hash(password).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anonymous_user_with_an_address_becomes_permanent() {
        let user = User {
            is_anonymous: true,
            ..User::for_test()
        };
        let changes = changes(&user, Some("a@b.c".to_owned()), None, None);
        assert_eq!(changes.is_anonymous, Some(false));
        assert_eq!(changes.app_metadata.unwrap()["provider"], "email");
        assert_eq!(changes.user_metadata.unwrap()["email"], "a@b.c");
    }

    #[test]
    fn metadata_alone_changes_nothing_else() {
        let user = User {
            is_anonymous: true,
            ..User::for_test()
        };
        let data = json!({ "name": "Ada" });
        let changes = changes(&user, None, None, data.as_object());
        assert_eq!(changes.is_anonymous, None);
        assert_eq!(changes.email, None);
        assert_eq!(changes.user_metadata.unwrap(), data);
    }
}
