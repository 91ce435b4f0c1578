//! `POST /otp` and `/magiclink`: a code by mail or SMS, for somebody who is known or, unless the request says otherwise, new.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::caller::{Body, Params, given};
use super::error::AuthError;
use super::pkce::Challenge;
use super::service::Auth;
use super::signup::{self, Contact};
use super::store::codes::Slot;
use super::store::users;
use super::user::User;
use super::{credentials, redirect, send};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Otp {
    email: Option<String>,
    phone: Option<String>,
    /// True when it is missing.
    create_user: Option<bool>,
    data: Option<Map<String, Value>>,
    channel: Option<String>,
    #[serde(flatten)]
    challenge: Challenge,
}

pub(super) async fn handle(
    State(auth): State<Auth>,
    params: Params,
    headers: HeaderMap,
    Body(body): Body<Otp>,
) -> Result<Json<Value>, AuthError> {
    let channel = given(body.channel);
    let contact = match (given(body.email), given(body.phone)) {
        (Some(_), Some(_)) => {
            return Err(AuthError::invalid(
                "Only an email address or phone number should be provided",
            ));
        }
        (Some(_), None) if channel.is_some() => {
            return Err(AuthError::invalid(
                "Channel should only be specified with Phone OTP",
            ));
        }
        (Some(email), None) => Contact::Email(credentials::email(&email)?),
        (None, Some(phone)) => Contact::Phone(credentials::phone(&phone)?),
        (None, None) => return Err(AuthError::invalid("One of email or phone must be set")),
    };
    body.challenge.check()?;
    signup::check_channel(channel.as_deref())?;
    let mut database = auth.pool.acquire().await?;
    let (found, is_disabled) = match &contact {
        Contact::Email(email) => (
            users::by_email(&mut database, email).await?,
            (!auth.settings.email.enable_signup)
                .then_some(AuthError::EmailDisabled("Email logins are disabled")),
        ),
        Contact::Phone(phone) => (
            users::by_phone(&mut database, phone).await?,
            (!auth.settings.sms.enable_signup)
                .then_some(AuthError::PhoneDisabled("Unsupported phone provider")),
        ),
    };
    drop(database);
    if found.is_none() && body.create_user == Some(false) {
        return Err(AuthError::OtpDisabled);
    }
    if let Some(refusal) = is_disabled {
        return Err(refusal);
    }
    let page = redirect::target(&auth.settings, params.get("redirect_to"), &headers);
    let is_confirmed = found.as_ref().is_some_and(|user| match &contact {
        Contact::Email(_) => user.email_confirmed_at.is_some(),
        Contact::Phone(_) => user.phone_confirmed_at.is_some(),
    });
    let is_message_sent = if is_confirmed {
        false
    } else {
        sign_up(&auth, &contact, body.data, &body.challenge, &page, &headers).await?
    };
    if !is_message_sent {
        send(&auth, contact, &body.challenge, &page).await?;
    }
    Ok(Json(json!({})))
}

/// Makes the account of somebody who has none yet; `true` when that has sent a code already.
async fn sign_up(
    auth: &Auth,
    contact: &Contact,
    data: Option<Map<String, Value>>,
    challenge: &Challenge,
    page: &str,
    headers: &HeaderMap,
) -> Result<bool, AuthError> {
    if !auth.settings.enable_signup {
        return Err(AuthError::SignupDisabled);
    }
    let is_at_once = match contact {
        Contact::Email(_) => auth.confirms_emails_itself(),
        Contact::Phone(_) => auth.confirms_phones_itself(),
    };
    let data = Value::Object(data.unwrap_or_default());
    signup::register(auth, contact.clone(), None, data, challenge, page, headers).await?;
    Ok(!is_at_once)
}

async fn send(auth: &Auth, contact: Contact, challenge: &Challenge, page: &str) -> Result<(), AuthError> {
    let mut transaction = auth.pool.begin().await?;
    let gone = AuthError::NO_USER;
    let message = match contact {
        Contact::Email(email) => {
            let user: User = users::by_email(&mut transaction, &email).await?.ok_or(gone)?;
            let is_pkce = challenge.begin(&mut transaction, user.id, "magiclink").await?;
            Some(send::mail(auth, &mut transaction, &user, send::MAGIC_LINK, page, is_pkce).await?)
        }
        Contact::Phone(phone) => {
            let user: User = users::by_phone(&mut transaction, &phone).await?.ok_or(gone)?;
            send::sms(auth, &mut transaction, &user, Slot::Confirmation, &phone).await?
        }
    };
    transaction.commit().await?;
    auth.send(message);
    Ok(())
}
