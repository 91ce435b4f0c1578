//! What Tavus sends: the callbacks of a short call, 1 kB on average, and the transcript of a long one, 64 kB.

use std::fmt;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::drive::Pace;
use crate::line::Unit;

/// How large the bodies are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// All callbacks of a short call.
    Small,
    /// The transcript of a long one.
    Large,
}

impl Size {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Small, Self::Large];

    /// The lines of its figures: how many, and how long.
    pub(crate) fn kinds_of_line(self) -> [(&'static str, Unit); 3] {
        let [rate, median, p99] = match self {
            Self::Small => ["1 kB", "1 kB, median", "1 kB, p99"],
            Self::Large => ["64 kB", "64 kB, median", "64 kB, p99"],
        };
        [
            (rate, Unit::PerSecond("events")),
            (median, Unit::Milliseconds),
            (p99, Unit::Milliseconds),
        ]
    }

    /// More calls than any receiver could be told of in one turn.
    pub(crate) fn calls(self, pace: Pace) -> usize {
        // The floor takes 14,000 inserts of the small ones a second, and 2,500 of the large ones.
        let a_second = match self {
            Self::Small => 4000,
            Self::Large => 5000,
        };
        let seconds = (pace.warm_up + pace.measured).as_millis() / 1000 + 1;
        a_second * usize::try_from(seconds).unwrap_or(usize::MAX)
    }

    /// How many bytes a body has on average.
    fn bytes(self) -> usize {
        match self {
            Self::Small => 1024,
            Self::Large => 64 * 1024,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Small => "1 kB",
            Self::Large => "64 kB",
        })
    }
}

/// An event that its conversation gets once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// The replica joins: the room is told.
    Joined,
    /// The recording is there.
    Recording,
    /// The call is over: the room is told.
    Shutdown,
    /// What was said: the room is told.
    Transcript,
    /// What was seen.
    Perception,
}

impl Kind {
    /// Tavus' name.
    pub(crate) fn event_type(self) -> &'static str {
        match self {
            Self::Joined => "system.replica_joined",
            Self::Recording => "application.recording_ready",
            Self::Shutdown => "system.shutdown",
            Self::Transcript => "application.transcription_ready",
            Self::Perception => "application.perception_analysis",
        }
    }

    fn message_type(self) -> &'static str {
        if matches!(self, Self::Joined | Self::Shutdown) {
            "system"
        } else {
            "application"
        }
    }
}

/// The events of every call of a size, without what differs between calls.
#[derive(Debug)]
pub(crate) struct Script(Vec<(Kind, String)>);

impl Script {
    /// Reproducible.
    pub(crate) fn of(size: Size) -> Self {
        let mut random = StdRng::seed_from_u64(1);
        if size == Size::Large {
            let transcript = grow(
                &mut random,
                size.bytes(),
                |random, words| json!({ "replica_id": "r5f0577fc829", "transcript": transcript(random, words, 600) }),
            );
            return Self(vec![(Kind::Transcript, transcript)]);
        }
        let recording = json!({ "replica_id": "r5f0577fc829", "bucket_name": "recordings-of-parley", "duration": 312,
            "s3_key": "tavus/2026/05/22/7f1d6c1e/recording.mp4", "storage_provider": "s3",
            "storage_uri": "s3://recordings-of-parley/tavus/2026/05/22/7f1d6c1e/recording.mp4" });
        let short = [
            (Kind::Joined, json!({ "replica_id": "r5f0577fc829" }).to_string()),
            (Kind::Recording, recording.to_string()),
            (
                Kind::Shutdown,
                json!({ "replica_id": "r5f0577fc829", "shutdown_reason": "participant_left_timeout reached" }).to_string(),
            ),
        ];
        // The other two share what is left of five times the average.
        let left = 5 * size.bytes()
            - short
                .iter()
                .map(|(kind, text)| envelope(*kind) + text.len())
                .sum::<usize>();
        let transcript = grow(
            &mut random,
            left * 3 / 5,
            |random, words| json!({ "replica_id": "r5f0577fc829", "transcript": transcript(random, words, 60) }),
        );
        let perception = grow(
            &mut random,
            left * 2 / 5,
            |random, words| json!({ "replica_id": "r5f0577fc829", "analysis": format!("## What was seen\n\n{}", sentence(random, words)) }),
        );
        let [joined, recording, shutdown] = short;
        Self(vec![
            joined,
            recording,
            shutdown,
            (Kind::Transcript, transcript),
            (Kind::Perception, perception),
        ])
    }

    /// The events of one call, in their order.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.0.iter().map(|(kind, _)| *kind)
    }

    /// The body of a callback.
    pub(crate) fn body(&self, kind: Kind, conversation_id: &str, token: &str) -> String {
        let properties = self
            .0
            .iter()
            .find(|(of, _)| *of == kind)
            .map_or("{}", |(_, text)| text);
        write(kind, properties, conversation_id, token)
    }
}

