//! What a body or a query says, read as leniently as Supabase's validator reads it: a value of another type is made into the wanted one
//! where that loses nothing. So `"60"` is a number, `1` is true, one text is a list of texts, and null is zero, false or no text.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query as Pairs, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::coerce::{alone, boolean, integer, text};
use super::error::StorageError;

/// The fields of an object.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// As errors name it: `body`, `querystring`, `body/sortBy`.
    place: String,
    values: Map<String, Value>,
}

/// The fields of a JSON body.
#[derive(Debug)]
pub(super) struct Body(pub(super) Fields);

/// The fields of a query. One that comes twice is a list.
#[derive(Debug)]
pub(super) struct Query(pub(super) Fields);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = StorageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, StorageError> {
        let is_json = is_json(request.headers());
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| StorageError::BodyTooLarge)?;
        if bytes.is_empty() {
            return Err(StorageError::invalid("body must be object"));
        }
        if !is_json {
            return Err(StorageError::NotJson);
        }
        let value = serde_json::from_slice(&bytes).map_err(|_| {
            StorageError::invalid("Body is not valid JSON but content-type is set to 'application/json'")
        })?;
        Fields::new("body".to_owned(), value).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = StorageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, StorageError> {
        let Pairs(pairs) = Pairs::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|error| StorageError::invalid(format!("querystring: {error}")))?;
        let mut values = Map::new();
        for (name, text) in pairs {
            match values.get_mut(&name) {
                None => drop(values.insert(name, Value::String(text))),
                Some(Value::Array(all)) => all.push(Value::String(text)),
                Some(first) => *first = Value::Array(vec![first.take(), Value::String(text)]),
            }
        }
        let place = "querystring".to_owned();
        Ok(Self(Fields { place, values }))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

impl Fields {
    fn new(place: String, value: Value) -> Result<Self, StorageError> {
        match value {
            Value::Object(values) => Ok(Self { place, values }),
            _ => Err(StorageError::invalid(format!("{place} must be object"))),
        }
    }

    fn refusal(&self, name: &str, what: &str) -> StorageError {
        StorageError::invalid(format!("{}/{name} {what}", self.place))
    }

    /// Whether the field is there at all.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether the field is there and is null.
    pub(super) fn is_null(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(Value::is_null)
    }

