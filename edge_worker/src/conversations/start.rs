//! Making the call.

use std::time::Duration;

use serde_json::Value;
use tracing::Instrument as _;
use uuid::Uuid;

use super::row::{Demo, Row};
use super::{AppName, ConversationError, Conversations};
use crate::db;
use crate::providers::Advice;
use crate::providers::tavus::wire::{Conversation, ConversationProperties, NewConversation};
use crate::providers::tavus::{ConversationId, TavusError};
use crate::telemetry;

/// How long a worker has a conversation to itself. It is what a person waits when a worker dies with one.
pub(super) const CLAIM_SECONDS: i32 = 60;

/// Less than the claim: what has not answered by then is not waited for, so that two workers never make calls at a time.
const CREATE_PATIENCE: Duration = Duration::from_secs(45);

/// The call costs money until it is ended; these end it when nobody does.
const MOST_CALL_SECONDS: u32 = 3600;
/// When nobody comes.
const ABSENT_SECONDS: u32 = 300;
/// After the last one left: who loads the page again finds the avatar there.
const LEFT_SECONDS: u32 = 60;

/// The longest address that the table takes.
const LONGEST_URL: usize = 2000;

/// How starting a conversation went.
#[derive(Clone, Debug, PartialEq)]
pub enum Started {
    /// The call was made, or found, and noted: the row.
    Now(Value),
    /// It was made before, or is over: the row says which.
    Already(Value),
    /// Another worker is making it.
    TakenByAnother,
    /// There is no such conversation.
    Gone,
}

impl Conversations {
    /// Makes the call of a conversation that waits for one. Of an attempt that broke off it looks for the call first, so there
    /// is never a second one. Where the end was asked for meanwhile, the call is ended at once.
    ///
    /// # Errors
    ///
    /// Where [`ConversationError::is_passing`], the conversation waits for the next attempt; where not, it is `failed` and says
    /// why, unless the database itself refuses.
    pub async fn start(&self, app: AppName, id: Uuid) -> Result<Started, ConversationError> {
        let all = self.clone();
        // Whoever stops waiting, because a browser hung up, does not stop it between the call and its note.
        let starting = async move { all.start_through(app, id).await };
        tokio::spawn(starting.in_current_span())
            .await
            .unwrap_or(Err(ConversationError::Unclear(None)))
    }

    async fn start_through(&self, app: AppName, id: Uuid) -> Result<Started, ConversationError> {
        let claimed = db::conversations::claim(self.pool(), app, id, CLAIM_SECONDS).await?;
        let Some(row) = claimed.map(Row) else {
            let row = db::conversations::conversation(self.pool(), app, id).await?;
            return Ok(match row.map(Row) {
                None => Started::Gone,
                Some(row) if row.is_over() || row.is_complete() => Started::Already(row.0),
                Some(_) => Started::TakenByAnother,
            });
        };
        let mut starting = Starting {
            all: self,
            app,
            id,
            claim: row.claim().to_owned(),
            row,
            is_untried: false,
        };
        let started = starting.run().await;
        starting.settle(started).await
    }

    /// Notes a call in its conversation, and ends it where nobody needs it any more.
    pub(super) async fn note(
        &self,
        app: AppName,
        id: Uuid,
        call: &Conversation,
    ) -> Result<Started, ConversationError> {
        let is_address = |url: &&str| url.starts_with("http") && url.len() <= LONGEST_URL;
        let url = call.url.as_deref().filter(is_address);
        let noted = db::conversations::started(self.pool(), app, id, call.id.as_str(), url).await;
        let noted = noted.map_err(|error| match error.is_duplicate() {
            // Not ended here: under this id it may be the other one's.
            true => ConversationError::IdTaken(error),
            false => error.into(),
        });
        let Some(row) = noted?.map(Row) else {
            self.end_call(&call.id).await?;
            return Ok(Started::Gone);
        };
        if row.is_over() || row.tavus_id().as_ref() != Some(&call.id) {
            tracing::warn!(%app, conversation = %id, "ending a call that nobody waits for");
            self.end_call(&call.id).await?;
            return Ok(Started::Already(row.0));
        }
        match row.why_end() {
            None => Ok(Started::Now(row.0)),
            Some(reason) => {
                self.end_call(&call.id).await?;
                self.over(app, id, reason).await
            }
        }
    }

    async fn over(&self, app: AppName, id: Uuid, reason: &str) -> Result<Started, ConversationError> {
        db::conversations::ended(self.pool(), app, id, reason).await?;
        let row = db::conversations::conversation(self.pool(), app, id).await?;
        Ok(row.map_or(Started::Gone, Started::Already))
    }
}

/// A conversation that this worker has claimed.
struct Starting<'a> {
    all: &'a Conversations,
    app: AppName,
    id: Uuid,
    row: Row,
    claim: String,
    /// The only attempt was ours, and it surely made nothing.
    is_untried: bool,
}

