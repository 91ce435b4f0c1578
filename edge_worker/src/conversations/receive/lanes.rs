//! The way of events into the database: a few lanes, each with a connection. What waits when a lane gets free goes in one
//! transaction. An event that comes alone does not wait for others.
//!
//! Measured on 2 cores: an event of 1 kB costs the database 0.4 ms by itself and 0.13 ms among 32, and a commit as much as
//! several events, so few large transactions beat many small ones. While one is under way the next one gathers; only where it
//! takes long, because it waits for a lock or the disk is slow, another lane goes ahead. A sender gets its answer after the
//! commit, as ever.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::{Mutex, mpsc, oneshot};
use uuid::Uuid;

use super::prepared::Prepared;
use crate::conversations::AppName;
use crate::db::DbError;
use crate::db::conversations::{Incoming, receive, receive_all};

/// Lanes: transactions at once, and events that are stuck before all others are.
const LANES: usize = 4;

/// How long a lane has the way for itself. A full transaction takes 5 ms. Events a second of 32 senders on 2 cores, medians with
/// the native and the portable kernel: 3,900 and 3,300 with 10 ms; 3,200 and 3,250 with 4 ms; 3,300 and 3,200 without any.
const HEAD_START: Duration = Duration::from_millis(10);

/// Events that wait. Whoever comes then waits for a place, as long as for an answer.
const MOST_WAITING: usize = 256;

/// What goes in one transaction.
const MOST_EVENTS: usize = 32;
const MOST_BYTES: usize = 512 * 1024;

/// An event, and who waits for its answer.
#[derive(Debug)]
struct Waiting {
    app: AppName,
    id: Uuid,
    event: Prepared,
    answer: oneshot::Sender<Result<String, DbError>>,
}

/// The lanes. They end when nobody can bring an event any more.
#[derive(Debug)]
pub(in crate::conversations) struct Lanes(mpsc::Sender<Waiting>);

impl Lanes {
    /// Must be called where tasks can be spawned.
    pub(super) fn open(pool: &PgPool, patience: Duration) -> Self {
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..LANES {
            let lane = Lane {
                pool: pool.clone(),
                patience,
            };
            tokio::spawn(lane.run(receiver.clone()));
        }
        Self(sender)
    }

    /// Brings an event, and waits for its answer.
    pub(super) async fn bring(&self, app: AppName, id: Uuid, event: Prepared) -> Result<String, DbError> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            app,
            id,
            event,
            answer,
        };
        self.0.send(waiting).await.map_err(|_| DbError::late())?;
        answered.await.map_err(|_| DbError::late())?
    }
}

#[derive(Debug)]
struct Lane {
    pool: PgPool,
    patience: Duration,
}

impl Lane {
    async fn run(self, queue: Arc<Mutex<mpsc::Receiver<Waiting>>>) {
        loop {
            let mut gathering = queue.lock().await;
            let batch = next(&mut gathering).await;
            if batch.is_empty() {
                return;
            }
            let mut carried = pin!(self.carry(batch));
            // Meanwhile the others gather; that does not hold the answers back.
            let is_done = tokio::time::timeout(HEAD_START, carried.as_mut()).await.is_ok();
            drop(gathering);
            if !is_done {
                carried.await;
            }
        }
    }

    /// Each app has a statement of its own.
    async fn carry(&self, mut batch: Vec<Waiting>) {
        while let Some(app) = batch.first().map(|waiting| waiting.app) {
            let (of_app, others) = batch.into_iter().partition(|waiting| waiting.app == app);
            self.carry_together(app, of_app).await;
            batch = others;
        }
    }

    /// At once, and where that fails because of one of them, one by one.
    async fn carry_together(&self, app: AppName, batch: Vec<Waiting>) {
        let events: Vec<_> = batch.iter().map(Waiting::incoming).collect();
        match self.take_in(app, &events, batch.len() == 1).await {
            Ok(answers) => {
                for (waiting, answer) in batch.into_iter().zip(answers) {
                    waiting.tell(Ok(answer));
                }
            }
            Err(error) if batch.len() > 1 && error.is_of_statement() => self.carry_each(app, batch).await,
            Err(error) => {
                for waiting in batch {
                    waiting.tell(Err(error.clone()));
                }
            }
        }
    }

    /// Where a conversation is stuck, all that waits for it is sent back at once: the others have waited for it once.
    async fn carry_each(&self, app: AppName, batch: Vec<Waiting>) {
        let mut stuck: Vec<(Uuid, DbError)> = Vec::new();
        for waiting in batch {
            if let Some((_, error)) = stuck.iter().find(|(id, _)| *id == waiting.id) {
                waiting.tell(Err(error.clone()));
                continue;
            }
            let answers = self.take_in(app, &[waiting.incoming()], false).await;
            let answer = answers.and_then(|answers| answers.into_iter().next().ok_or_else(DbError::late));
            if let Err(error @ DbError::Passing(_)) = &answer {
                stuck.push((waiting.id, error.clone()));
            }
            waiting.tell(answer);
        }
    }

    /// One that is alone waits for a lock as long as the worker's role may, with others it waits only for an instant.
    async fn take_in(
        &self,
        app: AppName,
        events: &[Incoming<'_>],
        is_alone: bool,
    ) -> Result<Vec<String>, DbError> {
        let mut connection = self.pool.acquire().await?;
        let answers = async {
            match events {
                [event] if is_alone => Ok(vec![receive(&mut connection, app, *event).await?]),
                events => receive_all(&mut connection, app, events).await,
            }
        };
        let answers = tokio::time::timeout(self.patience, answers).await;
        answers.unwrap_or_else(|_| {
            // Nobody knows what comes over it next, and when.
            drop(connection.detach());
            Err(DbError::late())
        })
    }
}

impl Waiting {
    fn incoming(&self) -> Incoming<'_> {
        Incoming {
            id: self.id,
            json: &self.event.json,
            identity: self.event.identity.as_ref(),
        }
    }

    /// Who does not wait any more has hung up; the event is in the database all the same.
    fn tell(self, answer: Result<String, DbError>) {
        let _ = self.answer.send(answer);
    }
}

/// The next event, and what else waits already. Empty when nobody can bring one any more.
async fn next(queue: &mut mpsc::Receiver<Waiting>) -> Vec<Waiting> {
    let mut batch: Vec<Waiting> = queue.recv().await.into_iter().collect();
    let mut bytes = batch
        .iter()
        .map(|waiting| waiting.event.json.len())
        .sum::<usize>();
    while !batch.is_empty() && batch.len() < MOST_EVENTS && bytes < MOST_BYTES {
        let Ok(waiting) = queue.try_recv() else {
            break;
        };
        bytes += waiting.event.json.len();
        batch.push(waiting);
    }
    batch
}
