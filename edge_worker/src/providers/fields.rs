//! Reading JSON of others field by field: a field of an unexpected type counts as missing and spoils nothing beside it.
//!
//! Not derived with serde on purpose: there, one odd field fails the whole, and a row that carries the old and the new name
//! of a field fails as a duplicate.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Value};

/// A JSON object, or nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(Option<&'a Map<String, Value>>);

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &'a Value) -> Self {
        Self(value.as_object())
    }

    /// The first of these names that is there and not null.
    pub(crate) fn value(self, names: &[&str]) -> Option<&'a Value> {
        let map = self.0?;
        names
            .iter()
            .find_map(|name| map.get(*name).filter(|value| !value.is_null()))
    }

    /// The first of these names that is a text and not empty.
    pub(crate) fn text(self, names: &[&str]) -> Option<&'a str> {
        let map = self.0?;
        names
            .iter()
            .find_map(|name| map.get(*name)?.as_str().filter(|text| !text.is_empty()))
    }

    pub(crate) fn owned(self, names: &[&str]) -> Option<String> {
        self.text(names).map(str::to_owned)
    }

    /// A number, or a text that is one.
    pub(crate) fn number(self, name: &str) -> Option<f64> {
        let value = self.value(&[name])?;
        let number = match value {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        number.filter(|number: &f64| number.is_finite())
    }

    pub(crate) fn integer(self, name: &str) -> Option<i64> {
        self.value(&[name])?.as_i64()
    }

    pub(crate) fn flag(self, names: &[&str]) -> Option<bool> {
        self.value(names)?.as_bool()
    }

    pub(crate) fn time(self, name: &str) -> Option<DateTime<Utc>> {
        time(self.value(&[name])?)
    }

    /// The object below a name; empty when it is something else.
    pub(crate) fn child(self, name: &str) -> Self {
        Self(self.value(&[name]).and_then(Value::as_object))
    }

    pub(crate) fn list(self, name: &str) -> Option<&'a [Value]> {
        self.value(&[name])?.as_array().map(Vec::as_slice)
    }

    pub(crate) fn has(self, name: &str) -> bool {
        self.value(&[name]).is_some()
    }
}

/// RFC 3339, the same without a zone (then UTC) and with a space, or Unix seconds as number or text.
fn time(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::Number(number) => unix_seconds(number.as_f64()?),
        Value::String(text) => {
            let text = text.trim();
            DateTime::parse_from_rfc3339(text)
                .map(|time| time.to_utc())
                .or_else(|_| text.parse::<NaiveDateTime>().map(|time| time.and_utc()))
                .or_else(|_| {
                    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").map(|time| time.and_utc())
                })
                .ok()
                .or_else(|| unix_seconds(text.parse().ok()?))
        }
        _ => None,
    }
}

fn unix_seconds(seconds: f64) -> Option<DateTime<Utc>> {
    // Until the year 5138; more than that are milliseconds, or nonsense.
    if !(0.0..1e11).contains(&seconds) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range above fits, and Postgres keeps microseconds"
    )]
    let micros = (seconds * 1e6).round() as i64;
    DateTime::from_timestamp_micros(micros)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_of_a_time_is_read() {
        let expected = "2026-05-22T18:47:37.840Z".parse::<DateTime<Utc>>().unwrap();
        for value in [
            json!("2026-05-22T18:47:37.840000Z"),
            json!("2026-05-22T20:47:37.84+02:00"),
            json!("2026-05-22T18:47:37.84"),
            json!("2026-05-22 18:47:37.840000"),
            json!(1_779_475_657.84),
            json!("1779475657.84"),
        ] {
            assert_eq!(time(&value), Some(expected), "{value}");
        }
        for value in [
            json!("soon"),
            json!(""),
            json!(-1),
            json!(1e300),
            json!(true),
            json!([]),
        ] {
            assert_eq!(time(&value), None, "{value}");
        }
    }

    #[test]
    fn first_usable_name_wins_and_odd_types_count_as_missing() {
        let row = json!({ "persona_id": null, "pal_id": "p1", "n": "2.5", "name": 7, "empty": "" });
        let fields = Fields::of(&row);
        assert_eq!(fields.text(&["persona_id", "pal_id"]), Some("p1"));
        assert_eq!(fields.text(&["name", "empty"]), None);
        assert_eq!(fields.number("n"), Some(2.5));
        assert_eq!(fields.child("n").text(&["x"]), None);
    }
}
