//! A row of `realtime.messages`, as it goes to clients.

use std::sync::Arc;

use bytes::Bytes;
use pg_walstream::{ColumnData, ColumnInfo, TupleData};
use uuid::Uuid;

/// The Realtime server drops messages whose payload is longer: 3,000 KB and some room.
const LONGEST_PAYLOAD_BYTES: usize = 3_000_500;

/// A row of `realtime.messages`, as it goes to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredBroadcast {
    pub(crate) id: Uuid,
    pub(crate) topic: String,
    pub(crate) event: String,
    pub(crate) is_private: bool,
    pub(crate) payload: StoredPayload,
}

/// What the sender sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoredPayload {
    /// The text of a jsonb value.
    Json(Arc<str>),
    Binary(Bytes),
}

/// Takes what the feed reads. The reader calls it between two rows, so it must not block.
pub(crate) trait Receiver: Send + Sync + 'static {
    fn broadcast(&self, message: StoredBroadcast);
}

/// Why a row goes to nobody.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Undeliverable {
    #[error("the row has no {0}")]
    Missing(&'static str),
    #[error("the row has a malformed {0}")]
    Malformed(&'static str),
    #[error("the payload has {0} bytes")]
    TooLong(usize),
}

/// Where the columns are in the tuples of one relation.
#[derive(Clone, Debug)]
pub(super) struct MessageColumns {
    id: Option<usize>,
    topic: Option<usize>,
    event: Option<usize>,
    private: Option<usize>,
    payload: Option<usize>,
    binary_payload: Option<usize>,
}

impl MessageColumns {
    /// The daily partitions stand in the stream under their own names.
    pub(super) fn is_of(schema: &str, table: &str) -> bool {
        schema == "realtime" && (table == "messages" || table.starts_with("messages_"))
    }

    pub(super) fn find(columns: &[ColumnInfo]) -> Self {
        let place = |name: &str| columns.iter().position(|column| &*column.name == name);
        Self {
            id: place("id"),
            topic: place("topic"),
            event: place("event"),
            private: place("private"),
            payload: place("payload"),
            binary_payload: place("binary_payload"),
        }
    }

    /// Reads a row.
    pub(super) fn read(&self, tuple: &TupleData) -> Result<StoredBroadcast, Undeliverable> {
        let text = |place: Option<usize>, name: &'static str| {
            let column = value(tuple, place).ok_or(Undeliverable::Missing(name))?;
            std::str::from_utf8(column.as_bytes()).map_err(|_| Undeliverable::Malformed(name))
        };
        let id = Uuid::try_parse(text(self.id, "id")?).map_err(|_| Undeliverable::Malformed("id"))?;
        Ok(StoredBroadcast {
            id,
            topic: text(self.topic, "topic")?.to_owned(),
            event: text(self.event, "event")?.to_owned(),
            is_private: text(self.private, "private")? == "t",
            payload: self.payload(tuple)?,
        })
    }

    fn payload(&self, tuple: &TupleData) -> Result<StoredPayload, Undeliverable> {
        if let Some(column) = value(tuple, self.payload) {
            let text =
                std::str::from_utf8(column.as_bytes()).map_err(|_| Undeliverable::Malformed("payload"))?;
            fits(text.len())?;
            return Ok(StoredPayload::Json(text.into()));
        }
        let column = value(tuple, self.binary_payload).ok_or(Undeliverable::Missing("payload"))?;
        let digits = column
            .as_bytes()
            .strip_prefix(b"\\x")
            .ok_or(Undeliverable::Malformed("binary_payload"))?;
        fits(digits.len() / 2)?;
        let bytes = hex::decode(digits).map_err(|_| Undeliverable::Malformed("binary_payload"))?;
        Ok(StoredPayload::Binary(bytes.into()))
    }
}

fn value(tuple: &TupleData, place: Option<usize>) -> Option<&ColumnData> {
    tuple.get_column(place?).filter(|column| column.is_text())
}

fn fits(bytes: usize) -> Result<(), Undeliverable> {
    if bytes > LONGEST_PAYLOAD_BYTES {
        return Err(Undeliverable::TooLong(bytes));
    }
    Ok(())
}
