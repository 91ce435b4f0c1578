//! How long a job waits for its next attempt. The dice are an argument.

use std::time::Duration;

use rand::Rng;

use super::Settings;

/// The wait after an attempt, counted from 1, that failed. It doubles from one attempt to the next up to a limit, and between
/// half of it and all of it is left to chance, so that jobs that failed together do not come back together. What a provider
/// asked for is kept in full, with some chance on top.
pub(super) fn delay(
    settings: &Settings,
    attempt: u32,
    asked: Option<Duration>,
    dice: &mut impl Rng,
) -> Duration {
    let doublings = attempt.saturating_sub(1).min(31);
    let growing = settings
        .first_delay
        .saturating_mul(1 << doublings)
        .min(settings.longest_delay);
    let growing = growing.mul_f64(dice.random_range(0.5..=1.0));
    match asked {
        Some(asked) => {
            growing.max(asked.saturating_add(settings.first_delay.mul_f64(dice.random_range(0.0..=1.0))))
        }
        None => growing,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    proptest! {
        #[test]
        fn wait_doubles_up_to_its_limit_and_is_never_shorter_than_asked(
            attempt in 1..200u32,
            asked in proptest::option::of(0..100_000u64),
            seed: u64,
        ) {
            let settings = Settings::default();
            let asked = asked.map(Duration::from_secs);
            let wait = delay(&settings, attempt, asked, &mut StdRng::seed_from_u64(seed));
            let full = (2.0 * 2f64.powi(attempt as i32 - 1)).min(600.0);
            let least = Duration::from_secs_f64(full / 2.0).max(asked.unwrap_or_default());
            let most = Duration::from_secs_f64(full).max(asked.map_or(Duration::ZERO, |asked| asked + settings.first_delay));
            prop_assert!(least <= wait + Duration::from_millis(1) && wait <= most + Duration::from_millis(1), "{wait:?}");
        }
    }

    #[test]
    fn jobs_that_failed_together_come_back_apart() {
        let mut dice = StdRng::seed_from_u64(7);
        let mut waits: Vec<_> = (0..100)
            .map(|_| delay(&Settings::default(), 5, None, &mut dice))
            .collect();
        waits.sort_unstable();
        waits.dedup();
        assert_eq!(waits.len(), 100);
    }
}
