//! `GET /readyz`: requests may be sent here. Not while the database is away, and not once the worker stops.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::db;
use crate::error::{ApiError, ErrorBody};
use crate::telemetry;

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// Always `ready`.
    #[schema(example = "ready")]
    status: &'static str,
}

/// The handler.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    responses((status = 200, body = Readiness), (status = 503, body = ErrorBody))
)]
pub async fn get(State(app): State<App>) -> Result<Json<Readiness>, ApiError> {
    if app.stopping.is_cancelled() {
        return Err(ApiError::Stopping);
    }
    db::is_reachable(&app.pool).await.map_err(|error| {
        tracing::warn!(error = telemetry::chain(&error), "the database does not answer");
        ApiError::DatabaseUnavailable
    })?;
    Ok(Json(Readiness { status: "ready" }))
}
