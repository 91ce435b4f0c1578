//! `POST /factors/{factor_id}/challenge`: begins an attempt.

use axum::Json;
use axum::extract::State;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::super::caller::{Caller, FactorId};
use super::super::error::AuthError;
use super::super::service::Auth;
use super::super::store::factors;

/// How long an attempt may take.
pub(super) const LIFE: TimeDelta = TimeDelta::minutes(5);

pub(in super::super) async fn handle(
    State(auth): State<Auth>,
    caller: Caller,
    FactorId(id): FactorId,
) -> Result<Json<Value>, AuthError> {
    if caller.user.is_anonymous {
        return Err(AuthError::AnonymousNotAllowed);
    }
    let mut transaction = auth.pool.begin().await?;
    let factor = factors::find(&mut transaction, caller.user.id, id)
        .await?
        .ok_or(AuthError::FactorNotFound)?;
    if !auth.settings.mfa.totp.verify_enabled {
        return Err(AuthError::TotpDisabled("verification"));
    }
    let challenge = factors::challenge(&mut transaction, factor.id).await?;
    transaction.commit().await?;
    let expires_at = (challenge.created_at + LIFE).timestamp();
    Ok(Json(json!({
        "id": challenge.id,
        "type": factor.factor_type,
        "expires_at": expires_at,
    })))
}
