//! The way from the reader of the WAL to the task that asks the policies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::change::Change;
use super::registry::Registry;

/// Changes that wait at most.
const LONGEST: usize = 1_000;
/// What they may take together, so that long rows cannot fill the memory.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// What the client is told.
const OVERFLOW: &str = "Changes came faster than the policies of their table could be asked. Subscribe again and read the table.";

/// The end of the reader.
pub(in crate::realtime::feed) struct Queue {
    sender: mpsc::Sender<Change>,
    bytes: Arc<AtomicUsize>,
    registry: Arc<Registry>,
}

/// The other end.
pub(super) struct Waiting {
    receiver: mpsc::Receiver<Change>,
    bytes: Arc<AtomicUsize>,
}

/// A queue with both its ends.
pub(super) fn queue(registry: Arc<Registry>) -> (Queue, Waiting) {
    let (sender, receiver) = mpsc::channel(LONGEST);
    let bytes = Arc::new(AtomicUsize::new(0));
    let waiting = Waiting {
        receiver,
        bytes: Arc::clone(&bytes),
    };
    let queue = Queue {
        sender,
        bytes,
        registry,
    };
    (queue, waiting)
}

impl Queue {
    /// Whether a change of the table is worth a copy.
    pub(in crate::realtime::feed) fn is_wanted(&self, schema: &str, table: &str) -> bool {
        self.registry.is_wanted(schema, table)
    }

    /// Never waits. When there is no room, those who wanted the change lose their subscription and are told: a gap that nobody
    /// knows of would be worse, and the WAL must not pile up behind a slow policy.
    pub(in crate::realtime::feed) fn push(&self, change: Change) {
        let bytes = change.bytes();
        let refused = if self.bytes.load(Ordering::Relaxed).saturating_add(bytes) > MOST_BYTES {
            Some(change)
        } else {
            // Counted before it is sent, so that the other end cannot take away what was not yet added.
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
            match self.sender.try_send(change) {
                Ok(()) => None,
                Err(mpsc::error::TrySendError::Full(change) | mpsc::error::TrySendError::Closed(change)) => {
                    self.bytes.fetch_sub(bytes, Ordering::Relaxed);
                    Some(change)
                }
            }
        };
        if let Some(change) = refused {
            let table = &change.table;
            self.registry
                .lose(change.kind, &table.schema, &table.table, &OVERFLOW.into());
        }
    }
}

impl Waiting {
    /// `None` when the reader is gone.
    pub(super) async fn next(&mut self) -> Option<Change> {
        let change = self.receiver.recv().await?;
        self.bytes.fetch_sub(change.bytes(), Ordering::Relaxed);
        Some(change)
    }
}
