//! `POST /factors/{factor_id}/verify`: a code of the app. The session is proved better from then on.

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::super::caller::{Body, Caller, FactorId};
use super::super::error::AuthError;
use super::super::service::Auth;
use super::super::session;
use super::super::store::{factors, sessions};
use super::{challenge, totp};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Verification {
    challenge_id: Option<Uuid>,
    code: Option<String>,
}

pub(in super::super) async fn handle(
    State(auth): State<Auth>,
    caller: Caller,
    FactorId(id): FactorId,
    Body(body): Body<Verification>,
) -> Result<Json<Value>, AuthError> {
    let user_id = caller.user.id;
    let session_id = caller.session_id.ok_or(AuthError::SessionNotFound)?;
    let now = Utc::now();
    let mut transaction = auth.pool.begin().await?;
    let factor = factors::find(&mut transaction, user_id, id)
        .await?
        .ok_or(AuthError::FactorNotFound)?;
    if !auth.settings.mfa.totp.verify_enabled {
        return Err(AuthError::TotpDisabled("verification"));
    }
    let challenge_id = body.challenge_id.unwrap_or_default();
    let attempt = factors::find_challenge(&mut transaction, factor.id, challenge_id)
        .await?
        .filter(|attempt| attempt.verified_at.is_none())
        .ok_or(AuthError::FactorNotFound)?;
    if now > attempt.created_at + challenge::LIFE {
        return Err(AuthError::ChallengeExpired(format!(
            "MFA challenge {} has expired, verify against another challenge or create a new challenge.",
            attempt.id
        )));
    }
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    if !totp::is_right(&factor.secret, body.code.as_deref().unwrap_or_default(), seconds)? {
        return Err(AuthError::WrongTotp);
    }
    factors::verified(&mut transaction, &factor, attempt.id).await?;
    sessions::raise(&mut transaction, session_id, user_id, factor.id).await?;
    // The token of before is known as less: who has it alone goes no further with it.
    sessions::revoke_family(&mut transaction, session_id).await?;
    let refresh_token = sessions::issue(&mut transaction, session_id, user_id, None).await?;
    let answer = session::answer(&auth, &mut transaction, user_id, session_id, &refresh_token).await?;
    transaction.commit().await?;
    Ok(Json(answer))
}
