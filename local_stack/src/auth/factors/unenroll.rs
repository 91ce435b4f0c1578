//! `DELETE /factors/{factor_id}`: takes an app away. One that was in use goes only from a session that has shown it.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::super::caller::{Caller, FactorId};
use super::super::error::AuthError;
use super::super::service::Auth;
use super::super::store::{factors, sessions};

pub(in super::super) async fn handle(
    State(auth): State<Auth>,
    caller: Caller,
    FactorId(id): FactorId,
) -> Result<Json<Value>, AuthError> {
    let session_id = caller.session_id.ok_or(AuthError::SessionNotFound)?;
    let mut transaction = auth.pool.begin().await?;
    let factor = factors::find(&mut transaction, caller.user.id, id)
        .await?
        .ok_or(AuthError::FactorNotFound)?;
    let level = sessions::level(&mut transaction, session_id).await?;
    if factor.is_verified() && level != "aal2" {
        return Err(AuthError::InsufficientAal(
            "AAL2 required to unenroll verified factor",
        ));
    }
    sessions::lower(&mut transaction, factor.id).await?;
    factors::delete(&mut transaction, factor.id).await?;
    transaction.commit().await?;
    Ok(Json(json!({ "id": factor.id })))
}
