//! Files to text. This runs in the process of its own alone.

use super::{Format, charset, html, pdf};

/// The most text of a document; a book has a million characters.
pub(super) const MOST_CHARS: usize = 2_000_000;

/// Why a document gives no text. `Display` is for the owner of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is neither UTF-8 nor UTF-16, and not of a kind that says what it is.
    #[error("This file is not a text in UTF-8. Save it as UTF-8, or as a PDF, and upload it again.")]
    NotText,
    /// The PDF is broken, or of a kind that cannot be read.
    #[error("This PDF cannot be read. It may be damaged.")]
    BrokenPdf,
    /// It needs a password.
    #[error("This PDF is protected by a password. Save it without one and upload it again.")]
    Encrypted,
    /// The letters of the PDF are shapes.
    #[error(
        "This PDF does not say which characters its letters are: copied from it, its text is empty or nonsense. Save it anew from the program that it was made with, and upload it again."
    )]
    NoCharacters,
    /// There are only pictures, or nothing at all.
    #[error("There is no text in this document. A scanned document has to be turned into text first.")]
    Empty,
    /// It is far too long.
    #[error("There is too much text in this document: at most 2,000,000 characters are read. Split it.")]
    TooLong,
    /// It took too long, or too much memory.
    #[error("This document is too complicated to be read.")]
    TooComplicated,
}

impl DocumentError {
    /// All of them.
    const ALL: [Self; 7] = [
        Self::NotText,
        Self::BrokenPdf,
        Self::Encrypted,
        Self::NoCharacters,
        Self::Empty,
        Self::TooLong,
        Self::TooComplicated,
    ];

    /// What the process of its own ends with. Ordinary statuses are below.
    pub(super) fn status(self) -> u8 {
        let place = Self::ALL
            .iter()
            .position(|error| *error == self)
            .unwrap_or_default();
        64 + u8::try_from(place).unwrap_or_default()
    }

    pub(super) fn of_status(status: i32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|error| i32::from(error.status()) == status)
    }
}

/// The text of a document.
///
/// # Errors
///
/// [`DocumentError`]. It may also panic, or never come back: that is what the process is for.
pub fn of(format: Format, bytes: &[u8]) -> Result<String, DocumentError> {
    let text = match format {
        Format::Plain | Format::Markdown => charset::text(bytes)?,
        Format::Html => html::text(&charset::page(bytes)?).into(),
        Format::Pdf => pdf::text(bytes)?.into(),
    };
    let text = with_plain_ends(&text);
    if text.trim().is_empty() {
        return Err(DocumentError::Empty);
    }
    if text.chars().count() > MOST_CHARS {
        return Err(DocumentError::TooLong);
    }
    Ok(text)
}

/// Ends of lines in one form, of pages and paragraphs as empty lines. Other control characters, of which no database keeps some and no reader sees any,
/// become spaces: left out, they would make one word of two.
fn with_plain_ends(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '\r' if signs.peek() == Some(&'\n') => {}
            '\r' | '\u{b}' | '\u{85}' | '\u{2028}' => plain.push('\n'),
            '\u{c}' | '\u{2029}' => plain.push_str("\n\n"),
            '\n' | '\t' => plain.push(sign),
            _ if sign.is_control() => plain.push(' '),
            _ => plain.push(sign),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_becomes_what_a_reader_sees() {
        let page = "<html><head><title>T</title><style>p{}</style><script>evil()</script></head>
            <body><h1>Prices</h1><p>It costs <b>49</b> euros &amp; no more.</p><ul><li>One</li><li>Two</li></ul></body>";
        let text = of(Format::Html, page.as_bytes()).unwrap();
        assert!(
            text.contains("Prices") && text.contains("It costs 49 euros & no more."),
            "{text}"
        );
        assert!(
            !text.contains("evil") && !text.contains("p{}") && !text.contains('<'),
            "{text}"
        );
    }

    #[test]
    fn every_old_end_of_a_line_divides_words() {
        for (ending, expected) in [
            ("\n", "\n"),
            ("\r\n", "\n"),
            ("\r", "\n"),
            ("\r\r", "\n\n"),
            ("\u{b}", "\n"),
            ("\u{c}", "\n\n"),
            ("\u{85}", "\n"),
            ("\u{2028}", "\n"),
            ("\u{2029}", "\n\n"),
            ("\t", "\t"),
            ("\u{7}", " "),
            ("\u{1c}", " "),
            ("\u{9f}", " "),
        ] {
            for format in [Format::Plain, Format::Markdown] {
                let text = of(format, format!("\u{feff}one{ending}two\u{200d}").as_bytes());
                assert_eq!(text, Ok(format!("one{expected}two\u{200d}")), "{ending:?}");
            }
        }
    }

    #[test]
    fn what_is_no_text_is_told_apart() {
        let plain = |bytes: &[u8]| of(Format::Plain, bytes);
        assert_eq!(plain(b"\xff\xfd"), Err(DocumentError::NotText));
        assert_eq!(plain(b"PK\x03\x04\0\0"), Err(DocumentError::NotText));
        assert_eq!(plain(b" \n\t"), Err(DocumentError::Empty));
        assert_eq!(
            plain("x".repeat(MOST_CHARS + 1).as_bytes()),
            Err(DocumentError::TooLong)
        );
        assert_eq!(
            of(Format::Pdf, b"%PDF-1.7 nothing"),
            Err(DocumentError::BrokenPdf)
        );
        for error in DocumentError::ALL {
            assert_eq!(DocumentError::of_status(error.status().into()), Some(error));
        }
    }
}
