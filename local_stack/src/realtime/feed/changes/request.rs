//! What a client asks to be told of.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::change::Kind;
use super::error::SubscribeError;
use super::filter::{self, Filter};

/// Any schema, or any table.
pub(super) const ANY: &str = "*";

/// One entry of `postgres_changes` in the configuration of a channel.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct ChangeRequest {
    #[serde(default, deserialize_with = "text")]
    pub(crate) event: String,
    /// Empty: not given.
    #[serde(default, deserialize_with = "text")]
    pub(crate) schema: String,
    #[serde(default, deserialize_with = "optional_text")]
    pub(crate) table: Option<String>,
    #[serde(default, deserialize_with = "optional_text")]
    pub(crate) filter: Option<String>,
    /// Names of columns. Whatever else it is, it is refused or ignored when the client subscribes.
    #[serde(default)]
    pub(crate) select: Option<Value>,
}

/// What is no text is taken for its JSON form, which names no table: the client is then told so.
fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(other) => Some(other.to_string()),
    })
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(optional_text(deserializer)?.unwrap_or_default())
}

impl ChangeRequest {
    /// The number that stands for the request in the join reply and in messages. Equal requests have the same, on every channel.
    pub(crate) fn id(&self) -> i64 {
        let mut hasher = DefaultHasher::new();
        (&self.event, &self.schema, &self.table, &self.filter).hash(&mut hasher);
        self.select.as_ref().map(Value::to_string).hash(&mut hasher);
        // As many bits as the server's numbers have.
        i64::try_from(hasher.finish() & 0x07ff_ffff).unwrap_or_default()
    }

    /// Reads the request, without asking whether there is such a table.
    pub(super) fn read(&self) -> Result<Wanted, SubscribeError> {
        let select = self.selected()?;
        let (schema, table) = match (self.schema.as_str(), self.table.as_deref(), &self.filter) {
            ("", Some(table), None) => ("public", table),
            ("", ..) | (_, None, Some(_)) => return Err(self.nothing()),
            (schema, table, _) => (schema, table.unwrap_or(ANY)),
        };
        let filters = match &self.filter {
            None => Vec::new(),
            Some(text) => filter::parse(text).map_err(|reason| {
                SubscribeError::Malformed(format!("Error parsing `filter` params: {reason}"))
            })?,
        };
        if select.is_some() && (schema == ANY || table == ANY) {
            let reason = "Column selection is not supported for wildcard subscriptions. Provide an explicit schema and table name.";
            return Err(SubscribeError::Malformed(reason.to_owned()));
        }
        Ok(Wanted {
            id: self.id(),
            kind: Kind::wanted(&self.event),
            schema: schema.to_owned(),
            table: table.to_owned(),
            filters,
            select,
        })
    }

    fn selected(&self) -> Result<Option<Vec<String>>, SubscribeError> {
        match &self.select {
            Some(Value::Array(items)) => {
                let names = items.iter().filter_map(Value::as_str).map(str::to_owned);
                let mut names: Vec<String> = names.collect();
                names.sort_unstable();
                names.dedup();
                Ok(Some(names).filter(|names| !names.is_empty()))
            }
            Some(Value::String(_)) => {
                let reason = "Error parsing `select` params: expected a list of column name strings, e.g. select: [\"col1\", \"col2\"]";
                Err(SubscribeError::Malformed(reason.to_owned()))
            }
            _ => Ok(None),
        }
    }

    fn nothing(&self) -> SubscribeError {
        let given = [
            (
                "event",
                Some(self.event.as_str()).filter(|event| !event.is_empty()),
            ),
            ("filter", self.filter.as_deref()),
            ("table", self.table.as_deref()),
            (
                "schema",
                Some(self.schema.as_str()).filter(|schema| !schema.is_empty()),
            ),
        ];
        let given = given
            .iter()
            .filter_map(|(name, value)| Some(format!("{name:?} => {:?}", (*value)?)));
        let given: Vec<String> = given.collect();
        SubscribeError::Malformed(format!(
            "No subscription params provided. Please provide at least a `schema` or `table` to subscribe to: %{{{}}}",
            given.join(", ")
        ))
    }
}

