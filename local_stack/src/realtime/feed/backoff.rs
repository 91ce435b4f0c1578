//! How long to wait between two sessions.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// Doubles from wait to wait. No jitter: one process is the only client.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) const fn new() -> Self {
        Self(FIRST)
    }

    /// A session that ran has earned a quick reconnect.
    pub(super) fn reset(&mut self) {
        self.0 = FIRST;
    }

    /// The time to wait now.
    pub(super) fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = LONGEST.min(now.saturating_mul(2));
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_begin_anew_after_a_session() {
        let mut backoff = Backoff::new();
        let waits: Vec<u128> = std::iter::repeat_with(|| backoff.next().as_millis())
            .take(8)
            .collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1600, 2000, 2000]);
        backoff.reset();
        assert_eq!(backoff.next(), FIRST);
    }
}
