//! Why a file could not be had.

use std::time::Duration;

use crate::providers::{Advice, Broken};

/// Every way to fail. `Display` repeats nothing of what was sent or said.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is no such file.
    #[error("there is no such file in the storage")]
    NotFound,
    /// The file is larger than what is read.
    #[error("the file has more than {limit_bytes} bytes")]
    TooLarge {
        /// What is read at most.
        limit_bytes: usize,
    },
    /// 429 or 5xx.
    #[error("the storage failed with status {status}")]
    Unavailable {
        /// The status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// 401 or 403: the secret key is wrong.
    #[error("the storage refused the secret key with status {status}")]
    Unauthorized {
        /// The status.
        status: u16,
    },
    /// Any other 4xx.
    #[error("the storage refused the request with status {status}")]
    Rejected {
        /// The status.
        status: u16,
    },
    /// There was no answer.
    #[error("the storage did not answer")]
    Broken(#[source] Broken),
    /// The answer makes no sense.
    #[error("the storage answered something that makes no sense: {0}")]
    Unintelligible(&'static str),
}

impl From<Broken> for StorageError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::TooLarge { limit_bytes } => Self::TooLarge { limit_bytes },
            other => Self::Broken(other),
        }
    }
}

impl StorageError {
    /// Who should try again, and when.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Unavailable { retry_after, .. } => {
                retry_after.map_or(Advice::RetryLater, Advice::RetryAfter)
            }
            Self::Broken(broken) if broken.is_passing() => Advice::RetryLater,
            // A proxy in between may answer for it.
            Self::Unintelligible(_) => Advice::RetryLater,
            Self::Unauthorized { .. } => Advice::Misconfigured,
            Self::NotFound | Self::TooLarge { .. } | Self::Rejected { .. } | Self::Broken(_) => {
                Advice::GiveUp
            }
        }
    }

    /// A word for counters.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::TooLarge { .. } => "too_large",
            Self::Unavailable { .. } => "unavailable",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Rejected { .. } => "rejected",
            Self::Broken(broken) => broken.word(),
            Self::Unintelligible(_) => "unintelligible",
        }
    }
}
