//! All settings together.

use std::net::SocketAddr;
use std::str::FromStr as _;
use std::time::Duration;

use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::jobs;
use super::knowledge::{self, ElevenLabs, Embeddings};
use super::origins::{self, Origins};
use super::read::{Reader, SettingsError};
use super::supabase::{self, Supabase};
use super::tavus::{self, Tavus};
use crate::jobs::Settings as Jobs;
use crate::webhooks::CallbackKeys;

/// Loopback, because a public worker stands behind a proxy that speaks TLS.
const DEFAULT_LISTEN: &str = "127.0.0.1:54330";

/// Below Kubernetes' and Fly's default of 30 seconds between SIGTERM and SIGKILL.
const DEFAULT_SHUTDOWN_SECONDS: u32 = 25;

/// What the worker is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// `WORKER_LISTEN`: address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `WORKER_URL`: where providers reach this worker, by default the address it listens on.
    pub public_url: Option<Url>,
    /// `WORKER_SHUTDOWN_SECONDS`: how long requests that are under way may take to end.
    pub shutdown_grace: Duration,
    /// `WORKER_CORS_ORIGINS`: the web pages that may call the routes of the apps.
    pub cors_origins: Origins,
    /// The database.
    pub database: Database,
    /// The project.
    pub supabase: Supabase,
    /// Tavus; `None` when it is off.
    pub tavus: Option<Tavus>,
    /// ElevenLabs; without it no video is transcribed.
    pub elevenlabs: Option<ElevenLabs>,
    /// Embeddings; without it those that are built in.
    pub embeddings: Option<Embeddings>,
    /// `WORKER_SECRET`: makes and knows callback tokens. None are there only where Tavus is off.
    pub callback_keys: CallbackKeys,
    /// `WORKER_JOBS_...`: how queued jobs are run.
    pub jobs: Jobs,
}

/// How to reach the database.
#[derive(Clone, Debug)]
pub struct Database {
    /// `WORKER_DB_URL` or `SUPABASE_DB_URL`: a session connection, as role `parley_worker`.
    pub url: SecretString,
    /// Which of the two it was.
    pub variable: &'static str,
    /// `WORKER_DB_CONNECTIONS`: how many connections the worker opens at most.
    pub max_connections: u32,
}

impl Config {
    /// Reads the environment through `variable`. An empty value counts as missing.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] names every variable that is missing or not usable.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(&variable);
        let listen = listen(&mut reader);
        let public_url = reader
            .text("WORKER_URL")
            .and_then(|text| reader.web_address("WORKER_URL", &text));
        let shutdown = reader.number("WORKER_SHUTDOWN_SECONDS", DEFAULT_SHUTDOWN_SECONDS, 1, 3600);
        check_log_filter(&mut reader);
        let cors_origins = origins::read(&mut reader);
        let database = database(&mut reader);
        let supabase = supabase::read(&mut reader);
        let tavus = tavus::read(&mut reader);
        let is_tavus_off = tavus::is_off(&reader);
        let elevenlabs = knowledge::elevenlabs(&mut reader);
        let embeddings = knowledge::embeddings(&mut reader);
        let callback_keys = callback_keys(&mut reader, !is_tavus_off);
        let jobs = jobs::read(&mut reader);
        reader.finish()?;
        // Nothing is missing where no problem was noted.
        let missing = || SettingsError { problems: Vec::new() };
        Ok(Self {
            listen: listen.ok_or_else(missing)?,
            public_url,
            shutdown_grace: Duration::from_secs(shutdown.into()),
            cors_origins,
            database: database.ok_or_else(missing)?,
            supabase: supabase.ok_or_else(missing)?,
            tavus,
            elevenlabs,
            embeddings,
            callback_keys,
            jobs,
        })
    }
}

impl Database {
    /// Reads only what is needed to reach the database: for commands that need nothing else.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] names every variable that is missing or not usable.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(&variable);
        let database = database(&mut reader);
        reader.finish()?;
        database.ok_or_else(|| SettingsError { problems: Vec::new() })
    }
}

fn listen(reader: &mut Reader<'_>) -> Option<SocketAddr> {
    let text = reader
        .text("WORKER_LISTEN")
        .unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
    let address = text.parse().ok();
    if address.is_none() {
        reader.problem(
            "WORKER_LISTEN",
            format!("`{text}` is not an address and a port, such as {DEFAULT_LISTEN}"),
        );
    }
    address
}

/// Logging is running by now, with the default where this is not usable.
fn check_log_filter(reader: &mut Reader<'_>) {
    let Some(text) = reader.text("RUST_LOG") else {
        return;
    };
    if EnvFilter::try_new(&text).is_err() {
        reader.problem("RUST_LOG", format!("`{text}` is not a log filter"));
    }
}

/// What is written under this name is not repeated anywhere.
fn callback_keys(reader: &mut Reader<'_>, is_needed: bool) -> CallbackKeys {
    const SECRET: &str = "WORKER_SECRET";
    let Some(text) = reader.text(SECRET) else {
        if is_needed {
            reader.problem(SECRET, "it is not set, and callbacks of Tavus need it");
        }
        return CallbackKeys::none();
    };
    CallbackKeys::parse(&text).unwrap_or_else(|| {
        let least = CallbackKeys::LEAST_CHARACTERS;
        reader.problem(
            SECRET,
            format!("it is not one or more secrets of at least {least} characters, separated by commas"),
        );
        CallbackKeys::none()
    })
}

fn database(reader: &mut Reader<'_>) -> Option<Database> {
    let max_connections = reader.number("WORKER_DB_CONNECTIONS", 10, 2, 1000);
    let names = ["WORKER_DB_URL", "SUPABASE_DB_URL"];
    let Some((variable, text)) = reader.first(&names) else {
        reader.missing(&names);
        return None;
    };
    // The reasons do not repeat the value: it holds the password.
    let is_postgres = text.starts_with("postgresql://") || text.starts_with("postgres://");
    let options = PgConnectOptions::from_str(&text).ok().filter(|_| is_postgres);
    let Some(options) = options else {
        reader.problem(variable, "it is not a postgresql:// URL");
        return None;
    };
    if options.get_port() == 6543 && options.get_host().ends_with(".pooler.supabase.com") {
        reader.problem(
            variable,
            "this is the pooler in transaction mode, which drops LISTEN and prepared statements; use port 5432",
        );
        return None;
    }
    Some(Database {
        url: text.into(),
        variable,
        max_connections,
    })
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
