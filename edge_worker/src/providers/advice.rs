//! What to do about a failure, the same words for every provider.

use std::time::Duration;

/// The kind of a failure decides, in one place, who tries again and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Try again, not before this long.
    RetryAfter(Duration),
    /// Try again with a growing delay.
    RetryLater,
    /// The same request will fail again.
    GiveUp,
    /// An operator has to mend something first: a key, a plan, a setting.
    Misconfigured,
}
