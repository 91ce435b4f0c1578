//! `GET /metrics`: the counters, for Prometheus.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::error::ApiError;

/// The counters.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "operations",
    responses((status = 200, description = "OpenMetrics 1.0", body = String, content_type = "application/openmetrics-text"))
)]
pub async fn get(State(app): State<App>) -> Result<Response, ApiError> {
    app.metrics.connections(app.pool.size(), app.pool.num_idle());
    let text = app.metrics.render().map_err(|_| ApiError::Internal)?;
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, form)], text).into_response())
}
