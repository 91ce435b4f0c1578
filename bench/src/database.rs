//! The database that is measured.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _, PgConnection};

use crate::endpoints::{Api, Endpoints};
use crate::error::Error;
use crate::stack::Stack;

/// What decides how fast a commit is.
const SETTINGS: [&str; 9] = [
    "server_version",
    "fsync",
    "synchronous_commit",
    "wal_level",
    "shared_buffers",
    "max_wal_size",
    "full_page_writes",
    "autovacuum",
    "jit",
];

/// Where the database is, and the stack behind it when we started one.
#[derive(Debug)]
pub(crate) struct Database {
    endpoints: Endpoints,
    stack: Option<Stack>,
}

impl Database {
    /// The database of the environment, of a running stack, or of a stack of our own.
    pub(crate) async fn find() -> Result<Self, Error> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let data = variable("PARLEY_DATA_DIR").map(|folder| project().join(folder).join("stack.env"));
        if let Some(endpoints) = Endpoints::of_environment().or_else(|| Endpoints::read(&data?)) {
            return Ok(Self {
                endpoints,
                stack: None,
            });
        }
        let kernel = variable("PARLEY_KERNEL").unwrap_or_else(|| "native".to_owned());
        let (stack, endpoints) = Stack::start(&kernel).await?;
        Ok(Self {
            endpoints,
            stack: Some(stack),
        })
    }

    /// The database as role postgres.
    pub(crate) fn url(&self) -> &str {
        &self.endpoints.database
    }

    /// The gateway of the same stack.
    pub(crate) fn api(&self) -> Result<&Api, Error> {
        self.endpoints.api.as_ref().ok_or(Error::Unprepared(
            "the suite fanout needs Realtime: set SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY beside SUPABASE_DB_URL",
        ))
    }

    /// The database as role parley_worker. A role without a known password gets a new one.
    pub(crate) async fn worker_url(&self) -> Result<String, Error> {
        if let Some(url) = &self.endpoints.worker {
            return Ok(url.clone());
        }
        let doing = "giving parley_worker a password";
        let mut connection = self.connect().await?;
        let password = uuid::Uuid::new_v4().simple().to_string();
        let sql = format!("alter role parley_worker with password '{password}'");
        connection
            .execute(sql.as_str())
            .await
            .map_err(Error::database(doing))?;
        let options: PgConnectOptions = self.url().parse().map_err(Error::database(doing))?;
        let options = options.username("parley_worker").password(&password);
        Ok(options.to_url_lossy().to_string())
    }

    /// Stops the stack, if it is ours.
    pub(crate) fn close(self) -> Result<(), Error> {
        self.stack.map_or(Ok(()), Stack::stop)
    }

    /// A connection as role postgres.
    pub(crate) async fn connect(&self) -> Result<PgConnection, Error> {
        Self::connect_to(self.url()).await
    }

    /// A connection as a superuser, who may switch triggers off.
    pub(crate) async fn connect_admin(&self) -> Result<PgConnection, Error> {
        let url = self.endpoints.admin.as_deref().ok_or(Error::Unprepared(
            "the suite growth fills tables with triggers off: set SUPABASE_ADMIN_DB_URL beside SUPABASE_DB_URL",
        ))?;
        Self::connect_to(url).await
    }

    async fn connect_to(url: &str) -> Result<PgConnection, Error> {
        let doing = "connecting";
        let options: PgConnectOptions = url.parse().map_err(Error::database(doing))?;
        let options = options
            .application_name("parley_bench")
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(Error::database(doing))?;
        let quiet = "set client_min_messages = warning";
        connection.execute(quiet).await.map_err(Error::database(doing))?;
        Ok(connection)
    }

    /// Whether the native kernel is there to be measured.
    pub(crate) async fn has_native(&self) -> Result<bool, Error> {
        let is_there = "select exists (select from pg_extension where extname = 'parley')";
        let mut connection = self.connect().await?;
        sqlx::query_scalar(is_there)
            .fetch_one(&mut connection)
            .await
            .map_err(Error::database("looking for the native kernel"))
    }

    /// What the figures depend on.
    pub(crate) async fn facts(&self) -> Result<Value, Error> {
        let mut connection = self.connect().await?;
        let mut settings = Map::new();
        for name in SETTINGS {
            let value: String = sqlx::query_scalar("select current_setting($1)")
                .bind(name)
                .fetch_one(&mut connection)
                .await
                .map_err(Error::database("reading settings"))?;
            settings.insert(name.to_owned(), value.into());
        }
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        Ok(json!({
            "cores": cores,
            "architecture": std::env::consts::ARCH,
            "server": if self.stack.is_some() { "shared by the clients and the local stack's server" } else { "of the clients alone; the server is that of the environment" },
            "postgres": settings,
        }))
    }
}

/// The checkout.
pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
