//! `/admin/users/{user_id}`: one user, shown and deleted.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::caller::{Admin, Body, UserId, nullable};
use super::super::error::AuthError;
use super::super::service::Auth;
use super::super::store::users;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Deletion {
    /// Keeps the row without what says who it was, so that other tables may go on naming it.
    #[serde(deserialize_with = "nullable")]
    should_soft_delete: bool,
}

pub(in super::super) async fn show(
    State(auth): State<Auth>,
    _: Admin,
    UserId(id): UserId,
) -> Result<Json<Value>, AuthError> {
    let mut database = auth.pool.acquire().await?;
    let user = users::again(&mut database, id).await?;
    users::shown(&mut database, &user).await.map(Json)
}

pub(in super::super) async fn delete(
    State(auth): State<Auth>,
    _: Admin,
    UserId(id): UserId,
    Body(body): Body<Deletion>,
) -> Result<Json<Value>, AuthError> {
    let mut transaction = auth.pool.begin().await?;
    users::again(&mut transaction, id).await?;
    if body.should_soft_delete {
        users::delete_softly(&mut transaction, id).await?;
    } else {
        users::delete(&mut transaction, id).await?;
    }
    transaction.commit().await?;
    Ok(Json(json!({})))
}
