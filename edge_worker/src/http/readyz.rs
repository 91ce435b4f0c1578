//! `GET /readyz`: requests may be sent here. Not while the database is away, not once the worker stops, and not before the project has taken
//! its address and keys once: a worker that is set up wrongly gets no requests. A project that goes away later takes its own routes
//! along and no callbacks, which need the database alone: then the worker stays ready, and says what is wrong.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::db::{self, DbError};
use crate::error::{ApiError, ErrorBody};
use crate::telemetry;

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// `ready`, or `degraded`: callbacks and jobs are taken on, what needs the project's API fails.
    #[schema(example = "ready")]
    status: &'static str,
    /// `ok`, or what is wrong with the project's API.
    #[schema(example = "ok")]
    project: &'static str,
}

/// Whether requests may be sent here.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readyz",
    tag = "operations",
    responses((status = 200, body = Readiness), (status = 503, body = ErrorBody))
)]
pub async fn get(State(app): State<App>) -> Result<Json<Readiness>, ApiError> {
    if app.stopping.is_cancelled() {
        return Err(ApiError::Stopping);
    }
    db::is_reachable(&app.pool).await.map_err(|error| {
        let error = telemetry::chain(&DbError::from(error));
        tracing::warn!(error, "the database does not answer");
        ApiError::DatabaseUnavailable
    })?;
    let health = app.project.health().await;
    match health.problem {
        None => Ok(Json(Readiness {
            status: "ready",
            project: "ok",
        })),
        Some(problem) if health.was_well => Ok(Json(Readiness {
            status: "degraded",
            project: problem.word(),
        })),
        Some(problem) => Err(ApiError::NotReady(problem)),
    }
}
