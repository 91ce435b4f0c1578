//! The HTTP side, without a socket.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use secrecy::SecretString;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use url::Url;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::echoroom::{self, Catalogue, Freshness};
use crate::api::{self, DataApi, PATIENCE, domo};
use crate::config::{Config, Origins};
use crate::conversations::Conversations;
use crate::error::ApiError;
use crate::http::{body, cors, drain, healthz, metrics, observe, openapi, readyz, webhooks};
use crate::knowledge::{Embedder, Knowledge, KnowledgeError};
use crate::providers::RetryPolicy;
use crate::providers::elevenlabs::{self, ElevenLabsClient};
use crate::providers::project::{self, Project};
use crate::providers::storage::{self, StorageClient};
use crate::providers::tavus::{TavusClient, Timeouts};
use crate::serve::StartError;
use crate::telemetry::Metrics;
use crate::webhooks::{Callbacks, SigningSecret};

/// What the routes share.
#[derive(Clone, Debug)]
pub struct App {
    /// The direct connections.
    pub pool: PgPool,
    /// The counters.
    pub metrics: Metrics,
    /// Cancelled when the worker is asked to stop.
    pub stopping: CancellationToken,
    /// Conversations with avatars.
    pub conversations: Conversations,
    /// What makes knowledge of files, and embeds it.
    pub knowledge: Knowledge,
    /// What Tavus signs its callbacks with, where it does.
    pub webhook_secret: Option<SigningSecret>,
    /// What Tavus signs calls of tools with.
    pub tool_secret: Option<SecretString>,
    /// EchoRoom's tables and RPCs, as whoever calls.
    pub data: DataApi,
    /// Domo's, as whoever calls.
    pub domo: DataApi,
    /// Whether the project takes the worker's keys.
    pub project: Project,
    /// What Tavus calls its personas.
    pub personas: Catalogue,
    /// How long a request waits for an avatar.
    pub avatar_patience: Duration,
    /// The web pages that may call.
    pub cors_origins: Origins,
}

impl App {
    /// Everything by its settings. `address` is where the worker listens, which is also where providers reach it unless the
    /// settings say otherwise.
    ///
    /// # Errors
    ///
    /// [`StartError::Address`], [`StartError::Tavus`], [`StartError::Knowledge`], [`StartError::Project`] and [`StartError::DataApi`].
    pub fn new(
        config: &Config,
        pool: PgPool,
        address: SocketAddr,
        stopping: CancellationToken,
    ) -> Result<Self, StartError> {
        let metrics = Metrics::default();
        let client = |settings| {
            TavusClient::new(
                settings,
                Timeouts::default(),
                RetryPolicy::default(),
                metrics.clone(),
            )
        };
        let tavus = config
            .tavus
            .as_ref()
            .map(client)
            .transpose()
            .map_err(StartError::Tavus)?;
        let base = match &config.public_url {
            Some(url) => url.clone(),
            None => own_url(address).map_err(StartError::Address)?,
        };
        let callbacks = Callbacks::new(base, config.callback_keys.clone());
        let project = &config.supabase;
        let data = |schema| DataApi::new(project, schema, api::Timeouts::default(), metrics.clone());
        let personas = Catalogue::new(tavus.clone(), Freshness::default());
        Ok(Self {
            knowledge: knowledge(config, &pool, &metrics).map_err(StartError::Knowledge)?,
            conversations: Conversations::new(pool.clone(), tavus, callbacks),
            webhook_secret: config
                .tavus
                .as_ref()
                .and_then(|tavus| tavus.webhook_secret.clone()),
            tool_secret: config.tavus.as_ref().and_then(|tavus| tavus.tool_secret.clone()),
            project: Project::new(project, project::Freshness::default(), metrics.clone())
                .map_err(StartError::Project)?,
            personas,
            data: data("echoroom").map_err(StartError::DataApi)?,
            domo: data("domo").map_err(StartError::DataApi)?,
            avatar_patience: PATIENCE,
            cors_origins: config.cors_origins.clone(),
            pool,
            metrics,
            stopping,
        })
    }
}

fn knowledge(config: &Config, pool: &PgPool, metrics: &Metrics) -> Result<Knowledge, KnowledgeError> {
    let elevenlabs = config
        .elevenlabs
        .as_ref()
        .map(|settings| ElevenLabsClient::new(settings, elevenlabs::Timeouts::default(), metrics.clone()))
        .transpose()?;
    let storage = StorageClient::new(&config.supabase, storage::Timeouts::default(), metrics.clone())?;
    let embedder = Embedder::new(config.embeddings.as_ref(), metrics.clone())?;
    Ok(Knowledge::new(pool.clone(), storage, elevenlabs, embedder))
}

/// A worker that listens everywhere is reached on loopback, by whoever needs no setting to reach it.
fn own_url(mut address: SocketAddr) -> Result<Url, url::ParseError> {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    Url::parse(&format!("http://{address}"))
}

/// All routes, with what every request gets: an id, a log line, counters, a limit of size and of time.
pub fn router(app: App) -> Router {
    let (routes, document) = OpenApiRouter::with_openapi(openapi::document())
        .routes(routes!(healthz::get))
        .routes(routes!(readyz::get))
        .routes(routes!(metrics::get))
        .routes(routes!(webhooks::tavus::post))
        .merge(echoroom::routes())
        .merge(domo::routes())
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
        .layer(axum::middleware::from_fn(drain::drain))
        .layer(CatchPanicLayer::custom(observe::after_panic))
        .layer(from_fn_with_state(metrics, observe::observe))
}
