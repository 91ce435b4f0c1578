//! Users, as they are kept and as they are shown.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use sqlx::FromRow;
use uuid::Uuid;

use super::store::factors::Factor;

/// A row of `auth.users`, the columns that matter here. A text that is empty means what null means.
#[derive(Clone, Debug, Default, FromRow)]
pub(super) struct User {
    pub(super) id: Uuid,
    pub(super) aud: Option<String>,
    pub(super) role: Option<String>,
    pub(super) email: Option<String>,
    pub(super) encrypted_password: Option<String>,
    pub(super) email_confirmed_at: Option<DateTime<Utc>>,
    pub(super) invited_at: Option<DateTime<Utc>>,
    pub(super) phone: Option<String>,
    pub(super) phone_confirmed_at: Option<DateTime<Utc>>,
    pub(super) confirmed_at: Option<DateTime<Utc>>,
    pub(super) confirmation_token: Option<String>,
    pub(super) confirmation_sent_at: Option<DateTime<Utc>>,
    pub(super) recovery_token: Option<String>,
    pub(super) recovery_sent_at: Option<DateTime<Utc>>,
    pub(super) email_change: Option<String>,
    pub(super) email_change_token_new: Option<String>,
    pub(super) email_change_token_current: Option<String>,
    pub(super) email_change_sent_at: Option<DateTime<Utc>>,
    pub(super) email_change_confirm_status: Option<i16>,
    pub(super) phone_change: Option<String>,
    pub(super) phone_change_token: Option<String>,
    pub(super) phone_change_sent_at: Option<DateTime<Utc>>,
    pub(super) reauthentication_token: Option<String>,
    pub(super) reauthentication_sent_at: Option<DateTime<Utc>>,
    pub(super) last_sign_in_at: Option<DateTime<Utc>>,
    pub(super) raw_app_meta_data: Option<Value>,
    pub(super) raw_user_meta_data: Option<Value>,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) updated_at: Option<DateTime<Utc>>,
    pub(super) banned_until: Option<DateTime<Utc>>,
    pub(super) deleted_at: Option<DateTime<Utc>>,
    pub(super) is_anonymous: bool,
}

/// A row of `auth.identities`.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Identity {
    pub(super) id: Uuid,
    pub(super) provider_id: String,
    pub(super) user_id: Uuid,
    pub(super) identity_data: Value,
    pub(super) provider: String,
    pub(super) last_sign_in_at: Option<DateTime<Utc>>,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) updated_at: Option<DateTime<Utc>>,
    pub(super) email: Option<String>,
}

impl User {
    pub(super) fn aud(&self) -> &str {
        filled(self.aud.as_deref()).unwrap_or("authenticated")
    }

    /// Users that a test inserted by hand may have none.
    pub(super) fn role(&self) -> &str {
        filled(self.role.as_deref()).unwrap_or("authenticated")
    }

    pub(super) fn email(&self) -> Option<&str> {
        filled(self.email.as_deref())
    }

    pub(super) fn phone(&self) -> Option<&str> {
        filled(self.phone.as_deref())
    }

    pub(super) fn has_password(&self) -> bool {
        filled(self.encrypted_password.as_deref()).is_some()
    }

    pub(super) fn app_metadata(&self) -> Value {
        object(self.raw_app_meta_data.as_ref())
    }

    pub(super) fn user_metadata(&self) -> Value {
        object(self.raw_user_meta_data.as_ref())
    }

    pub(super) fn is_banned(&self, now: DateTime<Utc>) -> bool {
        self.banned_until.is_some_and(|until| until > now)
    }

