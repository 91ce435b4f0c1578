//! The HTTP side, without a socket.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{DataApi, Timeouts, echoroom};
use crate::config::{Config, Origins};
use crate::error::ApiError;
use crate::http::{body, cors, healthz, metrics, observe, openapi, readyz};
use crate::serve::StartError;
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
    /// EchoRoom's tables and RPCs, as whoever calls.
    pub data: DataApi,
    /// The web pages that may call.
    pub cors_origins: Origins,
}

impl App {
    /// Everything by its settings.
    ///
    /// # Errors
    ///
    /// [`StartError::DataApi`].
    pub fn new(
        config: &Config,
        pool: PgPool,
        _address: SocketAddr,
        stopping: CancellationToken,
    ) -> Result<Self, StartError> {
        let metrics = Metrics::default();
        let data = DataApi::new(&config.supabase, "echoroom", Timeouts::default(), metrics.clone());
        Ok(Self {
            data: data.map_err(StartError::DataApi)?,
            cors_origins: config.cors_origins.clone(),
            pool,
            metrics,
            stopping,
        })
    }
}

/// All routes, with what every request gets: an id, a log line, counters, a limit of size and of time.
pub fn router(app: App) -> Router {
    let (routes, document) = OpenApiRouter::with_openapi(openapi::document())
        .routes(routes!(healthz::get))
        .routes(routes!(readyz::get))
        .routes(routes!(metrics::get))
        .merge(echoroom::routes())
        .with_state(app.clone())
        .split_for_parts();
    let routes = observed(routes.merge(openapi::router(document)), app.metrics);
    cors::allow(routes, app.cors_origins)
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
