//! The one-time codes that a user was sent. The row of the user keeps the digest of each, in a column of its own.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::error::AuthError;
use super::super::user::{User, filled};
use super::users::COLUMNS;

/// What a code is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Slot {
    Confirmation,
    Recovery,
    /// At the address that a user gives up.
    EmailChangeCurrent,
    /// At the one that takes its place.
    EmailChangeNew,
    PhoneChange,
    Reauthentication,
}

impl Slot {
    /// The column of the digest and that of the time it was sent.
    fn columns(self) -> (&'static str, &'static str) {
        match self {
            Self::Confirmation => ("confirmation_token", "confirmation_sent_at"),
            Self::Recovery => ("recovery_token", "recovery_sent_at"),
            Self::EmailChangeCurrent => ("email_change_token_current", "email_change_sent_at"),
            Self::EmailChangeNew => ("email_change_token_new", "email_change_sent_at"),
            Self::PhoneChange => ("phone_change_token", "phone_change_sent_at"),
            Self::Reauthentication => ("reauthentication_token", "reauthentication_sent_at"),
        }
    }

    /// The digest that a user has there, and when it was sent.
    pub(in super::super) fn of(self, user: &User) -> (Option<&str>, Option<DateTime<Utc>>) {
        let (digest, sent_at) = match self {
            Self::Confirmation => (&user.confirmation_token, user.confirmation_sent_at),
            Self::Recovery => (&user.recovery_token, user.recovery_sent_at),
            Self::EmailChangeCurrent => (&user.email_change_token_current, user.email_change_sent_at),
            Self::EmailChangeNew => (&user.email_change_token_new, user.email_change_sent_at),
            Self::PhoneChange => (&user.phone_change_token, user.phone_change_sent_at),
            Self::Reauthentication => (&user.reauthentication_token, user.reauthentication_sent_at),
        };
        (filled(digest.as_deref()), sent_at)
    }
}

/// Keeps the digest of a code that is sent now.
pub(in super::super) async fn put(
    database: &mut PgConnection,
    user_id: Uuid,
    slot: Slot,
    digest: &str,
) -> Result<(), AuthError> {
    let (token, sent_at) = slot.columns();
    let sql =
        format!("update auth.users set {token} = $2, {sent_at} = now(), updated_at = now() where id = $1");
    sqlx::query(&sql)
        .bind(user_id)
        .bind(digest)
        .execute(database)
        .await?;
    Ok(())
}

/// Makes a code useless.
pub(in super::super) async fn clear(
    database: &mut PgConnection,
    user_id: Uuid,
    slot: Slot,
) -> Result<(), AuthError> {
    let (token, _) = slot.columns();
    let sql = format!("update auth.users set {token} = '', updated_at = now() where id = $1");
    sqlx::query(&sql).bind(user_id).execute(database).await?;
    Ok(())
}

/// Notes the address that a user wants to have.
pub(in super::super) async fn want_email(
    database: &mut PgConnection,
    user_id: Uuid,
    email: &str,
) -> Result<(), AuthError> {
    sqlx::query(
        "update auth.users set email_change = $2, email_change_confirm_status = 0, updated_at = now() where id = $1",
    )
    .bind(user_id)
    .bind(email)
    .execute(database)
    .await?;
    Ok(())
}

/// Notes the number that a user wants to have.
pub(in super::super) async fn want_phone(
    database: &mut PgConnection,
    user_id: Uuid,
    phone: &str,
) -> Result<(), AuthError> {
    sqlx::query("update auth.users set phone_change = $2, updated_at = now() where id = $1")
        .bind(user_id)
        .bind(phone)
        .execute(database)
        .await?;
    Ok(())
}

/// The user who has one of these digests. The row stays locked, so that a code is used once.
pub(in super::super) async fn holder(
    database: &mut PgConnection,
    slots: &[Slot],
    digest: &str,
) -> Result<Option<User>, AuthError> {
    let conditions: Vec<String> = slots
        .iter()
        .map(|slot| format!("{} = $1", slot.columns().0))
        .collect();
    let sql = format!(
        "select {COLUMNS} from auth.users where $1 <> '' and ({}) limit 1 for update",
        conditions.join(" or ")
    );
    Ok(sqlx::query_as(&sql).bind(digest).fetch_optional(database).await?)
}

/// The user whom an address or a number belongs to or is to belong to, locked.
pub(in super::super) async fn owner(
    database: &mut PgConnection,
    columns: &[&'static str],
    value: &str,
) -> Result<Vec<User>, AuthError> {
    let conditions: Vec<String> = columns.iter().map(|column| format!("{column} = $1")).collect();
    let sql = format!(
        "select {COLUMNS} from auth.users where $1 <> '' and ({}) and not is_sso_user for update",
        conditions.join(" or ")
    );
    Ok(sqlx::query_as(&sql).bind(value).fetch_all(database).await?)
}
