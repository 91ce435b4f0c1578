//! What can go wrong.

use serde::{Deserialize, Serialize};

/// What goes wrong, for which requests, how often: `POST /_control/faults`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Only requests in whose body this text stands, or all. It makes one text of many that is always refused.
    #[serde(default)]
    pub contains: String,
    /// How many requests that fit go well before.
    #[serde(default)]
    pub after: u32,
    /// How many requests.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens to them.
    #[serde(flatten)]
    pub kind: FaultKind,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// It happens to the next request.
    pub fn next(kind: FaultKind) -> Self {
        Self {
            contains: String::new(),
            after: 0,
            times: once(),
            kind,
        }
    }
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// This status; nothing is done.
    Status {
        /// Such as 429 or 500.
        status: u16,
        /// `Retry-After`, as it is.
        #[serde(default)]
        retry_after: Option<String>,
        /// The provider's code for it, such as `insufficient_quota`.
        #[serde(default)]
        code: Option<String>,
        /// The provider's sentence.
        #[serde(default)]
        message: Option<String>,
    },
    /// The connection is closed without an answer; nothing is done.
    DropBefore,
    /// It is done, and the connection is closed without an answer.
    DropAfter,
    /// It is done, and the answer is no JSON.
    Garbage,
    /// It is done, and the answer comes late.
    Slow {
        /// How late.
        delay_ms: u64,
    },
    /// Embeddings: the vectors have another length than was asked for.
    WrongDimension {
        /// How long they are.
        dimensions: usize,
    },
    /// Embeddings: the vectors come in another order than the texts, with the indexes that say so.
    OutOfOrder,
    /// Embeddings: the last vector is missing.
    Missing,
}

impl FaultKind {
    /// Whether only the embeddings API can do this.
    pub(super) fn is_of_vectors(&self) -> bool {
        matches!(
            self,
            Self::WrongDimension { .. } | Self::OutOfOrder | Self::Missing
        )
    }
}
