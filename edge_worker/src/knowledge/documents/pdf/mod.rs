//! PDFs. Two readers, the better one first: what makes one of them fail or panic, the other often reads.

mod glyphs;
mod lines;
mod paragraphs;

use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError};
use pdf_extract::{Error as PdfError, OutputError};

use self::paragraphs::Paragraphs;
use super::DocumentError;

/// The text of a PDF.
///
/// # Errors
///
/// What the reader says that knows most of the document.
pub(super) fn text(bytes: &[u8]) -> Result<String, DocumentError> {
    first_that_reads(&[drawn, extracted], bytes)
}

/// What a reader made of a document.
#[derive(Debug)]
struct Found {
    text: String,
    /// It knew nearly all letters.
    is_whole: bool,
}

type Read = fn(&[u8]) -> Result<Found, DocumentError>;

fn first_that_reads(readers: &[Read], bytes: &[u8]) -> Result<String, DocumentError> {
    let mut failure = DocumentError::BrokenPdf;
    let mut part = String::new();
    for read in readers {
        // A panic ends a reader, not the reading.
        let found = catch_unwind(AssertUnwindSafe(|| read(bytes)));
        match found.unwrap_or(Err(DocumentError::BrokenPdf)) {
            Ok(Found { text, .. }) if text.trim().is_empty() => {
                failure = worse(failure, DocumentError::Empty)
            }
            Ok(Found { text, is_whole: true }) if part.is_empty() => return Ok(text),
            Ok(Found { text, .. }) if letters(&text) > letters(&part) => part = text,
            Ok(_) => {}
            Err(error) => failure = worse(failure, error),
        }
    }
    if part.is_empty() { Err(failure) } else { Ok(part) }
}

fn letters(text: &str) -> usize {
    text.chars().filter(|letter| letter.is_alphanumeric()).count()
}

/// The truer reason of two: who found a lock, or read the pages and met no text, knows more than who could not open the document.
fn worse(one: DocumentError, other: DocumentError) -> DocumentError {
    let knows = |error| match error {
        DocumentError::Encrypted | DocumentError::TooLong => 3,
        DocumentError::NoCharacters => 2,
        DocumentError::Empty => 1,
        _ => 0,
    };
    if knows(other) > knows(one) { other } else { one }
}

/// By hayro, which draws pages: it knows the glyphs of a page, their characters and their places, and the lines are made of these here.
fn drawn(bytes: &[u8]) -> Result<Found, DocumentError> {
    glyphs::text(bytes).map_err(|error| match error {
        // The empty password was tried: many documents only forbid to print. Locks that are not known here are no more open than others.
        glyphs::Failure::Load(LoadPdfError::Decryption(
            DecryptionError::PasswordProtected | DecryptionError::UnsupportedAlgorithm,
        )) => DocumentError::Encrypted,
        glyphs::Failure::Load(_) => DocumentError::BrokenPdf,
        glyphs::Failure::NoCharacters => DocumentError::NoCharacters,
        glyphs::Failure::TooLong => DocumentError::TooLong,
    })
}

/// By pdf-extract, which takes some documents that are damaged.
fn extracted(bytes: &[u8]) -> Result<Found, DocumentError> {
    let text = pdf_extract::extract_text_from_mem(bytes).map_err(|error| match error {
        OutputError::PdfError(
            PdfError::Decryption(_) | PdfError::InvalidPassword | PdfError::UnsupportedSecurityHandler(_),
        ) => DocumentError::Encrypted,
        _ => DocumentError::BrokenPdf,
    })?;
    let mut paragraphs = Paragraphs::default();
    for line in text.lines() {
        paragraphs.push(line, false);
    }
    Ok(Found {
        text: paragraphs.text(),
        is_whole: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_reader_cannot_read_the_next_one_does_and_the_truest_reason_is_told() {
        fn found(text: &str, is_whole: bool) -> Result<Found, DocumentError> {
            let text = text.to_owned();
            Ok(Found { text, is_whole })
        }
        let reads: Read = |_| found("text", true);
        let reads_part: Read = |_| found("te", false);
        let reads_less: Read = |_| found("t ....", true);
        let blank: Read = |_| found(" \n", true);
        let locked: Read = |_| Err(DocumentError::Encrypted);
        let broken: Read = |_| Err(DocumentError::BrokenPdf);
        let shapes: Read = |_| Err(DocumentError::NoCharacters);
        let panics: Read = |_| std::panic::resume_unwind(Box::new(()));
        for (readers, expected) in [
            (vec![reads, panics], Ok("text")),
            (vec![panics, reads], Ok("text")),
            (vec![blank, reads], Ok("text")),
            (vec![reads_part, reads], Ok("text")),
            (vec![reads_part, reads_less], Ok("te")),
            (vec![reads_part, panics], Ok("te")),
            (vec![shapes, reads], Ok("text")),
            (vec![panics, panics], Err(DocumentError::BrokenPdf)),
            (vec![blank, panics], Err(DocumentError::Empty)),
            (vec![broken, blank], Err(DocumentError::Empty)),
            (vec![shapes, blank], Err(DocumentError::NoCharacters)),
            (vec![broken, locked], Err(DocumentError::Encrypted)),
            (vec![locked, blank], Err(DocumentError::Encrypted)),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(first_that_reads(&readers, b""), expected);
        }
    }

    /// What four writers made of the same sentences; `tests/documents/make` says how.
    #[test]
    fn sentences_of_every_writer_are_read_whole() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/documents");
        let sentences = std::fs::read(format!("{folder}/texts.json")).unwrap();
        let sentences: serde_json::Value = serde_json::from_slice(&sentences).unwrap();
        let sentence = |language: &str| sentences[language]["text"].as_str().unwrap().to_owned();
        for (writer, languages) in [
            // Its fonts for Arabic name parts of letters, and what these are together is told beside them.
            ("chromium", vec!["en", "de", "fr", "el", "zh", "ja", "ko", "th"]),
            ("pdfkit", vec!["en", "de", "fr", "ja", "th"]),
            ("pdf-lib", vec!["en", "de", "fr", "zh", "ja", "ko", "th"]),
            // One font is in StandardEncoding, and those of Chinese, Japanese and Korean are not in the file.
            ("reportlab", vec!["en", "de", "zh", "ja", "ko"]),
        ] {
            let text = drawn(&std::fs::read(format!("{folder}/{writer}.pdf")).unwrap()).unwrap();
            assert!(text.is_whole, "{writer}");
            for language in languages {
                assert!(text.text.contains(&sentence(language)), "{writer}: {}", text.text);
            }
            assert!(!text.text.contains("outside"), "{writer}: {}", text.text);
        }
        let text = drawn(&std::fs::read(format!("{folder}/chromium.pdf")).unwrap())
            .unwrap()
            .text;
        for word in sentence("ar").split(' ') {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
}
