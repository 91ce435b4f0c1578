//! Everything that the simulated service knows.

use std::collections::BTreeMap;

use axum::http::Method;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Map, Value};

use super::behaviour::Behaviour;
use super::callbacks::Delivery;
use super::faults::{Fault, FaultKind};
use super::stock;

/// Between events when the time is fixed.
const STEP: TimeDelta = TimeDelta::milliseconds(137);

/// The state. All chance comes from its seed.
#[derive(Debug)]
pub(super) struct World {
    pub(super) random: StdRng,
    pub(super) behaviour: Behaviour,
    pub(super) faults: Vec<Fault>,
    /// In the order they were made.
    pub(super) conversations: Vec<Conversation>,
    pub(super) personas: Vec<Map<String, Value>>,
    pub(super) replicas: Vec<Map<String, Value>>,
    /// Every attempt of a callback.
    pub(super) deliveries: Vec<Delivery>,
    /// How many requests came, by method and path.
    pub(super) requests: BTreeMap<String, u32>,
    last_time: Option<DateTime<Utc>>,
}

/// A conversation.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub(super) id: String,
    /// The fields of its row.
    pub(super) row: Map<String, Value>,
    pub(super) callback_url: Option<String>,
    /// What was said, for the transcript.
    pub(super) said: Vec<(&'static str, String)>,
    /// What happened, as in the verbose answer.
    pub(super) events: Vec<Value>,
    /// Callbacks that wait for the end, to come in another order.
    pub(super) held: Vec<Vec<u8>>,
    /// Bodies that were sent, for scripts that send them again.
    pub(super) sent: Vec<Vec<u8>>,
}

impl Conversation {
    pub(super) fn is_active(&self) -> bool {
        self.row.get("status").and_then(Value::as_str) == Some("active")
    }
}

impl World {
    /// Without a seed it is like no other.
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed.unwrap_or_else(rand::random)),
            behaviour: Behaviour::default(),
            faults: Vec::new(),
            conversations: Vec::new(),
            personas: stock::personas(),
            replicas: stock::replicas(),
            deliveries: Vec::new(),
            requests: BTreeMap::new(),
            last_time: None,
        }
    }

    /// A new id: a letter and hexadecimal digits, as the real ones.
    pub(super) fn id(&mut self, prefix: char) -> String {
        let number: u64 = self.random.random();
        format!("{prefix}{number:016x}")
    }

    /// The time of what happens now; never that of what happened before, unless that is asked for.
    pub(super) fn now(&mut self) -> String {
        let time = match (self.last_time, self.behaviour.fixed_time) {
            (Some(last), _) if self.behaviour.same_timestamp => last,
            (Some(last), Some(_)) => last + STEP,
            (None, Some(first)) => first,
            (Some(last), None) => Utc::now().max(last + TimeDelta::microseconds(1)),
            (None, None) => Utc::now(),
        };
        self.last_time = Some(time);
        time.to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    pub(super) fn conversation(&mut self, id: &str) -> Option<&mut Conversation> {
        self.conversations
            .iter_mut()
            .find(|conversation| conversation.id == id)
    }

    pub(super) fn active(&self) -> usize {
        self.conversations
            .iter()
            .filter(|conversation| conversation.is_active())
            .count()
    }

    /// Counts a request, and takes the fault that is meant for it.
    pub(super) fn count(&mut self, method: &Method, path: &str) -> Option<FaultKind> {
        *self.requests.entry(format!("{method} {path}")).or_default() += 1;
        let fault = self.faults.iter_mut().find(|fault| {
            let has_method = fault
                .method
                .as_deref()
                .is_none_or(|wanted| wanted == method.as_str());
            has_method && path.starts_with(&fault.path) && fault.times > 0
        })?;
        fault.times -= 1;
        Some(fault.kind.clone())
    }
}

/// The value of a field that is a text.
pub(super) fn text<'a>(row: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    row.get(name)?.as_str()
}

/// One page of rows; `page` begins at 1.
pub(super) fn page<T>(rows: Vec<T>, number: usize, limit: usize) -> Vec<T> {
    rows.into_iter()
        .skip(number.saturating_sub(1).saturating_mul(limit))
        .take(limit)
        .collect()
}
