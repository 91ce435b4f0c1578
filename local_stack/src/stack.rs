//! A whole stack, from nothing to ready and back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::{Config, JwtSigning};
use crate::endpoints::Endpoints;
use crate::env_file::EnvFile;
use crate::error::Error;
use crate::gateway::{Gateway, Site};
use crate::identity::{ApiKeys, SigningKeys, Verifier};
use crate::instance_lock::InstanceLock;
use crate::postgres::{Address, Binaries, Cluster, RunAs, Server};
use crate::project::Project;
use crate::simulators::Simulators;
use crate::simulators::elevenlabs::ElevenLabsSimulator;
use crate::simulators::embeddings::EmbeddingsSimulator;
use crate::simulators::tavus::TavusSimulator;
use crate::storage::Files;
use crate::worker::{Launch, Worker, WorkerKeys};
use crate::{database, partitions};

/// A running stack. Stop it with [`Stack::stop`]; when it is only dropped, Postgres is told to stop and not waited for.
pub struct Stack {
    served: Served,
    simulators: Simulators,
    // In the order they go: first the promise that the stack is there, last the right to its directory.
    env_file: Option<EnvFile>,
    server: Server,
    _lock: InstanceLock,
}

impl Stack {
    /// Starts Postgres, brings the database up to date, and serves.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; whatever was started is stopped again.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let project = Project::read(&config.project_dir)?;
        let data_dir = prepare(&config.data_dir)?;
        let lock = InstanceLock::take(&data_dir)?;
        EnvFile::clear(&data_dir)?;
        let launch = Launch::find(&config.worker)?;
        let listener = listen(config.api_port).await?;
        Server::check_port(config.db_port)?;
        let simulators = Simulators::start(&config).await?;

        let binaries = Binaries::find(config.pg_config.as_deref())?;
        let cluster = Cluster::place(&data_dir, RunAs::choose()?, &config.progress)?;
        config.progress.line(format!(
            "starting PostgreSQL {} from {}",
            binaries.major(),
            binaries.folder().display()
        ));
        if cluster.create(&binaries)? {
            config.progress.line("made a new database cluster");
        }
        let server = Server::start(&binaries, &cluster, config.db_port).await?;
        let place = Place {
            config: &config,
            project: &project,
            data_dir: &data_dir,
            address: server.address(),
            binaries: &binaries,
            simulators: &simulators,
        };
        let served = match place.serve(listener, launch).await {
            Ok(served) => served,
            Err(error) => {
                server.stop().await;
                return Err(error);
            }
        };
        let env_file = Some(EnvFile::write(&data_dir, &served.endpoints)?);
        Ok(Self {
            served,
            simulators,
            env_file,
            server,
            _lock: lock,
        })
    }

    /// Where the stack is and what opens it.
    pub fn endpoints(&self) -> &Endpoints {
        &self.served.endpoints
    }

    /// The simulator of Tavus, where there is one.
    pub fn tavus(&self) -> Option<&TavusSimulator> {
        self.simulators.tavus.as_ref()
    }

    /// The simulator of ElevenLabs, where there is one.
    pub fn elevenlabs(&self) -> Option<&ElevenLabsSimulator> {
        self.simulators.elevenlabs.as_ref()
    }

    /// The simulator of an embeddings API.
    pub fn embeddings(&self) -> &EmbeddingsSimulator {
        &self.simulators.embeddings
    }

    /// Which kernel runs: `native` or `portable`; `None` when the migrations installed none.
    pub fn kernel(&self) -> Option<&str> {
        self.served.kernel.as_deref()
    }

    /// For tests that read the database's stream themselves.
    #[cfg(test)]
    pub(crate) async fn stop_listening(&self) {
        self.served.gateway.stop_listening().await;
    }

    /// Waits until the stack fails by itself. It does not end otherwise.
    pub async fn failed(&self) -> Error {
        self.server.ended().await
    }

    /// Stops everything that was started, and waits for it.
    ///
    /// # Errors
    ///
    /// None today; the signature leaves room.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.env_file.take();
        // While all that it works with is still there.
        if let Some(worker) = self.served.worker.take() {
            worker.stop().await;
        }
        self.served.partitions.abort();
        self.simulators.stop().await;
        self.served.gateway.stop().await;
        self.server.stop().await;
        Ok(())
    }
}

/// The gateway and the server say nothing that a reader could use, and the keys stay out of logs.
impl std::fmt::Debug for Stack {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Stack")
            .field("api_url", &self.served.endpoints.api_url)
            .field("kernel", &self.served.kernel)
            .finish_non_exhaustive()
    }
}

/// What serves once Postgres runs.
struct Served {
    endpoints: Endpoints,
    kernel: Option<String>,
    gateway: Gateway,
    partitions: JoinHandle<()>,
    worker: Option<Worker>,
}

