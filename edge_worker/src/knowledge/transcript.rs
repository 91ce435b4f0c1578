//! A transcript as one text, and when each part of it is said.

use super::Chunk;
use crate::providers::elevenlabs::Transcript;

/// What the database takes.
const MOST_CHARS: usize = 2_000_000;
const MOST_SECONDS: f64 = 86_400.0;

/// A text of which it is known when its words are said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timed {
    text: String,
    /// Where a word begins and ends in the text, in bytes, and in the video, in seconds; both in their order.
    words: Vec<(usize, usize, f64, f64)>,
    duration: Option<f64>,
}

impl Timed {
    /// The words of a transcript. Where there are none, its text without times. Times never go back, whatever the provider says.
    pub fn of(transcript: &Transcript) -> Self {
        let mut timed = Self::default();
        let mut latest = 0.0_f64;
        let mut chars = 0;
        for word in &transcript.words {
            // No database keeps this one.
            let text = word.text.replace('\0', " ");
            chars += text.chars().count();
            if chars > MOST_CHARS {
                break;
            }
            let begin = timed.text.len();
            timed.text.push_str(&text);
            let (Some(start), false) = (word.start, text.trim().is_empty()) else {
                continue;
            };
            let start = start.clamp(latest, MOST_SECONDS.max(latest));
            let end = word.end.unwrap_or(start).clamp(start, MOST_SECONDS.max(start));
            latest = start;
            timed.words.push((begin, timed.text.len(), start, end));
        }
        if timed.text.trim().is_empty() {
            timed.words.clear();
            timed.text = transcript
                .text
                .replace('\0', " ")
                .chars()
                .take(MOST_CHARS)
                .collect();
        }
        let last = timed.words.iter().map(|(.., end)| *end).reduce(f64::max);
        timed.duration = transcript
            .duration_seconds
            .filter(|seconds| *seconds > 0.0)
            .or(last)
            .filter(|seconds| *seconds <= MOST_SECONDS);
        timed
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How long the video is, in whole seconds, at least one; as far as anybody has said.
    pub fn duration_seconds(&self) -> Option<i32> {
        #[expect(clippy::cast_possible_truncation, reason = "a day has 86,400")]
        self.duration.map(|seconds| seconds.ceil().max(1.0) as i32)
    }

    /// When this part of the text is said, in seconds.
    pub fn range(&self, chunk: &Chunk<'_>) -> Option<(f64, f64)> {
        let end_of_chunk = chunk.offset + chunk.text.len();
        let first = self.words.partition_point(|(_, end, ..)| *end <= chunk.offset);
        let last = self.words.partition_point(|(begin, ..)| *begin < end_of_chunk);
        let said = self.words.get(first..last)?;
        let (_, _, start, _) = said.first()?;
        let end = said.iter().map(|(.., end)| *end).reduce(f64::max)?;
        Some((*start, end))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::knowledge::of_text;
    use crate::providers::elevenlabs::Word;

    fn word(text: &str, start: f64, end: f64) -> Word {
        Word {
            text: text.to_owned(),
            start: Some(start),
            end: Some(end),
        }
    }

    #[test]
    fn chunk_is_said_from_its_first_word_to_its_last() {
        let words = vec![
            word("Hello", 0.5, 1.0),
            word(" ", 1.0, 1.2),
            word("there.", 1.2, 2.0),
            word(" ", 2.0, 9.0),
            word("Bye.", 9.0, 9.5),
        ];
        let timed = Timed::of(&Transcript {
            words,
            ..Transcript::default()
        });
        assert_eq!(timed.text(), "Hello there. Bye.");
        let range = |offset, text| timed.range(&Chunk { offset, text });
        assert_eq!(range(0, "Hello there."), Some((0.5, 2.0)));
        assert_eq!(range(13, "Bye."), Some((9.0, 9.5)));
        assert_eq!(range(7, "here. B"), Some((1.2, 9.5)));
        assert_eq!(timed.duration_seconds(), Some(10));
        let silent = Timed::of(&Transcript {
            text: "No times.".to_owned(),
            ..Transcript::default()
        });
        assert_eq!((silent.text(), silent.duration_seconds()), ("No times.", None));
        assert_eq!(
            silent.range(&Chunk {
                offset: 0,
                text: "No"
            }),
            None
        );
    }

    proptest! {
        #[test]
        fn times_never_go_back_whatever_the_provider_says(
            words in prop::collection::vec(
                ("[a-z]{1,9}[.]? ?", prop::option::of(-10.0..1e6f64), prop::option::of(-10.0..1e6f64)), 0..600
            )
        ) {
            let words: Vec<Word> = words.into_iter().map(|(text, start, end)| Word { text, start, end }).collect();
            let text: String = words.iter().map(|word| word.text.as_str()).collect();
            let timed = Timed::of(&Transcript { words, ..Transcript::default() });
            prop_assert_eq!(timed.text(), text);
            let chunks = of_text(timed.text());
            let ranges: Vec<_> = chunks.iter().filter_map(|chunk| timed.range(chunk)).collect();
            for (start, end) in &ranges {
                prop_assert!(0.0 <= *start && start <= end && *end <= MOST_SECONDS);
            }
            for pair in ranges.windows(2) {
                prop_assert!(pair[0].0 <= pair[1].0);
            }
        }
    }
}
