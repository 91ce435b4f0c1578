//! A job as a worker has it.

use std::fmt;

use serde_json::Value;

/// A queue. Each has jobs that may take long in common ways, and a number of them at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// What waits for Tavus.
    Tavus,
    /// What waits for files and those who read them.
    Knowledge,
    /// What the database does for itself.
    Maintenance,
}

impl Queue {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tavus, Self::Knowledge, Self::Maintenance];

    /// Its name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tavus => "tavus",
            Self::Knowledge => "knowledge",
            Self::Maintenance => "maintenance",
        }
    }

    /// `None` for a queue that this worker does not know.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.as_str() == name)
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A job that this worker has taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Where it comes from.
    pub queue: Queue,
    /// Its number in the queue.
    pub id: i64,
    /// What the database knows this worker's turn by: another worker's is higher.
    pub lease: i32,
    /// What is to be done. Nobody has looked yet whether it is known.
    pub kind: String,
    /// With what.
    pub payload: Value,
    /// From 1.
    pub attempt: u32,
}
