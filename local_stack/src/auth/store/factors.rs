//! Second factors: authenticator apps, and the challenges that they answer.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::super::error::AuthError;
use super::super::user::insert_time;

const COLUMNS: &str =
    "id, user_id, coalesce(friendly_name, '') as friendly_name, factor_type::text as factor_type,
    status::text as status, coalesce(secret, '') as secret, created_at, updated_at, last_challenged_at";

/// A row of `auth.mfa_factors`.
#[derive(Clone, Debug, FromRow)]
pub(in super::super) struct Factor {
    pub(in super::super) id: Uuid,
    pub(in super::super) user_id: Uuid,
    pub(in super::super) friendly_name: String,
    pub(in super::super) factor_type: String,
    pub(in super::super) status: String,
    /// In base32, as the app has it.
    pub(in super::super) secret: String,
    pub(in super::super) created_at: DateTime<Utc>,
    pub(in super::super) updated_at: DateTime<Utc>,
    pub(in super::super) last_challenged_at: Option<DateTime<Utc>>,
}

/// A row of `auth.mfa_challenges`.
#[derive(Clone, Debug, FromRow)]
pub(in super::super) struct Challenge {
    pub(in super::super) id: Uuid,
    pub(in super::super) created_at: DateTime<Utc>,
    pub(in super::super) verified_at: Option<DateTime<Utc>>,
}

impl Factor {
    pub(in super::super) fn is_verified(&self) -> bool {
        self.status == "verified"
    }

    pub(in super::super) fn shown(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("id".to_owned(), json!(self.id));
        insert_time(&mut fields, "created_at", Some(self.created_at));
        insert_time(&mut fields, "updated_at", Some(self.updated_at));
        fields.insert("status".to_owned(), json!(self.status));
        if !self.friendly_name.is_empty() {
            fields.insert("friendly_name".to_owned(), json!(self.friendly_name));
        }
        fields.insert("factor_type".to_owned(), json!(self.factor_type));
        insert_time(&mut fields, "last_challenged_at", self.last_challenged_at);
        Value::Object(fields)
    }
}

pub(in super::super) async fn of(
    database: &mut PgConnection,
    user_id: Uuid,
) -> Result<Vec<Factor>, AuthError> {
    let sql = format!("select {COLUMNS} from auth.mfa_factors where user_id = $1 order by created_at");
    Ok(sqlx::query_as(&sql).bind(user_id).fetch_all(database).await?)
}

/// A factor of this user; nobody else's is found.
pub(in super::super) async fn find(
    database: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
) -> Result<Option<Factor>, AuthError> {
    let sql = format!("select {COLUMNS} from auth.mfa_factors where user_id = $1 and id = $2");
    Ok(sqlx::query_as(&sql)
        .bind(user_id)
        .bind(id)
        .fetch_optional(database)
        .await?)
}

pub(in super::super) async fn insert_totp(
    database: &mut PgConnection,
    user_id: Uuid,
    friendly_name: &str,
    secret: &str,
) -> Result<Factor, AuthError> {
    let sql = format!(
        "insert into auth.mfa_factors (id, user_id, friendly_name, factor_type, status, secret, created_at, updated_at)
         values ($1, $2, $3, 'totp', 'unverified', $4, now(), now())
         returning {COLUMNS}"
    );
    Ok(sqlx::query_as(&sql)
        .bind(Uuid::new_v4())
        .bind(user_id)
        .bind(friendly_name)
        .bind(secret)
        .fetch_one(database)
        .await?)
}

pub(in super::super) async fn rename(
    database: &mut PgConnection,
    id: Uuid,
    friendly_name: &str,
) -> Result<(), AuthError> {
    sqlx::query("update auth.mfa_factors set friendly_name = $2, updated_at = now() where id = $1")
        .bind(id)
        .bind(friendly_name)
        .execute(database)
        .await?;
    Ok(())
}

pub(in super::super) async fn delete(database: &mut PgConnection, id: Uuid) -> Result<(), AuthError> {
    sqlx::query("delete from auth.mfa_factors where id = $1")
        .bind(id)
        .execute(database)
        .await?;
    Ok(())
}

/// Begins a challenge and says its id.
pub(in super::super) async fn challenge(
    database: &mut PgConnection,
    factor_id: Uuid,
) -> Result<Challenge, AuthError> {
    sqlx::query("update auth.mfa_factors set last_challenged_at = now() where id = $1")
        .bind(factor_id)
        .execute(&mut *database)
        .await?;
    Ok(sqlx::query_as(
        "insert into auth.mfa_challenges (id, factor_id, created_at, ip_address)
         values ($1, $2, now(), '127.0.0.1')
         returning id, created_at, verified_at",
    )
    .bind(Uuid::new_v4())
    .bind(factor_id)
    .fetch_one(database)
    .await?)
}

/// A challenge of this factor, locked, so that it is answered once.
pub(in super::super) async fn find_challenge(
    database: &mut PgConnection,
    factor_id: Uuid,
    id: Uuid,
) -> Result<Option<Challenge>, AuthError> {
    Ok(sqlx::query_as(
        "select id, created_at, verified_at from auth.mfa_challenges where factor_id = $1 and id = $2 for update",
    )
    .bind(factor_id)
    .bind(id)
    .fetch_optional(database)
    .await?)
}

/// The challenge was answered: the factor is verified, and the user's factors that never were go.
pub(in super::super) async fn verified(
    database: &mut PgConnection,
    factor: &Factor,
    challenge_id: Uuid,
) -> Result<(), AuthError> {
    for (statement, id) in [
        (
            "update auth.mfa_challenges set verified_at = now() where id = $1",
            challenge_id,
        ),
        (
            "update auth.mfa_factors set status = 'verified', updated_at = now() where id = $1 and status <> 'verified'",
            factor.id,
        ),
        (
            "delete from auth.mfa_factors where user_id = $1 and status = 'unverified' and factor_type = 'totp'",
            factor.user_id,
        ),
    ] {
        sqlx::query(statement).bind(id).execute(&mut *database).await?;
    }
    Ok(())
}
