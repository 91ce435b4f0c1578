//! Who does which job.

use futures_util::future::BoxFuture;
use sqlx::PgPool;

use super::{Job, JobError, Work};
use super::{end_conversation, expire_seats, keep_orphans, prune_events, reconcile, start_conversation};
use crate::app::App;
use crate::conversations::Conversations;

/// Does jobs. The runner may drop what is returned at any moment: a job that is cut off is done again.
pub trait Perform: Send + Sync {
    /// One attempt. It may not be the first, and the one before may have done all of it but say so.
    fn perform<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), JobError>>;

    /// The last attempt failed and there will be no other; the job goes to the dead letters.
    fn given_up<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, ()>;
}

/// The handlers of all kinds.
#[derive(Clone, Debug)]
pub struct Handlers {
    pub(super) pool: PgPool,
    pub(super) conversations: Conversations,
}

impl Handlers {
    /// With what a worker has.
    pub fn new(app: &App) -> Self {
        Self {
            pool: app.pool.clone(),
            conversations: app.conversations.clone(),
        }
    }

    async fn run(&self, job: &Job) -> Result<(), JobError> {
        match Work::parse(&job.kind, &job.payload)? {
            Work::StartConversation { app, conversation } => {
                start_conversation::run(self, app, conversation).await
            }
            Work::EndConversation {
                app,
                conversation,
                reason,
            } => end_conversation::run(self, app, conversation, &reason).await,
            Work::ExpireSeats(app) => expire_seats::run(self, app).await,
            Work::KeepOrphans(app) => keep_orphans::run(self, app).await,
            Work::Reconcile(app) => reconcile::run(self, app).await,
            Work::PruneEvents(app) => prune_events::run(self, app).await,
        }
    }
}

impl Perform for Handlers {
    fn perform<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), JobError>> {
        Box::pin(self.run(job))
    }

    fn given_up<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Ok(Work::StartConversation { app, conversation }) = Work::parse(&job.kind, &job.payload) {
                start_conversation::given_up(self, app, conversation).await;
            }
        })
    }
}
