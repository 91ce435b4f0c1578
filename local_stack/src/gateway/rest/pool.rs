//! The connections of the REST API.

use std::time::Duration;

use parking_lot::Mutex;
use postgrest_sql::Error;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::connection::Connection;

/// Leaves most of the server's 200 connections to the worker, to tests and to people.
const CONNECTIONS: usize = 60;

/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections, opened when they are needed.
pub(super) struct Pool {
    config: tokio_postgres::Config,
    places: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

/// A connection that is lent out. It comes back only when it is given back: a request that is given up in the middle leaves a
/// transaction behind, which ends with its connection.
pub(super) struct Lent<'a> {
    pub(super) connection: Connection,
    pool: &'a Pool,
    _place: SemaphorePermit<'a>,
}

impl Pool {
    pub(super) fn new(config: tokio_postgres::Config) -> Self {
        Self {
            config,
            places: Semaphore::new(CONNECTIONS),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// The connection that was used last, or a new one.
    pub(super) async fn take(&self) -> Result<Lent<'_>, Error> {
        let late = |_| {
            Error::new(
                504,
                "PGRST003",
                "Timed out acquiring connection from connection pool.",
            )
        };
        let place = tokio::time::timeout(PATIENCE, self.places.acquire())
            .await
            .map_err(late)?;
        let place = place.map_err(|_| unreachable("the pool is closed"))?;
        loop {
            let idle = self.idle.lock().pop();
            let connection = match idle {
                Some(connection) if connection.is_closed() => continue,
                Some(connection) => connection,
                None => {
                    let opening = Connection::open(&self.config);
                    opening.await.map_err(|error| unreachable(&error.to_string()))?
                }
            };
            return Ok(Lent {
                connection,
                pool: self,
                _place: place,
            });
        }
    }

    /// Gives no more, and closes what is idle.
    pub(super) fn close(&self) {
        self.places.close();
        self.idle.lock().clear();
    }
}

fn unreachable(details: &str) -> Error {
    Error::new(503, "PGRST000", "Database connection error.").with_details(details)
}

impl Lent<'_> {
    /// Its transaction has ended: the next may have it.
    pub(super) fn give_back(self) {
        let is_open = !self.pool.places.is_closed() && !self.connection.is_closed();
        if is_open {
            self.pool.idle.lock().push(self.connection);
        }
    }
}
