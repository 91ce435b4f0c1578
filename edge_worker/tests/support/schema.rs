//! Whether an answer has the form that the description of the routes promises.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

use serde_json::Value;

/// Panics where `value` is not what the description says of this answer.
pub fn assert_fits(description: &Value, method: &str, route: &str, status: &str, value: &Value) {
    let answers = &description["paths"][route][method]["responses"];
    let schema = &answers[status]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {route} {status} is not described");
    fits(description, schema, value, &format!("{method} {route}"));
}

fn fits(description: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = description.pointer(name.trim_start_matches('#'));
        return fits(description, target.unwrap_or(&Value::Null), value, at);
    }
    if let Some(items) = schema.get("items") {
        for item in value
            .as_array()
            .unwrap_or_else(|| panic!("{at} is no list: {value}"))
        {
            fits(description, items, item, at);
        }
        return;
    }
    assert!(
        is_of(&schema["type"], value),
        "{at} is no {}: {value}",
        schema["type"]
    );
    let (Some(properties), Some(object)) = (schema["properties"].as_object(), value.as_object()) else {
        return;
    };
    let required = schema["required"].as_array().into_iter().flatten();
    for name in required.filter_map(Value::as_str) {
        assert!(object.contains_key(name), "{at} has no {name}: {value}");
    }
    for (name, value) in object {
        let property = properties.get(name);
        let property = property.unwrap_or_else(|| panic!("{at} has {name}, which nobody described"));
        fits(description, property, value, &format!("{at} {name}"));
    }
}

fn is_of(kind: &Value, value: &Value) -> bool {
    let one = |kind: &str| match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    };
    match kind {
        Value::String(kind) => one(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).any(one),
        _ => false,
    }
}
