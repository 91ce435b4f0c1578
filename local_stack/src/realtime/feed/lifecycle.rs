//! The feed from its start to its end.

use std::sync::Arc;

use pg_walstream::CancellationToken;
use rand::Rng as _;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::backoff::Backoff;
use super::changes::{Queue, Registry, Worker};
use super::error::SessionError;
use super::publications::Publications;
use super::reader::Reader;
use super::stored::Receiver;
use super::wal::{Target, Wal};
use crate::error::Error;
use crate::postgres::Address;

/// What the stack is to the feed: it reads every row and every claim's view of it.
const ROLE: &str = "supabase_admin";
/// One looks for publications, one asks the policies, the others replay and check subscriptions.
const CONNECTIONS: u32 = 5;

/// A running feed. It reconnects by itself until it is stopped or dropped.
pub(crate) struct Feed {
    pub(super) admin: PgPool,
    pub(super) registry: Arc<Registry>,
    /// `true` while the stream tells changes of published tables too.
    pub(super) follows_changes: watch::Receiver<bool>,
    live: watch::Receiver<bool>,
    stopping: CancellationToken,
    reading: Option<JoinHandle<()>>,
    asking: JoinHandle<()>,
}

impl Feed {
    /// Starts following the database. It does not wait for the stream: [`Feed::live`] tells when that runs.
    ///
    /// # Errors
    ///
    /// None today; the signature leaves room.
    pub(crate) async fn start(address: Address, receiver: Arc<dyn Receiver>) -> Result<Self, Error> {
        let admin = address.pool(ROLE, CONNECTIONS);
        let stopping = CancellationToken::new();
        let (told, live) = watch::channel(false);
        let (told_of_changes, follows_changes) = watch::channel(false);
        let registry = Arc::new(Registry::default());
        let (worker, queue) = Worker::new(&registry, admin.clone());
        let sessions = Sessions {
            url: address.url(ROLE),
            admin: admin.clone(),
            receiver,
            queue,
            live: told,
            follows_changes: told_of_changes,
            stopping: stopping.clone(),
        };
        let reading = Some(tokio::spawn(sessions.run()));
        let asking = tokio::spawn(worker.run());
        Ok(Self {
            admin,
            registry,
            follows_changes,
            live,
            stopping,
            reading,
            asking,
        })
    }

    /// `true` while the stream runs: whatever commits then is told.
    pub(crate) fn live(&self) -> watch::Receiver<bool> {
        self.live.clone()
    }

    /// Ends the stream and closes every connection. The server drops the slot with the connection.
    pub(crate) async fn stop(mut self) {
        self.stopping.cancel();
        if let Some(reading) = self.reading.take()
            && let Err(error) = reading.await
        {
            tracing::error!(%error, "the feed of the database failed");
        }
        // A policy may take its time; nobody waits for the answer any more.
        self.asking.abort();
        self.admin.close().await;
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stopping.cancel();
        self.asking.abort();
    }
}

/// One session after the other.
struct Sessions {
    url: String,
    admin: PgPool,
    receiver: Arc<dyn Receiver>,
    queue: Queue,
    live: watch::Sender<bool>,
    follows_changes: watch::Sender<bool>,
    stopping: CancellationToken,
}

impl Sessions {
    async fn run(self) {
        let mut backoff = Backoff::new();
        while !self.stopping.is_cancelled() {
            // A session that is only being opened is given up at once: the thread that opens it ends with Postgres at the latest.
            let ended = tokio::select! {
                opened = self.open() => match opened {
                    Ok((wal, publications)) => {
                        backoff.reset();
                        self.read(wal, &publications).await
                    }
                    Err(error) => error,
                },
                () = self.stopping.cancelled() => return,
            };
            self.live.send_replace(false);
            self.follows_changes.send_replace(false);
            if self.stopping.is_cancelled() {
                return;
            }
            tracing::info!(reason = %ended, "the feed of the database starts again");
            tokio::select! {
                () = tokio::time::sleep(backoff.next()) => {}
                () = self.stopping.cancelled() => {}
            }
        }
    }

    async fn open(&self) -> Result<(Wal, Publications), SessionError> {
        let publications = Publications::prepare(&self.admin).await?;
        let target = Target {
            url: self.url.clone(),
            slot: slot_name(),
            publications: publications.names(),
        };
        Ok((Wal::open(target).await?, publications))
    }

    async fn read(&self, mut wal: Wal, publications: &Publications) -> SessionError {
        self.live.send_replace(true);
        self.follows_changes.send_replace(publications.has_changes());
        // The crate wants its calls cancelled through a token and not dropped.
        let lap = self.stopping.child_token();
        let mut reader = Reader::new(&self.receiver, &self.queue);
        let reading = reader.run(&mut wal, &lap);
        tokio::pin!(reading);
        tokio::select! {
            ended = &mut reading => ended,
            () = publications.grown(&self.admin) => {
                lap.cancel();
                reading.await;
                SessionError::Publications
            }
        }
    }
}

/// Another one for each session: the slot of the last may not be gone yet.
fn slot_name() -> String {
    let chance: u32 = rand::rng().random();
    format!("local_stack_feed_{}_{chance:08x}", std::process::id())
}
