//! Reads one session of the stream and hands on what it tells.

use std::collections::HashMap;
use std::sync::Arc;

use pg_walstream::{CancellationToken, LogicalReplicationMessage, Oid, TupleData};

use super::changes::{Change, Description, Queue, Transaction};
use super::error::SessionError;
use super::stored::{MessageColumns, Receiver};
use super::wal::Wal;

/// What the stream said about a table before its first row.
enum Relation {
    Messages(MessageColumns),
    Published(Arc<Description>),
}

/// The state of one session: the server describes every table anew in each.
pub(super) struct Reader<'a> {
    receiver: &'a Arc<dyn Receiver>,
    queue: &'a Queue,
    relations: HashMap<Oid, Relation>,
    /// The one that is being read.
    transaction: Transaction,
}

impl<'a> Reader<'a> {
    pub(super) fn new(receiver: &'a Arc<dyn Receiver>, queue: &'a Queue) -> Self {
        Self {
            receiver,
            queue,
            relations: HashMap::new(),
            transaction: Transaction::default(),
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
        use LogicalReplicationMessage as Message;
        match message {
            Message::Begin { timestamp, xid, .. } => {
                self.transaction = Transaction {
                    xid,
                    committed: timestamp,
                };
            }
            Message::Relation {
                relation_id,
                namespace,
                relation_name,
                columns,
                ..
            } => {
                let relation = if MessageColumns::is_of(&namespace, &relation_name) {
                    Relation::Messages(MessageColumns::find(&columns))
                } else {
                    let described = Description::new(relation_id, namespace, relation_name, &columns);
                    Relation::Published(Arc::new(described))
                };
                self.relations.insert(relation_id, relation);
            }
            Message::Insert { relation_id, tuple } => self.insert(relation_id, &tuple),
            Message::Update {
                relation_id,
                old_tuple,
                new_tuple,
                ..
            } => self.change(relation_id, |table, transaction| {
                Change::update(table, transaction, old_tuple.as_ref(), &new_tuple)
            }),
            Message::Delete {
                relation_id,
                old_tuple,
                ..
            } => self.change(relation_id, |table, transaction| {
                Change::delete(table, transaction, &old_tuple)
            }),
            _ => {}
        }
    }

    fn insert(&self, id: Oid, tuple: &TupleData) {
        if let Some(Relation::Messages(columns)) = self.relations.get(&id) {
            match columns.read(tuple) {
                Ok(message) => self.receiver.broadcast(message),
                Err(reason) => tracing::debug!(%reason, "a row of realtime.messages goes to nobody"),
            }
        } else {
            self.change(id, |table, transaction| Change::insert(table, transaction, tuple));
        }
    }

    /// Copies the row only when somebody wants it.
    fn change(&self, id: Oid, copy: impl FnOnce(&Arc<Description>, Transaction) -> Change) {
        if let Some(Relation::Published(table)) = self.relations.get(&id)
            && self.queue.is_wanted(&table.schema, &table.table)
        {
            self.queue.push(copy(table, self.transaction));
        }
    }
}
