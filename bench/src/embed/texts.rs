//! What becomes knowledge: an hour of talk, a large document, many short notes. Seeded, so that each run has the same; no sentence twice,
//! so that a chunk is of one place.

use std::fmt::{self, Write as _};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

/// About 60 kB are an hour of talk.
const TALK_BYTES: usize = 60_000;
const DOCUMENT_BYTES: usize = 1_000_000;
const NOTES: usize = 200;
const NOTE_BYTES: usize = 300;

const WORDS: &str = "the a of and to in is that for it with as on be at by this from or an are we you can not but what all when one \
which their there out up about into than them other time some could these two may then do first any like now over such our most after \
also people way many through back where before must well years because should each between both under never same another while last \
might great still own see work life here place since part again right down used found thought every against few house small large \
agent answer avatar budget button calendar camera campaign channel chart chunk click cloud colleague column company conversation cost \
customer dashboard database deadline delivery demo department design device discount document domain download editor email engine \
estimate event export feature feedback field file folder forecast function gateway graph guide header history import index inbox \
installation integration interface inventory invoice keyboard knowledge language latency launch layout licence link list machine \
manager margin market meeting member message method migration milestone minute mobile model module month network notification number \
object offer office operator option order organisation overview owner package page partner password payment people permission phone \
picture pipeline plan platform policy portal preview price privacy process product profile project prompt proposal provider quality \
question queue quota record region release report request resource result review role sale sample schedule screen search section \
security segment sentence server service session setting share signature speaker spreadsheet stage statement status storage strategy \
subscription summary supplier support survey system table target team template tenant text ticket timeline token topic trial trigger \
upload user value vector version video visitor voice volume warehouse webhook widget window workflow workspace naïve café größe über";

/// One kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A video, by its transcript.
    Talk,
    /// A file in Markdown.
    Document,
    /// Pieces of knowledge, one call each.
    Notes,
    /// The same in one call.
    Batch,
}

impl Kind {
    /// The order in the table.
    pub(crate) const ALL: [Self; 4] = [Self::Talk, Self::Document, Self::Notes, Self::Batch];

    /// In the table.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Talk => "an hour of talk, 60 kB",
            Self::Document => "a document, 1 MB of Markdown",
            Self::Notes => "200 notes of 300 characters, one by one",
            Self::Batch => "200 notes of 300 characters at once",
        }
    }

    /// The line of the computing alone; notes are not split.
    pub(crate) fn computing(self) -> Option<&'static str> {
        match self {
            Self::Talk => Some("talk: split and embed alone"),
            Self::Document => Some("document: split and embed alone"),
            Self::Notes | Self::Batch => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what())
    }
}

/// All texts.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) talk: String,
    pub(crate) document: String,
    pub(crate) notes: Vec<String>,
}

impl Texts {
    /// The same ones each time.
    pub(crate) fn new() -> Self {
        let mut author = Author {
            random: StdRng::seed_from_u64(42),
            words: WORDS.split_whitespace().collect(),
            sentences: 0,
        };
        Self {
            talk: author.talk(),
            document: author.document(),
            notes: (0..NOTES).map(|_| author.paragraph(NOTE_BYTES)).collect(),
        }
    }

    /// The text that is cut; none for notes, which are not.
    pub(crate) fn whole(&self, kind: Kind) -> Option<&str> {
        match kind {
            Kind::Talk => Some(&self.talk),
            Kind::Document => Some(&self.document),
            Kind::Notes | Kind::Batch => None,
        }
    }

    /// What ElevenLabs says of the talk: three words a second.
    pub(crate) fn transcript(&self) -> Value {
        let mut words = Vec::new();
        let milliseconds = |time: u32| f64::from(time) / 1000.0;
        let mut begin = 0;
        for word in self.talk.split_inclusive(' ') {
            let (start, end, next) = (
                milliseconds(begin),
                milliseconds(begin + 300),
                milliseconds(begin + 333),
            );
            words.push(
                json!({ "text": word.trim_end(), "start": start, "end": end, "type": "word", "logprob": -0.1 }),
            );
            if word.ends_with(' ') {
                words.push(
                    json!({ "text": " ", "start": end, "end": next, "type": "spacing", "logprob": -0.1 }),
                );
            }
            begin += 333;
        }
        json!({ "language_code": "en", "language_probability": 0.98, "text": self.talk, "words": words })
    }
}

struct Author {
    random: StdRng,
    words: Vec<&'static str>,
    sentences: usize,
}

impl Author {
    fn word(&mut self) -> &'static str {
        self.words.choose(&mut self.random).copied().unwrap_or("word")
    }

    fn sentence(&mut self) -> String {
        self.sentences += 1;
        let mut text = format!("Number {}", self.sentences);
        for _ in 0..self.random.random_range(6..20) {
            text.push(' ');
            text.push_str(self.word());
        }
        text.push(if self.random.random_ratio(1, 12) { '?' } else { '.' });
        text
    }

    /// Sentences, at least so long together.
    fn paragraph(&mut self, bytes: usize) -> String {
        let mut text = self.sentence();
        while text.len() < bytes {
            text.push(' ');
            text.push_str(&self.sentence());
        }
        text
    }

    fn talk(&mut self) -> String {
        self.paragraph(TALK_BYTES)
    }

    /// Chapters of paragraphs, lists, tables and code.
    fn document(&mut self) -> String {
        let mut text = String::from("# The manual\n");
        let mut chapter = 0;
        while text.len() < DOCUMENT_BYTES {
            chapter += 1;
            // Writing to a string does not fail.
            let _ = write!(text, "\n## Chapter {chapter}: {} {}\n", self.word(), self.word());
            for _ in 0..self.random.random_range(2..6) {
                let block = match self.random.random_range(0..10) {
                    0 => self.list(),
                    1 => self.table(),
                    2 => format!("```text\n{}\n```", self.sentence()),
                    _ => {
                        let bytes = self.random.random_range(100..1600);
                        self.paragraph(bytes)
                    }
                };
                let _ = write!(text, "\n{block}\n");
            }
        }
        text
    }

    fn list(&mut self) -> String {
        let entries: Vec<String> = (0..6).map(|_| format!("- {}", self.sentence())).collect();
        entries.join("\n")
    }

    fn table(&mut self) -> String {
        let mut rows = vec!["| what | how |".to_owned(), "|---|---|".to_owned()];
        rows.extend((0..5).map(|_| format!("| {} | {} |", self.word(), self.sentence())));
        rows.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_long_as_they_say_and_the_same_each_time() {
        let (one, other) = (Texts::new(), Texts::new());
        assert!((TALK_BYTES..TALK_BYTES + 300).contains(&one.talk.len()));
        assert!((DOCUMENT_BYTES..DOCUMENT_BYTES + 10_000).contains(&one.document.len()));
        assert!(
            one.notes
                .iter()
                .all(|note| (NOTE_BYTES..NOTE_BYTES + 300).contains(&note.len()))
        );
        assert_eq!(
            (one.talk, one.document, one.notes),
            (other.talk, other.document, other.notes)
        );
    }

    #[test]
    fn words_of_the_transcript_are_the_talk() {
        let texts = Texts::new();
        let transcript = texts.transcript();
        let words = transcript["words"].as_array().unwrap();
        let text: String = words.iter().map(|word| word["text"].as_str().unwrap()).collect();
        assert_eq!(text, texts.talk);
    }
}
