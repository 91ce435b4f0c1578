//! Ending an avatar whose end was asked for.

use std::time::Duration;

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::timeout;
use tracing::Instrument as _;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Refused;
use crate::app::App;
use crate::conversations::AppName;
use crate::error::ApiError;
use crate::telemetry;

/// The end is written down by then, and is done whether somebody waits or not.
const PATIENCE: Duration = Duration::from_secs(5);

/// What Tavus' own reason is put beside.
const REASON: &str = "requested";

/// It is over, or will be in a moment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Done {
    /// Always true.
    success: bool,
}

#[derive(Debug, Deserialize)]
struct Row {
    id: Uuid,
    status: String,
}

/// Ends what the row of a conversation tells of: at once where that goes; otherwise the job that was queued with the wish does it.
pub(in crate::api) async fn end(app: &App, of: AppName, row: Value) -> Result<Json<Done>, Refused> {
    let row: Row = serde_json::from_value(row).map_err(|_| ApiError::Internal)?;
    if matches!(row.status.as_str(), "starting" | "active") {
        let conversations = app.conversations.clone();
        let ending = async move {
            if let Err(error) = conversations.end(of, row.id, REASON).await {
                let error = telemetry::chain(&error);
                tracing::warn!(conversation = %row.id, error, "an avatar did not end at once");
            }
        };
        let ending = tokio::spawn(ending.in_current_span());
        // Whoever waited long enough has their answer all the same.
        let _ = timeout(PATIENCE, ending).await;
    }
    Ok(Json(Done { success: true }))
}