/// What there is once Postgres runs.
struct Place<'a> {
    config: &'a Config,
    project: &'a Project,
    data_dir: &'a Path,
    address: Address,
    binaries: &'a Binaries,
    simulators: &'a Simulators,
}

impl Place<'_> {
    async fn serve(&self, listener: TcpListener, launch: Launch) -> Result<Served, Error> {
        let config = self.config;
        let worker_keys = WorkerKeys::keep(self.data_dir)?;
        let found =
            database::bring_up_to_date(config, self.project, self.address, self.binaries, &worker_keys)
                .await?;
        let admin = self.address.pool("supabase_admin", 1);
        partitions::keep_once(&admin).await?;
        let local = listener.local_addr().map_err(|source| Error::System {
            doing: "binding the port",
            source,
        })?;
        let signing = self.signing_keys()?;
        let keys = ApiKeys::new(&signing, Arc::new(Verifier::new(&signing)));
        let mut endpoints = self.endpoints(format!("http://127.0.0.1:{}", local.port()), &keys);
        self.simulators.tell(&mut endpoints);
        if found.has_worker_role {
            endpoints.worker_db_url = Some(worker_keys.db_url(self.address));
            endpoints.worker_secret = Some(worker_keys.signing.expose().to_owned());
        }
        let launch = launch.prepare(config, &mut endpoints)?;
        let site = Site {
            api_url: &endpoints.api_url,
            playground_dir: &config.playground_dir,
            data_dir: self.data_dir,
            worker: launch.as_ref().map(|launch| launch.address()),
        };
        let gateway = Gateway::start(
            listener,
            &site,
            self.project,
            signing,
            config.realtime.clone(),
            self.address,
        )
        .await?;
        let worker = match launch {
            Some(launch) => Some(launch.start(config, &endpoints, self.data_dir).await?),
            None => None,
        };
        Ok(Served {
            endpoints,
            kernel: found.kernel,
            gateway,
            partitions: tokio::spawn(partitions::keep(admin)),
            worker,
        })
    }

    fn signing_keys(&self) -> Result<SigningKeys, Error> {
        let config = self.config;
        let secret = config.jwt_secret.clone();
        let is_legacy = config.jwt_signing == JwtSigning::Secret;
        match &self.project.auth.signing_keys_path {
            // As the CLI reads it: below the folder of its configuration.
            Some(path) => {
                SigningKeys::read(&config.project_dir.join("supabase").join(path), secret, is_legacy)
            }
            None => SigningKeys::keep(self.data_dir, secret, is_legacy),
        }
    }

    /// Without those of the simulators and of the worker.
    fn endpoints(&self, api_url: String, keys: &ApiKeys) -> Endpoints {
        Endpoints {
            api_url,
            anon_key: keys.anon_token().to_owned(),
            service_role_key: keys.service_token().to_owned(),
            publishable_key: keys.publishable().to_owned(),
            secret_key: keys.secret().to_owned(),
            jwt_secret: self.config.jwt_secret.expose().to_owned(),
            db_url: self.address.url("postgres"),
            admin_db_url: self.address.url("supabase_admin"),
            tavus_base_url: None,
            tavus_api_key: None,
            elevenlabs_base_url: None,
            elevenlabs_api_key: None,
            embeddings_simulator_url: None,
            embeddings_simulator_key: None,
            worker_db_url: None,
            worker_secret: None,
            worker_url: None,
        }
    }
}

/// Deletes the database of a data directory, so that the next start begins anew.
///
/// # Errors
///
/// [`Error::AlreadyRunning`] while a stack serves it.
pub fn reset(data_dir: &Path) -> Result<(), Error> {
    let data_dir = prepare(data_dir)?;
    let _lock = InstanceLock::take(&data_dir)?;
    EnvFile::clear(&data_dir)?;
    WorkerKeys::remove(&data_dir)?;
    SigningKeys::remove(&data_dir)?;
    Files::remove_all(&data_dir)?;
    Cluster::remove(&data_dir, RunAs::choose()?)
}

/// The data directory, made and with its full path: Postgres works in another folder than this process.
fn prepare(data_dir: &Path) -> Result<PathBuf, Error> {
    std::fs::create_dir_all(data_dir).map_err(Error::file(data_dir))?;
    data_dir.canonicalize().map_err(Error::file(data_dir))
}

async fn listen(port: u16) -> Result<TcpListener, Error> {
    match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(Error::PortInUse {
            port,
            variable: "PARLEY_API_PORT",
        }),
        Err(source) => Err(Error::System {
            doing: "binding the port of the gateway",
            source,
        }),
    }
}
