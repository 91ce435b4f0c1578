//! What can go wrong.

use std::path::PathBuf;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The runtime did not start.
    #[error("the runtime did not start: {0}")]
    Runtime(#[source] std::io::Error),
    /// The program that starts a stack is not there.
    #[error("there is no database and no program to start one ({}): run bin/bench, or set SUPABASE_DB_URL", .0.display())]
    NoStack(PathBuf),
    /// The stack did not start.
    #[error("the local stack did not start; what it said is in {}", log.display())]
    StackEnded {
        /// Its output.
        log: PathBuf,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database failed.
    #[error("while {doing}: {source}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: sqlx::Error,
    },
    /// The limit of open files could not be read or raised.
    #[error("the limit of open files: {0}")]
    Files(#[source] nix::Error),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// A WebSocket failed.
    #[error("while {doing}: {source}")]
    Socket {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: Box<tokio_tungstenite::tungstenite::Error>,
    },
    /// A server said something that it should not, or messages were lost, doubled or out of order.
    #[error("fanout: {0}")]
    Fanout(String),
    /// A server did not start, or its answers make no sense.
    #[error("{0}")]
    Server(String),
    /// Events that were acknowledged are not there, or are there more than once.
    #[error("webhooks: {0}")]
    Webhooks(String),
    /// Chunks are missing, there more than once, without an embedding, or not of the text.
    #[error("embed: {0}")]
    Embed(String),
    /// Nothing was measured.
    #[error("nothing was measured in the time: give it more --seconds")]
    TooShort,
    /// The database does not hold what a suite measures.
    #[error("{0}")]
    Unprepared(&'static str),
}

impl Error {
    /// For `map_err`: a database error while doing something.
    pub(crate) fn database(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { doing, source }
    }

    /// For `map_err`: an error of a WebSocket while doing something.
    pub(crate) fn socket(doing: &'static str) -> impl FnOnce(tokio_tungstenite::tungstenite::Error) -> Self {
        move |source| Self::Socket {
            doing,
            source: Box::new(source),
        }
    }

    /// For `map_err`: an error of a file.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
