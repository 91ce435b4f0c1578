//! JSON in its canonical form (RFC 8785), as the database's `parley.content_digest` hashes it.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

/// The database keeps the exact digits of a number that no double equals. What is not told apart here is left to it; senders
/// that print doubles send none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exotic;

/// Integers up to here are doubles.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// Appends the canonical form of a value.
pub(super) fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), Exotic> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out)?,
        Value::String(text) => write_text(text, out),
        Value::Array(list) => write_list(list, out, write)?,
        Value::Object(map) => write_map(map, out)?,
    }
    Ok(())
}

fn write_number(number: &Number, out: &mut Vec<u8>) -> Result<(), Exotic> {
    if let Some(integer) = number.as_i64() {
        out.extend_from_slice(integer.to_string().as_bytes());
    } else if let Some(integer) = number.as_u64() {
        out.extend_from_slice(integer.to_string().as_bytes());
    } else {
        let double = number.as_f64().filter(|double| double.abs() < LARGEST_EXACT);
        let double = double.ok_or(Exotic)?;
        // Where the parser keeps the digits as they were sent (a feature that another crate may switch on), they may say more.
        if Number::from_f64(double).as_ref() != Some(number) {
            return Err(Exotic);
        }
        out.extend_from_slice(ryu_js::Buffer::new().format_finite(double).as_bytes());
    }
    Ok(())
}

/// Appends a text with its quotes.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    // It escapes what the RFC wants escaped, in the same way; writing into memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends a list, each value in a way of the caller's.
pub(super) fn write_list(
    list: &[Value],
    out: &mut Vec<u8>,
    write: impl Fn(&Value, &mut Vec<u8>) -> Result<(), Exotic>,
) -> Result<(), Exotic> {
    out.push(b'[');
    for (index, value) in list.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(value, out)?;
    }
    out.push(b']');
    Ok(())
}

fn write_map(map: &Map<String, Value>, out: &mut Vec<u8>) -> Result<(), Exotic> {
    let members = map.iter().map(|(name, value)| (name.as_str(), value));
    write_members(members.collect(), out, |_, value, out| write(value, out))
}

/// Appends members as an object, each value in a way of the caller's.
pub(super) fn write_members<V>(
    mut members: Vec<(&str, V)>,
    out: &mut Vec<u8>,
    write: impl Fn(&str, V, &mut Vec<u8>) -> Result<(), Exotic>,
) -> Result<(), Exotic> {
    members.sort_unstable_by(|(left, _), (right, _)| by_code_units(left, right));
    out.push(b'{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(name, out);
        out.push(b':');
        write(name, value, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// The order of UTF-16, which is that of the bytes for all names that anybody uses.
fn by_code_units(left: &str, right: &str) -> Ordering {
    if left.is_ascii() && right.is_ascii() {
        left.cmp(right)
    } else {
        left.encode_utf16().cmp(right.encode_utf16())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn canonical(value: &Value) -> String {
        let mut out = Vec::new();
        write(value, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn sample_of_the_rfc_is_written_as_there() {
        let value = json!({
            "numbers": [333_333_333.333_333_3, 4.50, 2e-3, 1e-27],
            "string": "\u{20ac}$\u{f}\nA'\u{42}\u{22}\u{5c}\u{5c}\u{22}/",
            "literals": [null, true, false],
        });
        let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
        assert_eq!(canonical(&value), expected);
    }

    #[test]
    fn numbers_that_no_double_equals_are_left_to_the_database() {
        for text in ["1e30", "-1e16", "12345678901234567890123", "9007199254740993.0"] {
            let number: Value = serde_json::from_str(text).unwrap();
            assert_eq!(write(&number, &mut Vec::new()), Err(Exotic), "{text}");
        }
    }

    #[test]
    fn keys_are_in_the_order_of_utf_16_and_integers_keep_their_digits() {
        let value: Value = serde_json::from_str(
            "{\"\\ufb33\":1,\"\\ud83d\\ude02\":2,\"b\":9007199254740993,\"a\":-0.0,\"ab\":100.0}",
        )
        .unwrap();
        let expected = "{\"a\":0,\"ab\":100,\"b\":9007199254740993,\"\u{1f602}\":2,\"\u{fb33}\":1}";
        assert_eq!(canonical(&value), expected);
    }
}
