//! What an answer that is no success means. The status alone does not tell: Tavus uses 400 for a wrong request, for an id
//! that it does not know, and for a plan that is full.

use secrecy::SecretString;

use super::error::TavusError;
use crate::providers::exchange::{Answer, redacted};
use crate::providers::fields::Fields;

/// Whether the call is about something that has an id in the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// It is, so an unknown id means that this thing is not there.
    Known,
    /// It is not, so an unknown id means that the body names something that is not there.
    None,
}

/// The error for a status outside 2xx.
pub(super) fn error(answer: &Answer, subject: Subject, api_key: &SecretString) -> TavusError {
    let (status, retry_after) = (answer.status, answer.retry_after);
    let said = said(answer);
    let lower = said.to_lowercase();
    let unknown_id = [
        "invalid conversation",
        "invalid persona",
        "invalid pal",
        "not found",
        "does not exist",
    ];
    match status {
        402 => TavusError::OutOfCredits,
        _ if lower.contains("out of conversational credits") => TavusError::OutOfCredits,
        429 => TavusError::Throttled { retry_after },
        400 | 409 if lower.contains("maximum concurrent conversations") => TavusError::AtCapacity,
        401 | 403 => TavusError::Unauthorized { status },
        404 if subject == Subject::Known => TavusError::NotFound,
        400 if subject == Subject::Known && unknown_id.iter().any(|text| lower.contains(text)) => {
            TavusError::NotFound
        }
        408 | 500.. => TavusError::Unavailable { status, retry_after },
        _ => TavusError::Rejected {
            status,
            said: redacted(&said, api_key),
        },
    }
}

/// Both shapes: `{"message": ...}` and `{"error": ...}`, and whatever else was sent.
fn said(answer: &Answer) -> String {
    let body = answer.json();
    let fields = Fields::of(&body);
    fields
        .text(&["message", "error"])
        .or_else(|| fields.child("error").text(&["message"]))
        .map_or_else(
            || String::from_utf8_lossy(&answer.body).into_owned(),
            str::to_owned,
        )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refused(status: u16, body: &Value, subject: Subject, key: &'static str) -> TavusError {
        let body = body.to_string().into_bytes();
        let answer = Answer {
            status,
            retry_after: None,
            body,
        };
        error(&answer, subject, &key.into())
    }

    fn of(status: u16, body: &Value, subject: Subject) -> &'static str {
        refused(status, body, subject, "key").word()
    }

    #[test]
    fn four_hundreds_are_told_apart_by_their_text_in_both_shapes() {
        let full = "User has reached maximum concurrent conversations";
        let unknown = "Invalid conversation_id";
        for name in ["message", "error"] {
            assert_eq!(of(400, &json!({ name: full }), Subject::None), "at_capacity");
            assert_eq!(of(400, &json!({ name: unknown }), Subject::Known), "not_found");
            assert_eq!(
                of(400, &json!({ name: "Invalid persona_id" }), Subject::None),
                "rejected"
            );
            assert_eq!(
                of(400, &json!({ name: "bad language" }), Subject::Known),
                "rejected"
            );
        }
        assert_eq!(of(404, &json!({}), Subject::Known), "not_found");
        assert_eq!(of(404, &json!({}), Subject::None), "rejected");
    }

    #[test]
    fn every_other_status_has_its_meaning_whatever_the_body() {
        let credits = json!({ "message": "The user is out of conversational credits." });
        assert_eq!(of(402, &json!(null), Subject::None), "out_of_credits");
        assert_eq!(of(400, &credits, Subject::None), "out_of_credits");
        let expected = [
            (401, "unauthorized"),
            (403, "unauthorized"),
            (408, "unavailable"),
            (422, "rejected"),
            (429, "throttled"),
            (500, "unavailable"),
            (503, "unavailable"),
        ];
        for (status, word) in expected {
            assert_eq!(of(status, &json!("<html>"), Subject::Known), word, "{status}");
        }
    }

    #[test]
    fn kept_text_holds_no_address_and_no_key() {
        let body =
            json!({ "error": "callback_url https://w.example/webhooks/tavus/t0ken is wrong for sk-1: why" });
        let TavusError::Rejected { said, .. } = refused(400, &body, Subject::None, "sk-1") else {
            panic!("not rejected");
        };
        assert_eq!(said, "callback_url [redacted] is wrong for [redacted] why");
    }
}
