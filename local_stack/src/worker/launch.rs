//! From the settings to a running worker, in the steps that a start of the stack takes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::config::{Found, WorkerConfig};
use super::environment::{self, Environment};
use super::reservation::Reservation;
use super::supervisor::{Plan, Worker};
use crate::config::Config;
use crate::endpoints::Endpoints;
use crate::error::Error;

/// Beyond what the worker allows itself for its end.
const MARGIN: Duration = Duration::from_secs(5);

/// What to launch.
#[derive(Debug)]
pub(crate) enum Launch {
    Off,
    /// It would be here.
    Missing(PathBuf),
    Ready(Prepared),
}

impl Launch {
    /// Looks for the program and takes its port, before anything is started that would have to be stopped again.
    pub(crate) fn find(config: &WorkerConfig) -> Result<Self, Error> {
        Ok(match config.find()? {
            Found::Off => Self::Off,
            Found::Missing(path) => Self::Missing(path),
            Found::At(program) => Self::Ready(Prepared {
                program,
                reservation: Reservation::take(config.port)?,
            }),
        })
    }

    /// Notes in the endpoints where the worker will be. `None` when none will run; that was said, unless it was asked for.
    pub(crate) fn prepare(
        self,
        config: &Config,
        endpoints: &mut Endpoints,
    ) -> Result<Option<Prepared>, Error> {
        let prepared = match self {
            Self::Off => return Ok(None),
            Self::Missing(path) => {
                let path = path.display();
                config
                    .progress
                    .line(format!("no worker runs: there is no {path}; bin/setup builds it"));
                return Ok(None);
            }
            Self::Ready(prepared) => prepared,
        };
        if endpoints.worker_db_url.is_none() {
            config
                .progress
                .line("no worker runs: the migrations bring no role for it");
            return Ok(None);
        }
        let given = config.worker.setting("WORKER_URL").map(str::to_owned);
        if endpoints.tavus_base_url.is_none() && given.is_none() {
            config.progress.line(
                "the real Tavus cannot call back to this machine: set WORKER_URL to the address of a tunnel to the worker",
            );
        }
        endpoints.worker_url = Some(given.unwrap_or_else(|| format!("http://{}", prepared.address())));
        Ok(Some(prepared))
    }
}

/// A worker that can be started.
#[derive(Debug)]
pub(crate) struct Prepared {
    program: PathBuf,
    reservation: Reservation,
}

impl Prepared {
    /// Where it will listen.
    pub(crate) fn address(&self) -> SocketAddr {
        self.reservation.address()
    }

    /// Starts it and waits until it is ready, or until that seems not to happen.
    pub(crate) async fn start(
        self,
        config: &Config,
        endpoints: &Endpoints,
        data_dir: &Path,
    ) -> Result<Worker, Error> {
        let listen = self.address().to_string();
        let shutdown = config
            .worker
            .setting("WORKER_SHUTDOWN_SECONDS")
            .and_then(|text| text.parse().ok());
        let shutdown = Duration::from_secs(shutdown.unwrap_or(environment::SHUTDOWN_SECONDS));
        let worker = Worker::start(Plan {
            program: self.program,
            environment: Environment::new(endpoints, &config.worker, &listen),
            reservation: self.reservation,
            data_dir,
            patience: shutdown + MARGIN,
            progress: config.progress.clone(),
        })?;
        let log = worker.log().display().to_string();
        config.progress.line(if worker.is_up().await {
            format!("the worker runs; its log is {log}")
        } else {
            format!("the worker does not become ready, and is tried again; its log is {log}")
        });
        Ok(worker)
    }
}
