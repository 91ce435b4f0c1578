//! What comes from the database: a stand-in that never has anything to say.

#![cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "the reader that fills and reads these types takes the place of this file"
    )
)]

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::caller::Caller;
use crate::error::Error;
use crate::postgres::Address;

/// A row of realtime.messages, as it goes to clients.
#[derive(Clone, Debug)]
pub(crate) struct StoredBroadcast {
    pub(crate) id: Uuid,
    pub(crate) topic: String,
    pub(crate) event: String,
    pub(crate) is_private: bool,
    pub(crate) payload: StoredPayload,
}

/// The payload of such a row.
#[derive(Clone, Debug)]
pub(crate) enum StoredPayload {
    Json(Arc<str>),
    Binary(Bytes),
}

/// Takes the rows in commit order. Must not block.
pub(crate) trait Receiver: Send + Sync + 'static {
    fn broadcast(&self, message: StoredBroadcast);
}

/// Takes the changes of one subscription. Must not block.
pub(crate) trait ChangeSink: Send + Sync + 'static {
    fn change(&self, ids: Vec<i64>, data: Arc<str>);
}

/// One entry of `postgres_changes` in a join.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ChangeRequest {
    pub(crate) event: String,
    pub(crate) schema: String,
    pub(crate) table: Option<String>,
    pub(crate) filter: Option<String>,
    pub(crate) select: Option<Vec<String>>,
}

/// A subscription; dropping it ends it.
pub(crate) struct ChangeSubscription {
    pub(crate) ids: Vec<i64>,
}

impl ChangeSubscription {
    pub(crate) fn update_caller(&self, _caller: &Caller) {}
}

/// The text is what the client sees in the `system` message.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SubscribeError(String);

/// The reader of the replication stream.
pub(crate) struct Feed {
    live: watch::Sender<bool>,
    _rows: mpsc::Sender<StoredBroadcast>,
}

impl Feed {
    pub(crate) async fn start(_address: Address, receiver: Arc<dyn Receiver>) -> Result<Self, Error> {
        let (rows, mut read) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Some(row) = read.recv().await {
                receiver.broadcast(row);
            }
        });
        Ok(Self {
            live: watch::Sender::new(false),
            _rows: rows,
        })
    }

    pub(crate) fn live(&self) -> watch::Receiver<bool> {
        self.live.subscribe()
    }

    pub(crate) async fn subscribe(
        &self,
        _caller: &Caller,
        _requests: Vec<ChangeRequest>,
        _sink: Arc<dyn ChangeSink>,
    ) -> Result<ChangeSubscription, SubscribeError> {
        Err(SubscribeError("there is no feed".to_owned()))
    }

    pub(crate) async fn replay(
        &self,
        _caller: &Caller,
        _topic: &str,
        _since_ms: i64,
        _limit: i64,
    ) -> Result<Vec<StoredBroadcast>, sqlx::Error> {
        Ok(Vec::new())
    }

    pub(crate) async fn stop(self) {}
}
