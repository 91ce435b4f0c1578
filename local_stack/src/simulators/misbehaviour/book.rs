//! What a simulator has seen, and what it was asked to do wrong.

use std::collections::VecDeque;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};

use super::fault::{Fault, FaultKind};

/// How many requests are remembered. The count goes on.
const REMEMBERED: usize = 10_000;

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    /// Such as `POST`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// What it was answered with; `None` when the connection was dropped.
    pub status: Option<u16>,
    /// What the simulator made of it.
    pub about: Value,
}

/// The memory of a simulator.
#[derive(Debug, Default)]
pub(crate) struct Book(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    count: u64,
    seen: VecDeque<Seen>,
    faults: Vec<Fault>,
}

impl Book {
    /// Notes what became of a request.
    pub(super) fn note(&self, seen: Seen) {
        let mut entries = self.0.lock();
        entries.count += 1;
        if entries.seen.len() == REMEMBERED {
            entries.seen.pop_front();
        }
        entries.seen.push_back(seen);
    }

    pub(crate) fn add(&self, fault: Fault) {
        self.0.lock().faults.push(fault);
    }

    /// The fault that is meant for a request with this body: the first one that fits.
    pub(super) fn take(&self, body: &[u8]) -> Option<FaultKind> {
        let mut entries = self.0.lock();
        let fits = |fault: &&mut Fault| fault.times > 0 && has(body, fault.contains.as_bytes());
        let fault = entries.faults.iter_mut().find(fits)?;
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        fault.times -= 1;
        let kind = fault.kind.clone();
        entries.faults.retain(|fault| fault.times > 0);
        Some(kind)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.lock().seen.iter().cloned().collect()
    }

    pub(super) fn shown(&self) -> Value {
        let entries = self.0.lock();
        json!({ "count": entries.count, "requests": entries.seen, "faults": entries.faults })
    }

    pub(super) fn reset(&self) {
        *self.0.lock() = Entries::default();
    }
}

fn has(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_meets_the_requests_that_fit_and_is_used_up() {
        let book = Book::default();
        book.add(Fault {
            contains: "poison".into(),
            times: 2,
            ..Fault::next(FaultKind::Garbage)
        });
        book.add(Fault {
            after: 1,
            ..Fault::next(FaultKind::DropBefore)
        });
        assert_eq!(book.take(b"good"), None);
        assert_eq!(book.take(b"a poison"), Some(FaultKind::Garbage));
        assert_eq!(book.take(b"good"), Some(FaultKind::DropBefore));
        assert_eq!(book.take(b"good"), None);
        assert_eq!(book.take(b"poison"), Some(FaultKind::Garbage));
        assert_eq!(book.take(b"poison"), None);
    }
}
