//! Users.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::super::error::AuthError;
use super::super::user::User;
use super::{factors, identities};

/// A user to be made.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct NewUser {
    pub(in super::super) id: Uuid,
    pub(in super::super) role: String,
    pub(in super::super) email: Option<String>,
    pub(in super::super) phone: Option<String>,
    pub(in super::super) password_hash: Option<String>,
    pub(in super::super) is_email_confirmed: bool,
    pub(in super::super) is_phone_confirmed: bool,
    pub(in super::super) app_metadata: Value,
    pub(in super::super) user_metadata: Value,
    pub(in super::super) is_anonymous: bool,
}

impl NewUser {
    /// Somebody whom an address or a number is all that is known of.
    pub(in super::super) fn with(email: Option<String>, phone: Option<String>, data: Value) -> Self {
        let providers: Vec<&str> = [
            email.is_some().then_some("email"),
            phone.is_some().then_some("phone"),
        ]
        .into_iter()
        .flatten()
        .collect();
        Self {
            id: Uuid::new_v4(),
            role: "authenticated".to_owned(),
            email,
            phone,
            app_metadata: match providers.first() {
                Some(provider) => json!({ "provider": provider, "providers": providers }),
                None => json!({}),
            },
            user_metadata: data,
            ..Self::default()
        }
    }
}

/// What changes in a user; `None` leaves a column as it is.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Changes {
    pub(in super::super) email: Option<String>,
    pub(in super::super) phone: Option<String>,
    pub(in super::super) password_hash: Option<String>,
    pub(in super::super) role: Option<String>,
    pub(in super::super) app_metadata: Option<Value>,
    pub(in super::super) user_metadata: Option<Value>,
    pub(in super::super) is_anonymous: Option<bool>,
    pub(in super::super) confirms_email: bool,
    pub(in super::super) confirms_phone: bool,
    /// `Some(None)` lifts a ban.
    pub(in super::super) banned_until: Option<Option<DateTime<Utc>>>,
}

/// The columns of a [`User`].
pub(super) const COLUMNS: &str = "id, aud, role, email, encrypted_password, email_confirmed_at, invited_at, phone,
    phone_confirmed_at, confirmed_at, confirmation_token, confirmation_sent_at, recovery_token, recovery_sent_at,
    email_change, email_change_token_new, email_change_token_current, email_change_sent_at,
    email_change_confirm_status, phone_change, phone_change_token, phone_change_sent_at, reauthentication_token,
    reauthentication_sent_at, last_sign_in_at, raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
    banned_until, deleted_at, is_anonymous";

/// Inserts a user with their identities; `taken` is answered when the address or the id is somebody's already. Empty texts are what
/// the real service keeps where there is no token.
pub(in super::super) async fn insert(
    database: &mut PgConnection,
    user: &NewUser,
    taken: AuthError,
) -> Result<User, AuthError> {
    let sql = format!(
        "insert into auth.users (
            instance_id, id, aud, role, email, phone, encrypted_password, email_confirmed_at, phone_confirmed_at,
            raw_app_meta_data, raw_user_meta_data, is_anonymous, created_at, updated_at,
            confirmation_token, recovery_token, email_change_token_new, email_change
        )
        values (
            '00000000-0000-0000-0000-000000000000', $1, 'authenticated', $2, $3, $4, $5,
            case when $6 then now() end, case when $7 then now() end,
            $8, $9, $10, now(), now(), '', '', '', ''
        )
        returning {COLUMNS}"
    );
    let created = sqlx::query_as(&sql)
        .bind(user.id)
        .bind(&user.role)
        .bind(&user.email)
        .bind(&user.phone)
        .bind(user.password_hash.as_deref().unwrap_or_default())
        .bind(user.is_email_confirmed && user.email.is_some())
        .bind(user.is_phone_confirmed && user.phone.is_some())
        .bind(&user.app_metadata)
        .bind(&user.user_metadata)
        .bind(user.is_anonymous)
        .fetch_one(&mut *database)
        .await
        .map_err(|error| unique_or(error, taken))?;
    if let Some(email) = &user.email {
        identities::put_email(database, user.id, email, user.is_email_confirmed).await?;
    }
    if let Some(phone) = &user.phone {
        identities::put_phone(database, user.id, phone, user.is_phone_confirmed).await?;
    }
    Ok(created)
}

pub(in super::super) async fn by_id(
    database: &mut PgConnection,
    id: Uuid,
) -> Result<Option<User>, AuthError> {
    let sql = format!("select {COLUMNS} from auth.users where id = $1");
    Ok(sqlx::query_as(&sql).bind(id).fetch_optional(database).await?)
}

pub(in super::super) async fn by_email(
    database: &mut PgConnection,
    email: &str,
) -> Result<Option<User>, AuthError> {
    let sql = format!("select {COLUMNS} from auth.users where email = $1 and not is_sso_user");
    Ok(sqlx::query_as(&sql).bind(email).fetch_optional(database).await?)
}

pub(in super::super) async fn by_phone(
    database: &mut PgConnection,
    phone: &str,
) -> Result<Option<User>, AuthError> {
    let sql = format!("select {COLUMNS} from auth.users where phone = $1 and not is_sso_user");
    Ok(sqlx::query_as(&sql).bind(phone).fetch_optional(database).await?)
}

/// The user as they are now, who was there a moment ago in the same transaction.
pub(in super::super) async fn again(database: &mut PgConnection, id: Uuid) -> Result<User, AuthError> {
    by_id(database, id).await?.ok_or(AuthError::NO_USER)
}

