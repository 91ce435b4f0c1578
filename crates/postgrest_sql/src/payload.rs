//! The body of a request.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::headers::MediaType;
use crate::query::decode_pairs;

/// A body, and the columns or arguments that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) content: Content,
    pub(crate) names: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// JSON, as it came.
    Json(String),
    /// A form, as arguments of a function.
    Arguments(Vec<(String, String)>),
    /// The body itself, for a function whose only argument has no name.
    Raw(Vec<u8>),
}

impl Payload {
    /// Reads a body. `columns` are those that the query names: then the body is not looked into.
    pub(crate) fn read(
        body: &[u8],
        media: &MediaType,
        columns: Option<&[String]>,
        is_call: bool,
    ) -> Result<Self, Error> {
        match media {
            MediaType::Json | MediaType::JsonWithoutNulls | MediaType::Object { .. } | MediaType::Any => {
                json(body, columns, is_call)
            }
            MediaType::Csv => csv(body),
            MediaType::Form => Ok(form(body, is_call)),
            MediaType::Text | MediaType::Xml | MediaType::Bytes if is_call => Ok(Self {
                content: Content::Raw(body.to_vec()),
                names: BTreeSet::new(),
            }),
            other => Err(Error::invalid_body(&format!(
                "Content-Type not acceptable: {}",
                other.name()
            ))),
        }
    }

    fn of_json(text: &str, names: BTreeSet<String>) -> Self {
        Self {
            content: Content::Json(text.to_owned()),
            names,
        }
    }
}

fn json(body: &[u8], columns: Option<&[String]>, is_call: bool) -> Result<Payload, Error> {
    let invalid = || Error::invalid_body("Empty or invalid json");
    let text = std::str::from_utf8(body).map_err(|_| invalid())?;
    if let Some(columns) = columns {
        return Ok(Payload::of_json(text, columns.iter().cloned().collect()));
    }
    if is_call && text.trim().is_empty() {
        return Ok(Payload::of_json("{}", BTreeSet::new()));
    }
    let value: &RawValue = serde_json::from_str(text).map_err(|_| invalid())?;
    match value.get().chars().next() {
        Some('{') => {
            let names = keys(value).ok_or_else(invalid)?;
            Ok(Payload::of_json(text, names))
        }
        Some('[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| invalid())?;
            rows(text, &items, is_call)
        }
        // A function may take any JSON as its only argument; a table takes no rows from a value.
        _ if is_call => Ok(Payload::of_json(text, BTreeSet::new())),
        _ => Ok(Payload::of_json("[]", BTreeSet::new())),
    }
}

/// An array: of rows, which all have the same keys. What is given to a function need not be rows.
fn rows(text: &str, items: &[&RawValue], is_call: bool) -> Result<Payload, Error> {
    let mut names: Option<BTreeSet<String>> = None;
    for item in items {
        let own = keys(item);
        let is_same = own.is_some() && names.as_ref().is_none_or(|names| Some(names) == own.as_ref());
        if !is_same {
            return if is_call {
                Ok(Payload::of_json(text, BTreeSet::new()))
            } else {
                Err(Error::invalid_body("All object keys must match"))
            };
        }
        names = own;
    }
    Ok(Payload::of_json(text, names.unwrap_or_default()))
}

/// The keys of an object; `None` for what is none.
fn keys(value: &RawValue) -> Option<BTreeSet<String>> {
    let object: BTreeMap<String, &RawValue> = serde_json::from_str(value.get()).ok()?;
    Some(object.into_keys().collect())
}

fn form(body: &[u8], is_call: bool) -> Payload {
    let pairs = decode_pairs(&String::from_utf8_lossy(body));
    let names = pairs.iter().map(|(name, _)| name.clone()).collect();
    let content = if is_call {
        Content::Arguments(pairs)
    } else {
        let row: BTreeMap<String, String> = pairs.into_iter().collect();
        Content::Json(Value::from_iter(row).to_string())
    };
    Payload { content, names }
}

