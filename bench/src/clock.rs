//! One clock for all processes.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of the system's monotonic clock, which Node's `process.hrtime` reads too.
pub(crate) fn now() -> u64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |time| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
        seconds * 1_000_000_000 + u64::try_from(time.tv_nsec()).unwrap_or_default()
    })
}
