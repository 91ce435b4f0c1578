//! What ElevenLabs answers. Read field by field: what is missing or odd is left out and spoils nothing beside it.

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::ElevenLabsError;
use crate::providers::exchange::{Answer, redacted};
use crate::providers::fields::Fields;

/// What was said, and when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// All of it.
    pub text: String,
    /// Words, the gaps between them and sounds, in their order. Their texts together are the whole.
    pub words: Vec<Word>,
    /// How long it is in seconds, where ElevenLabs says so.
    pub duration_seconds: Option<f64>,
}

/// A piece of a transcript.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// As it is written, with the white space where it is a gap.
    pub text: String,
    /// Seconds.
    pub start: Option<f64>,
    /// Seconds.
    pub end: Option<f64>,
}

/// A transcript as it should be. An hour of talk is 20,000 words with five fields each, and reading those alone is several times as fast
/// as making values of all of them. Whatever is odd in it is read field by field instead.
#[derive(Deserialize)]
struct Regular {
    text: String,
    words: Vec<RegularWord>,
    audio_duration_secs: Option<f64>,
    transcripts: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct RegularWord {
    text: String,
    start: Option<f64>,
    end: Option<f64>,
}

impl Transcript {
    /// `None` where there is neither a text nor a list of words.
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        match serde_json::from_slice(&answer.body) {
            Ok(Regular {
                text,
                words,
                audio_duration_secs,
                transcripts: None,
            }) => Some(Self {
                text,
                words: words.into_iter().filter_map(RegularWord::read).collect(),
                duration_seconds: audio_duration_secs,
            }),
            _ => Self::read(&answer.json()),
        }
    }

    /// `None` where there is neither a text nor a list of words.
    fn read(body: &Value) -> Option<Self> {
        let fields = Fields::of(body);
        // Several channels come as one transcript each.
        if let Some(channels) = fields.list("transcripts") {
            return channels.iter().find_map(Self::read);
        }
        let text = fields.value(&["text"]).and_then(Value::as_str);
        let words = fields.list("words");
        if text.is_none() && words.is_none() {
            return None;
        }
        let words = words.unwrap_or_default().iter().filter_map(Word::read);
        Some(Self {
            text: text.unwrap_or_default().to_owned(),
            words: words.collect(),
            duration_seconds: fields.number("audio_duration_secs"),
        })
    }
}

impl RegularWord {
    fn read(self) -> Option<Word> {
        let Self { text, start, end } = self;
        (!text.is_empty()).then(|| Word {
            text,
            start: start.filter(|seconds| *seconds >= 0.0),
            end: end.filter(|seconds| *seconds >= 0.0),
        })
    }
}

impl Word {
    fn read(word: &Value) -> Option<Self> {
        let fields = Fields::of(word);
        Some(Self {
            text: fields.owned(&["text"])?,
            start: fields.number("start").filter(|seconds| *seconds >= 0.0),
            end: fields.number("end").filter(|seconds| *seconds >= 0.0),
        })
    }
}

