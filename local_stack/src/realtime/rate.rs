//! How often something happens.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

const BUCKETS: usize = 12;
const BUCKET: Duration = Duration::from_secs(5);

/// Counts events and knows their average over the last minute, in steps of five seconds, as Supabase does. A short burst far
/// above the limit is fine; a storm is not.
pub(crate) struct Rate {
    per_second: u32,
    window: Mutex<Window>,
}

struct Window {
    start: Instant,
    /// Which step of five seconds `counts` ends with.
    step: u64,
    counts: [u64; BUCKETS],
}

impl Rate {
    /// A limit that begins to count at `now`.
    pub(crate) fn new(per_second: u32, now: Instant) -> Self {
        Self {
            per_second,
            window: Mutex::new(Window {
                start: now,
                step: 0,
                counts: [0; BUCKETS],
            }),
        }
    }

    /// Counts `count` events if the average of the last minute is still below the limit with them; `false` when it is not, and
    /// then nothing is counted.
    pub(crate) fn admit(&self, count: u64, now: Instant) -> bool {
        let mut window = self.window.lock();
        window.advance(now);
        let seconds = BUCKETS as u64 * BUCKET.as_secs();
        let sum = window.counts.iter().sum::<u64>();
        if sum.saturating_add(count) > u64::from(self.per_second).saturating_mul(seconds) {
            return false;
        }
        if let Some(last) = window.counts.last_mut() {
            *last += count;
        }
        true
    }
}

impl Window {
    fn advance(&mut self, now: Instant) {
        let step = now.saturating_duration_since(self.start).as_secs() / BUCKET.as_secs();
        let passed = usize::try_from(step.saturating_sub(self.step))
            .unwrap_or(BUCKETS)
            .min(BUCKETS);
        self.counts.rotate_left(passed);
        self.counts
            .iter_mut()
            .rev()
            .take(passed)
            .for_each(|count| *count = 0);
        self.step = self.step.max(step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storm_is_refused_and_forgotten_after_a_minute() {
        let start = Instant::now();
        let rate = Rate::new(2, start);
        assert!((0..120).all(|_| rate.admit(1, start)));
        assert!(!rate.admit(1, start));
        assert!(!rate.admit(1, start + Duration::from_secs(59)));
        assert!(rate.admit(120, start + Duration::from_secs(60)));
        assert!(!rate.admit(1, start + Duration::from_secs(61)));
        assert!(rate.admit(1, start + Duration::from_secs(6_000)));
    }

    #[test]
    fn what_is_refused_does_not_count() {
        let start = Instant::now();
        let rate = Rate::new(1, start);
        assert!(!rate.admit(61, start));
        assert!(rate.admit(60, start));
    }
}
