//! Files to text. This runs in the process of its own alone.

use pdf_extract::{Error as PdfError, OutputError};

use super::Format;

/// The most text of a document; a book has a million characters.
const MOST_CHARS: usize = 2_000_000;

/// Wide enough that no sentence is broken: lines are for people who read on paper.
const LINE_CHARS: usize = 10_000;

/// Why a document gives no text. `Display` is for the owner of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is not UTF-8, and not of a kind that says what it is.
    #[error("This file is not a text in UTF-8. Save it as UTF-8, or as a PDF, and upload it again.")]
    NotText,
    /// The PDF is broken, or of a kind that cannot be read.
    #[error("This PDF cannot be read. It may be damaged.")]
    BrokenPdf,
    /// It needs a password.
    #[error("This PDF is protected by a password. Save it without one and upload it again.")]
    Encrypted,
    /// The page is broken beyond what browsers forgive.
    #[error("This page cannot be read.")]
    BrokenHtml,
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
        Self::BrokenHtml,
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
        Format::Plain | Format::Markdown => utf8(bytes)?.to_owned(),
        Format::Html => html2text::config::plain_no_decorate()
            .raw_mode(true)
            .string_from_read(utf8(bytes)?.as_bytes(), LINE_CHARS)
            .map_err(|_| DocumentError::BrokenHtml)?,
        Format::Pdf => pdf(bytes)?,
    };
    // No database keeps these; a form feed ends a page.
    let text: String = text
        .replace("\r\n", "\n")
        .replace('\u{c}', "\n\n")
        .chars()
        .filter(|sign| !sign.is_control() || matches!(sign, '\n' | '\t'))
        .collect();
    if text.trim().is_empty() {
        return Err(DocumentError::Empty);
    }
    if text.chars().count() > MOST_CHARS {
        return Err(DocumentError::TooLong);
    }
    Ok(text)
}

fn utf8(bytes: &[u8]) -> Result<&str, DocumentError> {
    let text = std::str::from_utf8(bytes).map_err(|_| DocumentError::NotText)?;
    // What has these is no text, whatever else it is.
    if text.contains('\0') {
        return Err(DocumentError::NotText);
    }
    Ok(text.trim_start_matches('\u{feff}'))
}

fn pdf(bytes: &[u8]) -> Result<String, DocumentError> {
    let text = pdf_extract::extract_text_from_mem(bytes).map_err(|error| match error {
        // The empty password was tried: many documents only forbid to print. Locks that are not known here are no more open than others.
        OutputError::PdfError(
            PdfError::Decryption(_) | PdfError::InvalidPassword | PdfError::UnsupportedSecurityHandler(_),
        ) => DocumentError::Encrypted,
        _ => DocumentError::BrokenPdf,
    })?;
    Ok(unwrapped(&text))
}

/// A PDF has lines as they are printed, and sentences run over them: lines of a paragraph become one, words that were divided are whole.
fn unwrapped(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() {
            if !whole.is_empty() && !whole.ends_with("\n\n") {
                whole.push_str("\n\n");
            }
        } else {
            let is_divided = whole.ends_with('-') && line.starts_with(char::is_lowercase);
            if is_divided {
                whole.pop();
            } else if !whole.is_empty() && !whole.ends_with('\n') {
                whole.push(' ');
            }
            whole.push_str(line);
        }
    }
    whole
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
    fn printed_lines_become_sentences_again() {
        assert_eq!(
            unwrapped("A sen-\ntence that\nruns on.\n\n\n\nAnother"),
            "A sentence that runs on.\n\nAnother"
        );
    }

    #[test]
    fn what_is_no_text_is_told_apart() {
        let plain = |bytes: &[u8]| of(Format::Plain, bytes);
        assert_eq!(plain(b"\xff\xfe"), Err(DocumentError::NotText));
        assert_eq!(plain(b"PK\x03\x04\0\0"), Err(DocumentError::NotText));
        assert_eq!(plain(b" \n\t"), Err(DocumentError::Empty));
        assert_eq!(
            plain("x".repeat(MOST_CHARS + 1).as_bytes()),
            Err(DocumentError::TooLong)
        );
        assert_eq!(plain("\u{feff}a\r\nb\u{7}".as_bytes()).unwrap(), "a\nb");
        assert_eq!(
            of(Format::Pdf, b"%PDF-1.7 nothing"),
            Err(DocumentError::BrokenPdf)
        );
        for error in DocumentError::ALL {
            assert_eq!(DocumentError::of_status(error.status().into()), Some(error));
        }
    }
}
