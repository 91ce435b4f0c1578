//! From samples to the two figures that say how long something takes.

use crate::error::Error;

/// Median and 99th percentile, in milliseconds.
pub(crate) fn quantiles(mut nanoseconds: Vec<u64>) -> Result<[f64; 2], Error> {
    nanoseconds.sort_unstable();
    let at = |percent: usize| {
        let rank = (nanoseconds.len() * percent).div_ceil(100).saturating_sub(1);
        nanoseconds
            .get(rank)
            .map(|figure| to_f64(*figure) / 1e6)
            .ok_or(Error::TooShort)
    };
    Ok([at(50)?, at(99)?])
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and nanoseconds of one turn are far below 2^53"
)]
pub(crate) fn to_f64(figure: u64) -> f64 {
    figure as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted_samples() {
        let samples: Vec<u64> = (1..=200).rev().map(|n| n * 1_000_000).collect();
        assert_eq!(quantiles(samples).unwrap(), [100.0, 198.0]);
        assert_eq!(quantiles(vec![3_000_000]).unwrap(), [3.0, 3.0]);
        assert!(quantiles(Vec::new()).is_err());
    }
}
