//! Takes one change after the other and brings it to those who may see it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};

use super::catalogue::Catalogue;
use super::change::Change;
use super::delivery::Delivery;
use super::queue::{Queue, Waiting, queue};
use super::registry::{Candidate, Registry};
use super::settle::Settled;

/// The task behind the queue.
pub(in crate::realtime::feed) struct Worker {
    registry: Arc<Registry>,
    waiting: Waiting,
    admin: PgPool,
    connection: Option<PoolConnection<Postgres>>,
    catalogue: Catalogue,
    settled: Settled,
}

impl Worker {
    /// A worker, and the queue that feeds it. It ends when the queue is dropped.
    pub(in crate::realtime::feed) fn new(registry: &Arc<Registry>, admin: PgPool) -> (Self, Queue) {
        let (queue, waiting) = queue(Arc::clone(registry));
        let worker = Self {
            registry: Arc::clone(registry),
            waiting,
            admin,
            connection: None,
            catalogue: Catalogue::default(),
            settled: Settled::default(),
        };
        (worker, queue)
    }

    /// Works until the queue is gone.
    pub(in crate::realtime::feed) async fn run(mut self) {
        while let Some(change) = self.waiting.next().await {
            let table = &change.table;
            let candidates = self.registry.candidates(change.kind, &table.schema, &table.table);
            if candidates.is_empty() {
                continue;
            }
            // Once more with another connection: this one may have been idle for long, and cut.
            if self.tell(&change, &candidates).await.is_err()
                && let Err(error) = self.tell(&change, &candidates).await
            {
                tracing::error!(%error, table = &*table.table, "a change was told to nobody");
            }
        }
    }

    async fn tell(&mut self, change: &Change, candidates: &[Candidate]) -> sqlx::Result<()> {
        // An error leaves the connection out, and so closes it.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.admin.acquire().await?,
        };
        self.settled.wait(&mut connection, change.xid).await?;
        if let Some(known) = self.catalogue.table(&mut connection, &change.table).await? {
            let mut readable: HashMap<&str, Arc<HashSet<String>>> = HashMap::new();
            for candidate in candidates {
                let role = candidate.rights.role.as_str();
                if !readable.contains_key(role) {
                    readable.insert(role, known.readable(&mut connection, role).await?);
                }
            }
            let change = known.complete(&mut connection, change).await?;
            let delivery = Delivery {
                change: &change,
                known,
                readable,
            };
            delivery.prepare(&mut connection, candidates).await?.send();
        }
        self.connection = Some(connection);
        Ok(())
    }
}
