//! The JSON object that describes a change to a client.

use std::collections::HashSet;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::catalogue::Known;
use super::change::{Change, Kind};
use super::render::{Value, Values};

/// A longer change keeps its short values only.
const LONGEST_BYTES: usize = 1_048_576;
/// What counts as short then.
const SHORT_BYTES: usize = 64;
/// What the decoder of the server writes around a value, about.
const AROUND_VALUE_BYTES: usize = 48;

const TOO_LONG: &str = "Error 413: Payload Too Large";
/// The table has no primary key.
pub(super) const NO_KEY: &str = "Error 400: Bad Request, no primary key";
/// The role may not select the primary key.
pub(super) const NO_RIGHT: &str = "Error 401: Unauthorized";

#[derive(Serialize)]
struct Data<'a> {
    columns: Vec<ColumnOf<'a>>,
    commit_timestamp: Option<&'a str>,
    errors: Option<[&'a str; 1]>,
    schema: &'a str,
    table: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Record<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_record: Option<Record<'a>>,
}

#[derive(Serialize)]
struct ColumnOf<'a> {
    name: &'a str,
    r#type: &'a str,
}

/// Names and values, in the order of the table.
struct Record<'a>(Vec<(&'a str, Option<&'a RawValue>)>);

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// What a role and a request see of a change.
pub(super) struct View<'a> {
    pub(super) known: &'a Known,
    pub(super) change: &'a Change,
    /// The columns that the role may select.
    pub(super) readable: Option<&'a HashSet<String>>,
    /// The columns that the request asks for; the primary key comes with them.
    pub(super) select: Option<&'a [String]>,
}

impl View<'_> {
    /// The whole object.
    pub(super) fn data(&self, values: &Values) -> String {
        let is_long = self.bytes(values) > LONGEST_BYTES;
        let kind = self.change.kind;
        let record = (kind != Kind::Delete).then(|| self.record(values, is_long));
        let old_record = (kind != Kind::Insert).then(|| self.old_record(values, is_long));
        let shown = |column: &&super::catalogue::Column| self.is_shown(&column.name, column.is_key);
        let columns = self.known.table.columns.iter().filter(shown);
        self.json(Data {
            columns: columns
                .map(|column| ColumnOf {
                    name: &column.name,
                    r#type: &column.type_name,
                })
                .collect(),
            commit_timestamp: Some(&self.change.committed),
            errors: is_long.then_some([TOO_LONG]),
            record,
            old_record,
            ..self.empty()
        })
    }

    /// An object that says only that there was a change, and why no more.
    pub(super) fn error(&self, error: &str) -> String {
        let kind = self.change.kind;
        self.json(Data {
            errors: Some([error]),
            record: (kind != Kind::Delete).then(|| Record(Vec::new())),
            old_record: (kind != Kind::Insert).then(|| Record(Vec::new())),
            ..self.empty()
        })
    }

    fn empty(&self) -> Data<'_> {
        Data {
            columns: Vec::new(),
            commit_timestamp: None,
            errors: None,
            schema: &self.change.table.schema,
            table: &self.change.table.table,
            r#type: self.change.kind.name(),
            record: None,
            old_record: None,
        }
    }

    fn json(&self, data: Data<'_>) -> String {
        serde_json::to_string(&data).unwrap_or_else(|error| {
            tracing::error!(%error, "a change could not be written as JSON");
            "{}".to_owned()
        })
    }

    fn is_shown(&self, name: &str, is_key: bool) -> bool {
        let is_selected = || {
            is_key
                || self
                    .select
                    .is_none_or(|names| names.iter().any(|selected| selected == name))
        };
        self.readable.is_some_and(|names| names.contains(name)) && is_selected()
    }

    /// A long value that the update left alone is taken from the old row, where the replica identity has it.
    fn record<'a>(&'a self, values: &'a Values, is_long: bool) -> Record<'a> {
        self.rows(is_long, |place| {
            let new = values.new.get(place).unwrap_or(&Value::Absent);
            match new {
                Value::Absent => values.old.get(place).unwrap_or(&Value::Absent),
                Value::Null | Value::Json(_) => new,
            }
        })
    }

    /// Policies cannot be asked about a row that is gone, so where there are policies only its key is told.
    fn old_record<'a>(&'a self, values: &'a Values, is_long: bool) -> Record<'a> {
        let keys_only = self.change.kind == Kind::Delete && self.known.table.has_row_security;
        self.rows(is_long, |place| {
            let is_key = self.known.column(place).is_some_and(|column| column.is_key);
            match values.old.get(place) {
                Some(value) if is_key || !keys_only => value,
                _ => &Value::Absent,
            }
        })
    }

    fn rows<'a>(&'a self, is_long: bool, value: impl Fn(usize) -> &'a Value) -> Record<'a> {
        let entries = self.known.in_order().into_iter().filter_map(|place| {
            let column = self.known.column(place)?;
            let value = value(place);
            let is_kept = !is_long || value.bytes().is_some_and(|bytes| bytes <= SHORT_BYTES);
            if !is_kept || !self.is_shown(&column.name, column.is_key) {
                return None;
            }
            match value {
                Value::Absent => None,
                Value::Null => Some((column.name.as_str(), None)),
                Value::Json(json) => Some((column.name.as_str(), Some(&**json))),
            }
        });
        Record(entries.collect())
    }

    /// About what the server's decoder would have written.
    fn bytes(&self, values: &Values) -> usize {
        let rows = [&values.new, &values.old];
        let lengths = rows.into_iter().flatten().enumerate().map(|(place, value)| {
            let name = self.known.column(place).map_or(0, |column| column.name.len());
            value.bytes().unwrap_or(4) + name + AROUND_VALUE_BYTES
        });
        lengths.sum()
    }
}
