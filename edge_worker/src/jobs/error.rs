//! Why a job was not done.

use std::time::Duration;

use super::work::Unusable;
use crate::conversations::ConversationError;
use crate::db::DbError;
use crate::providers::Advice;
use crate::telemetry;

/// What to do about it decides which: the reason is a text for operators, and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// Another attempt may succeed.
    #[error("{reason}")]
    Retry {
        /// Not before this long; the growing wait may be longer.
        after: Option<Duration>,
        /// The error with its causes.
        reason: String,
    },
    /// No attempt will succeed.
    #[error("{reason}")]
    GiveUp {
        /// The error with its causes.
        reason: String,
    },
}

impl From<ConversationError> for JobError {
    fn from(error: ConversationError) -> Self {
        let reason = telemetry::chain(&error);
        match error.advice() {
            Advice::RetryAfter(wait) => Self::Retry {
                after: Some(wait),
                reason,
            },
            // A key, a plan or a migration may be put right within the attempts that there are.
            Advice::RetryLater | Advice::Misconfigured => Self::Retry { after: None, reason },
            Advice::GiveUp => Self::GiveUp { reason },
        }
    }
}

impl From<DbError> for JobError {
    fn from(error: DbError) -> Self {
        ConversationError::from(error).into()
    }
}

impl From<Unusable> for JobError {
    fn from(error: Unusable) -> Self {
        Self::GiveUp {
            reason: telemetry::chain(&error),
        }
    }
}
