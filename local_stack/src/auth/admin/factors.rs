//! `/admin/users/{user_id}/factors`: the second factors of a user.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgConnection;

use super::super::caller::{Admin, Body, FactorId, UserId, given};
use super::super::error::AuthError;
use super::super::service::Auth;
use super::super::store::factors::Factor;
use super::super::store::{factors, sessions, users};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Renaming {
    friendly_name: Option<String>,
}

pub(in super::super) async fn list(
    State(auth): State<Auth>,
    _: Admin,
    UserId(user_id): UserId,
) -> Result<Json<Value>, AuthError> {
    let mut database = auth.pool.acquire().await?;
    users::again(&mut database, user_id).await?;
    let all = factors::of(&mut database, user_id).await?;
    Ok(Json(all.iter().map(Factor::shown).collect()))
}

pub(in super::super) async fn update(
    State(auth): State<Auth>,
    _: Admin,
    UserId(user_id): UserId,
    FactorId(id): FactorId,
    Body(body): Body<Renaming>,
) -> Result<Json<Value>, AuthError> {
    let mut transaction = auth.pool.begin().await?;
    let mut factor = find(&mut transaction, user_id, id).await?;
    if let Some(name) = given(body.friendly_name) {
        factors::rename(&mut transaction, factor.id, &name).await?;
        factor = find(&mut transaction, user_id, id).await?;
    }
    transaction.commit().await?;
    Ok(Json(factor.shown()))
}

pub(in super::super) async fn delete(
    State(auth): State<Auth>,
    _: Admin,
    UserId(user_id): UserId,
    FactorId(id): FactorId,
) -> Result<Json<Value>, AuthError> {
    let mut transaction = auth.pool.begin().await?;
    let factor = find(&mut transaction, user_id, id).await?;
    sessions::lower(&mut transaction, factor.id).await?;
    factors::delete(&mut transaction, factor.id).await?;
    transaction.commit().await?;
    Ok(Json(factor.shown()))
}

async fn find(database: &mut PgConnection, user_id: uuid::Uuid, id: uuid::Uuid) -> Result<Factor, AuthError> {
    users::again(database, user_id).await?;
    factors::find(database, user_id, id)
        .await?
        .ok_or(AuthError::FactorNotFound)
}
