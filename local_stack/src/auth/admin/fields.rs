//! What an administrator says of a user.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::caller::nullable;
use super::super::credentials;
use super::super::duration;
use super::super::error::AuthError;

/// The body of a creation and of a change.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Fields {
    pub(super) id: Option<String>,
    pub(super) role: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) password: Option<String>,
    pub(super) password_hash: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(super) email_confirm: bool,
    #[serde(deserialize_with = "nullable")]
    pub(super) phone_confirm: bool,
    pub(super) user_metadata: Option<Map<String, Value>>,
    pub(super) app_metadata: Option<Map<String, Value>>,
    pub(super) ban_duration: Option<String>,
}

/// An address in the form that is kept.
pub(super) fn email(email: Option<String>) -> Result<Option<String>, AuthError> {
    email
        .filter(|email| !email.is_empty())
        .map(|email| credentials::email(&email))
        .transpose()
}

/// A number in the form that is kept.
pub(super) fn phone(phone: Option<String>) -> Result<Option<String>, AuthError> {
    phone
        .filter(|phone| !phone.is_empty())
        .map(|phone| credentials::phone(&phone))
        .transpose()
}

/// When a ban ends: `none` lifts one (`Some(None)`), nothing leaves it.
pub(super) fn ban(
    duration: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<Option<DateTime<Utc>>>, AuthError> {
    let text = match duration {
        None | Some("") => return Ok(None),
        Some("none") => return Ok(Some(None)),
        Some(text) => text,
    };
    duration::parse(text)
        .and_then(|delta| now.checked_add_signed(delta))
        .map(|end| Some(Some(end)))
        .ok_or_else(|| {
            AuthError::invalid(format!(
                "invalid format for ban duration: time: invalid duration \"{text}\""
            ))
        })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn ban_is_set_lifted_or_left() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(ban(None, now).unwrap(), None);
        assert_eq!(ban(Some(""), now).unwrap(), None);
        assert_eq!(ban(Some("none"), now).unwrap(), Some(None));
        assert_eq!(
            ban(Some("1h30m"), now).unwrap(),
            Some(Some(now + TimeDelta::minutes(90)))
        );
        assert!(ban(Some("forever"), now).is_err());
    }

    #[test]
    fn null_is_what_a_missing_field_is() {
        let fields: Fields =
            serde_json::from_str(r#"{"email":null,"email_confirm":null,"unknown":1}"#).unwrap();
        assert!(fields.email.is_none() && !fields.email_confirm);
    }
}