    /// The field as it came.
    pub(super) fn raw(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// A field that must be there.
    pub(super) fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, StorageError> {
        value.ok_or_else(|| {
            StorageError::invalid(format!("{} must have required property '{name}'", self.place))
        })
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, StorageError> {
        self.coerced(name, text, "must be string")
    }

    pub(super) fn required_text(&self, name: &str) -> Result<String, StorageError> {
        self.required(name, self.text(name)?)
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, StorageError> {
        self.coerced(name, boolean, "must be boolean")
    }

    /// A whole number that is not below `least`.
    pub(super) fn integer(&self, name: &str, least: i64) -> Result<Option<i64>, StorageError> {
        match self.coerced(name, integer, "must be integer")? {
            Some(number) if number < least => Err(self.refusal(name, &format!("must be >= {least}"))),
            number => Ok(number),
        }
    }

    /// One of a few words, as its place among them.
    pub(super) fn choice<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, StorageError> {
        let Some(word) = self.text(name)? else {
            return Ok(None);
        };
        let found = words.iter().find(|(known, _)| *known == word);
        let refusal = || self.refusal(name, "must be equal to one of the allowed values");
        found.map(|(_, value)| Some(*value)).ok_or_else(refusal)
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, StorageError> {
        let Some(value) = self.values.get(name) else {
            return Ok(None);
        };
        let items = match value {
            Value::Array(items) => items.as_slice(),
            Value::Object(_) => return Err(self.refusal(name, "must be array")),
            one => std::slice::from_ref(one),
        };
        let texts = items.iter().enumerate().map(|(index, item)| {
            text(item).ok_or_else(|| self.refusal(&format!("{name}/{index}"), "must be string"))
        });
        texts.collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, StorageError> {
        let Some(value) = self.values.get(name) else {
            return Ok(None);
        };
        Self::new(format!("{}/{name}", self.place), alone(value).clone()).map(Some)
    }

    fn coerced<T>(
        &self,
        name: &str,
        coerce: impl Fn(&Value) -> Option<T>,
        otherwise: &str,
    ) -> Result<Option<T>, StorageError> {
        let Some(value) = self.values.get(name) else {
            return Ok(None);
        };
        coerce(value)
            .map(Some)
            .ok_or_else(|| self.refusal(name, otherwise))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        Fields::new("body".to_owned(), value).unwrap()
    }

    fn message<T: std::fmt::Debug>(result: Result<T, StorageError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn numbers_are_read_from_what_stands_for_one() {
        for (value, number) in [
            (json!(60), 60),
            (json!("60"), 60),
            (json!(" 60 "), 60),
            (json!("6e1"), 60),
            (json!("60.0"), 60),
            (json!(60.0), 60),
            (json!([60]), 60),
            (json!(["60"]), 60),
            (json!(true), 1),
        ] {
            let found = fields(json!({ "n": value })).integer("n", 1).unwrap();
            assert_eq!(found, Some(number), "{value}");
        }
        for value in [
            json!("1.5"),
            json!(1.5),
            json!(""),
            json!("x"),
            json!("Infinity"),
            json!({}),
            json!([1, 2]),
        ] {
            let refused = fields(json!({ "n": value })).integer("n", 1);
            assert_eq!(message(refused), "body/n must be integer", "{value}");
        }
        for value in [json!(0), json!(null), json!("-1"), json!(false)] {
            let refused = fields(json!({ "n": value })).integer("n", 1);
            assert_eq!(message(refused), "body/n must be >= 1", "{value}");
        }
        assert_eq!(fields(json!({})).integer("n", 1).unwrap(), None);
    }

    #[test]
    fn truth_is_read_from_what_stands_for_it() {
        for (value, truth) in [
            (json!(true), true),
            (json!("true"), true),
            (json!(1), true),
            (json!(["true"]), true),
            (json!("false"), false),
            (json!(0), false),
            (json!(null), false),
        ] {
            let found = fields(json!({ "b": value })).boolean("b").unwrap();
            assert_eq!(found, Some(truth), "{value}");
        }
        for value in [json!("yes"), json!("1"), json!(2), json!([]), json!({})] {
            let refused = fields(json!({ "b": value })).boolean("b");
            assert_eq!(message(refused), "body/b must be boolean", "{value}");
        }
    }

    #[test]
    fn texts_are_read_from_single_values() {
        for (value, text) in [
            (json!("a"), "a"),
            (json!(1), "1"),
            (json!(1.0), "1"),
            (json!(1.5), "1.5"),
            (json!(true), "true"),
            (json!(null), ""),
            (json!(["a"]), "a"),
        ] {
            let found = fields(json!({ "t": value })).text("t").unwrap();
            assert_eq!(found.as_deref(), Some(text), "{value}");
        }
        assert_eq!(
            message(fields(json!({ "t": {} })).text("t")),
            "body/t must be string"
        );
        let texts = |value| fields(json!({ "t": value })).texts("t");
        assert_eq!(texts(json!("a")).unwrap(), Some(vec!["a".to_owned()]));
        assert_eq!(
            texts(json!(["a", 1])).unwrap(),
            Some(vec!["a".to_owned(), "1".to_owned()])
        );
        assert_eq!(message(texts(json!({}))), "body/t must be array");
        assert_eq!(message(texts(json!(["a", {}]))), "body/t/1 must be string");
    }

    #[test]
    fn missing_and_unknown_words_are_named() {
        let form = fields(json!({ "order": "up", "sortBy": {} }));
        assert_eq!(
            message(form.required_text("name")),
            "body must have required property 'name'"
        );
        let refused = form.choice("order", &[("asc", 1), ("desc", 2)]);
        assert_eq!(
            message(refused),
            "body/order must be equal to one of the allowed values"
        );
        let below = form.object("sortBy").unwrap().unwrap();
        assert_eq!(
            message(below.required_text("column")),
            "body/sortBy must have required property 'column'"
        );
        assert_eq!(message(form.object("order")), "body/order must be object");
    }
}
