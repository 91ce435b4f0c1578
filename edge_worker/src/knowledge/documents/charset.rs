//! Bytes as text.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::DocumentError;

/// Where browsers look for the name of a page's encoding.
const HEAD_BYTES: usize = 1024;

/// A text in UTF-8, or in UTF-16 where it begins with its mark.
///
/// # Errors
///
/// [`DocumentError::NotText`].
pub(super) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, DocumentError> {
    let text = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => encoding
            .decode_without_bom_handling_and_without_replacement(bytes.get(mark..).unwrap_or_default()),
        None => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
    };
    // What has U+0000 is no text, whatever else it is.
    text.filter(|text| !text.contains('\0'))
        .ok_or(DocumentError::NotText)
}

/// A page, as browsers decode it: by its mark, by what it says of itself, as UTF-8 where it is that, and else as what old pages are.
///
/// # Errors
///
/// [`DocumentError::NotText`].
pub(super) fn page(bytes: &[u8]) -> Result<Cow<'_, str>, DocumentError> {
    if Encoding::for_bom(bytes).is_some() {
        return text(bytes);
    }
    let declared = declared(bytes.get(..HEAD_BYTES).unwrap_or(bytes));
    let is_utf8 = std::str::from_utf8(bytes).is_ok();
    let encoding = declared.unwrap_or(if is_utf8 { UTF_8 } else { WINDOWS_1252 });
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    Some(text)
        .filter(|text| !text.contains('\0'))
        .ok_or(DocumentError::NotText)
}

/// `<meta charset="...">`, `<meta ... content="text/html; charset=...">`, `<?xml encoding="..."?>`.
fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let head: String = head
        .iter()
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    let in_tag = |begin: &str, name: &str| {
        let mut tags = head
            .split(begin)
            .skip(1)
            .filter_map(|rest| rest.split('>').next());
        tags.find_map(|tag| Encoding::for_label(label(tag.split_once(name)?.1)?.as_bytes()))
    };
    let encoding = in_tag("<meta", "charset").or_else(|| in_tag("<?xml", "encoding"))?;
    // Who could read this in ASCII did not read UTF-16.
    Some(if [UTF_16LE, UTF_16BE].contains(&encoding) {
        UTF_8
    } else {
        encoding
    })
}

fn label(behind_name: &str) -> Option<&str> {
    let value = behind_name.trim_start().strip_prefix('=')?;
    let is_end = |sign: char| matches!(sign, '"' | '\'' | ';' | '/' | '?') || sign.is_ascii_whitespace();
    value.trim_start_matches(is_end).split(is_end).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf8_or_says_that_it_is_utf16() {
        let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}"
                .encode_utf16()
                .chain(text.encode_utf16())
                .flat_map(bytes)
                .collect()
        };
        for bytes in [
            "Grüße, 世界 😀".as_bytes().to_vec(),
            "\u{feff}Grüße, 世界 😀".as_bytes().to_vec(),
            utf16("Grüße, 世界 😀", u16::to_le_bytes),
            utf16("Grüße, 世界 😀", u16::to_be_bytes),
        ] {
            assert_eq!(text(&bytes).unwrap(), "Grüße, 世界 😀");
        }
        for bytes in [&b"\xff\xfe\x00"[..], b"\xe9t\xe9", b"a\0", b"\xff\xfe\x00\xd8"] {
            assert_eq!(text(bytes), Err(DocumentError::NotText), "{bytes:?}");
        }
    }

    #[test]
    fn page_is_decoded_as_it_says() {
        for (bytes, expected) in [
            (&b"<meta charset=\"windows-1252\">caf\xe9 \x80"[..], "café €"),
            (
                b"<META http-equiv=content-type content='text/html; charset=ISO-8859-7'>\xe1",
                "α",
            ),
            (b"<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\xe9", "é"),
            (b"<meta charset=Shift_JIS>\x93\x8c", "東"),
            (b"<meta charset=utf-16>caf\xc3\xa9", "café"),
            (b"<meta charset=nonsense>caf\xc3\xa9", "café"),
            (b"<p>caf\xe9", "café"),
            (b"<p>caf\xc3\xa9", "café"),
            (b"\xef\xbb\xbf<meta charset=windows-1252>caf\xc3\xa9", "café"),
        ] {
            let text = page(bytes).unwrap();
            assert!(text.ends_with(expected), "{text}");
        }
    }
}
