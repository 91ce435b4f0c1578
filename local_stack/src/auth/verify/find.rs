//! Whose code it is.

use chrono::Utc;
use sqlx::PgConnection;

use super::super::codes;
use super::super::error::AuthError;
use super::super::service::Auth;
use super::super::store::codes::{self as kept, Slot};
use super::super::user::User;
use super::kind::Kind;

/// Somebody who was sent a code, and which.
pub(super) struct Holder {
    pub(super) user: User,
    pub(super) slot: Slot,
}

/// By the digest that a link carries.
pub(super) async fn by_digest(
    auth: &Auth,
    database: &mut PgConnection,
    kind: Kind,
    digest: &str,
) -> Result<Holder, AuthError> {
    const REFUSAL: AuthError = AuthError::OtpExpired("Email link is invalid or has expired");
    if kind.is_by_phone() {
        return Err(AuthError::invalid("Invalid email verification type"));
    }
    let user = kept::holder(database, kind.slots(), digest)
        .await?
        .ok_or(REFUSAL)?;
    refuse_banned(&user)?;
    let slot = valid_slot(auth, &user, kind, digest).ok_or(REFUSAL)?;
    Ok(Holder { user, slot })
}

/// By the address or number it was sent to, and the code itself.
pub(super) async fn by_code(
    auth: &Auth,
    database: &mut PgConnection,
    kind: Kind,
    address: &str,
    code: &str,
) -> Result<Holder, AuthError> {
    let digest = codes::digest(address, code);
    for user in kept::owner(database, kind.columns(), address).await? {
        refuse_banned(&user)?;
        let slot = valid_slot(auth, &user, kind, &digest).or_else(|| known_slot(auth, kind, address, code));
        if let Some(slot) = slot {
            return Ok(Holder { user, slot });
        }
    }
    Err(AuthError::OtpExpired("Token has expired or is invalid"))
}

fn valid_slot(auth: &Auth, user: &User, kind: Kind, digest: &str) -> Option<Slot> {
    let expiry = if kind.is_by_phone() {
        codes::SMS_EXPIRY
    } else {
        auth.settings.email.otp_expiry
    };
    let now = Utc::now();
    let mut slots = kind.slots().iter().copied();
    slots.find(|slot| codes::is_valid(user, *slot, digest, expiry, now))
}

/// The code of a number of `[auth.sms.test_otp]` is good whether it was asked for or not.
fn known_slot(auth: &Auth, kind: Kind, number: &str, code: &str) -> Option<Slot> {
    let known = auth.settings.sms.test_otp.get(number)?;
    let is_right = kind.is_by_phone() && known == code;
    kind.slots().first().copied().filter(|_| is_right)
}

fn refuse_banned(user: &User) -> Result<(), AuthError> {
    if user.is_banned(Utc::now()) {
        Err(AuthError::CallerBanned)
    } else {
        Ok(())
    }
}
