//! A client subscribes to changes.

use std::sync::Arc;
use std::time::Duration;

use super::error::SubscribeError;
use super::registry::{ChangeSink, ChangeSubscription, Rights, Subscriber};
use super::request::{ChangeRequest, Wanted};
use super::validate::validate;
use crate::identity::Caller;
use crate::realtime::feed::Feed;

/// How long a subscriber waits for the stream.
const PATIENCE: Duration = Duration::from_secs(10);

impl Feed {
    /// Subscribes to changes. Whatever commits after it returned reaches the sink, as far as the filters fit and the caller may
    /// see it.
    pub(crate) async fn subscribe(
        &self,
        caller: &Caller,
        requests: Vec<ChangeRequest>,
        sink: Arc<dyn ChangeSink>,
    ) -> Result<ChangeSubscription, SubscribeError> {
        let wanted: Vec<Wanted> = requests
            .iter()
            .map(ChangeRequest::read)
            .collect::<Result<_, _>>()?;
        let mut connection = self.admin.acquire().await.map_err(|error| {
            tracing::warn!(%error, "could not check a subscription");
            SubscribeError::Unavailable
        })?;
        for request in &wanted {
            validate(&mut connection, request, &caller.role).await?;
        }
        drop(connection);
        self.follows_changes().await?;
        let subscriber = Subscriber {
            rights: Arc::new(Rights::from(caller)),
            wanted: wanted.into(),
            sink,
        };
        Ok(self.registry.add(subscriber))
    }

    async fn follows_changes(&self) -> Result<(), SubscribeError> {
        let mut follows = self.follows_changes.clone();
        let waiting = follows.wait_for(|is_following| *is_following);
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(SubscribeError::Unavailable),
        }
    }
}
