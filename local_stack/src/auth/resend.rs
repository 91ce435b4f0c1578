//! `POST /resend`: another code of a kind that was sent before.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::caller::{Body, Params, given};
use super::error::AuthError;
use super::mail::Message;
use super::pkce::Challenge;
use super::service::Auth;
use super::signup::Contact;
use super::store::codes::Slot;
use super::store::users;
use super::user::{User, filled};
use super::{credentials, redirect, send};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resend {
    #[serde(rename = "type")]
    kind: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    #[serde(flatten)]
    challenge: Challenge,
}

pub(super) async fn handle(
    State(auth): State<Auth>,
    params: Params,
    headers: HeaderMap,
    Body(body): Body<Resend>,
) -> Result<Json<Value>, AuthError> {
    let kind = body.kind.as_deref().unwrap_or_default();
    if !matches!(kind, "signup" | "email_change" | "sms" | "phone_change") {
        return Err(AuthError::invalid(
            "Missing one of these types: signup, email_change, sms, phone_change",
        ));
    }
    body.challenge.check()?;
    let contact = contact(&auth, kind, given(body.email), given(body.phone))?;
    let page = redirect::target(&auth.settings, params.get("redirect_to"), &headers);
    let mut transaction = auth.pool.begin().await?;
    let found = match &contact {
        Contact::Email(email) => users::by_email(&mut transaction, email).await?,
        Contact::Phone(phone) => users::by_phone(&mut transaction, phone).await?,
    };
    let messages = match found {
        Some(user) => again(&auth, &mut transaction, &user, kind, &body.challenge, &page).await?,
        None => Vec::new(),
    };
    transaction.commit().await?;
    auth.send(messages);
    Ok(Json(json!({})))
}

fn contact(
    auth: &Auth,
    kind: &str,
    email: Option<String>,
    phone: Option<String>,
) -> Result<Contact, AuthError> {
    match (email, phone) {
        (None, _) if kind == "signup" => Err(AuthError::invalid("Type provided requires an email address")),
        (_, None) if kind == "sms" => Err(AuthError::invalid("Type provided requires a phone number")),
        (Some(_), Some(_)) => Err(AuthError::invalid(
            "Only an email address or phone number should be provided.",
        )),
        (Some(_), None) if !auth.settings.email.enable_signup => {
            Err(AuthError::EmailDisabled("Email logins are disabled"))
        }
        (None, Some(_)) if !auth.settings.sms.enable_signup => {
            Err(AuthError::PhoneDisabled("Phone logins are disabled"))
        }
        (Some(email), None) => credentials::email(&email).map(Contact::Email),
        (None, Some(phone)) => credentials::phone(&phone).map(Contact::Phone),
        (None, None) => Err(AuthError::invalid("Missing email address or phone number")),
    }
}

/// Nothing where nothing is waited for.
async fn again(
    auth: &Auth,
    database: &mut PgConnection,
    user: &User,
    kind: &str,
    challenge: &Challenge,
    page: &str,
) -> Result<Vec<Message>, AuthError> {
    let sent = match kind {
        "signup" if user.email_confirmed_at.is_none() => {
            let is_pkce = challenge.begin(database, user.id, "email/signup").await?;
            Some(send::mail(auth, database, user, send::SIGNUP, page, is_pkce).await?)
        }
        "sms" if user.phone_confirmed_at.is_none() => {
            let phone = user.phone().unwrap_or_default();
            send::sms(auth, database, user, Slot::Confirmation, phone).await?
        }
        "email_change" => {
            let Some(wanted) = filled(user.email_change.as_deref()) else {
                return Ok(Vec::new());
            };
            let is_pkce = challenge.begin(database, user.id, "email_change").await?;
            return send::email_change(auth, database, user, wanted, page, is_pkce).await;
        }
        "phone_change" => match filled(user.phone_change.as_deref()) {
            Some(wanted) => send::sms(auth, database, user, Slot::PhoneChange, wanted).await?,
            None => None,
        },
        _ => None,
    };
    Ok(sent.into_iter().collect())
}
