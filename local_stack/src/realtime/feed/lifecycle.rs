//! The feed from its start to its end.

use std::sync::Arc;

use pg_walstream::CancellationToken;
use rand::Rng as _;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::backoff::Backoff;
use super::error::SessionError;
use super::publications::Publications;
use super::reader::Reader;
use super::stored::Receiver;
use super::wal::{Target, Wal};
use crate::error::Error;
use crate::postgres::Address;

/// What the stack is to the feed: it reads every row and every claim's view of it.
const ROLE: &str = "supabase_admin";
/// One looks for publications, the others replay.
const CONNECTIONS: u32 = 4;

/// A running feed. It reconnects by itself until it is stopped or dropped.
pub(crate) struct Feed {
    pub(super) admin: PgPool,
    live: watch::Receiver<bool>,
    stopping: CancellationToken,
    task: Option<JoinHandle<()>>,
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
        let sessions = Sessions {
            url: address.url(ROLE),
            admin: admin.clone(),
            receiver,
            live: told,
            stopping: stopping.clone(),
        };
        let task = Some(tokio::spawn(sessions.run()));
        Ok(Self {
            admin,
            live,
            stopping,
            task,
        })
    }

    /// `true` while the stream runs: whatever commits then is told.
    pub(crate) fn live(&self) -> watch::Receiver<bool> {
        self.live.clone()
    }

    /// Ends the stream and closes every connection. The server drops the slot with the connection.
    pub(crate) async fn stop(mut self) {
        self.stopping.cancel();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the feed of the database failed");
        }
        self.admin.close().await;
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// One session after the other.
struct Sessions {
    url: String,
    admin: PgPool,
    receiver: Arc<dyn Receiver>,
    live: watch::Sender<bool>,
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
        // The crate wants its calls cancelled through a token and not dropped.
        let lap = self.stopping.child_token();
        let mut reader = Reader::new(&self.receiver);
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
