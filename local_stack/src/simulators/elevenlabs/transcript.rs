//! The answer: text, and words with their times.

use serde::Serialize;

/// How fast is spoken, in seconds.
const PER_WORD: f64 = 0.2;
const PER_LETTER: f64 = 0.03;
const GAP: f64 = 0.1;
const PAUSE: f64 = 0.6;

/// How much of the times is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Granularity {
    None,
    Word,
    Character,
}

#[derive(Debug, Serialize)]
pub(super) struct Transcript {
    language_code: String,
    language_probability: f64,
    pub(super) text: String,
    pub(super) words: Vec<Word>,
    transcription_id: String,
    audio_duration_secs: f64,
}

/// A word, or the gap between two.
#[derive(Debug, Serialize)]
pub(super) struct Word {
    pub(super) text: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<f64>,
    speaker_id: &'static str,
    logprob: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    characters: Option<Vec<Character>>,
}

#[derive(Debug, Serialize)]
struct Character {
    text: String,
    start: f64,
    end: f64,
}

/// Speaks the sentences, one after another.
pub(super) fn speak(
    sentences: &[String],
    granularity: Granularity,
    language: &str,
    id: String,
) -> Transcript {
    let mut speech = Speech {
        granularity,
        clock: 0.0,
        words: Vec::new(),
    };
    for (index, sentence) in sentences.iter().enumerate() {
        if index > 0 {
            speech.say(" ", "spacing", PAUSE);
        }
        for (index, word) in sentence.split_whitespace().enumerate() {
            if index > 0 {
                speech.say(" ", "spacing", GAP);
            }
            let letters = u32::try_from(word.chars().count()).unwrap_or(u32::MAX);
            speech.say(word, "word", PER_WORD + PER_LETTER * f64::from(letters));
        }
    }
    Transcript {
        language_code: language.to_owned(),
        language_probability: 0.98,
        text: speech.words.iter().map(|word| word.text.as_str()).collect(),
        transcription_id: id,
        audio_duration_secs: round(speech.clock),
        words: speech.words,
    }
}

struct Speech {
    granularity: Granularity,
    clock: f64,
    words: Vec<Word>,
}

impl Speech {
    fn say(&mut self, text: &str, kind: &'static str, seconds: f64) {
        let (start, end) = (self.clock, self.clock + seconds);
        self.clock = end;
        let has_times = self.granularity != Granularity::None;
        self.words.push(Word {
            text: text.to_owned(),
            kind,
            start: has_times.then(|| round(start)),
            end: has_times.then(|| round(end)),
            speaker_id: "speaker_0",
            logprob: -0.1,
            characters: (self.granularity == Granularity::Character).then(|| spell(text, start, seconds)),
        });
    }
}

fn spell(text: &str, start: f64, seconds: f64) -> Vec<Character> {
    let count = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    let each = seconds / f64::from(count.max(1));
    text.chars()
        .scan(start, |clock, letter| {
            let from = *clock;
            *clock += each;
            Some(Character {
                text: letter.to_string(),
                start: round(from),
                end: round(*clock),
            })
        })
        .collect()
}

/// Milliseconds are as exact as it gets.
fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_follow_each_other_and_make_up_the_text() {
        let sentences = ["One two.".to_owned(), "Three".to_owned()];
        let spoken = speak(&sentences, Granularity::Character, "eng", "t".into());
        assert_eq!(spoken.text, "One two. Three");
        assert_eq!(spoken.words.len(), 5);
        assert_eq!(spoken.words[0].start, Some(0.0));
        for pair in spoken.words.windows(2) {
            assert_eq!(pair[0].end, pair[1].start);
        }
        assert_eq!(spoken.words[4].end, Some(spoken.audio_duration_secs));
        assert_eq!(spoken.words[0].characters.as_ref().unwrap().len(), 3);
        let bare = speak(&sentences, Granularity::None, "eng", "t".into());
        assert!(
            bare.words
                .iter()
                .all(|word| word.start.is_none() && word.characters.is_none())
        );
        assert!(speak(&[], Granularity::Word, "eng", "t".into()).text.is_empty());
    }
}