/// The error of an answer that is no success. `detail` is an object, a list or a text; a used-up plan comes under a status
/// that usually is a wrong key.
pub(super) fn refusal(answer: &Answer, key: &SecretString) -> ElevenLabsError {
    let body = answer.json();
    let fields = Fields::of(&body);
    let detail = fields.child("detail");
    let word = detail.text(&["status", "code"]).unwrap_or_default();
    let retry_after = answer.retry_after;
    match answer.status {
        402 => ElevenLabsError::OutOfQuota,
        400 | 401 | 403 if word.contains("quota") => ElevenLabsError::OutOfQuota,
        400 if word == "invalid_api_key" => ElevenLabsError::Unauthorized { status: 400 },
        status @ (401 | 403) => ElevenLabsError::Unauthorized { status },
        409 | 429 => ElevenLabsError::Throttled { retry_after },
        status @ (408 | 500..) => ElevenLabsError::Unavailable { status, retry_after },
        status => {
            let listed = fields
                .list("detail")
                .and_then(|list| Fields::of(list.first()?).text(&["msg"]));
            let said = detail.text(&["message"]).or(listed).or(fields.text(&["detail"]));
            ElevenLabsError::Rejected {
                status,
                said: redacted(said.unwrap_or_default(), key),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(status: u16, body: &Value) -> ElevenLabsError {
        let answer = Answer {
            status,
            retry_after: None,
            body: body.to_string().into_bytes(),
        };
        refusal(&answer, &"key".into())
    }

    #[test]
    fn statuses_are_told_apart_by_their_words_whatever_the_shape() {
        let detail = |word: &str| json!({ "detail": { "status": word, "message": "m" } });
        for (status, body, word) in [
            (401, detail("invalid_api_key"), "unauthorized"),
            (400, detail("invalid_api_key"), "unauthorized"),
            (401, detail("quota_exceeded"), "out_of_quota"),
            (400, detail("quota_exceeded"), "out_of_quota"),
            (402, json!(null), "out_of_quota"),
            (429, detail("system_busy"), "throttled"),
            (500, json!("<html>"), "unavailable"),
            (
                422,
                json!({ "detail": [{ "loc": ["body", 0], "msg": "no audio" }] }),
                "rejected",
            ),
            (400, json!({ "detail": "text" }), "rejected"),
        ] {
            assert_eq!(of(status, &body).word(), word, "{status} {body}");
        }
        let ElevenLabsError::Rejected { said, .. } =
            of(422, &json!({ "detail": [{ "msg": "no audio for key" }] }))
        else {
            panic!("not rejected");
        };
        assert_eq!(said, "no audio for [redacted]");
    }

    #[test]
    fn regular_transcripts_are_read_the_same_as_odd_ones() {
        let word = |text: &str, start: Value| json!({ "text": text, "start": start, "end": 2, "type": "word", "logprob": -0.1 });
        for (words, more) in [
            (
                vec![
                    word("Hello", json!(0.25)),
                    word("", json!(1)),
                    word(" ", json!(null)),
                    word("you", json!(-1)),
                ],
                json!(7),
            ),
            (vec![], json!(null)),
            (vec![word("odd", json!("1.5")), json!(7)], json!("2")),
        ] {
            for several in [json!(null), json!([{ "text": "Another", "words": [] }])] {
                let body = json!({ "text": "Hello you", "words": words, "audio_duration_secs": more, "transcripts": several, "language_code": "en" });
                let answer = Answer {
                    status: 200,
                    retry_after: None,
                    body: body.to_string().into_bytes(),
                };
                assert_eq!(Transcript::of(&answer), Transcript::read(&body), "{body}");
            }
        }
    }

    #[test]
    fn transcript_is_read_as_far_as_it_makes_sense() {
        let body = json!({ "language_code": "en", "text": "Hello there.", "audio_duration_secs": 2.5, "words": [
            { "text": "Hello", "start": 0.1, "end": 0.5, "type": "word", "logprob": -0.1 },
            { "text": " ", "start": 0.5, "end": 0.6, "type": "spacing" }, 7, { "text": "there.", "start": -1, "type": "word" },
        ] });
        let transcript = Transcript::read(&body).unwrap();
        assert_eq!(transcript.words.len(), 3);
        assert_eq!(transcript.words[2].start, None);
        assert_eq!(transcript.duration_seconds, Some(2.5));
        assert_eq!(
            Transcript::read(&json!({ "transcripts": [body] })),
            Some(transcript)
        );
        assert_eq!(
            Transcript::read(&json!({ "text": "" })),
            Some(Transcript::default())
        );
        for nothing in [json!({}), json!([]), json!(null), json!({ "text": 7 })] {
            assert_eq!(Transcript::read(&nothing), None, "{nothing}");
        }
    }
}
