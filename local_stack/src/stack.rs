//! A whole stack, from nothing to ready and back.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sqlx::PgConnection;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::endpoints::Endpoints;
use crate::env_file::EnvFile;
use crate::error::Error;
use crate::gateway::{ApiKeys, Gateway, Site};
use crate::instance_lock::InstanceLock;
use crate::postgres::{Address, Binaries, Cluster, RunAs, Server};
use crate::project::Project;
use crate::secret::Secret;
use crate::simulators::tavus::TavusSimulator;
use crate::{bootstrap, kernel, migrate, partitions};

/// A running stack. Stop it with [`Stack::stop`]; when it is only dropped, Postgres is told to stop and not waited for.
pub struct Stack {
    endpoints: Endpoints,
    kernel: Option<String>,
    gateway: Gateway,
    partitions: JoinHandle<()>,
    tavus: Option<TavusSimulator>,
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
        let listener = listen(config.api_port).await?;
        let local = listener.local_addr().map_err(|source| Error::System {
            doing: "binding the port",
            source,
        })?;

        let tavus = match config.tavus_port {
            Some(port) => {
                Some(TavusSimulator::start(port, Secret::new(TavusSimulator::DEVELOPMENT_KEY), 0).await?)
            }
            None => None,
        };

        let binaries = Binaries::find()?;
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
        let served = Self::serve(&config, &project, server.address(), &binaries, listener, local).await;
        let (mut endpoints, kernel, gateway, partitions) = match served {
            Ok(parts) => parts,
            Err(error) => {
                server.stop().await;
                return Err(error);
            }
        };
        if let Some(tavus) = &tavus {
            endpoints.tavus_base_url = Some(tavus.base_url().to_owned());
            endpoints.tavus_api_key = Some(tavus.api_key().expose().to_owned());
        }
        let env_file = Some(EnvFile::write(&data_dir, &endpoints)?);
        Ok(Self {
            endpoints,
            kernel,
            gateway,
            partitions,
            tavus,
            env_file,
            server,
            _lock: lock,
        })
    }

    async fn serve(
        config: &Config,
        project: &Project,
        address: Address,
        binaries: &Binaries,
        listener: TcpListener,
        local: SocketAddr,
    ) -> Result<(Endpoints, Option<String>, Gateway, JoinHandle<()>), Error> {
        let kernel = bring_up_to_date(config, project, address, binaries).await?;
        let admin = address.pool("supabase_admin", 1);
        partitions::keep_once(&admin).await?;
        let api_url = format!("http://127.0.0.1:{}", local.port());
        let keys = ApiKeys::new(&config.jwt_secret);
        let endpoints = Endpoints {
            api_url: api_url.clone(),
            anon_key: keys.anon_token().to_owned(),
            service_role_key: keys.service_token().to_owned(),
            publishable_key: keys.publishable().to_owned(),
            secret_key: keys.secret().to_owned(),
            jwt_secret: config.jwt_secret.expose().to_owned(),
            db_url: address.url("postgres"),
            admin_db_url: address.url("supabase_admin"),
            tavus_base_url: None,
            tavus_api_key: None,
        };
        let site = Site {
            api_url: &api_url,
            playground_dir: &config.playground_dir,
        };
        let gateway = Gateway::start(
            listener,
            &site,
            project,
            &config.jwt_secret,
            keys,
            config.realtime.clone(),
            address,
        )
        .await?;
        let partitions = tokio::spawn(partitions::keep(admin));
        Ok((endpoints, kernel, gateway, partitions))
    }

    /// Where the stack is and what opens it.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The simulator of Tavus, where there is one.
    pub fn tavus(&self) -> Option<&TavusSimulator> {
        self.tavus.as_ref()
    }

    /// Which kernel runs: `native` or `portable`; `None` when the migrations installed none.
    pub fn kernel(&self) -> Option<&str> {
        self.kernel.as_deref()
    }

    /// For tests that read the database's stream themselves.
    #[cfg(test)]
    pub(crate) async fn stop_listening(&self) {
        self.gateway.stop_listening().await;
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
        self.partitions.abort();
        if let Some(tavus) = self.tavus.take() {
            tavus.stop().await;
        }
        self.gateway.stop().await;
        self.server.stop().await;
        Ok(())
    }
}

/// The gateway and the server say nothing that a reader could use, and the keys stay out of logs.
impl std::fmt::Debug for Stack {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Stack")
            .field("api_url", &self.endpoints.api_url)
            .field("kernel", &self.kernel)
            .finish_non_exhaustive()
    }
}

async fn bring_up_to_date(
    config: &Config,
    project: &Project,
    address: Address,
    binaries: &Binaries,
) -> Result<Option<String>, Error> {
    let connecting = "connecting to PostgreSQL";
    let mut admin = address
        .connect("supabase_admin")
        .await
        .map_err(Error::database(connecting))?;
    if bootstrap::apply(&mut admin).await? {
        config.progress.line("applied the Supabase contract");
    }
    kernel::announce(&mut admin, config.kernel).await?;
    tell_exposed_schemas(&mut admin, &project.api.schemas).await?;
    let mut postgres = address
        .connect("postgres")
        .await
        .map_err(Error::database(connecting))?;
    let folder = config.project_dir.join("migrations");
    let count = migrate::apply_pending(&mut postgres, &folder, &config.progress).await?;
    config.progress.line(format!("{count} migrations applied"));
    migrate::sow(&mut postgres, &config.project_dir, &config.progress).await?;
    kernel::settle(&mut postgres, config.kernel, &binaries.folder().to_string_lossy()).await
}

/// Lints that ask what the API exposes (`supabase db advisors`) look for it in this setting.
async fn tell_exposed_schemas(admin: &mut PgConnection, schemas: &[String]) -> Result<(), Error> {
    let doing = "telling the database its exposed schemas";
    let statement: String =
        sqlx::query_scalar("select format('alter database postgres set pgrst.db_schemas = %L', $1)")
            .bind(schemas.join(", "))
            .fetch_one(&mut *admin)
            .await
            .map_err(Error::database(doing))?;
    sqlx::raw_sql(&statement)
        .execute(admin)
        .await
        .map_err(Error::database(doing))?;
    Ok(())
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
