//! The direct connections.

use std::str::FromStr as _;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgPool};

use crate::config::Database;

/// How long a request waits for a connection. Above it the sender of a webhook is told to come back, which costs it less
/// than a timeout of its own.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that did nothing for as long is asked whether it still lives, before it is used. To ask each time would cost
/// every event a round trip.
const IDLE: Duration = Duration::from_secs(1);

/// The same as the role `parley_worker` has, for whoever runs as another one.
const TIMEOUTS: [(&str, &str); 3] = [
    ("statement_timeout", "15s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "30s"),
];

/// Makes the pool. Connections are opened when they are needed.
///
/// # Errors
///
/// The address is not usable; [`crate::Config`] refuses such ones.
pub fn connect(database: &Database) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(database.url.expose_secret())?
        .application_name("parley_worker")
        .options(TIMEOUTS)
        .options([("timezone", "UTC")]);
    Ok(PgPoolOptions::new()
        .max_connections(database.max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, used| {
            Box::pin(async move {
                if used.idle_for > IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options))
}
