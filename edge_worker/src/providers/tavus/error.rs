//! Why a call of Tavus failed.

use std::time::Duration;

use crate::providers::{Advice, Broken};

/// Every way to fail. `Display` never repeats what Tavus said: its texts can repeat what was sent, and keys with it.
#[derive(Debug, thiserror::Error)]
pub enum TavusError {
    /// 429: too fast. Nothing was done.
    #[error("Tavus asks to slow down")]
    Throttled {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// 400 with a certain text: as many conversations run as the plan allows. Nothing was done.
    #[error("as many conversations run as the Tavus plan allows")]
    AtCapacity,
    /// 402, or the text that goes with it: no credits are left.
    #[error("the Tavus account is out of credits")]
    OutOfCredits,
    /// There is no such conversation or persona. Tavus says so with 400 or 404.
    #[error("Tavus does not know this id")]
    NotFound,
    /// Any other 4xx: the request is wrong and stays wrong.
    #[error("Tavus refused the request with status {status}")]
    Rejected {
        /// The status.
        status: u16,
        /// What it said, with addresses and the key taken out, for an operator to read.
        said: String,
    },
    /// 401 or 403: the key is wrong, or may not do this.
    #[error("Tavus refused the API key with status {status}")]
    Unauthorized {
        /// The status.
        status: u16,
    },
    /// 5xx: it may or may not have been done.
    #[error("Tavus failed with status {status}")]
    Unavailable {
        /// The status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// No connection came about. Nothing was sent.
    #[error("Tavus could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The connection broke, or the time was up, after the request was sent: it may or may not have been done.
    #[error("the connection to Tavus broke off")]
    Interrupted(#[source] reqwest::Error),
    /// It was done, or so the status says, and the answer makes no sense.
    #[error("Tavus answered something that makes no sense: {0}")]
    Unintelligible(&'static str),
    /// The request could not be built.
    #[error("the request to Tavus could not be built")]
    Unbuildable(#[source] reqwest::Error),
}

impl From<Broken> for TavusError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Unreachable(error) => Self::Unreachable(error),
            Broken::Interrupted(error) => Self::Interrupted(error),
            Broken::TooLarge { .. } => Self::Unintelligible("the answer is too large"),
            Broken::Unbuildable(error) => Self::Unbuildable(error),
        }
    }
}

impl TavusError {
    /// Who should try again, and when.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Throttled { retry_after } | Self::Unavailable { retry_after, .. } => {
                retry_after.map_or(Advice::RetryLater, Advice::RetryAfter)
            }
            Self::AtCapacity | Self::Unreachable(_) | Self::Interrupted(_) => Advice::RetryLater,
            Self::OutOfCredits | Self::Unauthorized { .. } => Advice::Misconfigured,
            Self::NotFound | Self::Rejected { .. } | Self::Unintelligible(_) | Self::Unbuildable(_) => {
                Advice::GiveUp
            }
        }
    }

    /// Whether Tavus may have done what it was asked for. After a create that ends like this there may be a conversation
    /// that costs money, and trying again may make a second one.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Interrupted(_) | Self::Unintelligible(_) => true,
            Self::Throttled { .. }
            | Self::AtCapacity
            | Self::OutOfCredits
            | Self::NotFound
            | Self::Rejected { .. }
            | Self::Unauthorized { .. }
            | Self::Unreachable(_)
            | Self::Unbuildable(_) => false,
        }
    }

    /// Whether the client itself may try again, in a moment. Being at capacity lasts as long as conversations do.
    pub(super) fn is_momentary(&self) -> bool {
        matches!(
            self,
            Self::Throttled { .. } | Self::Unavailable { .. } | Self::Unreachable(_) | Self::Interrupted(_)
        )
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// A word for counters.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "throttled",
            Self::AtCapacity => "at_capacity",
            Self::OutOfCredits => "out_of_credits",
            Self::NotFound => "not_found",
            Self::Rejected { .. } => "rejected",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Unavailable { .. } => "unavailable",
            Self::Unreachable(_) => "unreachable",
            Self::Interrupted(_) => "interrupted",
            Self::Unintelligible(_) => "unintelligible",
            Self::Unbuildable(_) => "unbuildable",
        }
    }
}
