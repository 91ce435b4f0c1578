//! Users and their identities.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::super::error::AuthError;
use super::super::user::{Identity, User};

/// A user to be made.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct NewUser {
    pub(in super::super) id: Uuid,
    pub(in super::super) role: String,
    pub(in super::super) email: Option<String>,
    pub(in super::super) phone: Option<String>,
    pub(in super::super) password_hash: Option<String>,
    pub(in super::super) is_confirmed: bool,
    pub(in super::super) app_metadata: Value,
    pub(in super::super) user_metadata: Value,
    pub(in super::super) is_anonymous: bool,
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
    pub(in super::super) is_confirmed: bool,
    /// `Some(None)` lifts a ban.
    pub(in super::super) banned_until: Option<Option<DateTime<Utc>>>,
}

const COLUMNS: &str = "id, aud, role, email, encrypted_password, email_confirmed_at, phone, phone_confirmed_at, confirmed_at,
    last_sign_in_at, raw_app_meta_data, raw_user_meta_data, created_at, updated_at, banned_until, is_anonymous";

/// Inserts a user; `taken` is answered when the address or the id is somebody's already. Empty texts are what the real service
/// keeps where there is no token.
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
            case when $6 and $3 is not null then now() end, case when $6 and $4 is not null then now() end,
            $7, $8, $9, now(), now(), '', '', '', ''
        )
        returning {COLUMNS}"
    );
    sqlx::query_as(&sql)
        .bind(user.id)
        .bind(&user.role)
        .bind(&user.email)
        .bind(&user.phone)
        .bind(user.password_hash.as_deref().unwrap_or_default())
        .bind(user.is_confirmed)
        .bind(&user.app_metadata)
        .bind(&user.user_metadata)
        .bind(user.is_anonymous)
        .fetch_one(database)
        .await
        .map_err(|error| unique_or(error, taken))
}

/// The identity that goes with an address; a second one for the same user takes the first one's place.
pub(in super::super) async fn put_email_identity(
    database: &mut PgConnection,
    user_id: Uuid,
    email: &str,
) -> Result<(), AuthError> {
    sqlx::query(
        "insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
         values ($1, $2, $3, 'email', now(), now(), now())
         on conflict (provider_id, provider) do update
         set identity_data = excluded.identity_data, updated_at = now()",
    )
    .bind(user_id.to_string())
    .bind(user_id)
    .bind(email_identity(user_id, email))
    .execute(database)
    .await?;
    Ok(())
}

/// What the identity of an address says; a sign-up puts the same into the user's metadata.
pub(in super::super) fn email_identity(user_id: Uuid, email: &str) -> Value {
    json!({ "sub": user_id, "email": email, "email_verified": true, "phone_verified": false })
}

pub(in super::super) async fn by_id(
    database: &mut PgConnection,
    id: Uuid,
) -> Result<Option<User>, AuthError> {
    let sql = format!("select {COLUMNS} from auth.users where id = $1 and deleted_at is null");
    Ok(sqlx::query_as(&sql).bind(id).fetch_optional(database).await?)
}

pub(in super::super) async fn by_email(
    database: &mut PgConnection,
    email: &str,
) -> Result<Option<User>, AuthError> {
    let sql = format!(
        "select {COLUMNS} from auth.users where email = $1 and not is_sso_user and deleted_at is null"
    );
    Ok(sqlx::query_as(&sql).bind(email).fetch_optional(database).await?)
}

/// One page, oldest first as the real service lists them, and how many there are in all.
pub(in super::super) async fn page(
    database: &mut PgConnection,
    limit: i64,
    offset: i64,
) -> Result<(Vec<User>, i64), AuthError> {
    let total = sqlx::query_scalar("select count(*) from auth.users where deleted_at is null")
        .fetch_one(&mut *database)
        .await?;
    let sql = format!(
        "select {COLUMNS} from auth.users where deleted_at is null order by created_at desc, id limit $1 offset $2"
    );
    let users = sqlx::query_as(&sql)
        .bind(limit)
        .bind(offset)
        .fetch_all(database)
        .await?;
    Ok((users, total))
}

pub(in super::super) async fn identities(
    database: &mut PgConnection,
    user_id: Uuid,
) -> Result<Vec<Identity>, AuthError> {
    Ok(sqlx::query_as(
        "select id, provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at, email
         from auth.identities
         where user_id = $1
         order by created_at",
    )
    .bind(user_id)
    .fetch_all(database)
    .await?)
}

/// The user with all identities, as clients see it.
pub(in super::super) async fn shown(database: &mut PgConnection, user: &User) -> Result<Value, AuthError> {
    Ok(user.shown(&identities(database, user.id).await?))
}

/// Changes a user; an address that somebody else has is refused.
pub(in super::super) async fn change(
    database: &mut PgConnection,
    id: Uuid,
    changes: Changes,
) -> Result<User, AuthError> {
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
    if changes.is_confirmed {
        query.push(", email_confirmed_at = now()");
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
        .map_err(|error| unique_or(error, AuthError::EmailExists))?
        .ok_or(AuthError::UserNotFound)
}

/// `false` when there was no such user.
pub(in super::super) async fn delete(database: &mut PgConnection, id: Uuid) -> Result<bool, AuthError> {
    let done = sqlx::query("delete from auth.users where id = $1")
        .bind(id)
        .execute(database)
        .await?;
    Ok(done.rows_affected() > 0)
}

fn unique_or(error: sqlx::Error, taken: AuthError) -> AuthError {
    let is_taken = error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation);
    if is_taken { taken } else { error.into() }
}
