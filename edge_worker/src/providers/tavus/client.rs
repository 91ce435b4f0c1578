//! The client: one method an endpoint.

use std::time::Duration;

use json_patch::Patch;
use reqwest::{Client, Method};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use url::Url;

use super::call::{Call, NOT_MODIFIED, Repeat};
use super::error::TavusError;
use super::ids::{ConversationId, PersonaId};
use super::refusal::Subject;
use super::wire::{
    Conversation, ConversationStatus, Listed, NewConversation, NewPersona, PageQuery, Persona, Replica,
};
use crate::config;
use crate::providers::{RetryPolicy, exchange};
use crate::telemetry::Metrics;

/// How long an attempt may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until there is a connection.
    pub connect: Duration,
    /// For a whole attempt.
    pub request: Duration,
    /// For creating a conversation: Tavus makes a room meanwhile, and giving up early leaves one that costs money.
    pub create: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(15),
            create: Duration::from_secs(30),
        }
    }
}

/// How a conversation came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By this call.
    Now,
    /// It had ended before.
    Before,
}

/// What a patch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patched {
    /// It changed something.
    Changed,
    /// Everything was so already.
    Unchanged,
}

/// A client of Tavus. Clones share their connections.
#[derive(Clone, Debug)]
pub struct TavusClient {
    pub(super) http: Client,
    base: Url,
    pub(super) api_key: SecretString,
    pub(super) retry: RetryPolicy,
    pub(super) metrics: Metrics,
    timeouts: Timeouts,
}

impl TavusClient {
    /// A client for an account.
    ///
    /// # Errors
    ///
    /// [`TavusError::Unbuildable`] when there is no TLS.
    pub fn new(
        settings: &config::Tavus,
        timeouts: Timeouts,
        retry: RetryPolicy,
        metrics: Metrics,
    ) -> Result<Self, TavusError> {
        let headers = [("x-api-key", settings.api_key.expose_secret().to_owned())];
        // The key goes to nobody else, and nothing is sent twice behind our back.
        let http = exchange::client(timeouts.connect, &headers)?;
        Ok(Self {
            http,
            base: settings.base_url.clone(),
            api_key: settings.api_key.clone(),
            retry,
            metrics,
            timeouts,
        })
    }

    /// `POST /v2/conversations`. It costs money from now on until it is ended. Sent again only where Tavus surely did
    /// nothing; see [`TavusError::may_have_happened`].
    ///
    /// # Errors
    ///
    /// Any [`TavusError`].
    pub async fn create_conversation(&self, wanted: &NewConversation) -> Result<Conversation, TavusError> {
        let call = Call {
            body: Some(json(wanted)?),
            repeat: Repeat::Harmful,
            timeout: self.timeouts.create,
            ..self.call("create_conversation", Method::POST, &["conversations"])
        };
        let row = self.read(call).await?;
        Conversation::read(row).ok_or(TavusError::Unintelligible("a conversation without an id"))
    }

    /// `GET /v2/conversations/{id}?verbose=true`: with its events, as far as there are any.
    ///
    /// # Errors
    ///
    /// [`TavusError::NotFound`], or any other.
    pub async fn conversation(&self, id: &ConversationId) -> Result<Conversation, TavusError> {
        let path = ["conversations", id.as_str()];
        let call = Call {
            query: vec![("verbose", "true".to_owned())],
            subject: Subject::Known,
            ..self.call("get_conversation", Method::GET, &path)
        };
        let row = self.read(call).await?;
        Conversation::read(row).ok_or(TavusError::Unintelligible("a conversation without an id"))
    }

    /// `GET /v2/conversations`: one page; pages begin at 1.
    ///
    /// # Errors
    ///
    /// Any [`TavusError`].
    pub async fn conversations(
        &self,
        page: PageQuery,
        status: Option<&ConversationStatus>,
    ) -> Result<Listed<Conversation>, TavusError> {
        let mut query = page.pairs();
        query.extend(status.map(|status| ("status", status.as_str().to_owned())));
        let call = Call {
            query,
            ..self.call("list_conversations", Method::GET, &["conversations"])
        };
        Listed::read(self.read(call).await?, Conversation::read)
    }

    /// `POST /v2/conversations/{id}/end`. What Tavus answers for one that has ended is not documented, so a refusal is
    /// followed by a look at it.
    ///
    /// # Errors
    ///
    /// [`TavusError::NotFound`], or any other.
    pub async fn end_conversation(&self, id: &ConversationId) -> Result<Ended, TavusError> {
        let path = ["conversations", id.as_str(), "end"];
        let call = Call {
            subject: Subject::Known,
            ..self.call("end_conversation", Method::POST, &path)
        };
        match self.send(call).await {
            Ok(_) => Ok(Ended::Now),
            Err(refused @ TavusError::Rejected { .. }) => match self.conversation(id).await?.status {
                ConversationStatus::Ended => Ok(Ended::Before),
                _ => Err(refused),
            },
            Err(error) => Err(error),
        }
    }

