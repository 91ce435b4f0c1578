//! What follows from a code that is right.

use sqlx::PgConnection;

use super::super::error::AuthError;
use super::super::service::Auth;
use super::super::store::codes::{self as kept, Slot};
use super::super::store::confirm;
use super::super::user::{User, filled};
use super::find::Holder;

/// What the client is told of a change that waits for the other address.
pub(super) const HALF: &str =
    "Confirmation link accepted. Please proceed to confirm link sent to the other email";

/// Does it; `None` when the other address has yet to say yes.
pub(super) async fn apply(
    auth: &Auth,
    database: &mut PgConnection,
    holder: Holder,
    is_by_phone: bool,
) -> Result<Option<User>, AuthError> {
    let Holder { user, slot } = holder;
    kept::clear(database, user.id, slot).await?;
    let user = match slot {
        Slot::Confirmation if is_by_phone => confirm::phone(database, &user).await?,
        Slot::Confirmation => confirm::email(database, &user).await?,
        Slot::Recovery if user.email_confirmed_at.is_none() => confirm::email(database, &user).await?,
        Slot::Recovery | Slot::Reauthentication => user,
        Slot::EmailChangeCurrent | Slot::EmailChangeNew => {
            let is_first = user.email_change_confirm_status.unwrap_or_default() == 0;
            let needs_both = auth.settings.email.double_confirm_changes
                && !auth.confirms_emails_itself()
                && user.email().is_some();
            if needs_both && is_first {
                confirm::half_of_email_change(database, user.id).await?;
                return Ok(None);
            }
            let wanted = filled(user.email_change.as_deref())
                .unwrap_or_default()
                .to_owned();
            confirm::email_change(database, &user, &wanted).await?
        }
        Slot::PhoneChange => {
            let wanted = user.phone_change.clone().unwrap_or_default();
            confirm::phone_change(database, &user, &wanted).await?
        }
    };
    Ok(Some(user))
}
