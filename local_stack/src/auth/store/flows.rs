//! Sign-ins by a link that end where they began: only who has the verifier can use the code (PKCE, RFC 7636).

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::super::error::AuthError;

/// A row of `auth.flow_state`.
#[derive(Clone, Debug, FromRow)]
pub(in super::super) struct Flow {
    pub(in super::super) id: Uuid,
    pub(in super::super) user_id: Option<Uuid>,
    pub(in super::super) code_challenge: String,
    pub(in super::super) code_challenge_method: String,
    pub(in super::super) authentication_method: String,
    /// When the code was handed out.
    pub(in super::super) issued_at: DateTime<Utc>,
}

/// Notes that a flow begins.
pub(in super::super) async fn begin(
    database: &mut PgConnection,
    user_id: Uuid,
    method: &str,
    challenge: &str,
    challenge_method: &str,
) -> Result<(), AuthError> {
    sqlx::query(
        "insert into auth.flow_state (
            id, user_id, auth_code, code_challenge_method, code_challenge, provider_type, authentication_method,
            created_at, updated_at
         )
         values ($1, $2, $3, $4::auth.code_challenge_method, $5, $6, $6, now(), now())",
    )
    .bind(Uuid::new_v4())
    .bind(user_id)
    .bind(Uuid::new_v4().to_string())
    .bind(challenge_method.to_lowercase())
    .bind(challenge)
    .bind(method)
    .execute(database)
    .await?;
    Ok(())
}

/// The code of the newest flow of a user that began in this way, handed out now.
pub(in super::super) async fn issue_code(
    database: &mut PgConnection,
    user_id: Uuid,
    method: &str,
) -> Result<Option<String>, AuthError> {
    Ok(sqlx::query_scalar(
        "update auth.flow_state set auth_code_issued_at = now(), updated_at = now()
         where id = (
            select id from auth.flow_state
            where user_id = $1 and authentication_method = $2
            order by created_at desc
            limit 1
         )
         returning auth_code",
    )
    .bind(user_id)
    .bind(method)
    .fetch_optional(database)
    .await?)
}

/// The flow of a code, locked.
pub(in super::super) async fn by_code(
    database: &mut PgConnection,
    code: &str,
) -> Result<Option<Flow>, AuthError> {
    Ok(sqlx::query_as(
        "select id, user_id, coalesce(code_challenge, '') as code_challenge,
            coalesce(code_challenge_method::text, '') as code_challenge_method, authentication_method,
            coalesce(auth_code_issued_at, created_at, to_timestamp(0)) as issued_at
         from auth.flow_state
         where auth_code = $1
         for update",
    )
    .bind(code)
    .fetch_optional(database)
    .await?)
}

pub(in super::super) async fn end(database: &mut PgConnection, id: Uuid) -> Result<(), AuthError> {
    sqlx::query("delete from auth.flow_state where id = $1")
        .bind(id)
        .execute(database)
        .await?;
    Ok(())
}
