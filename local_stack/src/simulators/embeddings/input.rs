//! What is asked for, and the limits of the real service.

use serde::Deserialize;
use serde_json::Value;

use super::refusal::Refusal;

const MOST_INPUTS: usize = 2048;
const MOST_TOKENS_OF_ONE: usize = 8192;
const MOST_TOKENS: usize = 300_000;

/// The form of a request. Others are refused, as the real one does.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) model: String,
    input: Value,
    dimensions: Option<usize>,
    encoding_format: Option<String>,
    #[serde(rename = "user")]
    _user: Option<String>,
}

/// A request that can be answered.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) texts: Vec<String>,
    pub(super) dimensions: usize,
    pub(super) is_base64: bool,
    pub(super) tokens: usize,
}

impl Request {
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(body).map_err(|error| Refusal::Invalid("body", format!("{error}.")))
    }

    pub(super) fn check(&self) -> Result<Asked, Refusal> {
        let texts = texts(&self.input)?;
        let tokens: Vec<usize> = texts.iter().map(|text| tokens(text)).collect();
        if let Some(most) = tokens.iter().max().filter(|most| **most > MOST_TOKENS_OF_ONE) {
            let text = format!(
                "This model's maximum context length is {MOST_TOKENS_OF_ONE} tokens, however you requested {most} tokens."
            );
            return Err(Refusal::Invalid("input", text));
        }
        let sum = tokens.iter().sum();
        if sum > MOST_TOKENS {
            let text = format!("Requested {sum} tokens, max {MOST_TOKENS} tokens per request.");
            return Err(Refusal::Invalid("input", text));
        }
        Ok(Asked {
            texts,
            dimensions: self.dimensions()?,
            is_base64: match self.encoding_format.as_deref() {
                None | Some("float") => false,
                Some("base64") => true,
                Some(other) => {
                    let text = format!("'{other}' is not one of ['float', 'base64'].");
                    return Err(Refusal::Invalid("encoding_format", text));
                }
            },
            tokens: sum,
        })
    }

    fn dimensions(&self) -> Result<usize, Refusal> {
        let (most, is_fixed) = match self.model.as_str() {
            "text-embedding-3-small" => (1536, false),
            "text-embedding-3-large" => (3072, false),
            "text-embedding-ada-002" => (1536, true),
            other => return Err(Refusal::UnknownModel(other.to_owned())),
        };
        match self.dimensions {
            None => Ok(most),
            Some(_) if is_fixed => {
                let text = "This model does not support specifying dimensions.".to_owned();
                Err(Refusal::Invalid("dimensions", text))
            }
            Some(wanted) if (1..=most).contains(&wanted) => Ok(wanted),
            Some(wanted) => {
                let text =
                    format!("Invalid value for 'dimensions' = {wanted}. Must be between 1 and {most}.");
                Err(Refusal::Invalid("dimensions", text))
            }
        }
    }
}

/// One text, several, one list of tokens, or several.
fn texts(input: &Value) -> Result<Vec<String>, Refusal> {
    let invalid = |text: &str| Refusal::Invalid("input", text.to_owned());
    let texts: Vec<String> = match input {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_u64) => vec![spelled(items)],
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::String(text) => Some(text.clone()),
                Value::Array(tokens) if tokens.iter().all(Value::is_u64) => Some(spelled(tokens)),
                _ => None,
            })
            .collect::<Option<_>>()
            .ok_or_else(|| invalid("'$.input' is invalid."))?,
        _ => return Err(invalid("'$.input' is invalid.")),
    };
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err(invalid("'$.input' is invalid. An input must not be empty."));
    }
    if texts.len() > MOST_INPUTS {
        let text = format!(
            "'$.input' is invalid. At most {MOST_INPUTS} inputs are taken, not {}.",
            texts.len()
        );
        return Err(invalid(&text));
    }
    Ok(texts)
}

fn spelled(tokens: &[Value]) -> String {
    let words: Vec<String> = tokens.iter().map(ToString::to_string).collect();
    words.join(" ")
}

/// About as many as the real tokenizer makes: four letters one, and no word less than one.
fn tokens(text: &str) -> usize {
    text.split_whitespace()
        .map(|word| word.chars().count().div_ceil(4))
        .sum::<usize>()
        .max(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(body: &Value) -> Result<Asked, Refusal> {
        Request::read(body.to_string().as_bytes())?.check()
    }

    fn small(input: &Value) -> Result<Asked, Refusal> {
        check(&json!({ "model": "text-embedding-3-small", "input": input }))
    }

    #[test]
    fn every_form_of_input_is_taken() {
        assert_eq!(small(&json!("one two")).unwrap().texts, ["one two"]);
        assert_eq!(small(&json!(["a", "b"])).unwrap().texts, ["a", "b"]);
        assert_eq!(small(&json!([1, 2])).unwrap().texts, ["1 2"]);
        assert_eq!(small(&json!([[1], [2, 3]])).unwrap().texts, ["1", "2 3"]);
        assert_eq!(small(&json!("x")).unwrap().dimensions, 1536);
    }

    #[test]
    fn limits_of_the_real_service_are_kept() {
        let long = "word ".repeat(MOST_TOKENS_OF_ONE + 1);
        let heavy = vec!["word ".repeat(8000); 38];
        for input in [
            json!(""),
            json!([]),
            json!(["a", ""]),
            json!([1, "a"]),
            json!(null),
            json!(long),
            json!(heavy),
        ] {
            assert!(matches!(small(&input), Err(Refusal::Invalid("input", _))));
        }
        assert_eq!(
            small(&json!(vec!["a"; MOST_INPUTS])).unwrap().texts.len(),
            MOST_INPUTS
        );
        assert!(small(&json!(vec!["a"; MOST_INPUTS + 1])).is_err());
        for (model, dimensions) in [
            ("text-embedding-3-small", 1537),
            ("text-embedding-3-large", 0),
            ("text-embedding-ada-002", 1536),
        ] {
            assert!(check(&json!({ "model": model, "input": "x", "dimensions": dimensions })).is_err());
        }
        assert!(check(&json!({ "model": "gpt", "input": "x" })).is_err());
        assert!(check(&json!({ "model": "text-embedding-3-small", "input": "x", "more": 1 })).is_err());
    }
}
