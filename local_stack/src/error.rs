//! Why a stack did not start, or stopped.

use std::path::PathBuf;

use crate::migrate::{LedgerError, MigrationFailure};

/// Everything that can keep a stack from running. The texts say what to do, because a person reads them in a terminal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting of the environment is not usable.
    #[error("{variable}: {reason}")]
    Setting {
        /// The name of the environment variable.
        variable: &'static str,
        /// What is wrong with its value.
        reason: String,
    },

    /// `supabase/config.toml` is not usable.
    #[error("{}: {reason}", path.display())]
    ProjectFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// Another process serves this data directory.
    #[error("a stack is already running on {} (pid {pid}); stop it first: kill {pid}", data_dir.display())]
    AlreadyRunning {
        /// The directory both want.
        data_dir: PathBuf,
        /// The process that has it.
        pid: String,
    },

    /// Somebody else listens on a port that was asked for.
    #[error(
        "port {port} on 127.0.0.1 is in use; free it, or set {variable} to another port (0 picks a free one)"
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// The variable that chooses another.
        variable: &'static str,
    },

    /// There is no Postgres to run.
    #[error("no PostgreSQL 15 or newer found (looked at pg_config and in {looked}); run bin/setup")]
    NoPostgres {
        /// The folders that were looked into.
        looked: String,
    },

    /// Postgres refuses to run as root and there is nobody else to run it as.
    #[error(
        "started as root, and there is no user `postgres` to run PostgreSQL as; run bin/setup, or start as another user"
    )]
    NoPostgresUser,

    /// A program of Postgres failed.
    #[error("{program} failed: {output}")]
    Program {
        /// The program.
        program: String,
        /// What it said.
        output: String,
    },

    /// Postgres ended before it was asked to.
    #[error("PostgreSQL stopped by itself ({status}); its log {} ends:\n{log_end}", log.display())]
    PostgresEnded {
        /// How it ended.
        status: String,
        /// Its log file.
        log: PathBuf,
        /// The last lines of it.
        log_end: String,
    },

    /// Postgres runs and does not answer.
    #[error("PostgreSQL did not answer within {seconds} seconds; see {}", log.display())]
    PostgresSilent {
        /// How long was waited.
        seconds: u64,
        /// Its log file.
        log: PathBuf,
    },

    /// The bootstrap SQL failed.
    #[error("local_stack/bootstrap/{file}: {source}")]
    Bootstrap {
        /// The file.
        file: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },

    /// The migrations and the ledger do not fit together.
    #[error(transparent)]
    Ledger(#[from] LedgerError),

    /// A migration or the seed failed; nothing of that file was applied.
    #[error(transparent)]
    Migration(#[from] MigrationFailure),

    /// The native kernel was asked for and is not there.
    #[error(
        "PARLEY_KERNEL is native, and the extension parley is not installed in this PostgreSQL ({bindir}); run bin/setup, or set PARLEY_KERNEL=portable"
    )]
    NoNativeKernel {
        /// Where this Postgres has its programs.
        bindir: String,
    },

    /// The database refused something the stack itself needs.
    #[error("{doing}: {source}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },

    /// The REST API could not be built.
    #[error("the REST API did not start: {0}")]
    Rest(String),

    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// The operating system refused something.
    #[error("{doing}: {source}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        source: std::io::Error,
    },
}

impl Error {
    /// For `map_err` on file operations.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// For `map_err` on statements of the stack itself.
    pub(crate) fn database(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}
