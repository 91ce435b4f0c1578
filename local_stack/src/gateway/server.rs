//! The routes and the task that serves them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::listener::{Listener, Peer};
use super::rest::Rest;
use super::{access, cors, page, page::Site, worker};
use crate::auth::{self, Auth};
use crate::error::Error;
use crate::identity::{ApiKeys, SigningKeys, Verifier};
use crate::postgres::Address;
use crate::project::Project;
use crate::realtime::{self, Realtime, RealtimeLimits};
use crate::storage::{self, Files, Storage};

/// How long requests that are under way may take to end when the stack stops.
const GRACE: Duration = Duration::from_secs(2);

/// The gateway, serving.
pub(crate) struct Gateway {
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<()>,
    rest: Arc<Rest>,
    auth: Auth,
    realtime: Realtime,
    storage: Storage,
}

impl Gateway {
    /// Builds the APIs on the database and serves them on `listener`.
    pub(crate) async fn start(
        listener: TcpListener,
        site: &Site<'_>,
        project: &Project,
        signing: SigningKeys,
        limits: RealtimeLimits,
        address: Address,
    ) -> Result<Self, Error> {
        let verifier = Arc::new(Verifier::new(&signing));
        let rest = Arc::new(Rest::connect(address, &project.api, verifier.clone()).await?);
        let keys = Arc::new(ApiKeys::new(&signing, verifier.clone()));
        let page = page::router(site, keys.publishable());
        let realtime = Realtime::start(address, verifier.clone(), keys.clone(), limits).await?;
        let files = Files::open(site.data_dir)?;
        let storage = Storage::start(
            address,
            verifier.clone(),
            signing.secret(),
            &project.storage,
            files,
        )
        .await?;
        let auth = Auth::new(address, &project.auth, signing, verifier, site.api_url);
        let services = Services {
            rest: rest.clone(),
            auth: auth.clone(),
            realtime: &realtime,
            storage: &storage,
        };
        let router = routes(services, keys, page)
            .merge(worker::router(site.worker))
            .nest("/_mail", auth::mailbox(&auth));
        let (shutdown, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<Peer>();
            let serving = axum::serve(Listener(listener), service).with_graceful_shutdown(async {
                // A dropped sender stops the gateway as well.
                let _ = stopped.await;
            });
            if let Err(error) = serving.await {
                tracing::error!(%error, "the gateway stopped");
            }
        });
        Ok(Self {
            shutdown,
            task,
            rest,
            auth,
            realtime,
            storage,
        })
    }

    /// For tests that read the database's stream themselves.
    #[cfg(test)]
    pub(crate) async fn stop_listening(&self) {
        self.realtime.stop_listening().await;
    }

    /// Takes no more requests, lets the running ones end, and leaves the database.
    pub(crate) async fn stop(self) {
        let Self {
            shutdown,
            mut task,
            rest,
            auth,
            realtime,
            storage,
        } = self;
        // The receiver is gone when the task ended by itself.
        let _ = shutdown.send(());
        if tokio::time::timeout(GRACE, &mut task).await.is_err() {
            task.abort();
        }
        let leaving = async { tokio::join!(rest.close(), auth.close(), realtime.stop(), storage.close()) };
        if tokio::time::timeout(GRACE, leaving).await.is_err() {
            tracing::warn!("a connection of the gateway was still busy");
        }
    }
}

/// What stands behind the gateway.
struct Services<'a> {
    rest: Arc<Rest>,
    auth: Auth,
    realtime: &'a Realtime,
    storage: &'a Storage,
}

/// What pages of every origin may use. What the worker serves is not among it, since it says itself which pages may call it, nor are
/// the codes of the mailbox.
fn routes(services: Services<'_>, keys: Arc<ApiKeys>, page: Router) -> Router {
    let Services {
        rest,
        auth,
        realtime,
        storage,
    } = services;
    let rest = Router::new()
        .route("/rest/v1", any(super::rest::handle))
        .route("/rest/v1/", any(super::rest::handle))
        .route("/rest/v1/{*path}", any(super::rest::handle))
        .with_state(rest);
    let guarded = Router::new()
        .merge(rest)
        .nest("/auth/v1", auth::router(auth))
        .nest("/realtime/v1", realtime::api(realtime.core()))
        .layer(axum::middleware::from_fn_with_state(keys.clone(), access::check));
    let files = Router::new()
        .nest("/storage/v1", storage::router(storage.core()))
        .layer(axum::middleware::from_fn_with_state(keys, access::exchange));
    Router::new()
        .merge(guarded)
        .merge(files)
        .nest("/realtime/v1", realtime::websocket(realtime.core()))
        .merge(page)
        .layer(cors::layer())
}
