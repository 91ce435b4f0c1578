//! What the provider answers.

use secrecy::SecretString;
use serde_json::Value;

use super::EmbeddingsError;
use crate::providers::exchange::{Answer, redacted};
use crate::providers::fields::Fields;

/// One vector a text, in the order of the texts, whatever the order of the answer.
pub(super) fn vectors(
    body: &Value,
    texts: usize,
    dimensions: usize,
) -> Result<Vec<Vec<f32>>, EmbeddingsError> {
    use EmbeddingsError::Unintelligible;
    let rows = Fields::of(body)
        .list("data")
        .ok_or(Unintelligible("no list of embeddings"))?;
    let mut found: Vec<Option<Vec<f32>>> = vec![None; texts];
    for (place, row) in rows.iter().enumerate() {
        let fields = Fields::of(row);
        let index = match fields.value(&["index"]) {
            None => place,
            Some(index) => index
                .as_u64()
                .and_then(|index| usize::try_from(index).ok())
                .ok_or(Unintelligible("an index that is none"))?,
        };
        let numbers = fields.list("embedding").ok_or(Unintelligible("no embedding"))?;
        if numbers.len() != dimensions {
            return Err(EmbeddingsError::WrongDimension {
                expected: dimensions,
                got: numbers.len(),
            });
        }
        let slot = found
            .get_mut(index)
            .ok_or(Unintelligible("an index of no text"))?;
        if slot.replace(vector(numbers)?).is_some() {
            return Err(Unintelligible("two embeddings of one text"));
        }
    }
    found
        .into_iter()
        .collect::<Option<_>>()
        .ok_or(Unintelligible("a text without an embedding"))
}

/// Finite, and with a direction: the database refuses everything else, and a provider that is ill may recover.
fn vector(numbers: &[Value]) -> Result<Vec<f32>, EmbeddingsError> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the database keeps single precision"
    )]
    let read = |number: &Value| {
        number
            .as_f64()
            .map(|number| number as f32)
            .filter(|number| number.is_finite())
    };
    let vector: Option<Vec<f32>> = numbers.iter().map(read).collect();
    let vector = vector.ok_or(EmbeddingsError::Unintelligible("a number that is none"))?;
    let square: f32 = vector.iter().map(|number| number * number).sum();
    // Where the square is beyond what a number can be, no distance can be told.
    if square.is_normal() {
        Ok(vector)
    } else {
        Err(EmbeddingsError::Unintelligible(
            "an embedding without a direction",
        ))
    }
}

/// The error of an answer that is no success. 429 alone does not say that waiting helps.
pub(super) fn refusal(answer: &Answer, key: &SecretString) -> EmbeddingsError {
    let body = answer.json();
    let error = Fields::of(&body).child("error");
    let is_quota = [error.text(&["code"]), error.text(&["type"])]
        .into_iter()
        .flatten()
        .any(|word| ["insufficient_quota", "credit_balance_exhausted"].contains(&word));
    let retry_after = answer.retry_after;
    let said = redacted(error.text(&["message"]).unwrap_or_default(), key);
    match answer.status {
        402 => EmbeddingsError::OutOfQuota,
        429 if is_quota => EmbeddingsError::OutOfQuota,
        409 | 429 => EmbeddingsError::Throttled { retry_after },
        401 => EmbeddingsError::Unauthorized { status: 401 },
        403 => EmbeddingsError::Forbidden { said },
        404 => EmbeddingsError::NotFound,
        status @ (408 | 500..) => EmbeddingsError::Unavailable { status, retry_after },
        status => EmbeddingsError::Rejected { status, said },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn vectors_are_matched_by_index_and_nothing_odd_gets_through() {
        let row = |index: u32, first: f64| json!({ "index": index, "embedding": [first, 1.0] });
        let read = |data: Value| vectors(&json!({ "data": data }), 2, 2);
        assert_eq!(
            read(json!([row(1, 0.5), row(0, 0.25)])).unwrap(),
            vec![vec![0.25, 1.0], vec![0.5, 1.0]]
        );
        assert_eq!(
            read(json!([{ "embedding": [1, 2] }, { "embedding": [3, 4] }])).unwrap()[1],
            vec![3.0, 4.0]
        );
        let wrong = read(json!([{ "index": 0, "embedding": [1.0] }])).unwrap_err();
        assert_eq!(wrong.to_string(), "the model makes 1 dimensions, and 2 are kept");
        for data in [
            json!([row(0, 0.5)]),
            json!([row(0, 0.5), row(0, 0.5)]),
            json!([row(0, 0.5), row(2, 0.5)]),
            json!([{ "index": -1, "embedding": [1, 2] }]),
            json!([{ "index": 0, "embedding": [null, 2] }, row(1, 1.0)]),
            json!([{ "index": 0, "embedding": ["NaN", 2] }, row(1, 1.0)]),
            json!([{ "index": 0, "embedding": [0, 0] }, row(1, 1.0)]),
            json!([{ "index": 0, "embedding": [1e300, 0] }, row(1, 1.0)]),
            json!([{ "index": 0, "embedding": [1e30, 0] }, row(1, 1.0)]),
            json!([{ "index": 0, "embedding": "AAAA" }, row(1, 1.0)]),
            json!(null),
        ] {
            let refused = read(data.clone());
            assert!(
                matches!(refused, Err(EmbeddingsError::Unintelligible(_))),
                "{data}"
            );
        }
    }

    #[test]
    fn only_a_429_that_waiting_helps_is_waited_for() {
        let of = |status: u16, body: Value| {
            let answer = Answer {
                status,
                retry_after: None,
                body: body.to_string().into_bytes(),
            };
            refusal(&answer, &"key".into()).word()
        };
        let error =
            |code: &str| json!({ "error": { "message": "m", "type": "t", "param": null, "code": code } });
        for (status, body, word) in [
            (429, error("rate_limit_exceeded"), "throttled"),
            (429, error("insufficient_quota"), "out_of_quota"),
            (
                429,
                json!({ "error": { "type": "insufficient_quota", "code": null } }),
                "out_of_quota",
            ),
            (400, error("x"), "rejected"),
            (401, json!(null), "unauthorized"),
            (404, error("model_not_found"), "not_found"),
            (500, json!("<html>"), "unavailable"),
        ] {
            assert_eq!(of(status, body.clone()), word, "{status} {body}");
        }
    }
}