/// One page, and how many there are in all. The filter looks into the address and the full name.
pub(in super::super) async fn page(
    database: &mut PgConnection,
    limit: i64,
    offset: i64,
    filter: &str,
    is_ascending: bool,
) -> Result<(Vec<User>, i64), AuthError> {
    const FOUND: &str = "($1 = '' or email ilike '%' || $1 || '%' or raw_user_meta_data ->> 'full_name' ilike '%' || $1 || '%')";
    let total = sqlx::query_scalar(&format!("select count(*) from auth.users where {FOUND}"))
        .bind(filter)
        .fetch_one(&mut *database)
        .await?;
    let direction = if is_ascending { "asc" } else { "desc" };
    let sql = format!(
        "select {COLUMNS} from auth.users where {FOUND} order by created_at {direction}, id limit $2 offset $3"
    );
    let users = sqlx::query_as(&sql)
        .bind(filter)
        .bind(limit)
        .bind(offset)
        .fetch_all(database)
        .await?;
    Ok((users, total))
}

/// The user with all identities and factors, as clients see it.
pub(in super::super) async fn shown(database: &mut PgConnection, user: &User) -> Result<Value, AuthError> {
    let identities = identities::of(database, user.id).await?;
    Ok(user.shown(&identities, &factors::of(database, user.id).await?))
}

/// Changes a user; an address or a number that somebody else has is refused.
pub(in super::super) async fn change(
    database: &mut PgConnection,
    id: Uuid,
    changes: Changes,
) -> Result<User, AuthError> {
    let taken = if changes.email.is_none() && changes.phone.is_some() {
        AuthError::PhoneExists
    } else {
        AuthError::EmailExists
    };
    let mut query = QueryBuilder::<Postgres>::new("update auth.users set updated_at = now()");
    if let Some(email) = changes.email {
        query.push(", email = ").push_bind(email);
    }
    if let Some(phone) = changes.phone {
        query.push(", phone = ").push_bind(phone);
    }
    if let Some(hash) = changes.password_hash {
        query.push(", encrypted_password = ").push_bind(hash);
    }
    if let Some(role) = changes.role {
        query.push(", role = ").push_bind(role);
    }
    if let Some(metadata) = changes.app_metadata {
        query.push(", raw_app_meta_data = ").push_bind(metadata);
    }
    if let Some(metadata) = changes.user_metadata {
        query.push(", raw_user_meta_data = ").push_bind(metadata);
    }
    if let Some(is_anonymous) = changes.is_anonymous {
        query.push(", is_anonymous = ").push_bind(is_anonymous);
    }
    if changes.confirms_email {
        query.push(", email_confirmed_at = now(), confirmation_token = ''");
    }
    if changes.confirms_phone {
        query.push(", phone_confirmed_at = now(), confirmation_token = ''");
    }
    if let Some(until) = changes.banned_until {
        query.push(", banned_until = ").push_bind(until);
    }
    query
        .push(" where id = ")
        .push_bind(id)
        .push(format!(" returning {COLUMNS}"));
    query
        .build_query_as()
        .fetch_optional(database)
        .await
        .map_err(|error| unique_or(error, taken))?
        .ok_or(AuthError::NO_USER)
}

/// Removes the row, and all that hangs on it.
pub(in super::super) async fn delete(database: &mut PgConnection, id: Uuid) -> Result<(), AuthError> {
    sqlx::query("delete from auth.users where id = $1")
        .bind(id)
        .execute(database)
        .await?;
    Ok(())
}

/// Keeps the row, so that what refers to it stays, and nothing in it that says who it was. What is left in place of an address is its
/// digest with the id, as the real service leaves it.
pub(in super::super) async fn delete_softly(database: &mut PgConnection, id: Uuid) -> Result<(), AuthError> {
    const DIGEST: &str = "translate(trim(trailing '=' from encode(sha256(convert_to(";
    let digest = |text: &str| format!("{DIGEST}{text}, 'UTF8')), 'base64')), '+/', '-_')");
    let statements = [
        format!(
            "update auth.users set
                email = case when email <> '' then {} end,
                phone = case when phone <> '' then left({}, 15) end,
                email_change = '', phone_change = '', encrypted_password = '',
                confirmation_token = '', recovery_token = '', email_change_token_new = '',
                email_change_token_current = '', phone_change_token = '', reauthentication_token = '',
                raw_app_meta_data = '{{}}', raw_user_meta_data = '{{}}',
                updated_at = now(), deleted_at = now()
            where id = $1 and deleted_at is null",
            digest("id::text || email"),
            digest("id::text || phone"),
        ),
        format!(
            "update auth.identities set provider_id = {}, identity_data = '{{}}', updated_at = now() where user_id = $1",
            digest("user_id::text || provider || ':' || provider_id"),
        ),
        "delete from auth.mfa_factors where user_id = $1".to_owned(),
        "delete from auth.sessions where user_id = $1".to_owned(),
    ];
    for statement in statements {
        let done = sqlx::query(&statement).bind(id).execute(&mut *database).await?;
        // Whoever was deleted softly before stays as they were.
        if done.rows_affected() == 0 && statement.starts_with("update auth.users") {
            return Ok(());
        }
    }
    Ok(())
}

fn unique_or(error: sqlx::Error, taken: AuthError) -> AuthError {
    let is_taken = error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation);
    if is_taken { taken } else { error.into() }
}
