//! What ElevenLabs answers. Read field by field: what is missing or odd is left out and spoils nothing beside it.

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::ElevenLabsError;
use crate::providers::exchange::{Answer, redacted};
use crate::providers::fields::Fields;
use crate::providers::json;

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
        match json::read(&answer.body) {
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

/// What a word for a refusal says that its status may not.
#[derive(Clone, Copy)]
enum Cause {
    /// The plan is used up.
    Quota,
    /// The key is none.
    Key,
}

impl Cause {
    fn read(word: &str) -> Option<Self> {
        if word.contains("quota") || word.contains("insufficient_credit") {
            Some(Self::Quota)
        } else {
            (word == "invalid_api_key").then_some(Self::Key)
        }
    }
}

/// The error of an answer that is no success. `detail` is an object, a list or a text; its word is under `code`, and was under
/// `status` before. A used-up plan comes under a status that usually is a wrong key.
pub(super) fn refusal(answer: &Answer, key: &SecretString) -> ElevenLabsError {
    let body = answer.json();
    let fields = Fields::of(&body);
    let detail = fields.child("detail");
    let cause = ["code", "status"]
        .into_iter()
        .find_map(|name| detail.text(&[name]).and_then(Cause::read));
    let retry_after = answer.retry_after;
    match (answer.status, cause) {
        (402, _) | (400 | 401 | 403, Some(Cause::Quota)) => ElevenLabsError::OutOfQuota,
        (400, Some(Cause::Key)) => ElevenLabsError::Unauthorized { status: 400 },
        (status @ (401 | 403), _) => ElevenLabsError::Unauthorized { status },
        (409 | 429, _) => ElevenLabsError::Throttled { retry_after },
        (status @ (408 | 500..), _) => ElevenLabsError::Unavailable { status, retry_after },
        (status, _) => ElevenLabsError::Rejected {
            status,
            said: redacted(&sentences(fields).join(" "), key),
        },
    }
}

/// What is said in the three shapes of `detail`.
fn sentences(body: Fields<'_>) -> Vec<&str> {
    let listed = body.list("detail").unwrap_or_default().iter();
    let listed = listed.filter_map(|entry| Fields::of(entry).text(&["msg"]));
    let detail = body.child("detail").text(&["message"]);
    detail
        .or(body.text(&["detail"]))
        .into_iter()
        .chain(listed)
        .collect()
}

/// Whether the API refuses a request because it does not know a field: it says so, or misses the older one or the file.
pub(super) fn knows_no(field: &str, older: &str, answer: &Answer) -> bool {
    if !matches!(answer.status, 400 | 422) {
        return false;
    }
    let body = answer.json();
    let fields = Fields::of(&body);
    let is_listed = fields.list("detail").unwrap_or_default().iter().any(|entry| {
        let entry = Fields::of(entry);
        let named = entry.list("loc").and_then(|path| path.last()?.as_str());
        let kind = entry.text(&["type"]).unwrap_or_default();
        match named {
            Some(name) if name == field => kind.contains("extra"),
            Some(name) => (name == older || name == "file") && kind.contains("missing"),
            None => false,
        }
    });
    // One that knows both names both.
    let is_said = sentences(fields)
        .iter()
        .any(|text| text.contains(older) && !text.contains(field));
    is_listed || is_said
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
        let newer = |code: &str, status: &str| json!({ "detail": { "type": "t", "code": code, "status": status, "message": "m" } });
        for (status, body, word) in [
            (401, detail("invalid_api_key"), "unauthorized"),
            (400, detail("invalid_api_key"), "unauthorized"),
            (401, detail("quota_exceeded"), "out_of_quota"),
            (400, detail("quota_exceeded"), "out_of_quota"),
            (401, newer("quota_exceeded", "unauthorized"), "out_of_quota"),
            (401, newer("invalid_api_key", "quota_exceeded"), "unauthorized"),
            (401, newer("unheard_of", "quota_exceeded"), "out_of_quota"),
            (400, newer("invalid_api_key", "x"), "unauthorized"),
            (
                400,
                json!({ "detail": { "type": "invalid_request", "code": "unsupported_format" } }),
                "rejected",
            ),
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
    fn only_an_api_that_knows_no_source_url_is_asked_with_the_older_name() {
        let entry = |name: &str, kind: &str| json!({ "detail": [{ "loc": ["body", name], "msg": "m", "type": kind }] });
        let says = |text: &str| json!({ "detail": { "status": "invalid_request", "message": text } });
        for (is_unknown, status, body) in [
            (true, 422, entry("source_url", "extra_forbidden")),
            (true, 422, entry("file", "missing")),
            (true, 422, entry("cloud_storage_url", "value_error.missing")),
            (
                true,
                400,
                says("Exactly one of file or cloud_storage_url must be given."),
            ),
            (true, 400, json!({ "detail": "cloud_storage_url is missing" })),
            (false, 422, entry("source_url", "url_parsing")),
            (false, 422, entry("model_id", "missing")),
            (
                false,
                400,
                says("Exactly one of file, source_url and cloud_storage_url must be given."),
            ),
            (false, 400, says("The file is no audio.")),
            (false, 401, entry("file", "missing")),
            (false, 200, says("cloud_storage_url")),
            (false, 422, json!("<html>")),
        ] {
            let answer = Answer {
                status,
                retry_after: None,
                body: body.to_string().into_bytes(),
            };
            assert_eq!(
                knows_no("source_url", "cloud_storage_url", &answer),
                is_unknown,
                "{body}"
            );
        }
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