    /// The user as clients see it. What never happened is left out.
    pub(super) fn shown(&self, identities: &[Identity], factors: &[Factor]) -> Value {
        let mut fields = Map::new();
        fields.insert("id".to_owned(), json!(self.id));
        fields.insert("aud".to_owned(), json!(self.aud()));
        fields.insert("role".to_owned(), json!(self.role()));
        fields.insert("email".to_owned(), json!(self.email().unwrap_or_default()));
        insert_time(&mut fields, "email_confirmed_at", self.email_confirmed_at);
        insert_time(&mut fields, "invited_at", self.invited_at);
        fields.insert("phone".to_owned(), json!(self.phone().unwrap_or_default()));
        insert_time(&mut fields, "phone_confirmed_at", self.phone_confirmed_at);
        insert_time(&mut fields, "confirmation_sent_at", self.confirmation_sent_at);
        insert_time(&mut fields, "confirmed_at", self.confirmed_at);
        insert_time(&mut fields, "recovery_sent_at", self.recovery_sent_at);
        insert_text(&mut fields, "new_email", self.email_change.as_deref());
        insert_time(&mut fields, "email_change_sent_at", self.email_change_sent_at);
        insert_text(&mut fields, "new_phone", self.phone_change.as_deref());
        insert_time(&mut fields, "phone_change_sent_at", self.phone_change_sent_at);
        insert_time(
            &mut fields,
            "reauthentication_sent_at",
            self.reauthentication_sent_at,
        );
        insert_time(&mut fields, "last_sign_in_at", self.last_sign_in_at);
        fields.insert("app_metadata".to_owned(), self.app_metadata());
        fields.insert("user_metadata".to_owned(), self.user_metadata());
        if !factors.is_empty() {
            let factors: Vec<Value> = factors.iter().map(Factor::shown).collect();
            fields.insert("factors".to_owned(), Value::Array(factors));
        }
        let identities: Vec<Value> = identities.iter().map(Identity::shown).collect();
        fields.insert("identities".to_owned(), Value::Array(identities));
        insert_time(&mut fields, "banned_until", self.banned_until);
        let epoch = Some(DateTime::UNIX_EPOCH);
        insert_time(&mut fields, "created_at", self.created_at.or(epoch));
        insert_time(&mut fields, "updated_at", self.updated_at.or(epoch));
        insert_time(&mut fields, "deleted_at", self.deleted_at);
        fields.insert("is_anonymous".to_owned(), json!(self.is_anonymous));
        Value::Object(fields)
    }
}

impl Identity {
    fn shown(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("identity_id".to_owned(), json!(self.id));
        fields.insert("id".to_owned(), json!(self.provider_id));
        fields.insert("user_id".to_owned(), json!(self.user_id));
        fields.insert("identity_data".to_owned(), self.identity_data.clone());
        fields.insert("provider".to_owned(), json!(self.provider));
        let epoch = Some(DateTime::UNIX_EPOCH);
        insert_time(&mut fields, "last_sign_in_at", self.last_sign_in_at.or(epoch));
        insert_time(&mut fields, "created_at", self.created_at.or(epoch));
        insert_time(&mut fields, "updated_at", self.updated_at.or(epoch));
        if let Some(email) = &self.email {
            fields.insert("email".to_owned(), json!(email));
        }
        Value::Object(fields)
    }
}

/// A time in the API's form, where there is one.
pub(super) fn insert_time(fields: &mut Map<String, Value>, name: &str, time: Option<DateTime<Utc>>) {
    if let Some(time) = time {
        fields.insert(
            name.to_owned(),
            json!(time.to_rfc3339_opts(SecondsFormat::Micros, true)),
        );
    }
}

fn insert_text(fields: &mut Map<String, Value>, name: &str, text: Option<&str>) {
    if let Some(text) = filled(text) {
        fields.insert(name.to_owned(), json!(text));
    }
}

/// The text, unless it is empty.
pub(super) fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

fn object(value: Option<&Value>) -> Value {
    value
        .filter(|value| value.is_object())
        .cloned()
        .unwrap_or_else(|| json!({}))
}

/// Lays `changes` over `current`: a null takes a key away.
pub(super) fn merged(current: &Value, changes: &Value) -> Value {
    let mut fields = current.as_object().cloned().unwrap_or_default();
    for (name, value) in changes.as_object().into_iter().flatten() {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_inserted_by_hand_is_shown_whole() {
        let shown = User::default().shown(&[], &[]);
        assert_eq!(shown["role"], "authenticated");
        assert_eq!(shown["email"], "");
        assert_eq!(shown["created_at"], "1970-01-01T00:00:00.000000Z");
        assert_eq!(shown["identities"], json!([]));
        assert!(shown.get("last_sign_in_at").is_none());
        assert!(shown.get("factors").is_none() && shown.get("new_email").is_none());
    }

    #[test]
    fn null_takes_a_key_of_the_metadata_away() {
        let result = merged(&json!({ "a": 1, "c": 3 }), &json!({ "a": null, "b": 2 }));
        assert_eq!(result, json!({ "b": 2, "c": 3 }));
    }
}
