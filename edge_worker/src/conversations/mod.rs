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

use std::sync::Arc;

use sqlx::PgPool;

use crate::providers::tavus::TavusClient;
use crate::webhooks::Callbacks;

pub use app_name::AppName;
pub use end::Ended;
pub use error::ConversationError;
pub use receive::Received;
pub use reconcile::Reconciled;
pub use start::Started;

/// Does it. Clones share everything.
#[derive(Clone, Debug)]
pub struct Conversations(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    pool: PgPool,
    tavus: Option<TavusClient>,
    callbacks: Callbacks,
}

impl Conversations {
    /// Without a client of Tavus nothing can be started or ended, and events are received all the same.
    pub fn new(pool: PgPool, tavus: Option<TavusClient>, callbacks: Callbacks) -> Self {
        Self(Arc::new(Parts {
            pool,
            tavus,
            callbacks,
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
