//! The arithmetic of the pace, in microseconds, rounded exactly as the portable kernel's SQL rounds it.

const SECOND: i128 = 1_000_000;
const DAY: i128 = 86_400 * SECOND;
const MONTH: i128 = 30 * DAY;
/// 365.25 days: what `extract(epoch from interval)` takes a year for.
const YEAR: i128 = 31_557_600 * SECOND;

/// The longest window.
pub const MAX_WINDOW: i128 = 366 * DAY;

/// How far apart events must be, and how much earlier than that one may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Microseconds between two events that keep the pace.
    pub spacing: i64,
    /// Microseconds that the theoretical arrival time may lie ahead: what lets a burst through.
    pub tolerance: i64,
}

/// The length of an interval in microseconds, as `extract(epoch from ...)` counts months and years.
pub fn interval_microseconds(months: i32, days: i32, microseconds: i64) -> i128 {
    let (years, months) = (i128::from(months / 12), i128::from(months % 12));
    years * YEAR + months * MONTH + i128::from(days) * DAY + i128::from(microseconds)
}

impl Pace {
    /// So many events in a window of so many microseconds.
    pub fn new(max_events: i32, window: i128) -> Self {
        let seconds = window as f64 / SECOND as f64;
        let spacing = to_microseconds(seconds / f64::from(max_events));
        Self {
            spacing,
            tolerance: spacing.saturating_mul(i64::from(max_events) - 1),
        }
    }

    /// Whole seconds to wait, at least one, when the bucket's theoretical arrival time is this.
    pub fn seconds_left(&self, arrival: i64, now: i64) -> i64 {
        let left = i128::from(arrival) - i128::from(self.tolerance) - i128::from(now);
        let seconds = left.div_euclid(SECOND) + i128::from(left.rem_euclid(SECOND) != 0);
        i64::try_from(seconds.max(1)).unwrap_or(i64::MAX)
    }
}

/// `make_interval(secs => ...)`: to the nearest microsecond, ties to even. Saturates beyond 292,000 years.
fn to_microseconds(seconds: f64) -> i64 {
    (seconds * SECOND as f64).round_ties_even() as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ten_a_minute_are_six_seconds_apart() {
        let pace = Pace::new(10, interval_microseconds(0, 0, 60_000_000));
        assert_eq!(
            pace,
            Pace {
                spacing: 6_000_000,
                tolerance: 54_000_000
            }
        );
        assert_eq!(pace.seconds_left(54_000_001, 0), 1);
        assert_eq!(pace.seconds_left(60_000_000, 0), 6);
        assert_eq!(pace.seconds_left(60_000_001, 0), 7);
    }

    #[test]
    fn months_and_years_have_the_length_that_extract_gives_them() {
        assert_eq!(interval_microseconds(13, 1, 5), YEAR + MONTH + DAY + 5);
        assert_eq!(interval_microseconds(-13, 0, 0), -(YEAR + MONTH));
    }

    proptest! {
        #[test]
        fn a_burst_passes_and_no_more(max_events in 1i32..200, window in 1_000_000i64..1_000_000_000_000) {
            let pace = Pace::new(max_events, i128::from(window));
            let (now, mut arrival, mut passed) = (0, 0, 0);
            while passed <= max_events && arrival <= now + pace.tolerance {
                arrival = arrival.max(now) + pace.spacing;
                passed += 1;
            }
            prop_assert_eq!(passed, max_events);
            prop_assert!(pace.seconds_left(arrival, now) >= 1);
        }
    }
}
