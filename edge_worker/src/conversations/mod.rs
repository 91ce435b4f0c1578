//! Conversations with avatars: what the worker does at Tavus and notes in the database, whoever asks for it: a job, a route, a
//! callback. Every step may be done again: each looks first at what is there. No transaction is open while Tavus is asked.

mod app_name;
mod end;
mod error;
mod find;
mod receive;
mod reconcile;
mod row;
mod start;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::PgPool;

use crate::providers::tavus::TavusClient;
use crate::webhooks::Callbacks;
use receive::Lanes;

pub use app_name::AppName;
pub use end::Ended;
pub use error::ConversationError;
pub use receive::Received;
pub use reconcile::Reconciled;
pub use start::Started;

/// How long an event may take into the database. A lock that is waited for in vain takes 5 seconds (`lock_timeout`); and who
/// sends a webhook waits 15 to 30 as a rule.
const PATIENCE: Duration = Duration::from_secs(10);

/// Does it. Clones share everything.
#[derive(Clone, Debug)]
pub struct Conversations(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    pool: PgPool,
    tavus: Option<TavusClient>,
    callbacks: Callbacks,
    patience: Duration,
    lanes: OnceLock<Lanes>,
}

impl Conversations {
    /// Without a client of Tavus nothing can be started or ended, and events are received all the same.
    pub fn new(pool: PgPool, tavus: Option<TavusClient>, callbacks: Callbacks) -> Self {
        Self::with_patience(pool, tavus, callbacks, PATIENCE)
    }

    /// The same for whoever cannot wait as long for the database to take an event in.
    pub fn with_patience(
        pool: PgPool,
        tavus: Option<TavusClient>,
        callbacks: Callbacks,
        patience: Duration,
    ) -> Self {
        Self(Arc::new(Parts {
            pool,
            tavus,
            callbacks,
            patience,
            lanes: OnceLock::new(),
        }))
    }

    /// Where callbacks go, and whose they are.
    pub fn callbacks(&self) -> &Callbacks {
        &self.0.callbacks
    }

    fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    fn tavus(&self) -> Result<&TavusClient, ConversationError> {
        self.0.tavus.as_ref().ok_or(ConversationError::Off)
    }
}
