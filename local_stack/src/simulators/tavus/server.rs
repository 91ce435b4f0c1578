//! The routes, the port, and the handle for tests in the same process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::behaviour::Behaviour;
use super::callbacks::{Callbacks, Delivery};
use super::faults::{self, Fault};
use super::world::World;
use super::{access, control, conversations, happen, personas, replicas, room};
use crate::error::Error;
use crate::secret::Secret;

/// How long requests that are under way may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// What the routes share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    world: Arc<Mutex<World>>,
    pub(super) callbacks: Arc<Callbacks>,
    pub(super) base_url: String,
    pub(super) api_key: Secret,
}

impl Shared {
    /// Looks at the state or changes it. A panic of another request left it whole enough for a simulator.
    pub(super) fn world<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A running simulator. Stop it with [`TavusSimulator::stop`]; when it is dropped it stops as well, and is not waited for.
#[derive(Debug)]
pub struct TavusSimulator {
    shared: Shared,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl TavusSimulator {
    /// The key of a stack that nobody gave another.
    pub const DEVELOPMENT_KEY: &str = "tavus-simulator-key";

    /// Starts one on loopback; port 0 takes a free one. The same seed makes the same ids and the same chances; without one they are
    /// others at each start, as the database that remembers the ids may be older than this.
    ///
    /// # Errors
    ///
    /// [`Error::PortInUse`] or [`Error::System`] when nobody can listen there.
    pub async fn start(port: u16, api_key: Secret, seed: Option<u64>) -> Result<Self, Error> {
        let listener =
            TcpListener::bind(("127.0.0.1", port))
                .await
                .map_err(|source| match source.kind() {
                    std::io::ErrorKind::AddrInUse => Error::PortInUse {
                        port,
                        variable: "PARLEY_TAVUS_PORT",
                    },
                    _ => system(source),
                })?;
        let port = listener.local_addr().map_err(system)?.port();
        let world = Arc::new(Mutex::new(World::new(seed)));
        let callbacks =
            Callbacks::new(world.clone()).map_err(|error| system(std::io::Error::other(error)))?;
        let shared = Shared {
            world,
            callbacks,
            base_url: format!("http://127.0.0.1:{port}"),
            api_key,
        };
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        let serving = axum::serve(listener, routes(shared.clone()))
            .with_graceful_shutdown(stopping.clone().cancelled_owned());
        tasks.spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the simulator of Tavus stopped");
            }
        });
        Ok(Self {
            shared,
            stopping,
            tasks,
        })
    }

    /// `TAVUS_BASE_URL`.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// `TAVUS_API_KEY`.
    pub fn api_key(&self) -> &Secret {
        &self.shared.api_key
    }

    /// Changes how it behaves from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.shared.world(|world| world.behaviour = behaviour);
    }

    /// Lets the next requests that fit go wrong.
    pub fn fail(&self, fault: Fault) {
        self.shared.world(|world| world.faults.push(fault));
    }

    /// Ends a conversation, as timeouts do in the real one. `false` when there is none that runs.
    pub fn end(&self, conversation: &str, reason: &str) -> bool {
        happen::ended(&self.shared, conversation, reason)
    }

    /// How many requests this method and path have had.
    pub fn requests(&self, method: &str, path: &str) -> u32 {
        let name = format!("{method} {path}");
        self.shared
            .world(|world| world.requests.get(&name).copied().unwrap_or(0))
    }

    /// How many conversations there are, and how many of them run.
    pub fn conversations(&self) -> (usize, usize) {
        self.shared
            .world(|world| (world.conversations.len(), world.active()))
    }

    /// Every attempt of a callback until now.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.world(|world| world.deliveries.clone())
    }

    /// Waits until every callback was delivered or given up.
    pub async fn settled(&self) {
        self.shared.callbacks.settled().await;
    }

    /// Stops, and waits for it.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.shared.callbacks.stop();
        self.tasks.close();
        if tokio::time::timeout(GRACE, self.tasks.wait()).await.is_err() {
            tracing::warn!("a request of the simulator of Tavus was still under way");
        }
    }
}

impl Drop for TavusSimulator {
    fn drop(&mut self) {
        self.stopping.cancel();
        self.shared.callbacks.stop();
    }
}

fn system(source: std::io::Error) -> Error {
    Error::System {
        doing: "starting the simulator of Tavus",
        source,
    }
}

fn routes(shared: Shared) -> Router {
    let api = Router::new()
        .route(
            "/conversations",
            get(conversations::list).post(conversations::create),
        )
        .route(
            "/conversations/{id}",
            get(conversations::get).delete(conversations::delete),
        )
        .route("/conversations/{id}/end", post(conversations::end))
        .route("/personas", get(personas::list).post(personas::create))
        .route(
            "/personas/{id}",
            get(personas::get).patch(personas::patch).delete(personas::delete),
        )
        .route("/replicas", get(replicas::list));
    // The newer names of the same paths.
    let api = api
        .route("/pals", get(personas::list).post(personas::create))
        .route(
            "/pals/{id}",
            get(personas::get).patch(personas::patch).delete(personas::delete),
        )
        .route("/faces", get(replicas::list))
        .layer(from_fn_with_state(shared.clone(), access::check))
        .layer(from_fn_with_state(shared.clone(), faults::misbehave));
    Router::new()
        .nest("/v2", api)
        .route("/rooms/{id}", get(room::page))
        .route("/rooms/{id}/say", post(room::say))
        .route("/rooms/{id}/leave", post(room::leave))
        .route("/_control", get(control::state))
        .route("/_control/behaviour", put(control::set_behaviour))
        .route("/_control/faults", post(control::add_fault))
        .route("/_control/reset", post(control::reset))
        .route("/_control/conversations/{id}/end", post(control::end))
        .with_state(shared)
}
