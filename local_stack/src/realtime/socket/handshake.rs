//! `GET /realtime/v1/websocket`: from HTTP to a socket, or not.

use std::sync::Arc;

use axum::Json;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::session;
use crate::identity::TokenError;
use crate::realtime::core::Core;
use crate::realtime::frame::Version;

/// The largest frame that Realtime takes.
const LARGEST_FRAME: usize = 5_000_000;

/// The parameters of the address. `log_level` and whatever else there is make no difference here.
#[derive(Deserialize)]
pub(crate) struct Parameters {
    apikey: Option<String>,
    vsn: Option<String>,
}

/// Why there is no socket. The texts are Supabase's.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("API key is missing")]
    NoKey,
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("Too many connected users")]
    TooManyConnections,
    #[error("Unsupported protocol version")]
    Version,
}

impl Refusal {
    fn response(&self) -> Response {
        let (status, message) = match self {
            Self::NoKey => (StatusCode::UNAUTHORIZED, self.to_string()),
            // Here Supabase does not say since when.
            Self::Token(TokenError::Expired { .. }) => {
                (StatusCode::UNAUTHORIZED, "Token has expired".to_owned())
            }
            Self::Token(error) => (StatusCode::UNAUTHORIZED, error.to_string()),
            Self::TooManyConnections => (StatusCode::TOO_MANY_REQUESTS, self.to_string()),
            Self::Version => (StatusCode::FORBIDDEN, self.to_string()),
        };
        (status, Json(json!({ "error": message }))).into_response()
    }
}

/// The handler.
pub(crate) async fn upgrade(
    State(core): State<Arc<Core>>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let (version, token, place) = match admit(&core, &parameters, &headers) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            tracing::info!(%refusal, "a socket was refused");
            tokio::time::sleep(core.limits.refusal_delay).await;
            return refusal.response();
        }
    };
    upgrade
        .max_message_size(LARGEST_FRAME)
        .max_frame_size(LARGEST_FRAME)
        .on_upgrade(move |socket| session::run(core, socket, version, token, place))
}

fn admit(
    core: &Core,
    parameters: &Parameters,
    headers: &HeaderMap,
) -> Result<(Version, String, super::peer::Slot), Refusal> {
    let key = headers
        .get("x-api-key")
        .and_then(|value| value.to_str().ok())
        .or(parameters.apikey.as_deref())
        .ok_or(Refusal::NoKey)?;
    // What Supabase's gateway does for keys of the new form; any other key has to be a token itself.
    let token = core.keys.token_for(key).unwrap_or(key);
    core.verifier.verify(token, core.now())?;
    let version = Version::parse(parameters.vsn.as_deref()).ok_or(Refusal::Version)?;
    let place = core.sockets.admit().ok_or(Refusal::TooManyConnections)?;
    Ok((version, token.to_owned(), place))
}
