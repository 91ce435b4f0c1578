//! How this process reaches its Postgres.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions as _, PgConnection, PgPool};

/// The password of every login role of the bootstrap. The cluster listens on loopback only.
const PASSWORD: &str = "postgres";

/// What the REST API logs in as.
pub(crate) const AUTHENTICATOR: &str = "authenticator";

/// The place of a running Postgres.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    pub(crate) port: u16,
}

impl Address {
    /// The address as a URL, for other programs.
    pub(crate) fn url(self, role: &str) -> String {
        self.url_with(role, PASSWORD)
    }

    /// The same for a role with a password of its own, which needs no escape in a URL.
    pub(crate) fn url_with(self, role: &str, password: &str) -> String {
        format!("postgresql://{role}:{password}@127.0.0.1:{}/postgres", self.port)
    }

    /// Everything is said here, so that `PGHOST` and its kin in the environment do not take part.
    fn options(self, role: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(role)
            .password(PASSWORD)
            .database("postgres")
            .ssl_mode(PgSslMode::Disable)
            .application_name("local_stack")
            .disable_statement_logging()
    }

    /// One connection as `role`.
    pub(crate) async fn connect(self, role: &str) -> Result<PgConnection, sqlx::Error> {
        self.options(role).connect().await
    }

    /// A pool of connections as `role`; the first is made when it is needed.
    pub(crate) fn pool(self, role: &str, size: u32) -> PgPool {
        PgPoolOptions::new()
            .max_connections(size)
            .acquire_timeout(Duration::from_secs(10))
            .connect_lazy_with(self.options(role))
    }
}
