//! Sessions and their refresh tokens.

use chrono::{DateTime, Utc};
use rand::Rng as _;
use rand::distr::Alphanumeric;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::super::claims::AuthenticationMethod;
use super::super::error::AuthError;

/// Characters of a refresh token, from an alphabet of 62: more than 130 bits.
const TOKEN_LENGTH: usize = 22;

/// A row of `auth.refresh_tokens`.
#[derive(Clone, Debug, FromRow)]
pub(in super::super) struct RefreshToken {
    pub(in super::super) token: String,
    pub(in super::super) revoked: bool,
    pub(in super::super) updated_at: DateTime<Utc>,
    pub(in super::super) session_id: Uuid,
    pub(in super::super) user_id: Uuid,
}

/// Opens a session of a user and returns its id.
pub(in super::super) async fn open(
    database: &mut PgConnection,
    user_id: Uuid,
    method: &str,
    user_agent: Option<&str>,
) -> Result<Uuid, AuthError> {
    let id = Uuid::new_v4();
    sqlx::query(
        "insert into auth.sessions (id, user_id, created_at, updated_at, aal, user_agent, ip)
         values ($1, $2, now(), now(), 'aal1', $3, '127.0.0.1')",
    )
    .bind(id)
    .bind(user_id)
    .bind(user_agent)
    .execute(&mut *database)
    .await?;
    sqlx::query(
        "insert into auth.mfa_amr_claims (id, session_id, authentication_method, created_at, updated_at)
         values ($1, $2, $3, now(), now())",
    )
    .bind(Uuid::new_v4())
    .bind(id)
    .bind(method)
    .execute(&mut *database)
    .await?;
    sqlx::query("update auth.users set last_sign_in_at = now(), updated_at = now() where id = $1")
        .bind(user_id)
        .execute(database)
        .await?;
    Ok(id)
}

/// Issues a refresh token of a session. `parent` is the one it takes the place of.
pub(in super::super) async fn issue(
    database: &mut PgConnection,
    session_id: Uuid,
    user_id: Uuid,
    parent: Option<&str>,
) -> Result<String, AuthError> {
    let token: String = rand::rng()
        .sample_iter(&Alphanumeric)
        .take(TOKEN_LENGTH)
        .map(char::from)
        .collect();
    sqlx::query(
        "insert into auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, parent, session_id)
         values ('00000000-0000-0000-0000-000000000000', $1, $2::text, false, now(), now(), $3, $4)",
    )
    .bind(&token)
    .bind(user_id.to_string())
    .bind(parent)
    .bind(session_id)
    .execute(database)
    .await?;
    Ok(token)
}

/// A refresh token; its session stays locked until the transaction ends, so that two refreshes come one after the other.
pub(in super::super) async fn find_and_lock(
    database: &mut PgConnection,
    token: &str,
) -> Result<Option<RefreshToken>, AuthError> {
    let session: Option<Uuid> = sqlx::query_scalar(
        "select s.id from auth.sessions as s
         join auth.refresh_tokens as t on t.session_id = s.id
         where t.token = $1
         for update of s",
    )
    .bind(token)
    .fetch_optional(&mut *database)
    .await?;
    if session.is_none() {
        return Ok(None);
    }
    fetch_token(database, "t.token = $1", token).await
}

/// The token of a session that has not been used yet, when it took the place of `parent`.
pub(in super::super) async fn active_child_of(
    database: &mut PgConnection,
    parent: &RefreshToken,
) -> Result<Option<RefreshToken>, AuthError> {
    let child = fetch_token(database, "t.parent = $1 and not t.revoked", &parent.token).await?;
    Ok(child.filter(|child| child.session_id == parent.session_id))
}

async fn fetch_token(
    database: &mut PgConnection,
    condition: &'static str,
    value: &str,
) -> Result<Option<RefreshToken>, AuthError> {
    let sql = format!(
        "select t.token, coalesce(t.revoked, false) as revoked, t.updated_at, s.id as session_id, s.user_id
         from auth.refresh_tokens as t
         join auth.sessions as s on s.id = t.session_id
         where {condition}
         order by t.id desc
         limit 1"
    );
    Ok(sqlx::query_as(&sql).bind(value).fetch_optional(database).await?)
}

/// Marks a token as used.
pub(in super::super) async fn revoke(database: &mut PgConnection, token: &str) -> Result<(), AuthError> {
    sqlx::query("update auth.refresh_tokens set revoked = true, updated_at = now() where token = $1")
        .bind(token)
        .execute(database)
        .await?;
    Ok(())
}

