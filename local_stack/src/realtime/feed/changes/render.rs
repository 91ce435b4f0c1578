//! Values as JSON, the way `to_jsonb` writes them.
//!
//! The types that nearly all columns have are written here, from the text in the WAL. Postgres is asked for the rest: arrays,
//! composite types, domains, and whatever an extension brings.

use serde_json::value::RawValue;
use sqlx::{PgConnection, Row as _};

use super::catalogue::{Column, Known};
use super::change::{Cell, Change};

/// A value of a message.
#[derive(Debug)]
pub(super) enum Value {
    /// Not in the message.
    Absent,
    Null,
    Json(Box<RawValue>),
}

impl Value {
    /// The length that the limits of the server count; `None` for what has none.
    pub(super) fn bytes(&self) -> Option<usize> {
        match self {
            Self::Absent | Self::Null => None,
            Self::Json(json) => Some(json.get().len()),
        }
    }
}

/// The rows of a change, in the order of their description.
pub(super) struct Values {
    pub(super) new: Vec<Value>,
    pub(super) old: Vec<Value>,
}

impl Values {
    /// Writes all values of a change.
    pub(super) async fn write(
        connection: &mut PgConnection,
        known: &Known,
        change: &Change,
    ) -> sqlx::Result<Self> {
        Ok(Self {
            new: row(connection, known, change.new.as_deref().unwrap_or_default()).await?,
            old: row(connection, known, change.old.as_deref().unwrap_or_default()).await?,
        })
    }
}

async fn row(connection: &mut PgConnection, known: &Known, cells: &[Cell]) -> sqlx::Result<Vec<Value>> {
    let mut values = Vec::with_capacity(cells.len());
    let mut asked: Vec<(usize, &str, &str)> = Vec::new();
    for (place, cell) in cells.iter().enumerate() {
        let value = match (cell, known.column(place)) {
            (Cell::Absent, _) | (_, None) => Value::Absent,
            (Cell::Null, _) => Value::Null,
            (Cell::Text(text), Some(column)) => plain(column, text).unwrap_or_else(|| {
                asked.push((place, text, &column.sql_type));
                Value::Absent
            }),
        };
        values.push(value);
    }
    for (place, json) in ask(connection, &asked).await? {
        if let Some(value) = values.get_mut(place) {
            *value = json.map_or(Value::Null, raw);
        }
    }
    Ok(values)
}

/// One statement for the row; its text depends on the types alone, so that it is prepared once.
async fn ask(
    connection: &mut PgConnection,
    asked: &[(usize, &str, &str)],
) -> sqlx::Result<Vec<(usize, Option<String>)>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let items: Vec<String> = asked
        .iter()
        .zip(1..)
        .map(|((_, _, sql_type), number)| format!("to_jsonb(${number}::text::{sql_type})::text"))
        .collect();
    let statement = format!("select {}", items.join(", "));
    let mut query = sqlx::query(&statement);
    for (_, text, _) in asked {
        query = query.bind(*text);
    }
    let row = query.fetch_one(connection).await?;
    let answers = asked.iter().enumerate();
    answers
        .map(|(index, (place, _, _))| Ok((*place, row.try_get(index)?)))
        .collect()
}

/// `None`: Postgres has to be asked.
fn plain(column: &Column, text: &str) -> Option<Value> {
    Some(match column.type_oid {
        // bool
        16 => raw(if text == "t" { "true" } else { "false" }.to_owned()),
        // int8, int2, int4
        20 | 21 | 23 => raw(text.to_owned()),
        // float4, float8, numeric: what JSON has no number for is null on the server, whose decoder knows only JSON.
        700 | 701 | 1700 if is_finite(text) => raw(text.to_owned()),
        700 | 701 | 1700 => Value::Null,
        // json, jsonb
        114 | 3802 => raw(text.to_owned()),
        // bytea: the server's decoder leaves the prefix out.
        17 => string(text.strip_prefix("\\x").unwrap_or(text)),
        // timestamp
        1114 => string(&text.replacen(' ', "T", 1)),
        // timestamptz: the stream runs in UTC.
        1184 => string(&text.replacen(' ', "T", 1).replacen("+00", "+00:00", 1)),
        // "char", name, text, oid, bpchar, varchar, date, time, timetz, interval, uuid, inet, cidr, macaddr, bit, varbit
        18 | 19 | 25 | 26 | 1042 | 1043 | 1082 | 1083 | 1266 | 1186 | 2950 | 869 | 650 | 829 | 1560
        | 1562 => string(text),
        _ => return None,
    })
}

fn is_finite(number: &str) -> bool {
    !number.contains("NaN") && !number.contains("Infinity")
}

fn string(text: &str) -> Value {
    raw(serde_json::Value::from(text).to_string())
}

/// The WAL holds what Postgres accepted, so this is JSON; what is not is shown as the text it is.
fn raw(json: String) -> Value {
    Value::Json(RawValue::from_string(json.clone()).unwrap_or_else(|error| {
        tracing::debug!(%error, "a value of a change is no JSON");
        serde_json::value::to_raw_value(&json).unwrap_or_default()
    }))
}
