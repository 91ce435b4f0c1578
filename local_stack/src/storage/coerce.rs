//! Values of one type made of another, where that loses nothing, as Supabase's validator does it.

use serde_json::Value;

/// A list of one value stands for the value where no list is wanted.
pub(super) fn alone(value: &Value) -> &Value {
    match value {
        Value::Array(items) => match items.as_slice() {
            [one] => one,
            _ => value,
        },
        _ => value,
    }
}

pub(super) fn text(value: &Value) -> Option<String> {
    match alone(value) {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null => Some(String::new()),
        Value::Number(number) => {
            let whole = number.as_f64().filter(|_| number.is_f64()).and_then(whole);
            Some(whole.map_or_else(|| number.to_string(), |whole| whole.to_string()))
        }
        Value::Array(_) | Value::Object(_) => None,
    }
}

pub(super) fn boolean(value: &Value) -> Option<bool> {
    match alone(value) {
        Value::Bool(truth) => Some(*truth),
        Value::Null => Some(false),
        Value::String(text) => match text.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        number => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
    }
}

/// A whole number; also where one stands in a text, and 60.0 is one.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match alone(value) {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        Value::Bool(truth) => Some(i64::from(*truth)),
        Value::Null => Some(0),
        Value::String(text) => {
            let text = text.trim();
            let is_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
                && text.ends_with(|c: char| c.is_ascii_digit() || c == '.');
            let number = || text.parse::<f64>().ok().and_then(whole);
            is_number.then(|| text.parse().ok().or_else(number)).flatten()
        }
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the number was looked at: it is whole, and exact in a float"
)]
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}
