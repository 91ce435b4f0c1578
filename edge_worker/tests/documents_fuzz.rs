//! The reading of documents against bytes that nobody thought of.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[path = "support/pdf.rs"]
mod pdf;

use std::path::PathBuf;
use std::time::Duration;

use edge_worker::knowledge::{DocumentError, Format, Reader, of_markdown, of_text, text_of};

fn reader(patience: Duration) -> Reader {
    Reader::by(PathBuf::from(env!("CARGO_BIN_EXE_edge_worker")), patience)
}

fn is_usable(text: &str) -> bool {
    let has_controls = text
        .chars()
        .any(|sign| sign.is_control() && !matches!(sign, '\n' | '\t'));
    !text.trim().is_empty() && !has_controls
}

#[test]
fn any_bytes_are_a_text_or_refused_and_any_text_is_split() {
    bolero::check!()
        .with_type::<(u8, Vec<u8>)>()
        .for_each(|(name, bytes)| {
            let format = match name % 3 {
                0 => Format::Plain,
                1 => Format::Markdown,
                _ => Format::Html,
            };
            Format::of(&format!("d/{name}.md"), bytes);
            if let Ok(text) = text_of(format, bytes) {
                assert!(is_usable(&text));
                for chunks in [of_text(&text), of_markdown(&text)] {
                    assert!(!chunks.is_empty() && chunks.iter().all(|chunk| text.contains(chunk.text)));
                }
            }
        });
}

/// The parser may panic, which is what its process is for; it may not say that nonsense is a text.
#[test]
fn damaged_pdf_gives_a_usable_text_or_none() {
    std::panic::set_hook(Box::new(|_| ()));
    let lines = ["Hello there"];
    let files = [
        pdf::pdf(&lines),
        pdf::locked(&lines, pdf::Lock::Old, ""),
        pdf::locked(&lines, pdf::Lock::New, ""),
        pdf::locked(&lines, pdf::Lock::Certificate, ""),
    ];
    bolero::check!()
        .with_type::<(u8, Vec<(u16, u8)>)>()
        .for_each(|(file, changes)| {
            let mut bytes = files[usize::from(*file) % files.len()].clone();
            for (place, byte) in changes {
                let place = usize::from(*place) % bytes.len();
                if let Some(old) = bytes.get_mut(place) {
                    *old = *byte;
                }
            }
            if let Ok(Ok(text)) = std::panic::catch_unwind(|| text_of(Format::Pdf, &bytes)) {
                assert!(is_usable(&text));
            }
        });
}

#[tokio::test]
async fn document_that_is_made_to_hurt_hurts_nobody() {
    let patient = reader(Duration::from_secs(90));
    for unit in ["<div>", "<table><tr><td>", "<b><p>"] {
        let page = format!("<html>{}Hello", unit.repeat(2000));
        let read = patient.read(Format::Html, page.into_bytes()).await.unwrap();
        assert!(
            matches!(&read, Err(DocumentError::TooComplicated)) || read.is_ok(),
            "{read:?}"
        );
    }
    // What takes far longer than anybody waits is killed.
    let page = format!("<html>{}Hello", "<div>".repeat(400_000));
    let read = reader(Duration::from_millis(300))
        .read(Format::Html, page.into_bytes())
        .await
        .unwrap();
    assert_eq!(read, Err(DocumentError::TooComplicated));
    // And who is not at fault is read.
    assert_eq!(
        patient
            .read(Format::Pdf, pdf::pdf(&["Hello there"]))
            .await
            .unwrap()
            .as_deref(),
        Ok("Hello there")
    );
}
