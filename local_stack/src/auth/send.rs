//! Makes codes and the messages that carry them. A message goes into the box when the transaction that keeps its code is through.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::codes;
use super::duration;
use super::error::AuthError;
use super::mail::{Channel, Message};
use super::redirect;
use super::service::Auth;
use super::store::codes::{self as kept, Slot};
use super::user::User;

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Purpose {
    slot: Slot,
    /// `type` of the link, and of `verifyOtp`.
    kind: &'static str,
    subject: &'static str,
}

pub(super) const SIGNUP: Purpose = Purpose {
    slot: Slot::Confirmation,
    kind: "signup",
    subject: "Confirm your email",
};
pub(super) const INVITE: Purpose = Purpose {
    slot: Slot::Confirmation,
    kind: "invite",
    subject: "You have been invited",
};
pub(super) const RECOVERY: Purpose = Purpose {
    slot: Slot::Recovery,
    kind: "recovery",
    subject: "Reset your password",
};
pub(super) const MAGIC_LINK: Purpose = Purpose {
    slot: Slot::Recovery,
    kind: "magiclink",
    subject: "Your sign-in link",
};
const REAUTHENTICATION: Purpose = Purpose {
    slot: Slot::Reauthentication,
    kind: "reauthentication",
    subject: "Confirm that it is you",
};
const CHANGE_NEW: Purpose = Purpose {
    slot: Slot::EmailChangeNew,
    kind: "email_change",
    subject: "Confirm your new email",
};
const CHANGE_CURRENT: Purpose = Purpose {
    slot: Slot::EmailChangeCurrent,
    kind: "email_change",
    subject: "Confirm the change of your email",
};

/// A mail to the address of a user.
pub(super) async fn mail(
    auth: &Auth,
    database: &mut PgConnection,
    user: &User,
    purpose: Purpose,
    page: &str,
    is_pkce: bool,
) -> Result<Message, AuthError> {
    limit_mails(auth, purpose.slot.of(user).1)?;
    write(
        auth,
        database,
        user,
        purpose,
        user.email().unwrap_or_default(),
        Some((page, is_pkce)),
    )
    .await
}

/// A mail with a code that proves again who somebody is.
pub(super) async fn reauthentication(
    auth: &Auth,
    database: &mut PgConnection,
    user: &User,
) -> Result<Message, AuthError> {
    limit_mails(auth, user.reauthentication_sent_at)?;
    let to = user.email().unwrap_or_default();
    write(auth, database, user, REAUTHENTICATION, to, None).await
}

/// Mails to the address that is wanted and, where that is set, to the one that is given up.
pub(super) async fn email_change(
    auth: &Auth,
    database: &mut PgConnection,
    user: &User,
    wanted: &str,
    page: &str,
    is_pkce: bool,
) -> Result<Vec<Message>, AuthError> {
    limit_mails(auth, user.email_change_sent_at)?;
    kept::want_email(database, user.id, wanted).await?;
    let link = Some((page, is_pkce));
    let mut messages = vec![write(auth, database, user, CHANGE_NEW, wanted, link).await?];
    match user.email() {
        Some(current) if auth.settings.email.double_confirm_changes => {
            messages.push(write(auth, database, user, CHANGE_CURRENT, current, link).await?);
        }
        _ => kept::clear(database, user.id, Slot::EmailChangeCurrent).await?,
    }
    Ok(messages)
}

/// An SMS. A number of `[auth.sms.test_otp]` is sent none: its code is known.
pub(super) async fn sms(
    auth: &Auth,
    database: &mut PgConnection,
    user: &User,
    slot: Slot,
    to: &str,
) -> Result<Option<Message>, AuthError> {
    let settings = &auth.settings.sms;
    if let Some(seconds) = left(&settings.max_frequency, slot.of(user).1) {
        return Err(AuthError::TooManyMessages { seconds });
    }
    if slot == Slot::PhoneChange {
        kept::want_phone(database, user.id, to).await?;
    }
    let known = settings.test_otp.get(to).cloned();
    let code = known
        .clone()
        .unwrap_or_else(|| codes::generate(auth.settings.email.otp_length));
    let digest = codes::digest(to, &code);
    kept::put(database, user.id, slot, &digest).await?;
    let message = Message {
        id: 0,
        channel: Channel::Sms,
        to: to.to_owned(),
        kind: match slot {
            Slot::PhoneChange => "phone_change",
            Slot::Reauthentication => "reauthentication",
            _ => "sms",
        },
        subject: "SMS".to_owned(),
        text: settings
            .template
            .replace("{{ .Code }}", &code)
            .replace("{{.Code}}", &code),
        code,
        token_hash: digest,
        link: None,
        created_at: Utc::now(),
    };
    Ok(Some(message).filter(|_| known.is_none()))
}

/// The address that one clicks.
pub(super) fn link(auth: &Auth, token: &str, kind: &str, page: &str) -> String {
    let parameters = [
        ("token", token.to_owned()),
        ("type", kind.to_owned()),
        ("redirect_to", page.to_owned()),
    ];
    format!("{}/verify?{}", auth.url, redirect::encoded(&parameters))
}

async fn write(
    auth: &Auth,
    database: &mut PgConnection,
    user: &User,
    purpose: Purpose,
    to: &str,
    link_to: Option<(&str, bool)>,
) -> Result<Message, AuthError> {
    let code = codes::generate(auth.settings.email.otp_length);
    let is_pkce = link_to.is_some_and(|(_, is_pkce)| is_pkce);
    let prefix = if is_pkce { codes::PKCE } else { "" };
    let digest = format!("{prefix}{}", codes::digest(to, &code));
    kept::put(database, user.id, purpose.slot, &digest).await?;
    let link = link_to.map(|(page, _)| link(auth, &digest, purpose.kind, page));
    Ok(Message {
        id: 0,
        channel: Channel::Email,
        to: to.to_owned(),
        kind: purpose.kind,
        subject: purpose.subject.to_owned(),
        text: match &link {
            Some(link) => format!("{}: {link} or enter the code {code}.", purpose.subject),
            None => format!("{}: enter the code {code}.", purpose.subject),
        },
        code,
        token_hash: digest,
        link,
        created_at: Utc::now(),
    })
}

fn limit_mails(auth: &Auth, sent_at: Option<DateTime<Utc>>) -> Result<(), AuthError> {
    match left(&auth.settings.email.max_frequency, sent_at) {
        Some(seconds) => Err(AuthError::TooManyMails { seconds }),
        None => Ok(()),
    }
}

/// The seconds until the next may be sent; `None` when it may be now.
fn left(frequency: &str, sent_at: Option<DateTime<Utc>>) -> Option<i64> {
    let wait = duration::parse(frequency).unwrap_or_default();
    let left = sent_at? + wait - Utc::now();
    (left > TimeDelta::zero()).then(|| left.num_seconds().max(1))
}
