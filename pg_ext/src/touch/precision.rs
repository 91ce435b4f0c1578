//! The precision of a timestamp column.

/// A moment in microseconds, rounded to the decimal places of a second that a column keeps: half a unit goes away from zero, as in
/// Postgres. A negative precision keeps all six.
pub fn rounded(microseconds: i64, precision: i32) -> i64 {
    let Some(dropped) = u32::try_from(precision)
        .ok()
        .and_then(|places| 6u32.checked_sub(places))
    else {
        return microseconds;
    };
    let unit = 10i64.pow(dropped);
    let half = unit / 2 * microseconds.signum();
    microseconds.saturating_add(half) / unit * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        assert_eq!(rounded(1_500_000, 0), 2_000_000);
        assert_eq!(rounded(1_499_999, 0), 1_000_000);
        assert_eq!(rounded(-1_500_000, 0), -2_000_000);
        assert_eq!(rounded(123_456, 3), 123_000);
        assert_eq!(rounded(123_500, 3), 124_000);
    }

    #[test]
    fn all_places_are_kept_where_no_precision_is_given() {
        assert_eq!(rounded(123_456, -1), 123_456);
        assert_eq!(rounded(123_456, 6), 123_456);
        assert_eq!(rounded(i64::MAX, 6), i64::MAX);
    }
}
