//! Numbers of every shape, as JSON text.

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

/// The corners: where doubles, integers, and the two notations of ECMAScript begin and end.
pub(crate) const CORNERS: [&str; 61] = [
    "0",
    "-0",
    "0.0",
    "-0.0",
    "0e5",
    "1",
    "-1",
    "1.0",
    "1.50",
    "10",
    "1e2",
    "100.00",
    "9007199254740991",
    "9007199254740992",
    "9007199254740993",
    "-9007199254740993",
    "9007199254740994",
    "1152921504606846976",
    "1152921504606847000",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "123456789012345678901234567890",
    "1e20",
    "123456789012345680000",
    "999999999999999999999",
    "1e21",
    "1.5e21",
    "1e22",
    "1e-6",
    "1.5e-6",
    "1e-7",
    "1.5e-7",
    "0.000001",
    "0.0000009999999999999999",
    "1e308",
    "1.7976931348623157e308",
    "1.7976931348623158e308",
    "1.7976931348623159e308",
    "1e309",
    "1e400",
    "-1e400",
    "1.5e400",
    "1e-307",
    "2.2250738585072014e-308",
    "4.9e-324",
    "5e-324",
    "2.4703282292062328e-324",
    "2.4703282292062327e-324",
    "1e-400",
    "-1e-400",
    "0.1",
    "0.30000000000000004",
    "333333333.33333329",
    "1501808634333184000000",
    "1.501808634333184e21",
    "100287000000000000000000",
    "0.12345678901234567",
    "0.123456789012345678",
    "1234567890.12345678901",
    "1e-324",
];

/// Any number that jsonb takes.
pub(crate) fn any(random: &mut StdRng) -> String {
    match random.random_range(0..9) {
        0 | 1 => CORNERS.choose(random).copied().unwrap_or("0").to_owned(),
        2 => random.random_range(-1000..1000).to_string(),
        3 => random.random::<i64>().to_string(),
        // Ids above 2^53.
        4 => (random.random_range(1_u128 << 53..1 << 100) * u128::from(random.random_range(1..1000_u32)))
            .to_string(),
        5 => format!("{}.{}", random.random_range(-99..99), digits(random, 17)),
        6 => format!(
            "-{}.{}e{}",
            random.random_range(1..10),
            digits(random, 24),
            random.random_range(-420..420)
        ),
        7 => format!(
            "{}e{}",
            random.random_range(1..100_000),
            random.random_range(-330..330)
        ),
        _ => double(random),
    }
}

/// A double, with the fewest digits that say which.
pub(crate) fn double(random: &mut StdRng) -> String {
    format!("{:e}", finite(random))
}

/// A finite double: half of them any bits at all, half of them of an everyday size.
pub(crate) fn finite(random: &mut StdRng) -> f64 {
    if random.random_bool(0.5) {
        loop {
            let number = f64::from_bits(random.random());
            if number.is_finite() {
                return number;
            }
        }
    }
    let scale = 10_f64.powi(random.random_range(-8..24));
    (random.random_range(-1.0..1.0) * scale * 1000.0).round() / 1000.0
}

fn digits(random: &mut StdRng, most: usize) -> String {
    (0..random.random_range(1..=most))
        .map(|_| char::from(random.random_range(b'0'..=b'9')))
        .collect()
}

/// Other spellings of the same number.
pub(crate) fn respell(number: &str, random: &mut StdRng) -> String {
    let (mantissa, exponent) = number.split_once('e').unwrap_or((number, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    match random.random_range(0..4) {
        0 if mantissa.contains('.') => format!("{mantissa}00e{exponent}"),
        0 => format!("{mantissa}.000E{exponent:+}"),
        // "-00" is no number.
        _ if mantissa.trim_start_matches('-') == "0" => format!("{mantissa}.0"),
        1 if !mantissa.contains('.') => format!("{mantissa}0e{}", exponent - 1),
        2 if !mantissa.contains('.') => format!("{mantissa}000E{}", exponent - 3),
        _ => number.to_owned(),
    }
}
