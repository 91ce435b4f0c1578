//! Texts in pieces: of a size that a model reads at once and a person at a glance, cut at the ends of sentences where there are any, each
//! beginning with the last words of the one before, so that no thought is lost at a cut.

use text_splitter::{ChunkConfig, MarkdownSplitter, TextSplitter};

/// The most of a piece.
pub const SIZE_CHARS: usize = 1000;

/// The most that a piece repeats of the one before. Whole sentences only: a longer one is not repeated.
pub const OVERLAP_CHARS: usize = 200;

/// What is split at a time. Time grows faster than the text otherwise: with its end far away, sentences are looked for again and again.
const PORTION_BYTES: usize = 64 * 1024;

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Where it begins, in bytes.
    pub offset: usize,
    /// Without the white space at its ends.
    pub text: &'a str,
}

/// The pieces of a plain text. Every word is in one of them at least.
pub fn of_text(text: &str) -> Vec<Chunk<'_>> {
    let Some(config) = config() else {
        return Vec::new();
    };
    let splitter = TextSplitter::new(config);
    split(text, |portion| splitter.chunk_indices(portion).collect())
}

/// The pieces of a text in Markdown, which are cut at headings and between blocks first.
pub fn of_markdown(text: &str) -> Vec<Chunk<'_>> {
    let Some(config) = config() else {
        return Vec::new();
    };
    let splitter = MarkdownSplitter::new(config);
    split(text, |portion| splitter.chunk_indices(portion).collect())
}

/// `None` only where the overlap were larger than the size.
fn config() -> Option<ChunkConfig<text_splitter::Characters>> {
    ChunkConfig::new(SIZE_CHARS).with_overlap(OVERLAP_CHARS).ok()
}

fn split<'a>(text: &'a str, split: impl Fn(&'a str) -> Vec<(usize, &'a str)>) -> Vec<Chunk<'a>> {
    let mut chunks = Vec::new();
    let mut begin = 0;
    while let Some(rest) = text.get(begin..).filter(|rest| !rest.is_empty()) {
        let (portion, _) = rest.split_at(portion(rest));
        let found = split(portion).into_iter().map(|(offset, text)| Chunk {
            offset: begin + offset,
            text,
        });
        chunks.extend(found.filter(|chunk| !chunk.text.trim().is_empty()));
        begin += portion.len();
    }
    chunks
}

/// Where the first portion ends: at a paragraph, or a line, or a sentence, or a word, in its second half.
fn portion(text: &str) -> usize {
    if text.len() <= PORTION_BYTES {
        return text.len();
    }
    let most = text.floor_char_boundary(PORTION_BYTES);
    let least = text.floor_char_boundary(PORTION_BYTES / 2);
    let half = text.get(least..most).unwrap_or_default();
    let ends = ["\n\n", "\n", ". ", " "];
    let end = ends.iter().find_map(|end| Some(half.rfind(end)? + end.len()));
    end.map_or(most, |end| least + end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The words that no chunk has in whole or in part.
    fn lost(text: &str, chunks: &[Chunk<'_>]) -> String {
        let mut covered = vec![false; text.len()];
        for chunk in chunks {
            assert_eq!(&text[chunk.offset..chunk.offset + chunk.text.len()], chunk.text);
            covered[chunk.offset..chunk.offset + chunk.text.len()].fill(true);
        }
        text.char_indices()
            .filter(|(at, c)| !covered[*at] && !c.is_whitespace())
            .map(|(_, c)| c)
            .collect()
    }

    fn texts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-zäß]{1,12}",
            Just(". ".to_owned()),
            Just("! ".to_owned()),
            Just("\n".to_owned()),
            Just("\n\n".to_owned()),
            Just(" ".to_owned()),
            Just("# ".to_owned()),
            Just("語の文。".to_owned()),
            Just("👩‍👩‍👧‍👦".to_owned()),
            "\\PC{0,20}",
            Just("x".repeat(1500)),
        ];
        prop::collection::vec(piece, 0..400).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn no_word_is_lost_and_no_chunk_is_too_long_or_out_of_order(text in texts()) {
            for chunks in [of_text(&text), of_markdown(&text)] {
                prop_assert_eq!(lost(&text, &chunks), "");
                for chunk in &chunks {
                    let length = chunk.text.chars().count();
                    prop_assert!(length <= SIZE_CHARS && !chunk.text.trim().is_empty(), "{}", length);
                }
                for pair in chunks.windows(2) {
                    prop_assert!(pair[0].offset < pair[1].offset);
                    prop_assert!(pair[0].offset + pair[0].text.len() <= pair[1].offset + pair[1].text.len());
                }
            }
        }
    }

    #[test]
    fn cuts_are_between_sentences_and_the_last_sentence_comes_again() {
        let text: String = (0..60)
            .map(|n| format!("This is the sentence with the number {n} in it. "))
            .collect();
        let chunks = of_text(&text);
        assert!(chunks.len() > 2);
        for chunk in &chunks {
            assert!(
                chunk.text.starts_with("This is") && chunk.text.ends_with("in it."),
                "{}",
                chunk.text
            );
        }
        for pair in chunks.windows(2) {
            let overlap = pair[0].offset + pair[0].text.len() - pair[1].offset;
            assert!((1..=OVERLAP_CHARS).contains(&overlap), "{overlap}");
        }
    }

    #[test]
    fn long_text_without_any_border_is_split_as_well() {
        let text = "x".repeat(200_000);
        let chunks = of_text(&text);
        assert_eq!(lost(&text, &chunks), "");
        assert!((200..=300).contains(&chunks.len()), "{}", chunks.len());
    }
}
