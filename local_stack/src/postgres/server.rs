//! The running Postgres.

use std::fs::OpenOptions;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::binaries::Binaries;
use super::cluster::Cluster;
use super::connect::Address;
use super::orphan;
use crate::child::{self, Child, Farewell};
use crate::error::Error;

const START_SECONDS: u64 = 60;
const POLL: Duration = Duration::from_millis(50);
/// Lines of the log that an error carries.
const LOG_LINES: usize = 15;

/// A fast shutdown: clients are disconnected, what was committed is kept.
const FAST: Signal = Signal::SIGINT;

/// A Postgres that runs until it is stopped, or until this process ends in whatever way: after `kill -9` of this process it shuts
/// down by itself, and disconnects its clients while it does. (On other systems than Linux the next start does that.)
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    address: Address,
}

impl Server {
    /// Refuses a port that is taken, before anything is made that a start with another port would make again.
    pub(crate) fn check_port(port: u16) -> Result<(), Error> {
        choose_port(port).map(drop)
    }

    /// Starts Postgres and waits until it answers.
    pub(crate) async fn start(binaries: &Binaries, cluster: &Cluster, port: u16) -> Result<Self, Error> {
        orphan::clear(cluster.folder()).await?;
        let port = choose_port(port)?;
        let command = Self::command(binaries, cluster, port)?;
        let farewell = Farewell {
            on_drop: FAST,
            on_our_death: FAST,
        };
        let child = Child::start("postgres", command, farewell).map_err(|source| Error::System {
            doing: "starting PostgreSQL",
            source,
        })?;
        let server = Self {
            child,
            log: cluster.log().to_owned(),
            address: Address { port },
        };
        if let Err(error) = server.wait_until_it_answers().await {
            server.child.signal(Signal::SIGQUIT);
            return Err(error);
        }
        Ok(server)
    }

    fn command(binaries: &Binaries, cluster: &Cluster, port: u16) -> Result<Command, Error> {
        let log = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .open(cluster.log())
            .map_err(Error::file(cluster.log()))?;
        let second = log.try_clone().map_err(Error::file(cluster.log()))?;
        let mut command = cluster.run_as.command(binaries.program("postgres"));
        command.arg("-D").arg(cluster.folder()).stdout(log).stderr(second);
        let settings = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            // No socket in the file system: its path has a length limit that a deep clone would break.
            "unix_socket_directories=".to_owned(),
            "wal_level=logical".to_owned(),
            "max_connections=200".to_owned(),
            // As on Supabase; `supabase inspect db` reads its view, which refuses unless it is loaded at the start.
            "shared_preload_libraries=pg_stat_statements".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
        ];
        for setting in settings {
            command.arg("-c").arg(setting);
        }
        Ok(command)
    }

    async fn wait_until_it_answers(&self) -> Result<(), Error> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(START_SECONDS);
        while tokio::time::Instant::now() < deadline {
            if let Some(status) = self.child.status() {
                return Err(self.ended_error(status));
            }
            if self.address.connect("supabase_admin").await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        Err(Error::PostgresSilent {
            seconds: START_SECONDS,
            log: self.log.clone(),
        })
    }

    pub(crate) fn address(&self) -> Address {
        self.address
    }

    /// Ends when Postgres does, with the reason.
    pub(crate) async fn ended(&self) -> Error {
        match self.child.ended().await {
            Some(status) => self.ended_error(status),
            None => Error::System {
                doing: "watching PostgreSQL",
                source: std::io::Error::other("its keeper is gone"),
            },
        }
    }

    fn ended_error(&self, status: ExitStatus) -> Error {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines
            .iter()
            .skip(lines.len().saturating_sub(LOG_LINES))
            .map(|line| format!("  {line}\n"));
        Error::PostgresEnded {
            status: child::told(status),
            log: self.log.clone(),
            log_end: end.collect(),
        }
    }

    /// Stops it and waits for it.
    pub(crate) async fn stop(self) {
        self.child.signal(FAST);
        if self.child.ended().await.is_none() {
            tracing::warn!("the keeper of PostgreSQL ended before PostgreSQL");
        }
    }
}

/// Postgres would say that a port is taken only in its log, and too late.
fn choose_port(port: u16) -> Result<u16, Error> {
    let bound = TcpListener::bind(("127.0.0.1", port)).and_then(|listener| listener.local_addr());
    match bound {
        Ok(address) => Ok(address.port()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(Error::PortInUse {
            port,
            variable: "PARLEY_DB_PORT",
        }),
        Err(source) => Err(Error::System {
            doing: "binding the port of PostgreSQL",
            source,
        }),
    }
}
