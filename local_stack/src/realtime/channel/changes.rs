//! Changes of tables that a channel follows.

use std::sync::Arc;

use axum::extract::ws::Message;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::task::Wire;
use crate::identity::Caller;
use crate::realtime::core::Core;
use crate::realtime::feed::{ChangeRequest, ChangeSink, ChangeSubscription};

/// What the channel follows; dropping it follows nothing more.
pub(super) struct Changes {
    /// As they go into the answer to the join, each with its id.
    entries: Vec<Value>,
    sink: Arc<Sink>,
    outcome: Option<Result<ChangeSubscription, String>>,
}

impl Changes {
    /// Follows what was asked for. That it did not work is said in a `system` message; the channel is joined all the same.
    pub(super) async fn subscribe(
        core: &Core,
        wire: &Wire,
        caller: &Caller,
        asked: &[Map<String, Value>],
    ) -> Self {
        let sink = Arc::new(Sink {
            wire: wire.clone(),
            held: Mutex::new(Some(Vec::new())),
        });
        let outcome = match asked.is_empty() {
            true => None,
            false => Some(subscribe(core, caller, asked, sink.clone()).await),
        };
        let ids = match &outcome {
            Some(Ok(subscription)) => subscription.ids.clone(),
            _ => Vec::new(),
        };
        // An entry needs an id even where nothing is followed: the client compares the lists.
        let entries = (1..)
            .zip(asked)
            .map(|(number, entry)| {
                let index = usize::try_from(number - 1).unwrap_or_default();
                let mut entry = entry.clone();
                let id: i64 = ids.get(index).copied().unwrap_or(number);
                entry.insert("id".to_owned(), id.into());
                Value::Object(entry)
            })
            .collect();
        Self {
            entries,
            sink,
            outcome,
        }
    }

    pub(super) fn entries(&self) -> &[Value] {
        &self.entries
    }

    /// Tells the client how it went, and then what came meanwhile.
    pub(super) fn announce(&self, wire: &Wire) {
        match &self.outcome {
            None => {}
            Some(Ok(_)) => wire.system("postgres_changes", "ok", "Subscribed to PostgreSQL"),
            Some(Err(message)) => wire.system("postgres_changes", "error", message),
        }
        self.sink.release();
    }

    pub(super) fn update_caller(&self, caller: &Caller) {
        if let Some(Ok(subscription)) = &self.outcome {
            subscription.update_caller(caller);
        }
    }
}

async fn subscribe(
    core: &Core,
    caller: &Caller,
    asked: &[Map<String, Value>],
    sink: Arc<Sink>,
) -> Result<ChangeSubscription, String> {
    let requests: Vec<ChangeRequest> = asked
        .iter()
        .map(|entry| serde_json::from_value(Value::Object(entry.clone())))
        .collect::<Result<_, _>>()
        .map_err(|error| format!("Unable to subscribe to changes with given parameters: {error}"))?;
    let feed = core.feed.read().await;
    let feed = feed.as_ref().ok_or("Realtime is stopping")?;
    feed.subscribe(caller, requests, sink)
        .await
        .map_err(|error| error.to_string())
}

/// Sends changes to the client; before the join is answered it keeps them.
struct Sink {
    wire: Wire,
    held: Mutex<Option<Vec<Message>>>,
}

impl Sink {
    fn release(&self) {
        let mut held = self.held.lock();
        for message in held.take().unwrap_or_default() {
            self.wire.peer.outbox.push(message);
        }
    }
}

impl ChangeSink for Sink {
    fn change(&self, ids: Vec<i64>, data: Arc<str>) {
        let payload = format!(r#"{{"ids":{},"data":{data}}}"#, json!(ids));
        let message = self
            .wire
            .message("postgres_changes", None)
            .encode_raw(self.wire.peer.version, &payload);
        let mut held = self.held.lock();
        match held.as_mut() {
            Some(held) => held.push(message),
            None => self.wire.peer.outbox.push(message),
        }
    }

    fn lost(&self, reason: Arc<str>) {
        self.wire.system("postgres_changes", "error", &reason);
    }
}
