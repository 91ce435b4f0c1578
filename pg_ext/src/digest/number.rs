//! Numbers in canonical form: as ECMAScript prints the nearest double (RFC 8785, section 3.2.2.3), with one deviation.
//!
//! A `jsonb` number is a decimal of any length. An integer that no double equals, and a fraction of more than 17 significant digits,
//! keeps its exact digits: two different ids above 2^53 must not hash alike.

use super::sink::Sink;

/// A printer of doubles never emits more significant digits than this; more is somebody's exact decimal.
const MAX_DOUBLE_DIGITS: usize = 17;

/// Any decimal of this many digits survives the way through a double, so its own digits are the shortest form.
const ALWAYS_EXACT_DIGITS: usize = 15;

/// ECMAScript prints integers below 1e21 plainly.
const PLAIN_POINT: i32 = 21;

/// A decimal number: `0.d1d2d3... * 10^point`, sign apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal<'a> {
    /// Whether it is below zero.
    pub is_negative: bool,
    /// ASCII digits, neither the first nor the last of them zero; empty for zero.
    pub digits: &'a [u8],
    /// How many digits stand before the decimal point; may be negative, or more than there are digits.
    pub point: i32,
}

/// Writes an integer that any double holds: the path that most numbers take.
pub fn write_integer(is_negative: bool, magnitude: u64, out: &mut impl Sink) {
    let mut text = [0u8; 20];
    let mut left = magnitude;
    let mut used = 0;
    for slot in text.iter_mut().rev() {
        *slot = b'0' + (left % 10) as u8;
        left /= 10;
        used += 1;
        if left == 0 {
            break;
        }
    }
    if is_negative && magnitude != 0 {
        out.put(b"-");
    }
    out.put(text.get(text.len() - used..).unwrap_or_default());
}

/// Writes a decimal in canonical form.
pub fn write_decimal(decimal: &Decimal<'_>, out: &mut impl Sink) {
    if decimal.digits.is_empty() {
        out.put(b"0");
        return;
    }
    if decimal.is_negative {
        out.put(b"-");
    }
    let count = decimal.digits.len();
    let is_integer = i32::try_from(count).is_ok_and(|count| count <= decimal.point);
    if is_integer {
        if decimal.point <= PLAIN_POINT || !is_shortest_of_its_double(decimal) {
            write_plain(decimal, out);
        } else {
            write_scientific(decimal, out);
        }
    } else if count > MAX_DOUBLE_DIGITS {
        write_plain(decimal, out);
    } else if count <= ALWAYS_EXACT_DIGITS && decimal.point > -290 {
        write_ecmascript(decimal, out);
    } else {
        match nearest_double(decimal) {
            // Too small for a double: zero does not stand for it.
            Some(0.0) | None => write_plain(decimal, out),
            Some(double) => out.put(ryu_js::Buffer::new().format_finite(double).as_bytes()),
        }
    }
}

/// Whether the shortest decimal that reads back as the nearest double is this very decimal.
fn is_shortest_of_its_double(decimal: &Decimal<'_>) -> bool {
    if decimal.digits.len() > MAX_DOUBLE_DIGITS {
        return false;
    }
    nearest_double(decimal).is_some_and(|double| {
        let mut own = Vec::new();
        write_ecmascript(decimal, &mut own);
        ryu_js::Buffer::new().format_finite(double).as_bytes() == own
    })
}

/// The magnitude as the nearest double; `None` above the range of doubles. Only for few digits: it makes a text of them.
fn nearest_double(decimal: &Decimal<'_>) -> Option<f64> {
    let digits = std::str::from_utf8(decimal.digits).ok()?;
    format!("0.{digits}e{}", decimal.point)
        .parse::<f64>()
        .ok()
        .filter(|double| double.is_finite())
}

/// ECMAScript's Number::toString over the digits as they are: plain from 1e-6 up to 1e21, scientific outside.
fn write_ecmascript(decimal: &Decimal<'_>, out: &mut impl Sink) {
    if (-5..=PLAIN_POINT).contains(&decimal.point) {
        write_plain(decimal, out);
    } else {
        write_scientific(decimal, out);
    }
}

fn write_plain(decimal: &Decimal<'_>, out: &mut impl Sink) {
    match usize::try_from(decimal.point) {
        Err(_) | Ok(0) => {
            out.put(b"0.");
            write_zeros(decimal.point.unsigned_abs() as usize, out);
            out.put(decimal.digits);
        }
        Ok(point) => match decimal.digits.split_at_checked(point) {
            None => {
                out.put(decimal.digits);
                write_zeros(point - decimal.digits.len(), out);
            }
            Some((whole, fraction)) => {
                out.put(whole);
                if !fraction.is_empty() {
                    out.put(b".");
                    out.put(fraction);
                }
            }
        },
    }
}

