//! Lengths of time as Go writes them, which the API and the configuration take: `24h`, `1h30m`, `1.5s`, `300ms`.

use chrono::TimeDelta;

const UNITS: [(&str, f64); 7] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];

/// `None` for what is no length of time, or longer than a time can be.
pub(super) fn parse(text: &str) -> Option<TimeDelta> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(TimeDelta::zero());
    }
    let mut seconds = 0.0;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let number: f64 = number.parse().ok()?;
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        seconds += number * factor;
        rest = next;
        if rest.is_empty() {
            return std::time::Duration::try_from_secs_f64(seconds)
                .ok()
                .and_then(|duration| TimeDelta::from_std(duration).ok())
                .map(|delta| if sign < 0.0 { -delta } else { delta });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_fractions_add_up_and_nonsense_is_none() {
        assert_eq!(parse("24h"), Some(TimeDelta::hours(24)));
        assert_eq!(parse("1h30m"), Some(TimeDelta::minutes(90)));
        assert_eq!(parse("1.5s"), Some(TimeDelta::milliseconds(1500)));
        assert_eq!(parse("-2m"), Some(TimeDelta::minutes(-2)));
        assert_eq!(parse("0"), Some(TimeDelta::zero()));
        for nonsense in ["", "h", "1", "forever", "2d", "1h30", "9223372036854775807h", "."] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
    }
}
