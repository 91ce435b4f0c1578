//! What can go wrong between a test and the database.

use std::path::PathBuf;

/// An error that Postgres answered with, field by field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The SQLSTATE, five characters.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// The detail, where there is one.
    pub detail: Option<String>,
    /// The hint, where there is one.
    pub hint: Option<String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        for (name, text) in [("detail", &self.detail), ("hint", &self.hint)] {
            if let Some(text) = text {
                write!(f, " ({name}: {text})")?;
            }
        }
        Ok(())
    }
}

/// Why a test could not do what it wanted to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither the environment nor a running stack says where the database is.
    #[error("there is no database to test: start one with bin/dev, or set {variable} ({} is not there)", file.display())]
    NoDatabase {
        /// The variable that would name it.
        variable: &'static str,
        /// The file of a running stack.
        file: PathBuf,
    },
    /// `PARLEY_KERNEL` holds something else than a kernel.
    #[error("PARLEY_KERNEL is `{0}`: it must be `native` or `portable`")]
    UnknownKernel(String),
    /// The database refused a statement.
    #[error("{refusal}\n  in: {statement}")]
    Refused {
        /// What it answered.
        refusal: Refusal,
        /// The statement.
        statement: String,
    },
    /// The database took a statement that it had to refuse.
    #[error("not refused: {0}")]
    NotRefused(String),
    /// A statement gave another number of rows or columns than it should have.
    #[error("expected {expected}, got {got}\n  from: {statement}")]
    Shape {
        /// What was expected.
        expected: &'static str,
        /// What came.
        got: String,
        /// The statement.
        statement: String,
    },
    /// The connection failed.
    #[error("the connection to the database failed: {0}")]
    Connection(#[source] sqlx::Error),
    /// The migrations of this checkout could not be read.
    #[error("the migrations could not be read: {0}")]
    Migrations(#[source] std::io::Error),
    /// The run asked for the native kernel, and the server has none.
    #[error("PARLEY_KERNEL is native, but this server has no extension parley: run bin/setup")]
    NoNativeKernel,
    /// A task of a test panicked or was dropped.
    #[error("a session's task ended early: {0}")]
    Task(#[from] tokio::task::JoinError),
    /// The test's runtime did not start.
    #[error("the runtime did not start: {0}")]
    Runtime(#[source] std::io::Error),
}