/// Makes every token of a session useless.
pub(in super::super) async fn revoke_family(
    database: &mut PgConnection,
    session_id: Uuid,
) -> Result<(), AuthError> {
    sqlx::query(
        "update auth.refresh_tokens set revoked = true, updated_at = now()
         where session_id = $1 and not coalesce(revoked, false)",
    )
    .bind(session_id)
    .execute(database)
    .await?;
    Ok(())
}

/// Notes that a session was refreshed.
pub(in super::super) async fn touch(database: &mut PgConnection, session_id: Uuid) -> Result<(), AuthError> {
    sqlx::query(
        "update auth.sessions set refreshed_at = now() at time zone 'UTC', updated_at = now() where id = $1",
    )
    .bind(session_id)
    .execute(database)
    .await?;
    Ok(())
}

/// How a session was proved, newest first.
pub(in super::super) async fn methods(
    database: &mut PgConnection,
    session_id: Uuid,
) -> Result<Vec<AuthenticationMethod>, AuthError> {
    let rows: Vec<(String, DateTime<Utc>)> = sqlx::query_as(
        "select authentication_method, updated_at from auth.mfa_amr_claims
         where session_id = $1
         order by updated_at desc",
    )
    .bind(session_id)
    .fetch_all(database)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(method, at)| AuthenticationMethod {
            method,
            timestamp: at.timestamp(),
        })
        .collect())
}

/// How well a session was proved: `aal1`, or `aal2` after a second factor.
pub(in super::super) async fn level(
    database: &mut PgConnection,
    session_id: Uuid,
) -> Result<String, AuthError> {
    let level: Option<String> =
        sqlx::query_scalar("select coalesce(aal::text, 'aal1') from auth.sessions where id = $1")
            .bind(session_id)
            .fetch_optional(database)
            .await?;
    Ok(level.unwrap_or_else(|| "aal1".to_owned()))
}

/// A second factor was shown: this session is proved better, and the user's others, which are not, end.
pub(in super::super) async fn raise(
    database: &mut PgConnection,
    session_id: Uuid,
    user_id: Uuid,
    factor_id: Uuid,
) -> Result<(), AuthError> {
    sqlx::query(
        "insert into auth.mfa_amr_claims (id, session_id, authentication_method, created_at, updated_at)
         values ($1, $2, 'totp', now(), now())
         on conflict (session_id, authentication_method) do update set updated_at = now()",
    )
    .bind(Uuid::new_v4())
    .bind(session_id)
    .execute(&mut *database)
    .await?;
    sqlx::query("update auth.sessions set aal = 'aal2', factor_id = $2, updated_at = now() where id = $1")
        .bind(session_id)
        .bind(factor_id)
        .execute(&mut *database)
        .await?;
    sqlx::query("delete from auth.sessions where user_id = $1 and coalesce(aal, 'aal1') < 'aal2'")
        .bind(user_id)
        .execute(database)
        .await?;
    Ok(())
}

/// A factor is gone: the sessions that it proved are proved as before it.
pub(in super::super) async fn lower(database: &mut PgConnection, factor_id: Uuid) -> Result<(), AuthError> {
    sqlx::query(
        "update auth.sessions set aal = 'aal1', factor_id = null, updated_at = now() where factor_id = $1",
    )
    .bind(factor_id)
    .execute(database)
    .await?;
    Ok(())
}

/// When a session began.
pub(in super::super) async fn began(
    database: &mut PgConnection,
    session_id: Uuid,
) -> Result<Option<DateTime<Utc>>, AuthError> {
    let began: Option<Option<DateTime<Utc>>> =
        sqlx::query_scalar("select created_at from auth.sessions where id = $1")
            .bind(session_id)
            .fetch_optional(database)
            .await?;
    Ok(began.flatten())
}

pub(in super::super) async fn exists(
    database: &mut PgConnection,
    session_id: Uuid,
    user_id: Uuid,
) -> Result<bool, AuthError> {
    Ok(sqlx::query_scalar(
        "select exists (
            select from auth.sessions
            where id = $1 and user_id = $2 and (not_after is null or not_after > now())
         )",
    )
    .bind(session_id)
    .bind(user_id)
    .fetch_one(database)
    .await?)
}

/// Ends one session; its refresh tokens go with it.
pub(in super::super) async fn close(database: &mut PgConnection, session_id: Uuid) -> Result<(), AuthError> {
    sqlx::query("delete from auth.sessions where id = $1")
        .bind(session_id)
        .execute(database)
        .await?;
    Ok(())
}

/// Ends all sessions of a user, except one when that is named.
pub(in super::super) async fn close_all(
    database: &mut PgConnection,
    user_id: Uuid,
    except: Option<Uuid>,
) -> Result<(), AuthError> {
    sqlx::query("delete from auth.sessions where user_id = $1 and id is distinct from $2")
        .bind(user_id)
        .bind(except)
        .execute(database)
        .await?;
    Ok(())
}
