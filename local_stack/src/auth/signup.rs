//! `POST /signup`: anonymous when there is neither an address nor a number, else with a password.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::caller::{Body, Params, given};
use super::error::AuthError;
use super::pkce::Challenge;
use super::service::Auth;
use super::store::codes::Slot;
use super::store::users::{self, NewUser};
use super::store::{confirm, identities};
use super::user::{User, merged};
use super::{credentials, redirect, send, session};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Signup {
    email: Option<String>,
    phone: Option<String>,
    password: Option<String>,
    data: Option<Map<String, Value>>,
    channel: Option<String>,
    #[serde(flatten)]
    challenge: Challenge,
}

/// How somebody can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Contact {
    Email(String),
    Phone(String),
}

pub(super) async fn handle(
    State(auth): State<Auth>,
    params: Params,
    headers: HeaderMap,
    Body(body): Body<Signup>,
) -> Result<Json<Value>, AuthError> {
    let (email, phone) = (given(body.email), given(body.phone));
    let data = Value::Object(body.data.unwrap_or_default());
    if email.is_none() && phone.is_none() {
        return anonymous(&auth, data, &headers).await.map(Json);
    }
    if !auth.settings.enable_signup {
        return Err(AuthError::SignupDisabled);
    }
    let password =
        given(body.password).ok_or_else(|| AuthError::invalid("Signup requires a valid password"))?;
    credentials::check_strength(&password, &auth.settings)?;
    let contact = match (email, phone) {
        (Some(email), None) => Contact::Email(email),
        (None, Some(phone)) => Contact::Phone(phone),
        _ => {
            return Err(AuthError::invalid(
                "Only an email address or phone number should be provided on signup.",
            ));
        }
    };
    if let Contact::Phone(_) = contact {
        check_channel(body.channel.as_deref())?;
        if body.challenge.is_given() {
            return Err(AuthError::invalid("PKCE not supported for phone signups"));
        }
    }
    body.challenge.check()?;
    let contact = contact.checked(&auth)?;
    let page = redirect::target(&auth.settings, params.get("redirect_to"), &headers);
    register(
        &auth,
        contact,
        Some(password),
        data,
        &body.challenge,
        &page,
        &headers,
    )
    .await
    .map(Json)
}

impl Contact {
    /// In the form that is kept, if people may sign up with it.
    fn checked(self, auth: &Auth) -> Result<Self, AuthError> {
        match self {
            Self::Email(_) if !auth.settings.email.enable_signup => {
                Err(AuthError::EmailDisabled("Email signups are disabled"))
            }
            Self::Phone(_) if !auth.settings.sms.enable_signup => {
                Err(AuthError::PhoneDisabled("Phone signups are disabled"))
            }
            Self::Email(email) => credentials::email(&email).map(Self::Email),
            Self::Phone(phone) => credentials::phone(&phone).map(Self::Phone),
        }
    }

    fn is_confirmed(&self, user: &User) -> bool {
        match self {
            Self::Email(_) => user.email_confirmed_at.is_some(),
            Self::Phone(_) => user.phone_confirmed_at.is_some(),
        }
    }
}

/// Of the ways to send an SMS the real service knows these.
pub(super) fn check_channel(channel: Option<&str>) -> Result<(), AuthError> {
    match channel {
        None | Some("" | "sms" | "whatsapp") => Ok(()),
        Some(_) => Err(AuthError::invalid(
            "Invalid channel, supported values are 'sms' or 'whatsapp'. 'whatsapp' is only supported if Twilio or Twilio Verify is used as the provider.",
        )),
    }
}

async fn anonymous(auth: &Auth, data: Value, headers: &HeaderMap) -> Result<Value, AuthError> {
    if !auth.settings.enable_anonymous_sign_ins {
        return Err(AuthError::AnonymousDisabled);
    }
    if !auth.settings.enable_signup {
        return Err(AuthError::SignupDisabled);
    }
    let user = NewUser {
        is_anonymous: true,
        ..NewUser::with(None, None, data)
    };
    let mut transaction = auth.pool.begin().await?;
    let created = users::insert(&mut transaction, &user, AuthError::UserAlreadyExists).await?;
    let answer = session::open(auth, &mut transaction, &created, "anonymous", headers).await?;
    transaction.commit().await?;
    Ok(answer)
}

