//! What is heard in a file.

use sha2::{Digest as _, Sha256};

/// What makes a file say itself what is spoken in it.
const MARK: &[u8] = b"SPEECH:";

/// How much of a file can be such text.
const MOST_TEXT: usize = 16 * 1024 * 1024;

/// What is heard in every other file: an opening and an end, chosen by its bytes.
const OPENINGS: [&str; 4] = [
    "Welcome to this recording.",
    "Let us have a look at the product.",
    "Here is how it works.",
    "Thank you for watching.",
];
const ENDS: [&str; 4] = [
    "Press the green button to begin.",
    "You find all settings in the menu.",
    "It takes less than a minute.",
    "Ask us when something is unclear.",
];

/// Listens to a file as it comes.
#[derive(Debug, Default)]
pub(super) struct Listener {
    digest: Sha256,
    head: Vec<u8>,
    size: u64,
}

impl Listener {
    pub(super) fn hear(&mut self, chunk: &[u8]) {
        self.digest.update(chunk);
        self.size += chunk.len() as u64;
        // Only while it may still be text.
        let is_speech = self.head.is_empty() || self.head.starts_with(MARK) || MARK.starts_with(&self.head);
        if is_speech {
            let room = MOST_TEXT.saturating_sub(self.head.len()).min(chunk.len());
            self.head.extend_from_slice(chunk.get(..room).unwrap_or_default());
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The sentences, in order. A file of a mark alone is silence.
    pub(super) fn sentences(self) -> Vec<String> {
        if let Some(speech) = self.head.strip_prefix(MARK) {
            let text = String::from_utf8_lossy(speech);
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            return lines.map(str::to_owned).collect();
        }
        let digest = self.digest.finalize();
        let choice = |index: usize| usize::from(digest.get(index).copied().unwrap_or_default());
        let pick = |list: &[&'static str; 4], index| {
            list.get(choice(index) % list.len()).copied().unwrap_or_default()
        };
        vec![
            pick(&OPENINGS, 0).to_owned(),
            format!("This file has {} bytes.", self.size),
            pick(&ENDS, 1).to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(chunks: &[&[u8]]) -> Vec<String> {
        let mut listener = Listener::default();
        for chunk in chunks {
            listener.hear(chunk);
        }
        listener.sentences()
    }

    #[test]
    fn marked_file_says_its_sentences_however_it_comes() {
        let expected = ["It waters itself.", "Every Monday."];
        assert_eq!(
            heard(&[b"SPEECH:\nIt waters itself.\r\n\n Every Monday.\n"]),
            expected
        );
        assert_eq!(
            heard(&[b"SPE", b"ECH:\nIt waters its", b"elf.\nEvery Monday."]),
            expected
        );
        assert!(heard(&[b"SPEECH:\n"]).is_empty());
    }

    #[test]
    fn any_other_file_is_heard_the_same_every_time() {
        let file: &[u8] = &[0, 1, 2, 255];
        assert_eq!(heard(&[file]), heard(&[&file[..2], &file[2..]]));
        assert_eq!(heard(&[file]).len(), 3);
        assert_ne!(heard(&[file]), heard(&[b"another"]));
    }
}
