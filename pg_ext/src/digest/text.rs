//! Strings in canonical form, and the order of keys (RFC 8785, sections 3.2.2.2 and 3.2.3).

use std::cmp::Ordering;

use super::sink::Sink;

/// Writes a string with its quotes. Only `"`, `\` and the control characters below U+0020 are escaped; everything else is literal.
pub fn write_string(bytes: &[u8], out: &mut impl Sink) {
    out.put(b"\"");
    let mut rest = bytes;
    while let Some(at) = position_to_escape(rest) {
        let (plain, tail) = rest.split_at(at);
        out.put(plain);
        let Some((&byte, tail)) = tail.split_first() else {
            break;
        };
        write_escape(byte, out);
        rest = tail;
    }
    out.put(rest);
    out.put(b"\"");
}

/// Orders two keys by their UTF-16 code units.
///
/// That is the order of the UTF-8 bytes but for one case: characters beyond the basic plane (first byte F0 and up) are surrogates in
/// UTF-16, so they come before U+E000..U+FFFF (first byte EE or EF).
pub fn compare_keys(left: &[u8], right: &[u8]) -> Ordering {
    let first_difference = left.iter().zip(right).find(|(a, b)| a != b);
    match first_difference {
        None => left.len().cmp(&right.len()),
        Some((&a, &b)) if a >= 0xEE && b >= 0xEE => (a < 0xF0, a).cmp(&(b < 0xF0, b)),
        Some((a, b)) => a.cmp(b),
    }
}

fn write_escape(byte: u8, out: &mut impl Sink) {
    match byte {
        b'"' => out.put(b"\\\""),
        b'\\' => out.put(b"\\\\"),
        0x08 => out.put(b"\\b"),
        0x09 => out.put(b"\\t"),
        0x0A => out.put(b"\\n"),
        0x0C => out.put(b"\\f"),
        0x0D => out.put(b"\\r"),
        _ => {
            let low = byte & 15;
            let digit = if low < 10 { b'0' + low } else { b'a' + low - 10 };
            out.put(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), digit]);
        }
    }
}

/// Where the first byte stands that may not be literal. Eight bytes at a step: most strings have none.
fn position_to_escape(bytes: &[u8]) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<8>();
    let clean = words
        .iter()
        .take_while(|word| !has_escape(u64::from_ne_bytes(**word)))
        .count()
        * 8;
    let tail = bytes.get(clean..)?;
    tail.iter()
        .position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\')
        .map(|at| clean + at)
}

/// Whether one of eight bytes is a quote, a backslash or below 0x20 (the classic test for a zero byte, three times).
fn has_escape(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | equal(b'"') | equal(b'\\')) != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write_string(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    fn oracle(text: &str) -> String {
        String::from_utf8(serde_json_canonicalizer::to_vec(&text).unwrap()).unwrap()
    }

    #[test]
    fn every_control_character_is_escaped_as_the_rfc_says() {
        assert_eq!(
            written("\u{8}\t\n\u{b}\u{c}\r\u{1f}\u{7f}\"\\/€"),
            r#""\b\t\n\u000b\f\r\u001f"#.to_owned() + "\u{7f}\\\"\\\\/€\""
        );
    }

    proptest! {
        #[test]
        fn strings_are_written_as_the_peer_writes_them(text in any::<String>()) {
            prop_assert_eq!(written(&text), oracle(&text));
        }

        #[test]
        fn strings_full_of_escapes_are_written_as_the_peer_writes_them(text in "[\\x00-\\x23\\\\a]{0,40}") {
            prop_assert_eq!(written(&text), oracle(&text));
        }

        #[test]
        fn keys_have_the_order_of_their_utf16_code_units(
            left in "[a\u{7f}\u{e9}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,4}",
            right in "[a\u{7f}\u{e9}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,4}",
        ) {
            let expected = left.encode_utf16().cmp(right.encode_utf16());
            prop_assert_eq!(compare_keys(left.as_bytes(), right.as_bytes()), expected);
        }
    }
}
