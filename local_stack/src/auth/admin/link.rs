//! `POST /admin/generate_link`: the link of a mail, for those who send their mails themselves.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::super::caller::{Admin, Body, Params, given};
use super::super::error::AuthError;
use super::super::service::Auth;
use super::super::store::codes::{self as kept, Slot};
use super::super::store::users::{self, NewUser};
use super::super::user::User;
use super::super::{codes, credentials, invite, redirect, send};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Request {
    #[serde(rename = "type")]
    kind: Option<String>,
    email: Option<String>,
    new_email: Option<String>,
    password: Option<String>,
    data: Option<Map<String, Value>>,
    redirect_to: Option<String>,
}

/// Whose link it is, where its digest is kept, and the address that the code belongs to.
struct Subject {
    user: User,
    slot: Slot,
    address: String,
}

pub(in super::super) async fn handle(
    State(auth): State<Auth>,
    _: Admin,
    params: Params,
    headers: HeaderMap,
    Body(body): Body<Request>,
) -> Result<Json<Value>, AuthError> {
    let email = credentials::email(body.email.as_deref().unwrap_or_default())?;
    let named = given(body.redirect_to.clone());
    let page = redirect::target(
        &auth.settings,
        named.as_deref().or(params.get("redirect_to")),
        &headers,
    );
    let asked = body.kind.clone().unwrap_or_default();
    let mut transaction = auth.pool.begin().await?;
    let found = users::by_email(&mut transaction, &email).await?;
    let kind = match (&found, asked.as_str()) {
        // Somebody new gets in by signing up.
        (None, "magiclink") => "signup",
        (_, other) => other,
    };
    let subject = match kind {
        "signup" => sign_up(&auth, &mut transaction, found, &email, body, asked == "signup").await?,
        "invite" => {
            let data = Value::Object(body.data.unwrap_or_default());
            let user = invite::invited(&mut transaction, &email, data).await?;
            subject(user, Slot::Confirmation, email)
        }
        "magiclink" | "recovery" => subject(known(found)?, Slot::Recovery, email),
        "email_change_current" | "email_change_new" => {
            change_email(
                &auth,
                &mut transaction,
                known(found)?,
                kind,
                email,
                body.new_email,
            )
            .await?
        }
        other => {
            return Err(AuthError::invalid(format!(
                "Invalid email action link type requested: {other}"
            )));
        }
    };
    let code = codes::generate(auth.settings.email.otp_length);
    let digest = codes::digest(&subject.address, &code);
    kept::put(&mut transaction, subject.user.id, subject.slot, &digest).await?;
    let user = users::again(&mut transaction, subject.user.id).await?;
    let mut answer = users::shown(&mut transaction, &user).await?;
    transaction.commit().await?;
    let link_kind = if kind.starts_with("email_change") {
        "email_change"
    } else {
        kind
    };
    if let Some(fields) = answer.as_object_mut() {
        let link = send::link(&auth, &digest, link_kind, &page);
        fields.insert("action_link".to_owned(), json!(link));
        fields.insert("email_otp".to_owned(), json!(code));
        fields.insert("hashed_token".to_owned(), json!(digest));
        fields.insert("verification_type".to_owned(), json!(kind));
        fields.insert("redirect_to".to_owned(), json!(page));
    }
    Ok(Json(answer))
}

fn subject(user: User, slot: Slot, address: String) -> Subject {
    Subject { user, slot, address }
}

fn known(found: Option<User>) -> Result<User, AuthError> {
    found.ok_or(AuthError::UserNotFound("User with this email not found"))
}

async fn sign_up(
    auth: &Auth,
    database: &mut PgConnection,
    found: Option<User>,
    email: &str,
    body: Request,
    needs_password: bool,
) -> Result<Subject, AuthError> {
    let user = match found {
        Some(user) if user.email_confirmed_at.is_some() => return Err(AuthError::EmailExists),
        Some(user) => user,
        None => {
            let password = given(body.password);
            if needs_password && password.is_none() {
                return Err(AuthError::invalid("Signup requires a valid password"));
            }
            let data = Value::Object(body.data.unwrap_or_default());
            let mut user = NewUser::with(Some(email.to_owned()), None, data);
            if let Some(password) = password {
                credentials::check_strength(&password, &auth.settings)?;
                user.password_hash = Some(credentials::hash(password).await?);
            }
            users::insert(database, &user, AuthError::EmailExists).await?
        }
    };
    Ok(subject(user, Slot::Confirmation, email.to_owned()))
}

async fn change_email(
    auth: &Auth,
    database: &mut PgConnection,
    user: User,
    kind: &str,
    email: String,
    wanted: Option<String>,
) -> Result<Subject, AuthError> {
    if kind == "email_change_current" && !auth.settings.email.double_confirm_changes {
        return Err(AuthError::invalid(
            "Enable secure email change to generate link for current email",
        ));
    }
    let wanted = credentials::email(&wanted.unwrap_or_default())?;
    let taken = users::by_email(database, &wanted).await?;
    if taken.is_some_and(|other| other.id != user.id) {
        return Err(AuthError::EmailExists);
    }
    kept::want_email(database, user.id, &wanted).await?;
    Ok(if kind == "email_change_current" {
        subject(user, Slot::EmailChangeCurrent, email)
    } else {
        subject(user, Slot::EmailChangeNew, wanted)
    })
}
