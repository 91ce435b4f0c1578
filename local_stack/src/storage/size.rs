//! Sizes as people write them.

/// The API's form, `20MB` with powers of ten, or a plain number.
pub(super) fn of_the_api(text: &str) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    [("gb", 1e9), ("mb", 1e6), ("kb", 1e3), ("b", 1.0)]
        .into_iter()
        .find_map(|(unit, factor)| bytes(lower.strip_suffix(unit)?, factor))
        .and_then(|bytes| i64::try_from(bytes).ok())
}

/// The form of `config.toml`, `50MiB`: with the CLI every unit is a power of two.
pub(super) fn of_the_cli(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let lower = lower
        .strip_suffix("ib")
        .or_else(|| lower.strip_suffix('b'))
        .unwrap_or(&lower);
    [('t', 40), ('g', 30), ('m', 20), ('k', 10)]
        .into_iter()
        .find_map(|(unit, power)| Some((lower.strip_suffix(unit)?, power)))
        .map_or_else(
            || bytes(lower.trim(), 1.0),
            |(number, power)| bytes(number.trim(), 2_f64.powi(power)),
        )
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number was looked at, and a cast from float to integer saturates"
)]
fn bytes(number: &str, factor: f64) -> Option<u64> {
    let is_plain = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    let value: f64 = is_plain.then(|| number.parse().ok()).flatten()?;
    Some((value * factor) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_the_api_are_powers_of_ten() {
        assert_eq!(of_the_api("20MB"), Some(20_000_000));
        assert_eq!(of_the_api("1.5kb"), Some(1500));
        assert_eq!(of_the_api("3B"), Some(3));
        for text in ["", "MB", "-1MB", "20", "1e3MB", "20XB"] {
            assert_eq!(of_the_api(text), None, "{text}");
        }
    }

    #[test]
    fn units_of_the_cli_are_powers_of_two() {
        assert_eq!(of_the_cli("50MiB"), Some(52_428_800));
        assert_eq!(of_the_cli("1 GB"), Some(1 << 30));
        assert_eq!(of_the_cli("2TiB"), Some(2 << 40));
        assert_eq!(of_the_cli("100"), Some(100));
        assert_eq!(of_the_cli("much"), None);
    }
}
