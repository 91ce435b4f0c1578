//! How the simulator behaves, until told otherwise.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Settings that a test changes: `PUT /_control/behaviour`, whose missing fields take their defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// How callbacks arrive.
    pub script: Script,
    /// Which names responses and callbacks use.
    pub naming: Naming,
    /// Between an event and its callback under [`Script::Delayed`], and between attempts.
    pub delay_ms: u64,
    /// How often a callback that is not answered with 2xx is sent again.
    pub retries: u32,
    /// Conversations that may run at the same time.
    pub concurrency_cap: Option<usize>,
    /// Conversations that may still be created.
    pub credits: Option<u32>,
    /// The time of the first event; the next ones follow at fixed steps. `None` takes the real time.
    pub fixed_time: Option<DateTime<Utc>>,
    /// All events of the simulator carry the time of the first.
    pub same_timestamp: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            script: Script::Normal,
            naming: Naming::Old,
            delay_ms: 50,
            retries: 3,
            concurrency_cap: None,
            credits: None,
            fixed_time: None,
            same_timestamp: false,
        }
    }
}

/// How the callbacks of a conversation arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Script {
    /// Each once, in order, at once.
    Normal,
    /// Each two or three times, and earlier ones again in between.
    Duplicated,
    /// All of them only after the end, in another order than they happened.
    Reordered,
    /// Each once, in order, late.
    Delayed,
    /// Some never, the end of the conversation among them. The verbose answer has them all.
    Lost,
    /// Each once, with bodies before it that make no sense.
    Malformed,
}

/// Which generation of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Naming {
    /// `persona_id`, `replica_id`, `system.replica_joined`; transcripts without times.
    Old,
    /// `pal_id`, `face_id`, `system.pal_joined`; transcripts with times as numbers.
    New,
    /// Rows carry both, joining is told twice, times of transcripts are numbers and texts.
    Both,
}
