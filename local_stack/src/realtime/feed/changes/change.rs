//! One changed row, taken out of the stream.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use pg_walstream::{ColumnInfo, Oid, TimestampTz, TupleData, Xid};

/// What happened to the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::realtime::feed) enum Kind {
    Insert,
    Update,
    Delete,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }

    /// Whatever is no verb means all of them, as it does on Supabase.
    pub(super) fn wanted(event: &str) -> Option<Self> {
        [Self::Insert, Self::Update, Self::Delete]
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(event))
    }
}

/// What the stream said of a table. The server sends it again whenever the table, or a right on it, may have changed; so what
/// was looked up for one description holds as long as that is in use.
#[derive(Debug)]
pub(in crate::realtime::feed) struct Description {
    pub(super) oid: Oid,
    pub(in crate::realtime::feed) schema: Arc<str>,
    pub(in crate::realtime::feed) table: Arc<str>,
    pub(super) columns: Vec<DescribedColumn>,
}

/// A column in the order of the tuples.
#[derive(Debug)]
pub(super) struct DescribedColumn {
    pub(super) name: Arc<str>,
    /// Part of the replica identity; with `full` every column is.
    pub(super) is_identity: bool,
}

impl Description {
    pub(in crate::realtime::feed) fn new(
        oid: Oid,
        schema: Arc<str>,
        table: Arc<str>,
        columns: &[ColumnInfo],
    ) -> Self {
        let columns = columns.iter().map(|column| DescribedColumn {
            name: Arc::clone(&column.name),
            is_identity: column.is_key(),
        });
        Self {
            oid,
            schema,
            table,
            columns: columns.collect(),
        }
    }

    fn cells(&self, tuple: &TupleData) -> Vec<Cell> {
        let cell = |place: usize| match tuple.get_column(place) {
            Some(column) if column.is_null() => Cell::Null,
            Some(column) if column.is_text() => Cell::Text(String::from_utf8_lossy(column.as_bytes()).into()),
            _ => Cell::Absent,
        };
        (0..self.columns.len()).map(cell).collect()
    }

    fn identity(&self, cells: Vec<Cell>) -> Vec<Cell> {
        let pairs = cells.into_iter().zip(&self.columns);
        pairs
            .map(|(cell, column)| if column.is_identity { cell } else { Cell::Absent })
            .collect()
    }
}

/// A value as Postgres writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Not in the stream: a long value that an update left alone, or no part of the replica identity.
    Absent,
    Null,
    Text(Box<str>),
}

/// The transaction of a change.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::realtime::feed) struct Transaction {
    /// Without its epoch.
    pub(in crate::realtime::feed) xid: Xid,
    pub(in crate::realtime::feed) committed: TimestampTz,
}

/// A committed change. Its values are copies: slices of the read buffer would keep far more than themselves.
#[derive(Clone, Debug)]
pub(in crate::realtime::feed) struct Change {
    pub(super) table: Arc<Description>,
    pub(super) kind: Kind,
    pub(super) xid: Xid,
    /// UTC, with milliseconds.
    pub(super) committed: String,
    pub(super) new: Option<Vec<Cell>>,
    /// What the replica identity holds of the row before; of an update that left the identity alone, the same of the new row.
    pub(super) old: Option<Vec<Cell>>,
}

impl Change {
    pub(in crate::realtime::feed) fn insert(
        table: &Arc<Description>,
        transaction: Transaction,
        new: &TupleData,
    ) -> Self {
        Self {
            kind: Kind::Insert,
            xid: transaction.xid,
            committed: moment(transaction.committed),
            new: Some(table.cells(new)),
            old: None,
            table: Arc::clone(table),
        }
    }

    pub(in crate::realtime::feed) fn update(
        table: &Arc<Description>,
        transaction: Transaction,
        old: Option<&TupleData>,
        new: &TupleData,
    ) -> Self {
        Self {
            kind: Kind::Update,
            xid: transaction.xid,
            committed: moment(transaction.committed),
            new: Some(table.cells(new)),
            old: Some(table.identity(table.cells(old.unwrap_or(new)))),
            table: Arc::clone(table),
        }
    }

    pub(in crate::realtime::feed) fn delete(
        table: &Arc<Description>,
        transaction: Transaction,
        old: &TupleData,
    ) -> Self {
        Self {
            kind: Kind::Delete,
            xid: transaction.xid,
            committed: moment(transaction.committed),
            new: None,
            old: Some(table.identity(table.cells(old))),
            table: Arc::clone(table),
        }
    }

    /// Roughly what the change takes in the queue.
    pub(super) fn bytes(&self) -> usize {
        let cells = self.new.iter().chain(&self.old).flatten();
        let values = cells.map(|cell| match cell {
            Cell::Text(text) => size_of::<Cell>() + text.len(),
            Cell::Null | Cell::Absent => size_of::<Cell>(),
        });
        size_of::<Self>() + values.sum::<usize>()
    }

    /// The value that a filter looks at: of the row as it is, or of what is known of the row as it was.
    pub(super) fn cell(&self, place: usize) -> &Cell {
        let row = self.new.as_ref().or(self.old.as_ref());
        row.and_then(|cells| cells.get(place)).unwrap_or(&Cell::Absent)
    }
}

/// Postgres counts microseconds from the year 2000.
fn moment(microseconds: TimestampTz) -> String {
    DateTime::from_timestamp(946_684_800, 0)
        .and_then(|epoch| epoch.checked_add_signed(TimeDelta::microseconds(microseconds)))
        .map(|moment| moment.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moment_has_milliseconds_that_are_cut_and_not_rounded() {
        assert_eq!(moment(0), "2000-01-01T00:00:00.000Z");
        assert_eq!(moment(831_868_496_789_999), "2026-05-12T02:34:56.789Z");
    }
}
