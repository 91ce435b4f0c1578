//! The direct connections.

use std::str::FromStr as _;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::config::Database;

/// How long a request waits for a connection. Above it the sender of a webhook is told to come back, which costs it less
/// than a timeout of its own.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// A statement that takes longer is a mistake, and it would hold locks.
const STATEMENT_TIMEOUT: &str = "30s";

/// Makes the pool. Connections are opened when they are needed.
///
/// # Errors
///
/// The address is not usable; [`crate::Config`] refuses such ones.
pub fn connect(database: &Database) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(database.url.expose_secret())?
        .application_name("parley_worker")
        .options([
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", STATEMENT_TIMEOUT),
            ("timezone", "UTC"),
        ]);
    Ok(PgPoolOptions::new()
        .max_connections(database.max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options))
}
