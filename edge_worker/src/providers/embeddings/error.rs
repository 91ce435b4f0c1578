//! Why there are no embeddings.

use std::time::Duration;

use crate::providers::{Advice, Broken};

/// Every way to fail. `Display` never repeats what the provider said.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingsError {
    /// 429: too fast.
    #[error("the embeddings provider asks to slow down")]
    Throttled {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// 429 with a certain word, or 402: the account is used up.
    #[error("the account with the embeddings provider is used up")]
    OutOfQuota,
    /// 403, and nobody has asked yet whether the key is refused or a text: [`EmbeddingsClient::embed`](super::EmbeddingsClient::embed)
    /// does, and gives one of the two.
    #[error("the embeddings provider refused the key or a text with status 403")]
    Forbidden {
        /// What it said, with addresses and the key taken out, for an operator to read.
        said: String,
    },
    /// 401, or 403 whatever the text: the key is wrong, or may not do this.
    #[error("the embeddings provider refused the API key with status {status}")]
    Unauthorized {
        /// The status.
        status: u16,
    },
    /// 404: no such model, or no such address.
    #[error("the embeddings provider does not know the model or the address")]
    NotFound,
    /// Any other 4xx, or 403 where the key may embed another text: one of the texts, as a rule.
    #[error("the embeddings provider refused the request with status {status}")]
    Rejected {
        /// The status.
        status: u16,
        /// What it said, with addresses and the key taken out, for an operator to read.
        said: String,
    },
    /// The model makes vectors of another length than the database keeps.
    #[error("the model makes {got} dimensions, and {expected} are kept")]
    WrongDimension {
        /// What is kept.
        expected: usize,
        /// What came.
        got: usize,
    },
    /// 5xx.
    #[error("the embeddings provider failed with status {status}")]
    Unavailable {
        /// The status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// There was no answer.
    #[error("the embeddings provider did not answer")]
    Broken(#[source] Broken),
    /// The answer makes no sense.
    #[error("the embeddings provider answered something that makes no sense: {0}")]
    Unintelligible(&'static str),
}

impl From<Broken> for EmbeddingsError {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl EmbeddingsError {
    /// Who should try again, and when.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Throttled { retry_after } | Self::Unavailable { retry_after, .. } => {
                retry_after.map_or(Advice::RetryLater, Advice::RetryAfter)
            }
            Self::Broken(broken) if broken.is_passing() => Advice::RetryLater,
            // A proxy in between may answer for it.
            Self::Unintelligible(_) => Advice::RetryLater,
            Self::OutOfQuota
            | Self::Forbidden { .. }
            | Self::Unauthorized { .. }
            | Self::NotFound
            | Self::WrongDimension { .. } => Advice::Misconfigured,
            Self::Rejected { .. } | Self::Broken(_) => Advice::GiveUp,
        }
    }

    /// A word for counters.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "throttled",
            Self::OutOfQuota => "out_of_quota",
            Self::Forbidden { .. } => "forbidden",
            Self::Unauthorized { .. } => "unauthorized",
            Self::NotFound => "not_found",
            Self::Rejected { .. } => "rejected",
            Self::WrongDimension { .. } => "wrong_dimension",
            Self::Unavailable { .. } => "unavailable",
            Self::Broken(broken) => broken.word(),
            Self::Unintelligible(_) => "unintelligible",
        }
    }
}