/// Comma-separated values with a header line; the word NULL alone is null.
fn csv(body: &[u8]) -> Result<Payload, Error> {
    let text = std::str::from_utf8(body).map_err(|_| Error::invalid_body("Empty or invalid csv"))?;
    let mut records = records(text).into_iter();
    let header = records
        .next()
        .ok_or_else(|| Error::invalid_body("Empty or invalid csv"))?;
    let mut rows = Vec::new();
    for record in records {
        if record.len() != header.len() {
            return Err(Error::invalid_body("All lines must have same number of fields"));
        }
        let row: serde_json::Map<String, Value> = header
            .iter()
            .cloned()
            .zip(record.into_iter().map(|field| {
                if field == "NULL" {
                    Value::Null
                } else {
                    Value::String(field)
                }
            }))
            .collect();
        rows.push(Value::Object(row));
    }
    let names = if rows.is_empty() {
        BTreeSet::new()
    } else {
        header.into_iter().collect()
    };
    Ok(Payload {
        content: Content::Json(Value::Array(rows).to_string()),
        names,
    })
}

/// The records of RFC 4180: a field between quotes may have commas, line ends and doubled quotes.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let (mut record, mut field, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => record.push(std::mem::take(&mut field)),
            '\r' if !is_quoted && characters.peek() == Some(&'\n') => {}
            '\n' if !is_quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            other => field.push(other),
        }
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    records.retain(|record| !matches!(record.as_slice(), [only] if only.is_empty()));
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str, media: &MediaType, is_call: bool) -> Result<Payload, Error> {
        Payload::read(body.as_bytes(), media, None, is_call)
    }

    fn names(payload: &Payload) -> Vec<&str> {
        payload.names.iter().map(String::as_str).collect()
    }

    #[test]
    fn rows_have_the_same_keys_and_stay_as_they_came() {
        let text = r#"[{"a": 12345678901234567890123, "b": null}, {"b": 1, "a": 2}]"#;
        let payload = read(text, &MediaType::Json, false).unwrap();
        assert_eq!(names(&payload), ["a", "b"]);
        assert_eq!(payload.content, Content::Json(text.to_owned()));
        let error = read(r#"[{"a": 1}, {"b": 1}]"#, &MediaType::Json, false).unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("PGRST102", "All object keys must match")
        );
    }

    #[test]
    fn body_that_is_no_json_is_refused_and_an_empty_one_calls_without_arguments() {
        for text in ["", "{", "[1,]", "nul"] {
            assert_eq!(
                read(text, &MediaType::Json, false).unwrap_err().message,
                "Empty or invalid json"
            );
        }
        assert_eq!(
            read("", &MediaType::Json, true).unwrap().content,
            Content::Json("{}".into())
        );
        assert_eq!(
            read("5", &MediaType::Json, false).unwrap().content,
            Content::Json("[]".into())
        );
    }

    #[test]
    fn function_may_take_an_array_of_anything() {
        let payload = read("[1, [2], {\"a\": 3}]", &MediaType::Json, true).unwrap();
        assert!(payload.names.is_empty());
        assert_eq!(payload.content, Content::Json("[1, [2], {\"a\": 3}]".into()));
    }

    #[test]
    fn named_columns_are_taken_without_a_look_at_the_body() {
        let columns = ["a".to_owned()];
        let payload = Payload::read(b"[{\"b\": 1}]", &MediaType::Json, Some(&columns), false).unwrap();
        assert_eq!(names(&payload), ["a"]);
    }

    #[test]
    fn csv_becomes_rows_of_texts() {
        let payload = read("a,b\r\n1,\"x, \"\"y\"\"\"\nNULL,\n", &MediaType::Csv, false).unwrap();
        let Content::Json(json) = &payload.content else {
            panic!("{payload:?}");
        };
        let expected = r#"[{"a":"1","b":"x, \"y\""},{"a":null,"b":""}]"#;
        assert_eq!(json, expected);
        assert!(read("a,b\n1", &MediaType::Csv, false).is_err());
    }

    #[test]
    fn form_is_a_row_or_the_arguments() {
        let row = read("a=1&b=x+y", &MediaType::Form, false).unwrap();
        assert_eq!(row.content, Content::Json(r#"{"a":"1","b":"x y"}"#.into()));
        let call = read("a=1&a=2", &MediaType::Form, true).unwrap();
        assert_eq!(
            call.content,
            Content::Arguments(vec![("a".into(), "1".into()), ("a".into(), "2".into())])
        );
    }
}