    /// `DELETE /v2/conversations/{id}`; `hard` also destroys its recordings, for good. `false` when there was none.
    ///
    /// # Errors
    ///
    /// Any [`TavusError`] but [`TavusError::NotFound`].
    pub async fn delete_conversation(&self, id: &ConversationId, hard: bool) -> Result<bool, TavusError> {
        let path = ["conversations", id.as_str()];
        let query = if hard {
            vec![("hard", "true".to_owned())]
        } else {
            Vec::new()
        };
        let call = Call {
            query,
            subject: Subject::Known,
            ..self.call("delete_conversation", Method::DELETE, &path)
        };
        self.delete(call).await
    }

    /// `POST /v2/personas`. Sent again only where Tavus surely did nothing.
    ///
    /// # Errors
    ///
    /// Any [`TavusError`].
    pub async fn create_persona(&self, wanted: &NewPersona) -> Result<Persona, TavusError> {
        let call = Call {
            body: Some(json(wanted)?),
            repeat: Repeat::Harmful,
            ..self.call("create_persona", Method::POST, &["personas"])
        };
        let row = self.read(call).await?;
        Persona::read(row).ok_or(TavusError::Unintelligible("a persona without an id"))
    }

    /// `GET /v2/personas/{id}`.
    ///
    /// # Errors
    ///
    /// [`TavusError::NotFound`], or any other.
    pub async fn persona(&self, id: &PersonaId) -> Result<Persona, TavusError> {
        let path = ["personas", id.as_str()];
        let call = Call {
            subject: Subject::Known,
            ..self.call("get_persona", Method::GET, &path)
        };
        Persona::read_one(self.read(call).await?).ok_or(TavusError::NotFound)
    }

    /// `GET /v2/personas`: one page; pages begin at 1.
    ///
    /// # Errors
    ///
    /// Any [`TavusError`].
    pub async fn personas(&self, page: PageQuery) -> Result<Listed<Persona>, TavusError> {
        let call = Call {
            query: page.pairs(),
            ..self.call("list_personas", Method::GET, &["personas"])
        };
        Listed::read(self.read(call).await?, Persona::read)
    }

    /// `PATCH /v2/personas/{id}` with a JSON Patch (RFC 6902), whose paths point into the document that
    /// [`TavusClient::persona`] returns. Doing one twice can add twice, so it is sent again only where Tavus surely did
    /// nothing. An empty one is not sent.
    ///
    /// # Errors
    ///
    /// [`TavusError::NotFound`]; [`TavusError::Rejected`] with 422 for a patch that is none; or any other.
    pub async fn patch_persona(&self, id: &PersonaId, patch: &Patch) -> Result<Patched, TavusError> {
        if patch.0.is_empty() {
            return Ok(Patched::Unchanged);
        }
        let path = ["personas", id.as_str()];
        let call = Call {
            body: Some(json(patch)?),
            repeat: Repeat::Harmful,
            subject: Subject::Known,
            ..self.call("patch_persona", Method::PATCH, &path)
        };
        match self.send(call).await?.status {
            NOT_MODIFIED => Ok(Patched::Unchanged),
            _ => Ok(Patched::Changed),
        }
    }

    /// `DELETE /v2/personas/{id}`. `false` when there was none.
    ///
    /// # Errors
    ///
    /// Any [`TavusError`] but [`TavusError::NotFound`].
    pub async fn delete_persona(&self, id: &PersonaId) -> Result<bool, TavusError> {
        let path = ["personas", id.as_str()];
        let call = Call {
            subject: Subject::Known,
            ..self.call("delete_persona", Method::DELETE, &path)
        };
        self.delete(call).await
    }

    /// `GET /v2/replicas`: one page, with their types.
    ///
    /// # Errors
    ///
    /// Any [`TavusError`].
    pub async fn replicas(&self, page: PageQuery) -> Result<Listed<Replica>, TavusError> {
        let mut query = page.pairs();
        query.push(("verbose", "true".to_owned()));
        let call = Call {
            query,
            ..self.call("list_replicas", Method::GET, &["replicas"])
        };
        Listed::read(self.read(call).await?, Replica::read)
    }

    /// An attempt whose answer was lost has deleted it, and the next finds nothing: both are a success.
    async fn delete(&self, call: Call<'_>) -> Result<bool, TavusError> {
        match self.send(call).await {
            Ok(_) => Ok(true),
            Err(TavusError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn call<'a>(&self, operation: &'static str, method: Method, path: &'a [&'a str]) -> Call<'a> {
        Call {
            operation,
            method,
            path,
            query: Vec::new(),
            body: None,
            repeat: Repeat::Harmless,
            subject: Subject::None,
            timeout: self.timeouts.request,
        }
    }

    /// The segments are escaped by the library; ids cannot leave theirs.
    pub(super) fn address(&self, path: &[&str]) -> Url {
        let mut address = self.base.clone();
        // Only an address without a host has no segments, and settings refuse that.
        if let Ok(mut segments) = address.path_segments_mut() {
            segments.pop_if_empty().push("v2").extend(path);
        }
        address
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, TavusError> {
    serde_json::to_vec(value).map_err(|_| TavusError::Unintelligible("a request that is no JSON"))
}
