//! Changes of tables: not read yet.

#![expect(dead_code, reason = "the reader that fills these types comes next")]

use std::sync::Arc;

use serde::Deserialize;

use super::Feed;
use crate::realtime::caller::Caller;

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

impl Feed {
    pub(crate) async fn subscribe(
        &self,
        _caller: &Caller,
        _requests: Vec<ChangeRequest>,
        _sink: Arc<dyn ChangeSink>,
    ) -> Result<ChangeSubscription, SubscribeError> {
        Err(SubscribeError("there is no feed".to_owned()))
    }
}
