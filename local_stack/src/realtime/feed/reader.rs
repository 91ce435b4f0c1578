//! Reads one session of the stream and hands on what it tells.

use std::collections::HashMap;
use std::sync::Arc;

use pg_walstream::{CancellationToken, ColumnInfo, LogicalReplicationMessage, Oid, TupleData};

use super::error::SessionError;
use super::stored::{MessageColumns, Receiver};
use super::wal::Wal;

/// What the stream said about a table before its first row.
enum Relation {
    Messages(MessageColumns),
    Other,
}

/// The state of one session: the server describes every table anew in each.
pub(super) struct Reader<'a> {
    receiver: &'a Arc<dyn Receiver>,
    relations: HashMap<Oid, Relation>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(receiver: &'a Arc<dyn Receiver>) -> Self {
        Self {
            receiver,
            relations: HashMap::new(),
        }
    }

    /// Reads until the stream ends, which is always an error; being stopped is one too.
    pub(super) async fn run(&mut self, wal: &mut Wal, stopping: &CancellationToken) -> SessionError {
        loop {
            let outcome = match wal.next(stopping).await {
                Ok(LogicalReplicationMessage::Commit { end_lsn, .. }) => {
                    wal.committed(end_lsn).await.map_err(SessionError::from)
                }
                Ok(message) => {
                    self.take(message);
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                return error;
            }
        }
    }

    fn take(&mut self, message: LogicalReplicationMessage) {
        match message {
            LogicalReplicationMessage::Relation {
                relation_id,
                namespace,
                relation_name,
                columns,
                ..
            } => self.describe(relation_id, &namespace, &relation_name, &columns),
            LogicalReplicationMessage::Insert { relation_id, tuple } => self.insert(relation_id, &tuple),
            _ => {}
        }
    }

    fn describe(&mut self, id: Oid, schema: &str, table: &str, columns: &[ColumnInfo]) {
        let relation = if MessageColumns::is_of(schema, table) {
            Relation::Messages(MessageColumns::find(columns))
        } else {
            Relation::Other
        };
        self.relations.insert(id, relation);
    }

    fn insert(&self, id: Oid, tuple: &TupleData) {
        match self.relations.get(&id) {
            Some(Relation::Messages(columns)) => match columns.read(tuple) {
                Ok(message) => self.receiver.broadcast(message),
                Err(reason) => tracing::debug!(%reason, "a row of realtime.messages goes to nobody"),
            },
            Some(Relation::Other) | None => {}
        }
    }
}