fn write(kind: Kind, properties: &str, conversation_id: &str, token: &str) -> String {
    format!(
        r#"{{"properties":{properties},"conversation_id":"{conversation_id}","webhook_url":"https://worker.example.com/webhooks/tavus/{token}","event_type":"{}","message_type":"{}","timestamp":"2026-05-22T18:47:37.840000Z"}}"#,
        kind.event_type(),
        kind.message_type()
    )
}

/// How long a body is without its properties.
fn envelope(kind: Kind) -> usize {
    write(kind, "", &"c".repeat(38), &"t".repeat(85)).len()
}

/// Properties of so many words that the body has about this many bytes.
fn grow(random: &mut StdRng, bytes: usize, properties: impl Fn(&mut StdRng, usize) -> Value) -> String {
    let wanted = bytes.saturating_sub(envelope(Kind::Transcript));
    let mut text = String::new();
    let mut words = 0;
    while text.len() < wanted {
        // Fewer than are missing, so that it does not overshoot: a word of a transcript comes with its share of numbers and names.
        words += ((wanted - text.len()) / 30).max(1);
        text = properties(random, words).to_string();
    }
    text
}

/// The system prompt first, then turns of a dozen words.
fn transcript(random: &mut StdRng, words: usize, prompt: usize) -> Vec<Value> {
    let prompt = prompt.min(words / 3);
    let mut entries = vec![json!({ "role": "system", "content": sentence(random, prompt) })];
    let mut seconds = 0.0;
    for turn in 0..(words - prompt).div_ceil(12) {
        let role = if turn % 2 == 0 { "assistant" } else { "user" };
        let duration = f64::from(random.random_range(800_u32..6000)) / 1000.0;
        entries.push(json!({
            "role": role, "content": sentence(random, 12), "timestamp": 1_779_475_657.84 + seconds,
            "seconds_from_start": seconds, "duration": duration, "inference_id": uuid(random),
        }));
        seconds += duration + 0.25;
    }
    entries
}

fn uuid(random: &mut StdRng) -> String {
    uuid::Builder::from_random_bytes(random.random())
        .into_uuid()
        .to_string()
}

fn sentence(random: &mut StdRng, words: usize) -> String {
    let words: Vec<&str> = (0..words).filter_map(|_| WORDS.choose(random).copied()).collect();
    words.join(" ")
}

/// Enough of them that the text compresses as talk does, to a half or so, not as one sentence a thousand times.
const WORDS: [&str; 120] = [
    "about",
    "again",
    "all",
    "always",
    "an",
    "and",
    "another",
    "anything",
    "are",
    "around",
    "as",
    "because",
    "been",
    "before",
    "believe",
    "better",
    "between",
    "bring",
    "but",
    "calm",
    "can",
    "change",
    "come",
    "could",
    "day",
    "different",
    "do",
    "done",
    "evening",
    "every",
    "feel",
    "felt",
    "find",
    "first",
    "for",
    "found",
    "friend",
    "from",
    "garden",
    "give",
    "good",
    "great",
    "had",
    "happened",
    "hard",
    "have",
    "hear",
    "help",
    "here",
    "home",
    "hope",
    "how",
    "if",
    "important",
    "in",
    "into",
    "it",
    "just",
    "kind",
    "know",
    "last",
    "learn",
    "little",
    "long",
    "look",
    "made",
    "make",
    "maybe",
    "mean",
    "moment",
    "more",
    "morning",
    "mother",
    "music",
    "my",
    "never",
    "new",
    "night",
    "nothing",
    "now",
    "of",
    "often",
    "on",
    "one",
    "only",
    "other",
    "people",
    "perhaps",
    "place",
    "please",
    "quiet",
    "really",
    "remember",
    "right",
    "say",
    "should",
    "sleep",
    "small",
    "some",
    "something",
    "sometimes",
    "start",
    "still",
    "talk",
    "tell",
    "than",
    "that",
    "there",
    "things",
    "think",
    "time",
    "today",
    "together",
    "tomorrow",
    "walk",
    "want",
    "week",
    "when",
    "work",
    "yesterday",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_of_the_promised_size() {
        for size in Size::ALL {
            let script = Script::of(size);
            let token = format!("echoroom.{}.{}", "0".repeat(32), "s".repeat(43));
            let bodies: Vec<String> = script
                .kinds()
                .map(|kind| script.body(kind, &format!("b-{}", "0".repeat(36)), &token))
                .collect();
            for body in &bodies {
                let event: Value = serde_json::from_str(body).unwrap();
                assert!(event["properties"].is_object() && event["event_type"].is_string());
            }
            let mean = bodies.iter().map(String::len).sum::<usize>() / bodies.len();
            assert!(
                mean.abs_diff(size.bytes()) < size.bytes() / 10,
                "{size:?}: {mean}"
            );
        }
    }
}