fn write_scientific(decimal: &Decimal<'_>, out: &mut impl Sink) {
    if let Some((first, rest)) = decimal.digits.split_first() {
        out.put(&[*first]);
        if !rest.is_empty() {
            out.put(b".");
            out.put(rest);
        }
    }
    let exponent = decimal.point - 1;
    out.put(if exponent < 0 { b"e-" } else { b"e+" });
    write_integer(false, u64::from(exponent.unsigned_abs()), out);
}

fn write_zeros(mut count: usize, out: &mut impl Sink) {
    const ZEROS: [u8; 64] = [b'0'; 64];
    while count > 0 {
        let step = count.min(ZEROS.len());
        out.put(ZEROS.get(..step).unwrap_or_default());
        count -= step;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Canonical form of a number given as JSON spells it.
    fn canonical(spelling: &str) -> String {
        let (mantissa, exponent) = spelling.split_once(['e', 'E']).unwrap_or((spelling, "0"));
        let is_negative = mantissa.starts_with('-');
        let mantissa = mantissa.trim_start_matches('-');
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let without_leading = all.trim_start_matches('0');
        let point = whole.len() as i32 - (all.len() - without_leading.len()) as i32
            + exponent.parse::<i32>().unwrap();
        let digits = without_leading.trim_end_matches('0').as_bytes();
        let mut out = Vec::new();
        write_decimal(
            &Decimal {
                is_negative,
                digits,
                point,
            },
            &mut out,
        );
        String::from_utf8(out).unwrap()
    }

    fn oracle(double: f64) -> String {
        String::from_utf8(serde_json_canonicalizer::to_vec(&double).unwrap()).unwrap()
    }

    #[test]
    fn numbers_take_the_form_that_ecmascript_prints() {
        for (spelling, expected) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("1.0", "1"),
            ("1e2", "100"),
            ("4.50", "4.5"),
            ("2e-3", "0.002"),
            ("1E30", "1e+30"),
            ("0.000000000000000000000000001", "1e-27"),
            ("333333333.33333329", "333333333.3333333"),
            ("999999999999999900000", "999999999999999900000"),
            ("1e21", "1e+21"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("-1.5e-9", "-1.5e-9"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ] {
            assert_eq!(canonical(spelling), expected, "{spelling}");
        }
    }

    #[test]
    fn numbers_that_no_double_holds_keep_their_digits() {
        for (spelling, expected) in [
            ("9007199254740993", "9007199254740993"),
            ("295147905179352830000", "295147905179352830000"),
            ("9007199254740993000001", "9007199254740993000001"),
            ("-1e309", format!("-1{}", "0".repeat(309)).as_str()),
            ("0.100000000000000000", "0.1"),
            ("0.123456789012345678", "0.123456789012345678"),
            ("1e-400", format!("0.{}1", "0".repeat(399)).as_str()),
        ] {
            assert_eq!(canonical(spelling), expected, "{spelling}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn a_printed_double_is_written_as_the_peer_writes_it(bits in any::<u64>()) {
            let double = f64::from_bits(bits);
            prop_assume!(double.is_finite());
            prop_assert_eq!(canonical(&format!("{double:e}")), oracle(double));
        }

        #[test]
        fn a_short_fraction_is_written_as_its_double(
            digits in 1u64..=9_999_999_999_999_999,
            last in 1u64..=9,
            exponent in -322i32..=-1,
        ) {
            let spelling = format!("{digits}{last}e{exponent}");
            prop_assert_eq!(canonical(&spelling), oracle(spelling.parse().unwrap()));
        }

        #[test]
        fn different_integers_never_look_alike(base in any::<u128>(), step in 1u128..4) {
            let other = base.wrapping_add(step);
            prop_assert_ne!(canonical(&base.to_string()), canonical(&other.to_string()));
        }

        #[test]
        fn canonical_form_reads_back_as_a_fixed_point(digits in "[1-9][0-9]{0,40}", exponent in -60i32..60) {
            let once = canonical(&format!("{digits}e{exponent}"));
            prop_assert_eq!(canonical(&once), once);
        }

        #[test]
        fn small_integers_agree_with_the_general_path(value in any::<i64>()) {
            let mut out = Vec::new();
            write_integer(value < 0, value.unsigned_abs(), &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), canonical(&value.to_string()));
        }
    }
}
