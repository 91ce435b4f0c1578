//! The arguments of a call, on their way in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::{RawValue, to_raw_value};

/// What an argument is declared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Array,
    Other,
}

/// The body of a call in the form that Postrust passes on truly; `None` when it is that already, or is not an object.
///
/// A null argument becomes `marker`, which the driver binds as null. An array with a null in it becomes the text of a
/// Postgres array, because Postrust would write the word null into it. Everything else keeps its exact text, numbers that no
/// double can hold among it.
pub(super) fn prepared(body: &[u8], marker: &str, kind_of: impl Fn(&str) -> Kind) -> Option<Vec<u8>> {
    let arguments: BTreeMap<String, &RawValue> = serde_json::from_slice(body).ok()?;
    let mut is_changed = false;
    let mut changed: BTreeMap<&str, Cow<'_, RawValue>> = BTreeMap::new();
    for (name, value) in &arguments {
        let replacement = match value.get() {
            "null" => Some(marker.to_owned()),
            text if text.starts_with('[') && kind_of(name) == Kind::Array => array_with_nulls(text),
            _ => None,
        };
        let value = match replacement {
            Some(text) => {
                is_changed = true;
                Cow::Owned(to_raw_value(&text).ok()?)
            }
            None => Cow::Borrowed(*value),
        };
        changed.insert(name, value);
    }
    if is_changed {
        serde_json::to_vec(&changed).ok()
    } else {
        None
    }
}

/// The text of a Postgres array, when there is a null among the values; nested arrays are left to Postrust.
fn array_with_nulls(text: &str) -> Option<String> {
    let items: Vec<serde_json::Value> = serde_json::from_str(text).ok()?;
    let has_null = items.iter().any(serde_json::Value::is_null);
    if !has_null || items.iter().any(serde_json::Value::is_array) {
        return None;
    }
    let items: Vec<String> = items.iter().map(array_item).collect();
    Some(format!("{{{}}}", items.join(",")))
}

fn array_item(item: &serde_json::Value) -> String {
    let text = match item {
        serde_json::Value::Null => return "NULL".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepare(body: &str) -> Option<String> {
        let kind_of = |name: &str| if name == "list" { Kind::Array } else { Kind::Other };
        prepared(body.as_bytes(), "M", kind_of).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn only_arguments_that_are_null_are_marked() {
        assert_eq!(
            prepare(r#"{"a": null, "b": {"c": null}, "d": 12345678901234567890123}"#).unwrap(),
            r#"{"a":"M","b":{"c": null},"d":12345678901234567890123}"#
        );
    }

    #[test]
    fn null_in_an_array_stays_null_and_the_rest_is_quoted() {
        assert_eq!(
            prepare(r#"{"list": ["a,b", null, "q\"\\", 1, "null"], "other": [null]}"#).unwrap(),
            r#"{"list":"{\"a,b\",NULL,\"q\\\"\\\\\",\"1\",\"null\"}","other":[null]}"#
        );
    }

    #[test]
    fn bodies_that_need_nothing_are_left_alone() {
        for body in [
            r#"{"a": "null"}"#,
            r#"{"list": [1, 2]}"#,
            "[null]",
            "null",
            "",
            "{",
        ] {
            assert_eq!(prepare(body), None, "{body}");
        }
    }
}
