//! The running Postgres.

use std::fs::OpenOptions;
use std::net::TcpListener;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;

use super::binaries::Binaries;
use super::cluster::Cluster;
use super::connect::Address;
use super::orphan;
use crate::error::Error;

const START_SECONDS: u64 = 60;
const POLL: Duration = Duration::from_millis(50);
/// Lines of the log that an error carries.
const LOG_LINES: usize = 15;

/// A Postgres that runs until it is stopped, or until this process ends in whatever way.
///
/// A thread of its own starts it and waits for it. The operating system is asked to interrupt Postgres when that thread dies,
/// and the thread lives exactly as long as the process or Postgres does: so after `kill -9` of this process Postgres shuts
/// down by itself, and disconnects its clients while it does. (On other systems than Linux the next start does that.)
#[derive(Debug)]
pub(crate) struct Server {
    pid: Pid,
    log: PathBuf,
    address: Address,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Server {
    /// Starts Postgres and waits until it answers.
    pub(crate) async fn start(binaries: &Binaries, cluster: &Cluster, port: u16) -> Result<Self, Error> {
        orphan::clear(cluster.folder()).await?;
        let port = choose_port(port)?;
        let command = Self::command(binaries, cluster, port)?;
        let (pid, ended) = keep(command)?;
        let mut server = Self {
            pid,
            log: cluster.log().to_owned(),
            address: Address { port },
            ended,
        };
        if let Err(error) = server.wait_until_it_answers().await {
            server.interrupt(Signal::SIGQUIT);
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
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
        ];
        for setting in settings {
            command.arg("-c").arg(setting);
        }
        // Its own group: Ctrl-C in the terminal reaches this process, which stops things in their order.
        command.process_group(0);
        die_with_parent(&mut command);
        Ok(command)
    }

    async fn wait_until_it_answers(&mut self) -> Result<(), Error> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(START_SECONDS);
        while tokio::time::Instant::now() < deadline {
            if let Some(status) = *self.ended.borrow() {
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
        let mut ended = self.ended.clone();
        match ended
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|status| *status)
        {
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
        let status = match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "no status".to_owned(),
        };
        Error::PostgresEnded {
            status,
            log: self.log.clone(),
            log_end: end.collect(),
        }
    }

    /// Fast shutdown: clients are disconnected, what was committed is kept.
    pub(crate) async fn stop(self) {
        self.interrupt(Signal::SIGINT);
        let mut ended = self.ended.clone();
        if ended.wait_for(Option::is_some).await.is_err() {
            tracing::warn!("the keeper of PostgreSQL ended before PostgreSQL");
        }
    }

    /// The keeper reaps Postgres before it says that it ended, so the number is certainly still ours until then.
    fn interrupt(&self, signal: Signal) {
        if self.ended.borrow().is_some() {
            return;
        }
        if let Err(errno) = kill(self.pid, signal) {
            tracing::warn!(pid = self.pid.as_raw(), %errno, "could not signal PostgreSQL");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.interrupt(Signal::SIGINT);
    }
}

/// Starts the command on a thread that stays until it ends.
fn keep(mut command: Command) -> Result<(Pid, watch::Receiver<Option<ExitStatus>>), Error> {
    let doing = "starting PostgreSQL";
    let (started_sender, started) = std::sync::mpsc::channel::<std::io::Result<u32>>();
    let (ended_sender, ended) = watch::channel(None);
    let body = move || {
        let child = command.spawn();
        let told = match &child {
            Ok(child) => Ok(child.id()),
            Err(error) => Err(std::io::Error::new(error.kind(), error.to_string())),
        };
        // Nobody listens any more when the start was given up; Postgres is then stopped by the signal below.
        let is_wanted = started_sender.send(told).is_ok();
        if let Ok(child) = child {
            wait(child, is_wanted, &ended_sender);
        }
    };
    std::thread::Builder::new()
        .name("postgres-keeper".to_owned())
        .spawn(body)
        .map_err(|source| Error::System { doing, source })?;
    let id = started
        .recv()
        .map_err(|_| Error::System {
            doing,
            source: std::io::Error::other("the keeper ended early"),
        })?
        .map_err(|source| Error::System { doing, source })?;
    let pid = i32::try_from(id).map_err(|error| Error::System {
        doing,
        source: std::io::Error::other(error),
    })?;
    Ok((Pid::from_raw(pid), ended))
}

fn wait(mut child: Child, is_wanted: bool, ended: &watch::Sender<Option<ExitStatus>>) {
    if !is_wanted && let Err(error) = child.kill() {
        tracing::warn!(%error, "could not stop a PostgreSQL that nobody waits for");
    }
    match child.wait() {
        Ok(status) => {
            ended.send_replace(Some(status));
        }
        Err(error) => tracing::error!(%error, "could not wait for PostgreSQL"),
    }
}

#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    let parent = nix::unistd::getpid();
    let request = move || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGINT)?;
        // The parent may have died between the fork and the line above.
        if nix::unistd::getppid() != parent {
            return Err(std::io::Error::other("the parent is gone"));
        }
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; prctl and getppid are plain system calls, and
    // nothing is allocated on the path that succeeds.
    unsafe {
        command.pre_exec(request);
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command) {}

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
