//! JSON of others, read as leniently as its senders write it.
//!
//! An escape of half a surrogate pair (`"\ud83d"`) is JSON by the grammar (RFC 8259, section 8.2) and no text: serde_json refuses the whole body for it.
//! An escape of U+0000 is a text, and Postgres keeps it in none. Both come of text that was cut in the middle of a character, or of a binary mistaken for
//! text, and are no reason to lose a transcript: they are read as U+FFFD. Nothing else is mended. Signatures are checked over the bytes as they came.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// What is written instead: six bytes, as what it replaces.
const REPLACEMENT: &[u8; 6] = br"\ufffd";

/// Reads JSON.
///
/// # Errors
///
/// Where it is none, or not of this shape.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(&mended(bytes))
}

/// The same bytes, with U+FFFD in the place of escapes that are no character, or none that Postgres keeps.
fn mended(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut mended = Cow::Borrowed(bytes);
    let mut at = 0;
    // Outside of a text no backslash is JSON, so that every one of them begins an escape.
    while let Some(found) = next_escape(bytes, at) {
        at = match unit(bytes, found) {
            // Two bytes: a backslash and what it escapes, which may be a backslash.
            None => found + 2,
            Some(0xD800..=0xDBFF) if matches!(unit(bytes, found + 6), Some(0xDC00..=0xDFFF)) => found + 12,
            Some(0 | 0xD800..=0xDFFF) => {
                if let Some(escape) = mended.to_mut().get_mut(found..found + 6) {
                    escape.copy_from_slice(REPLACEMENT);
                }
                found + 6
            }
            Some(_) => found + 6,
        };
    }
    mended
}

fn next_escape(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    Some(from + rest.iter().position(|byte| *byte == b'\\')?)
}

/// The code unit that is escaped here.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(br"\u")?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn half_a_pair_and_nul_are_replaced_and_nothing_else_is() {
        for (sent, expected) in [
            (r#""a\ud83d""#, json!("a\u{fffd}")),
            (r#""\ude00a""#, json!("\u{fffd}a")),
            (r#""\ud83d\ud83d\ude00\ude00""#, json!("\u{fffd}😀\u{fffd}")),
            (r#""\uD83D\n\uDE00""#, json!("\u{fffd}\n\u{fffd}")),
            (r#""\ud83d😀""#, json!("\u{fffd}😀")),
            (r#"{"\u0000": "a\u0000b"}"#, json!({ "\u{fffd}": "a\u{fffd}b" })),
            // What is escaped is the backslash.
            (
                r#""\\ud83d \\u0000 \\\ud83d""#,
                json!("\\ud83d \\u0000 \\\u{fffd}"),
            ),
            (
                r#"["\u00e9", "\ud83d\ude00", "\uffff"]"#,
                json!(["é", "😀", "\u{ffff}"]),
            ),
        ] {
            assert_eq!(read::<Value>(sent.as_bytes()).unwrap(), expected, "{sent}");
        }
        for broken in [
            r#""\u""#,
            r#""\ud8""#,
            r#""\ud83d"#,
            r#""\x""#,
            r#"\ud83d"#,
            "\"\\",
            "",
            "\"\u{0}\"",
        ] {
            assert!(read::<Value>(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    proptest! {
        /// The oracle is UTF-16: what JavaScript's `toWellFormed` gives, and U+0000 besides.
        #[test]
        fn any_code_units_become_the_text_that_a_browser_makes_of_them(units in prop::collection::vec(prop_oneof![any::<u16>(), 0xD7FE..0xE002u16, 0..2u16], 0..40)) {
            let sent: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let expected = String::from_utf16_lossy(&units).replace('\0', "\u{fffd}");
            prop_assert_eq!(read::<String>(format!("\"{sent}\"").as_bytes()).unwrap(), expected);
        }

        #[test]
        fn what_needs_no_mending_is_left_as_it_is(bytes in prop::collection::vec(any::<u8>(), 0..200), text in any::<String>()) {
            let sent = serde_json::to_string(&text.replace('\0', "")).unwrap();
            prop_assert!(matches!(mended(sent.as_bytes()), Cow::Borrowed(_)));
            prop_assert_eq!(mended(&bytes).len(), bytes.len());
        }
    }
}