impl Starting<'_> {
    async fn run(&mut self) -> Result<Started, ConversationError> {
        if let Some(call) = self.row.tavus_id() {
            return self.complete(&call).await;
        }
        if self.row.was_attempted()
            && let Some(call) = self.find().await?
        {
            return self.all.note(self.app, self.id, &call).await;
        }
        match self.row.why_end() {
            Some(reason) => self.all.over(self.app, self.id, reason).await,
            None => self.make().await,
        }
    }

    /// An event has named the call before the answer to the create did, and did not know its address.
    async fn complete(&self, call: &ConversationId) -> Result<Started, ConversationError> {
        if self.row.has_url() {
            return Ok(Started::Already(self.row.0.clone()));
        }
        let call = self.all.tavus()?.conversation(call).await?;
        self.all.note(self.app, self.id, &call).await
    }

    async fn make(&mut self) -> Result<Started, ConversationError> {
        let wanted = self.wanted()?;
        let tavus = self.all.tavus()?;
        let pool = self.all.pool();
        let held = db::conversations::attempt(pool, self.app, self.id, &self.claim, CLAIM_SECONDS).await?;
        let Some(claim) = held else {
            return Ok(Started::TakenByAnother);
        };
        self.claim = claim;
        let create = tavus.create_conversation(&wanted);
        match tokio::time::timeout(CREATE_PATIENCE, create).await {
            Ok(Ok(call)) => self.all.note(self.app, self.id, &call).await,
            Ok(Err(error)) if !error.may_have_happened() => {
                self.is_untried = !self.row.was_attempted();
                Err(error.into())
            }
            Ok(Err(error)) => self.look(Some(error)).await,
            Err(_) => self.look(None).await,
        }
    }

    /// The answer to the create is lost; the call may be there.
    async fn look(&self, error: Option<TavusError>) -> Result<Started, ConversationError> {
        match self.find().await {
            Ok(Some(call)) => self.all.note(self.app, self.id, &call).await,
            Ok(None) | Err(_) => Err(ConversationError::Unclear(error)),
        }
    }

    async fn find(&self) -> Result<Option<Conversation>, ConversationError> {
        match self.all.find(self.app, self.id).await {
            // A list that makes no sense does not say that there is no call.
            Err(ConversationError::Tavus(error)) if error.advice() == Advice::GiveUp => {
                Err(ConversationError::Unclear(Some(error)))
            }
            other => other,
        }
    }

    fn wanted(&self) -> Result<NewConversation, ConversationError> {
        let persona = self.row.persona_id().ok_or(ConversationError::BadPersona)?;
        let demo = self.row.demo();
        let callback = self.all.callbacks().address(self.app, self.id);
        Ok(NewConversation {
            persona_id: Some(persona),
            conversation_name: Some(format!("{} {}", self.app, self.id)),
            // Without a key there would be a call that nobody hears of.
            callback_url: Some(callback.ok_or(ConversationError::Off)?),
            conversational_context: demo.and_then(Demo::context),
            custom_greeting: demo.and_then(Demo::greeting).map(str::to_owned),
            properties: Some(ConversationProperties {
                max_call_seconds: Some(MOST_CALL_SECONDS),
                participant_absent_seconds: Some(ABSENT_SECONDS),
                participant_left_seconds: Some(LEFT_SECONDS),
                ..ConversationProperties::default()
            }),
            ..NewConversation::default()
        })
    }

    /// Notes what came of it: a refusal that stays, or that the next worker may have a try.
    async fn settle(self, started: Result<Started, ConversationError>) -> Result<Started, ConversationError> {
        let (pool, app, id) = (self.all.pool(), self.app, self.id);
        match &started {
            // The claim is gone with the note, or somebody else has it.
            Ok(Started::Now(_) | Started::Gone | Started::TakenByAnother) => {}
            // It runs out by itself.
            Err(ConversationError::Database(_)) => {}
            Err(error) if !error.is_passing() => {
                db::conversations::failed(pool, app, id, sentence(error)).await?;
            }
            Ok(Started::Already(_)) | Err(_) => {
                let released = db::conversations::release(pool, app, id, &self.claim, self.is_untried).await;
                if let Err(error) = released {
                    let error = telemetry::chain(&error);
                    tracing::warn!(%app, conversation = %id, error, "a claim was not given back; it runs out");
                }
            }
        }
        started
    }
}

/// For people; nothing of the inside is in it.
fn sentence(error: &ConversationError) -> &'static str {
    match error {
        ConversationError::Off => "Avatars are switched off here.",
        ConversationError::BadPersona => "The persona of this avatar is not set up.",
        ConversationError::IdTaken(_) => "The service for avatars mistook this call for another one.",
        ConversationError::Tavus(TavusError::OutOfCredits) => "The account for avatars has no credits left.",
        ConversationError::Tavus(TavusError::Unauthorized { .. }) => {
            "The service for avatars does not accept our key."
        }
        _ => "The service for avatars refused to start this one.",
    }
}