/// A request that was read.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) id: i64,
    /// `None`: every kind.
    pub(super) kind: Option<Kind>,
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) filters: Vec<Filter>,
    /// `None`: every column. Sorted otherwise.
    pub(super) select: Option<Vec<String>>,
}

impl Wanted {
    pub(super) fn fits(&self, kind: Kind, schema: &str, table: &str) -> bool {
        self.kind.is_none_or(|wanted| wanted == kind)
            && (self.schema == ANY || self.schema == schema)
            && (self.table == ANY || self.table == table)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(request: Value) -> Result<Wanted, String> {
        let request: ChangeRequest = serde_json::from_value(request).unwrap();
        request.read().map_err(|error| error.to_string())
    }

    #[test]
    fn schema_and_table_may_be_left_out_as_on_the_server() {
        for (request, schema, table) in [
            (json!({"schema": "public"}), "public", "*"),
            (json!({"schema": "*"}), "*", "*"),
            (json!({"table": "things"}), "public", "things"),
            (
                json!({"schema": "app", "table": "things", "filter": "id=eq.1"}),
                "app",
                "things",
            ),
            (
                json!({"schema": "app", "table": null, "filter": null}),
                "app",
                "*",
            ),
            (json!({"schema": "app", "table": 5}), "app", "5"),
        ] {
            let wanted = read(request).unwrap();
            assert_eq!((wanted.schema.as_str(), wanted.table.as_str()), (schema, table));
        }
        assert_eq!(
            read(json!({"table": "things", "filter": "id=eq.1"})).unwrap_err(),
            "No subscription params provided. Please provide at least a `schema` or `table` to subscribe to: %{\"filter\" => \"id=eq.1\", \"table\" => \"things\"}"
        );
        for request in [
            json!({}),
            json!({"event": "*"}),
            json!({"schema": "app", "filter": "id=eq.1"}),
        ] {
            assert!(
                read(request)
                    .unwrap_err()
                    .starts_with("No subscription params provided.")
            );
        }
    }

    #[test]
    fn event_that_is_no_verb_means_all() {
        for (event, kind) in [
            ("insert", Some(Kind::Insert)),
            ("UPDATE", Some(Kind::Update)),
            ("Delete", Some(Kind::Delete)),
            ("*", None),
            ("TRUNCATE", None),
        ] {
            let wanted = read(json!({"event": event, "schema": "public"})).unwrap();
            assert_eq!(wanted.kind, kind, "{event}");
        }
    }

    #[test]
    fn columns_are_a_list_of_names_of_one_table() {
        let wanted = read(json!({"table": "things", "select": ["b", 1, "a", "b"]})).unwrap();
        assert_eq!(wanted.select.unwrap(), ["a", "b"]);
        assert_eq!(
            read(json!({"table": "things", "select": []})).unwrap().select,
            None
        );
        assert!(
            read(json!({"table": "things", "select": "a,b"}))
                .unwrap_err()
                .starts_with("Error parsing `select` params: expected a list")
        );
        assert!(
            read(json!({"schema": "public", "select": ["a"]}))
                .unwrap_err()
                .starts_with("Column selection is not supported for wildcard subscriptions.")
        );
    }

    #[test]
    fn number_of_a_request_depends_on_all_of_it() {
        let requests = [
            json!({"schema": "public"}),
            json!({"schema": "public", "event": "INSERT"}),
            json!({"schema": "public", "table": "a"}),
            json!({"schema": "public", "table": "a", "filter": "id=eq.1"}),
            json!({"schema": "public", "table": "a", "select": ["id"]}),
        ];
        let ids: std::collections::HashSet<i64> = requests
            .into_iter()
            .map(|request| serde_json::from_value::<ChangeRequest>(request).unwrap().id())
            .collect();
        assert_eq!(ids.len(), 5);
    }
}
