//! `POST /logout`: ends sessions.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::caller::Caller;
use super::error::AuthError;
use super::service::Auth;
use super::store::sessions;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Scope {
    scope: Option<String>,
}

pub(super) async fn handle(
    State(auth): State<Auth>,
    Query(scope): Query<Scope>,
    caller: Caller,
) -> Result<StatusCode, AuthError> {
    let mut database = auth.pool.acquire().await?;
    match (scope.scope.as_deref(), caller.session_id) {
        (None | Some("" | "global"), _) => sessions::close_all(&mut database, caller.user.id, None).await?,
        (Some("local"), Some(session_id)) => sessions::close(&mut database, session_id).await?,
        (Some("local"), None) => {}
        (Some("others"), session_id) => {
            sessions::close_all(&mut database, caller.user.id, session_id).await?;
        }
        (Some(other), _) => {
            return Err(AuthError::ValidationFailed(format!(
                "Unsupported logout scope \"{other}\""
            )));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