/// Signs somebody up: with a session where nothing is to be confirmed, else with a message.
pub(super) async fn register(
    auth: &Auth,
    contact: Contact,
    password: Option<String>,
    data: Value,
    challenge: &Challenge,
    page: &str,
    headers: &HeaderMap,
) -> Result<Value, AuthError> {
    let password_hash = match password {
        Some(password) => Some(credentials::hash(password).await?),
        None => None,
    };
    let mut transaction = auth.pool.begin().await?;
    let found = match &contact {
        Contact::Email(email) => users::by_email(&mut transaction, email).await?,
        Contact::Phone(phone) => users::by_phone(&mut transaction, phone).await?,
    };
    let user = match found {
        Some(user) if contact.is_confirmed(&user) => return known(auth, &contact, data),
        // Whoever signs up again has not shown yet that the address is theirs, so nothing is changed.
        Some(user) => user,
        None => {
            let user = new_user(&contact, password_hash, data);
            users::insert(&mut transaction, &user, AuthError::UserAlreadyExists).await?
        }
    };
    let is_at_once = match &contact {
        Contact::Email(_) => auth.confirms_emails_itself(),
        Contact::Phone(_) => auth.confirms_phones_itself(),
    };
    if is_at_once {
        let confirmed = match &contact {
            Contact::Email(_) => confirm::email(&mut transaction, &user).await?,
            Contact::Phone(_) => confirm::phone(&mut transaction, &user).await?,
        };
        let answer = session::open(auth, &mut transaction, &confirmed, "password", headers).await?;
        transaction.commit().await?;
        return Ok(answer);
    }
    let message = match &contact {
        Contact::Email(_) => {
            let is_pkce = challenge.begin(&mut transaction, user.id, "email/signup").await?;
            Some(send::mail(auth, &mut transaction, &user, send::SIGNUP, page, is_pkce).await?)
        }
        Contact::Phone(phone) => send::sms(auth, &mut transaction, &user, Slot::Confirmation, phone).await?,
    };
    let user = users::again(&mut transaction, user.id).await?;
    let answer = users::shown(&mut transaction, &user).await?;
    transaction.commit().await?;
    auth.send(message);
    Ok(answer)
}

fn new_user(contact: &Contact, password_hash: Option<String>, data: Value) -> NewUser {
    let (email, phone) = match contact.clone() {
        Contact::Email(email) => (Some(email), None),
        Contact::Phone(phone) => (None, Some(phone)),
    };
    let mut user = NewUser {
        password_hash,
        ..NewUser::with(email, phone, data)
    };
    let own = match contact {
        Contact::Email(email) => identities::email_data(user.id, email, false),
        Contact::Phone(phone) => {
            json!({ "sub": user.id, "phone": phone, "email_verified": false, "phone_verified": false })
        }
    };
    user.user_metadata = merged(&user.user_metadata, &own);
    user
}

/// The answer for an address that somebody has already. Where mails are sent it looks like any other, so that nobody learns who is
/// registered.
fn known(auth: &Auth, contact: &Contact, data: Value) -> Result<Value, AuthError> {
    if auth.confirms_emails_itself() || auth.confirms_phones_itself() {
        return Err(AuthError::UserAlreadyExists);
    }
    let looks_new = new_user(contact, None, json!({}));
    let now = Utc::now();
    let shown = User {
        id: Uuid::new_v4(),
        email: looks_new.email,
        phone: looks_new.phone,
        confirmation_sent_at: Some(now),
        raw_app_meta_data: Some(looks_new.app_metadata),
        raw_user_meta_data: Some(data),
        created_at: Some(now),
        updated_at: Some(now),
        ..User::default()
    };
    Ok(shown.shown(&[], &[]))
}
