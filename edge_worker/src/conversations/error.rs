//! Why something could not be done with a conversation.

use std::time::Duration;

use crate::db::DbError;
use crate::providers::Advice;
use crate::providers::tavus::TavusError;

/// How long a worker that has a conversation usually needs for it.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Every way to fail.
#[derive(Debug, thiserror::Error)]
pub enum ConversationError {
    /// Tavus fails or refuses.
    #[error(transparent)]
    Tavus(#[from] TavusError),
    /// Whether Tavus made the call is not known: its answer did not come, and its list does not have it. Nobody may make
    /// another one without looking again.
    #[error("it is not known whether Tavus made the call")]
    Unclear(#[source] Option<TavusError>),
    /// Another worker is starting the call.
    #[error("another worker is starting the call")]
    Busy,
    /// There is no Tavus here.
    #[error("Tavus is off")]
    Off,
    /// The persona of the conversation has an id that Tavus cannot have.
    #[error("the id of the persona is none of Tavus")]
    BadPersona,
    /// Tavus made a call under an id that another conversation has, so that nobody could tell their events apart.
    #[error("Tavus gave the call an id that another conversation has")]
    IdTaken(#[source] DbError),
    /// The database fails or refuses. [`DbError::Data`]: what was received is no event.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl ConversationError {
    /// Whether the same may work later. Where a start does not, the conversation is `failed` and says why.
    pub fn is_passing(&self) -> bool {
        matches!(self.advice(), Advice::RetryAfter(_) | Advice::RetryLater)
    }

    /// How long to wait at least before trying again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.advice() {
            Advice::RetryAfter(wait) => Some(wait),
            _ => None,
        }
    }

    /// Who should try again, and when.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Tavus(error) => error.advice(),
            Self::Unclear(error) => match error.as_ref().map(TavusError::advice) {
                Some(Advice::RetryAfter(wait)) => Advice::RetryAfter(wait),
                _ => Advice::RetryLater,
            },
            Self::Busy => Advice::RetryAfter(BUSY_WAIT),
            Self::Off => Advice::Misconfigured,
            Self::BadPersona | Self::IdTaken(_) => Advice::GiveUp,
            Self::Database(DbError::Passing(_)) => Advice::RetryLater,
            Self::Database(DbError::Data(_)) => Advice::GiveUp,
            // Migrations may be on their way.
            Self::Database(DbError::Statement(_)) => Advice::Misconfigured,
        }
    }
}
