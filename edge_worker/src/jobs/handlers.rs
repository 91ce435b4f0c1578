//! Who does which job.

use futures_util::future::BoxFuture;
use sqlx::PgPool;

use super::{Job, JobError, Work};
use super::{
    end_conversation, erase_call, knowledge, reconcile, remove_files, run_maintenance, start_conversation,
};
use crate::app::App;
use crate::conversations::Conversations;
use crate::knowledge::{File, Knowledge};

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
    pub(super) knowledge: Knowledge,
}

impl Handlers {
    /// With what a worker has.
    pub fn new(app: &App) -> Self {
        Self {
            pool: app.pool.clone(),
            conversations: app.conversations.clone(),
            knowledge: app.knowledge.clone(),
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
            Work::EraseCall(call) => erase_call::run(self, &call).await,
            Work::Reconcile(app) => reconcile::run(self, app).await,
            Work::TranscribeVideo(video) => knowledge::ingest(self, File::Video(video)).await,
            Work::ReadDocument(document) => knowledge::ingest(self, File::Document(document)).await,
            Work::EmbedKnowledge(demo) => knowledge::embed(self, demo).await,
            Work::RemoveFiles(path) => remove_files::run(self, &path).await,
            Work::RunMaintenance(name) => run_maintenance::run(self, &name).await,
        }
    }
}

impl Perform for Handlers {
    fn perform<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), JobError>> {
        Box::pin(self.run(job))
    }

    fn given_up<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            match Work::parse(&job.kind, &job.payload) {
                Ok(Work::StartConversation { app, conversation }) => {
                    start_conversation::given_up(self, app, conversation).await;
                }
                Ok(Work::TranscribeVideo(video)) => knowledge::given_up(self, File::Video(video)).await,
                Ok(Work::ReadDocument(document)) => knowledge::given_up(self, File::Document(document)).await,
                _ => {}
            }
        })
    }
}
