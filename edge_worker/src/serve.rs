//! From the settings to a serving worker, and down again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::{self, App};
use crate::config::{self, Config, SettingsError};
use crate::db;
use crate::http::connections::{self, Patience};
use crate::jobs::{Handlers, Runner};
use crate::knowledge::KnowledgeError;
use crate::providers::Broken;
use crate::providers::tavus::TavusError;

/// Why the worker did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Settings are missing or not usable.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The database will not do.
    #[error("{variable}")]
    Database {
        /// The setting with its address.
        variable: &'static str,
        /// Why.
        source: db::CheckError,
    },
    /// The pool refuses the address.
    #[error("{variable}: not usable")]
    Pool {
        /// The setting with the address.
        variable: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// There is no TLS.
    #[error("the client of Tavus could not be built")]
    Tavus(#[source] TavusError),
    /// There is no TLS.
    #[error("a client of those who make knowledge could not be built")]
    Knowledge(#[source] KnowledgeError),
    /// There is no TLS.
    #[error("the client that asks whether the project is ready could not be built")]
    Project(#[source] Broken),
    /// There is no TLS.
    #[error("the client of the Data API could not be built")]
    DataApi(#[source] reqwest::Error),
    /// The address that the worker listens on cannot be a part of a URL.
    #[error("WORKER_URL: it is needed, because WORKER_LISTEN makes no URL")]
    Address(#[source] url::ParseError),
    /// Nobody can listen there.
    #[error("WORKER_LISTEN: cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Signals cannot be received.
    #[error("cannot wait for signals")]
    Signals(#[source] std::io::Error),
}

/// What is left of the grace for giving back the jobs that were cut off.
const GIVING_BACK: Duration = Duration::from_secs(2);

/// A worker that is ready to serve.
#[derive(Debug)]
pub struct Worker {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    jobs: Runner,
    pool: PgPool,
    stopping: CancellationToken,
    grace: Duration,
}

impl Worker {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// The connections, and what the sessions behind them keep.
///
/// # Errors
///
/// [`StartError::Pool`] and [`StartError::Database`], naming the setting to look at.
pub async fn reach(database: &config::Database) -> Result<(PgPool, db::Session), StartError> {
    let variable = database.variable;
    let pool = db::connect(database).map_err(|source| StartError::Pool { variable, source })?;
    let session = db::session(&pool)
        .await
        .map_err(|source| StartError::Database { variable, source })?;
    Ok((pool, session))
}

/// Checks the database and takes the port. Cancel `stopping` to end what [`serve`] then does.
///
/// # Errors
///
/// [`StartError`], naming the setting to look at.
pub async fn start(config: &Config, stopping: CancellationToken) -> Result<Worker, StartError> {
    let variable = config.database.variable;
    let (pool, session) = reach(&config.database).await?;
    db::check(&pool)
        .await
        .map_err(|source| StartError::Database { variable, source })?;
    let listen = |source| StartError::Listen {
        address: config.listen,
        source,
    };
    let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let app = App::new(config, pool.clone(), address, stopping.clone())?;
    let mut jobs = Runner::new(
        config.jobs.clone(),
        pool.clone(),
        Arc::new(Handlers::new(&app)),
        app.metrics.jobs().clone(),
        stopping.clone(),
    );
    if !session.is_notified {
        tracing::warn!(
            poll = ?config.jobs.poll,
            "a pooler in transaction mode is before the database: nobody hears of new jobs, the queues are looked at now and then"
        );
        jobs = jobs.without_wakeups();
    }
    tokio::spawn(app.project.clone().watch_until_ready(stopping.clone()));
    tracing::info!(
        %address,
        version = env!("CARGO_PKG_VERSION"),
        tavus = config.tavus.as_ref().map_or("off", |tavus| tavus.base_url.as_str()),
        jobs = config.jobs.is_on(),
        transcription = config.elevenlabs.as_ref().map_or("off", |elevenlabs| elevenlabs.base_url.as_str()),
        embeddings = app.knowledge.embedder().model(),
        "the worker listens"
    );
    Ok(Worker {
        listener,
        address,
        router: app::router(app),
        jobs,
        pool,
        stopping,
        grace: config.shutdown_grace,
    })
}

/// Serves and runs jobs until it is asked to stop, then finishes the requests and the jobs that it holds.
pub async fn serve(worker: Worker) {
    let Worker {
        listener,
        router,
        jobs,
        pool,
        stopping,
        grace,
        ..
    } = worker;
    let serving = serve_until(listener, router, stopping.clone(), grace);
    let patience = grace.saturating_sub(GIVING_BACK).max(grace / 2);
    let (is_finished, jobs_cut) = tokio::join!(serving, jobs.run(patience));
    if jobs_cut > 0 {
        tracing::warn!(?grace, jobs = jobs_cut, "jobs that took too long were given back");
    }
    if is_finished {
        tracing::info!("stopped; every request was answered");
    } else {
        tracing::warn!(?grace, "stopped; requests that took too long were cut off");
    }
    // What was cut off may still hold a connection; the process ends anyway.
    let _ = tokio::time::timeout(Duration::from_secs(2), pool.close()).await;
}

/// Serves any routes until `stopping`, and from then on at most `grace`. Says whether every request was answered.
pub async fn serve_until(
    listener: TcpListener,
    router: Router,
    stopping: CancellationToken,
    grace: Duration,
) -> bool {
    let serving = connections::serve(listener, router, stopping.clone(), Patience::default());
    let out_of_patience = async {
        stopping.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        () = serving => true,
        () = out_of_patience => false,
    }
}
