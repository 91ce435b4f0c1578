//! The HTTP side, without a socket.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::http::{body, healthz, metrics, observe, openapi, readyz};
use crate::telemetry::Metrics;

/// What the routes share.
#[derive(Clone, Debug)]
pub struct App {
    /// The direct connections.
    pub pool: PgPool,
    /// The counters.
    pub metrics: Metrics,
    /// Cancelled when the worker is asked to stop.
    pub stopping: CancellationToken,
}

/// All routes, with what every request gets: an id, a log line, counters, a limit of size and of time.
pub fn router(app: App) -> Router {
    let (routes, document) = OpenApiRouter::with_openapi(openapi::document())
        .routes(routes!(healthz::get))
        .routes(routes!(readyz::get))
        .routes(routes!(metrics::get))
        .with_state(app.clone())
        .split_for_parts();
    observed(routes.merge(openapi::router(document)), app.metrics)
}

/// Puts around any routes what every request gets.
pub fn observed(routes: Router, metrics: Metrics) -> Router {
    routes
        .fallback(async || ApiError::RouteNotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(body::LIMIT_BYTES))
        .layer(axum::middleware::from_fn(body::limit))
        .layer(CatchPanicLayer::custom(observe::after_panic))
        .layer(from_fn_with_state(metrics, observe::observe))
}
