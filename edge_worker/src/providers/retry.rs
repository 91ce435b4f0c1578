//! Trying again: how often, after how long, and how long is too long. The clock and the dice are arguments.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::HeaderMap;
use axum::http::header::RETRY_AFTER;
use backon::ExponentialBuilder;
use futures_util::future::BoxFuture;

/// Waits that long.
pub type Wait = Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;

/// How a client tries again while somebody waits for it. What takes longer is for the queue.
#[derive(Clone)]
pub struct RetryPolicy {
    /// How many times after the first.
    pub retries: usize,
    /// The first delay; it doubles, and up to as much again is added by chance.
    pub first_delay: Duration,
    /// A provider that asks for a longer wait gets none: the caller is told instead.
    pub longest_wait: Duration,
    /// What waits.
    pub wait: Wait,
    /// What time it is, for a `Retry-After` that is a date.
    pub now: fn() -> SystemTime,
    /// Makes the chance repeatable.
    pub seed: Option<u64>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 2,
            first_delay: Duration::from_millis(500),
            longest_wait: Duration::from_secs(5),
            wait: Arc::new(|time| Box::pin(tokio::time::sleep(time))),
            now: SystemTime::now,
            seed: None,
        }
    }
}

impl RetryPolicy {
    pub(crate) fn delays(&self) -> ExponentialBuilder {
        let delays = ExponentialBuilder::default()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.longest_wait)
            .with_factor(2.0)
            .with_max_times(self.retries)
            .with_jitter();
        match self.seed {
            Some(seed) => delays.with_jitter_seed(seed),
            None => delays,
        }
    }

    /// The wait before the next attempt. `delay` is the growing one, `None` when there is no next attempt. A wait that the
    /// provider asked for is kept in full, and the other, which has the chance in it, comes on top: clients that were
    /// turned away together do not come back together.
    pub(crate) fn next(&self, asked: Option<Duration>, delay: Option<Duration>) -> Option<Duration> {
        let delay = delay?;
        match asked {
            None => Some(delay),
            Some(asked) if asked > self.longest_wait => None,
            Some(asked) => Some(asked + delay),
        }
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RetryPolicy")
            .field("retries", &self.retries)
            .field("first_delay", &self.first_delay)
            .field("longest_wait", &self.longest_wait)
            .finish_non_exhaustive()
    }
}

/// What `Retry-After` asks for: seconds, or a date (RFC 9110, section 10.2.3). At most a day, whatever it says.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<f64>() {
        // Some senders use fractions; what is negative or no number at all is no wait.
        Ok(seconds) if seconds.is_nan() => return None,
        Ok(seconds) => Duration::try_from_secs_f64(seconds.min(LONGEST.as_secs_f64())).ok()?,
        Err(_) => httpdate::parse_http_date(text)
            .ok()?
            .duration_since(now)
            .unwrap_or_default(),
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        let now = httpdate::parse_http_date("Wed, 01 Jan 2025 00:00:00 GMT").unwrap();
        retry_after(&headers, now)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_never_more_than_a_day() {
        let seconds = Duration::from_secs;
        assert_eq!(asked("7"), Some(seconds(7)));
        assert_eq!(asked("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(asked("Wed, 01 Jan 2025 00:00:30 GMT"), Some(seconds(30)));
        assert_eq!(asked("Tue, 31 Dec 2024 00:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(asked("1e300"), Some(seconds(86_400)));
        for text in ["", "soon", "-1", "NaN"] {
            assert_eq!(asked(text), None, "{text}");
        }
    }

    #[test]
    fn asked_wait_is_kept_in_full_unless_it_is_too_long() {
        let policy = RetryPolicy::default();
        let growing = Duration::from_millis(600);
        let delay = Some(growing);
        assert_eq!(policy.next(None, delay), delay);
        let asked = Duration::from_secs(5);
        assert_eq!(policy.next(Some(asked), delay), Some(asked + growing));
        assert_eq!(policy.next(Some(asked + Duration::from_millis(1)), delay), None);
        assert_eq!(policy.next(Some(asked), None), None);
    }
}
