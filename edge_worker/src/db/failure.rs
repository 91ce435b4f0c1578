//! What a failed statement means for whoever asked.

use std::io;
use std::sync::Arc;

use super::reason::reason;

/// A statement that failed. It can be told to everybody who waited for the same one.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DbError {
    /// The database is away, busy or going down, or the statement met another one: the same statement may do in a moment.
    /// Whether it was done is not known.
    #[error("{}", reason(.0))]
    Passing(#[source] Arc<sqlx::Error>),
    /// The database refuses what it was given, and will again.
    #[error("{}", reason(.0))]
    Data(#[source] Arc<sqlx::Error>),
    /// The statement itself is wrong, or a right is missing: a bug, or migrations that are not applied.
    #[error("the database refuses the statement")]
    Statement(#[source] Arc<sqlx::Error>),
}

impl DbError {
    /// The database did not answer in time.
    pub fn late() -> Self {
        sqlx::Error::Io(io::ErrorKind::TimedOut.into()).into()
    }

    /// Whether the row is there already: a unique constraint says so.
    pub fn is_duplicate(&self) -> bool {
        self.code().is_some_and(|code| code == "23505")
    }

    fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
        let (Self::Passing(error) | Self::Data(error) | Self::Statement(error)) = self;
        error.as_database_error()?.code()
    }

    /// Whether the database itself said so, and goes on: another statement may do better.
    pub fn is_of_statement(&self) -> bool {
        // 57: an operator, or a time that was up. 08: the connection.
        self.code()
            .is_some_and(|code| !code.starts_with("57") && !code.starts_with("08"))
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        let error = Arc::new(error);
        match &*error {
            sqlx::Error::Database(refusal) => match refusal.code().as_deref() {
                Some(code) if is_passing(code) => Self::Passing(error),
                Some(code) if is_data(code) => Self::Data(error),
                _ => Self::Statement(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            // What a connection says that was cut in the middle of a message.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Passing(error),
            _ => Self::Statement(error),
        }
    }
}

/// By the classes and codes of the appendix "PostgreSQL Error Codes".
fn is_passing(code: &str) -> bool {
    // Connections; who may log in, since a password is changed in two places; serialization and deadlocks; resources; an
    // operator or a timeout; the system.
    let classes = ["08", "28", "40", "53", "57", "58"];
    // A lock was not to be had; a transaction was idle for too long; the conversation of an event went away meanwhile.
    let codes = ["55P03", "55006", "25P03", "23503"];
    classes.iter().any(|class| code.starts_with(class)) || codes.contains(&code)
}

/// Data exceptions, constraints, limits such as nesting, and what our own functions refuse.
fn is_data(code: &str) -> bool {
    ["22", "23", "54", "PT4"]
        .iter()
        .any(|class| code.starts_with(class))
}
