//! `POST /logout`: ends sessions.

use axum::extract::State;
use axum::http::StatusCode;

use super::caller::{Caller, Params};
use super::error::AuthError;
use super::service::Auth;
use super::store::sessions;

pub(super) async fn handle(
    State(auth): State<Auth>,
    params: Params,
    caller: Caller,
) -> Result<StatusCode, AuthError> {
    let mut database = auth.pool.acquire().await?;
    let user_id = caller.user.id;
    match (params.get("scope"), caller.session_id) {
        (None | Some("global"), _) => sessions::close_all(&mut database, user_id, None).await?,
        (Some("local"), Some(session_id)) => sessions::close(&mut database, session_id).await?,
        (Some("local"), None) => {}
        (Some("others"), session_id) => {
            sessions::close_all(&mut database, user_id, session_id).await?;
        }
        (Some(other), _) => {
            return Err(AuthError::invalid(format!(
                "Unsupported logout scope \"{other}\""
            )));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
