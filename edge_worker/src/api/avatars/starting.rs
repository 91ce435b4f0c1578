//! Waiting for an avatar that was asked for, whoever starts it.

use std::time::Duration;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::timeout;
use tracing::Instrument as _;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Refused;
use crate::app::App;
use crate::conversations::{AppName, ConversationError, Started};
use crate::db;
use crate::error::ApiError;
use crate::telemetry;

/// How long a request waits for an avatar: as long as one create at Tavus may take, and less than a request may.
pub const PATIENCE: Duration = Duration::from_secs(50);

/// Between two looks at what another worker starts. Tavus needs seconds.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// A provider that does not say when it has room again is asked after so long.
const USUAL_WAIT: Duration = Duration::from_secs(10);

/// An avatar and its call.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Avatar {
    /// Tavus' id.
    #[schema(example = "c0123456789abcdef")]
    conversation_id: String,
    /// The call, a Daily room.
    #[schema(example = "https://tavus.daily.co/c0123456789abcdef")]
    conversation_url: String,
    /// Always `active`.
    #[schema(example = "active")]
    status: String,
    /// Tavus' id of the persona.
    persona_id: String,
}

/// The avatar of the row that an RPC gave for a wish, started now where nobody has; 201 for a wish that was new.
pub(in crate::api) async fn started(
    app: &App,
    of: AppName,
    row: Value,
) -> Result<(StatusCode, Avatar), Refused> {
    let status = match row.get("is_new") {
        Some(Value::Bool(true)) => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    Ok((status, avatar(app, of, row).await?))
}

async fn avatar(app: &App, of: AppName, row: Value) -> Result<Avatar, Refused> {
    // It has no address yet where an event came before the answer to the create.
    let is_active = row.get("status").and_then(Value::as_str) == Some("active");
    if let (true, Ok(avatar)) = (is_active, Avatar::deserialize(&row)) {
        return Ok(avatar);
    }
    let id = id_of(&row)?;
    let waited = timeout(app.avatar_patience, outcome(app, of, id)).await;
    waited.map_err(|_| ApiError::AvatarStarting)?
}

/// Our own id in the row of a conversation.
pub(in crate::api) fn id_of(row: &Value) -> Result<Uuid, ApiError> {
    let id = row.get("id").and_then(Value::as_str);
    id.and_then(|id| Uuid::parse_str(id).ok())
        .ok_or(ApiError::Internal)
}

async fn outcome(app: &App, of: AppName, id: Uuid) -> Result<Avatar, Refused> {
    loop {
        // A task of its own: a client that goes away leaves no call behind that nobody noted.
        let conversations = app.conversations.clone();
        let start = async move { conversations.start(of, id).await };
        let started = tokio::spawn(start.in_current_span()).await;
        match started.map_err(|_| ApiError::Internal)? {
            Ok(Started::Now(row) | Started::Already(row)) => return of_row(&row),
            Ok(Started::TakenByAnother) => {
                // Whoever has it goes on; this worker has no time to watch when it is told to stop.
                let stopping = app.stopping.cancelled();
                if timeout(LOOK_AGAIN, stopping).await.is_ok() {
                    return Err(ApiError::Stopping.into());
                }
            }
            Ok(Started::Gone) => return Err(ApiError::ConversationOver.into()),
            Err(error) => return Err(refused(app, of, id, error).await),
        }
    }
}

fn of_row(row: &Value) -> Result<Avatar, Refused> {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    match text("status") {
        Some("active") => Avatar::deserialize(row).map_err(|_| ApiError::AvatarStarting.into()),
        Some("failed") => Err(text("failure").map_or_else(
            || ApiError::ProviderFailed.into(),
            |why| Refused::NotStarted(why.to_owned()),
        )),
        Some("starting") => Err(ApiError::AvatarStarting.into()),
        _ => Err(ApiError::ConversationOver.into()),
    }
}

async fn refused(app: &App, of: AppName, id: Uuid, error: ConversationError) -> Refused {
    let error_text = telemetry::chain(&error);
    tracing::warn!(conversation = %id, error = error_text, "an avatar was not started");
    match &error {
        ConversationError::Off => ApiError::ProviderOff.into(),
        ConversationError::Database(db::DbError::Passing(_)) => ApiError::DatabaseUnavailable.into(),
        ConversationError::Database(_) => ApiError::Internal.into(),
        passing if passing.is_passing() => {
            let wait = passing.retry_after().unwrap_or(USUAL_WAIT);
            let retry_seconds = wait.as_secs().max(1);
            ApiError::AvatarUnavailable { retry_seconds }.into()
        }
        // It stays so, and the conversation says why.
        _ => match db::conversations::conversation(&app.pool, of, id).await {
            Ok(Some(row)) => of_row(&row).err().unwrap_or(ApiError::ProviderFailed.into()),
            Ok(None) | Err(_) => ApiError::ProviderFailed.into(),
        },
    }
}
