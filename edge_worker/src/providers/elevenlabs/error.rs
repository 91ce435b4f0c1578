//! Why nothing was transcribed.

use std::time::Duration;

use crate::providers::{Advice, Broken};

/// Every way to fail. `Display` never repeats what ElevenLabs said.
#[derive(Debug, thiserror::Error)]
pub enum ElevenLabsError {
    /// 429: too many at a time, or the system is busy.
    #[error("ElevenLabs asks to slow down")]
    Throttled {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// Under 400, 401 or 402: the plan is used up.
    #[error("the ElevenLabs plan is used up")]
    OutOfQuota,
    /// 401 or 403: the key is wrong, or may not do this.
    #[error("ElevenLabs refused the API key with status {status}")]
    Unauthorized {
        /// The status.
        status: u16,
    },
    /// Any other 4xx: the file, as a rule.
    #[error("ElevenLabs refused the request with status {status}")]
    Rejected {
        /// The status.
        status: u16,
        /// What it said, with addresses and the key taken out, for an operator to read.
        said: String,
    },
    /// 5xx.
    #[error("ElevenLabs failed with status {status}")]
    Unavailable {
        /// The status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// There was no answer.
    #[error("ElevenLabs did not answer")]
    Broken(#[source] Broken),
    /// The answer makes no sense.
    #[error("ElevenLabs answered something that makes no sense: {0}")]
    Unintelligible(&'static str),
}

impl From<Broken> for ElevenLabsError {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl ElevenLabsError {
    /// Who should try again, and when.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Throttled { retry_after } | Self::Unavailable { retry_after, .. } => {
                retry_after.map_or(Advice::RetryLater, Advice::RetryAfter)
            }
            Self::Broken(broken) if broken.is_passing() => Advice::RetryLater,
            // A proxy in between may answer for it.
            Self::Unintelligible(_) => Advice::RetryLater,
            Self::OutOfQuota | Self::Unauthorized { .. } => Advice::Misconfigured,
            Self::Rejected { .. } | Self::Broken(_) => Advice::GiveUp,
        }
    }

    /// A word for counters.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "throttled",
            Self::OutOfQuota => "out_of_quota",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Rejected { .. } => "rejected",
            Self::Unavailable { .. } => "unavailable",
            Self::Broken(broken) => broken.word(),
            Self::Unintelligible(_) => "unintelligible",
        }
    }
}
