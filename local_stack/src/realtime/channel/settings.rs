//! What a client asks for when it joins. Read leniently: what does not fit counts as not said.

use serde_json::{Map, Value};
use uuid::Uuid;

/// The payload of `phx_join`.
#[derive(Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) is_private: bool,
    pub(super) wants_ack: bool,
    pub(super) hears_itself: bool,
    pub(super) wants_replication_ready: bool,
    pub(super) replay: Option<Replay>,
    pub(super) presence_enabled: bool,
    pub(super) presence_key: String,
    /// The entries of `postgres_changes`, as they came.
    pub(super) changes: Vec<Map<String, Value>>,
    pub(super) access_token: Option<String>,
}

/// What is asked for out of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replay {
    /// Messages since then, in milliseconds since 1970, and at most so many.
    Since { since: i64, limit: i64 },
    /// It cannot be read.
    Invalid,
}

impl Settings {
    pub(super) fn read(payload: &Value) -> Self {
        let config = &payload["config"];
        let (broadcast, presence) = (&config["broadcast"], &config["presence"]);
        let token = ["user_token", "access_token"]
            .iter()
            .find_map(|name| payload[*name].as_str());
        Self {
            is_private: is_true(&config["private"]),
            wants_ack: is_true(&broadcast["ack"]),
            hears_itself: is_true(&broadcast["self"]),
            wants_replication_ready: is_true(&broadcast["replication_ready"]),
            replay: replay(&broadcast["replay"]),
            presence_enabled: is_true(&presence["enabled"]),
            presence_key: presence_key(&presence["key"]),
            changes: changes(&config["postgres_changes"]),
            access_token: token.map(str::to_owned),
        }
    }
}

/// Some clients send texts.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(is_true) => *is_true,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

fn replay(value: &Value) -> Option<Replay> {
    if value.is_null() {
        return None;
    }
    let limit = match &value["limit"] {
        Value::Null => Some(25),
        limit => limit.as_i64(),
    };
    Some(match (value["since"].as_i64(), limit) {
        (Some(since), Some(limit)) => Replay::Since { since, limit },
        _ => Replay::Invalid,
    })
}

/// Without a key each channel is a presence of its own.
fn presence_key(value: &Value) -> String {
    match value {
        Value::String(key) if !key.is_empty() => key.clone(),
        Value::Number(key) => key.to_string(),
        _ => Uuid::new_v4().to_string(),
    }
}

fn changes(value: &Value) -> Vec<Map<String, Value>> {
    let entries = value.as_array().map(Vec::as_slice).unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| entry.as_object().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_that_realtime_js_sends_is_read() {
        let settings = Settings::read(&json!({
            "config": {
                "broadcast": { "ack": true, "self": "True", "replay": { "since": 5, "limit": 3 }, "replication_ready": true },
                "presence": { "enabled": true, "key": "ada" },
                "postgres_changes": [{ "event": "*", "schema": "public" }, null],
                "private": true
            },
            "access_token": "a.b.c"
        }));
        assert!(settings.is_private && settings.wants_ack && settings.hears_itself);
        assert!(settings.wants_replication_ready && settings.presence_enabled);
        assert_eq!(settings.replay, Some(Replay::Since { since: 5, limit: 3 }));
        assert_eq!(settings.presence_key, "ada");
        assert_eq!(settings.changes.len(), 1);
        assert_eq!(settings.access_token.as_deref(), Some("a.b.c"));
    }

    #[test]
    fn nothing_and_nonsense_mean_the_defaults() {
        for payload in [
            json!(null),
            json!("x"),
            json!([]),
            json!({ "config": 1 }),
            json!({ "config": { "broadcast": [], "presence": 7, "postgres_changes": {}, "private": 1 } }),
        ] {
            let settings = Settings::read(&payload);
            assert!(!settings.is_private && !settings.wants_ack && !settings.presence_enabled);
            assert_eq!((settings.replay, settings.changes.len()), (None, 0));
            assert!(!settings.presence_key.is_empty());
        }
        let replay = json!({ "config": { "broadcast": { "replay": { "since": "x" } } } });
        assert_eq!(Settings::read(&replay).replay, Some(Replay::Invalid));
    }
}
