//! Keeps the worker running: starts it, sees it become ready, starts it again when it ends, and stops it in peace.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::environment::Environment;
use super::log::Log;
use super::ready;
use super::reservation::Reservation;
use crate::child::{self, Child, Farewell};
use crate::error::Error;
use crate::progress::Progress;

/// Told to end it finishes what it holds. When this process is killed there is nobody to wait for that, and the next start wants the port.
const FAREWELL: Farewell = Farewell {
    on_drop: Signal::SIGTERM,
    on_our_death: Signal::SIGKILL,
};

/// Before the first start again. It doubles with each run that never became ready.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Runs that end before they are ready, after which the stack says that it is up without one.
const TRIES: u32 = 3;
/// How long a first run may take to become ready.
const START: Duration = Duration::from_secs(60);

/// What somebody who waits for the worker can see.
#[derive(Clone, Copy, Debug, Default)]
struct News {
    is_ready: bool,
    /// Since it was last ready.
    ends: u32,
}

/// A worker that is kept running. Stop it with [`Worker::stop`]; when it is only dropped it is told to stop, and not waited for.
#[derive(Debug)]
pub(crate) struct Worker {
    stopping: CancellationToken,
    news: watch::Receiver<News>,
    task: JoinHandle<()>,
    log: PathBuf,
    _reservation: Reservation,
}

/// What is needed to run one.
pub(crate) struct Plan<'a> {
    pub(crate) program: PathBuf,
    pub(crate) environment: Environment,
    pub(crate) reservation: Reservation,
    pub(crate) data_dir: &'a Path,
    /// How long it may take to end before it is killed.
    pub(crate) patience: Duration,
    pub(crate) progress: Progress,
}

impl Worker {
    /// Begins to keep one running.
    pub(crate) fn start(plan: Plan<'_>) -> Result<Self, Error> {
        let log = Log::begin(plan.data_dir).map_err(Error::file(plan.data_dir))?;
        let http = ready::client().map_err(|error| Error::System {
            doing: "making ready to ask the worker",
            source: std::io::Error::other(error),
        })?;
        let (sender, news) = watch::channel(News::default());
        let stopping = CancellationToken::new();
        let path = log.path().to_owned();
        let keeper = Keeper {
            program: plan.program,
            environment: plan.environment,
            address: plan.reservation.address(),
            patience: plan.patience,
            progress: plan.progress,
            stopping: stopping.clone(),
            news: sender,
            log,
            http,
        };
        Ok(Self {
            stopping,
            news,
            task: tokio::spawn(keeper.run()),
            log: path,
            _reservation: plan.reservation,
        })
    }

    /// Waits until it is ready. `false` when that seems not to happen; it is started again all the same.
    pub(crate) async fn is_up(&self) -> bool {
        let mut news = self.news.clone();
        let settled = news.wait_for(|news| news.is_ready || news.ends >= TRIES);
        matches!(tokio::time::timeout(START, settled).await, Ok(Ok(news)) if news.is_ready)
    }

    /// Where it writes.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Lets it finish what it holds, and waits for its end.
    pub(crate) async fn stop(mut self) {
        self.stopping.cancel();
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "the keeper of the worker failed");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// The task behind it.
struct Keeper {
    program: PathBuf,
    environment: Environment,
    address: SocketAddr,
    patience: Duration,
    progress: Progress,
    stopping: CancellationToken,
    news: watch::Sender<News>,
    log: Log,
    http: reqwest::Client,
}

/// How one run ended.
struct End {
    told: String,
    was_ready: bool,
}

impl Keeper {
    async fn run(self) {
        let mut is_first = true;
        let mut pause = SHORTEST_PAUSE;
        while let Some(end) = self.run_once(is_first).await {
            if end.was_ready {
                is_first = false;
                pause = SHORTEST_PAUSE;
            }
            tracing::warn!(
                target: "worker",
                "it ended ({}); starting it again in {} ms; its log is {}",
                end.told,
                pause.as_millis(),
                self.log.path().display()
            );
            self.news.send_modify(|news| {
                news.ends = if end.was_ready { 1 } else { news.ends + 1 };
                news.is_ready = false;
            });
            tokio::select! {
                () = self.stopping.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// `None` when it was stopped.
    async fn run_once(&self, is_first: bool) -> Option<End> {
        let child = match self.spawn() {
            Ok(child) => child,
            Err(error) => {
                return Some(End {
                    told: error.to_string(),
                    was_ready: false,
                });
            }
        };
        let mut was_ready = false;
        loop {
            tokio::select! {
                () = self.stopping.cancelled() => {
                    self.end(&child).await;
                    return None;
                }
                status = child.ended() => return Some(End { told: words(status), was_ready }),
                () = ready::wait(&self.http, self.address), if !was_ready => {
                    was_ready = true;
                    if !is_first {
                        self.progress.line("the worker runs again");
                    }
                    self.news.send_modify(|news| news.is_ready = true);
                }
            }
        }
    }

    fn spawn(&self) -> std::io::Result<Child> {
        let output = self.log.open()?;
        let errors = output.try_clone()?;
        let mut command = self.environment.command(&self.program);
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        Child::start("worker", command, FAREWELL)
    }

    async fn end(&self, child: &Child) {
        child.signal(Signal::SIGTERM);
        if tokio::time::timeout(self.patience, child.ended()).await.is_err() {
            tracing::warn!(target: "worker", "it did not end within {} s and is killed", self.patience.as_secs());
            child.signal(Signal::SIGKILL);
            child.ended().await;
        }
    }
}

fn words(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "nobody knows how".to_owned(), child::told)
}

#[cfg(test)]
#[path = "supervisor_tests.rs"]
mod tests;
