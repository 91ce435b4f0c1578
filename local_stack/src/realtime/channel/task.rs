//! The task of a channel.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::changes::Changes;
use super::join;
use super::presence::Calls;
use super::refusal::Refusal;
use super::replication;
use super::settings::Settings;
use crate::identity::Token;
use crate::realtime::core::Core;
use crate::realtime::frame::{Body, Push, Reference};
use crate::realtime::gate::Reading;
use crate::realtime::hub::Membership;
use crate::realtime::socket::Peer;

/// A join.
pub(crate) struct Opening {
    pub(crate) topic: String,
    pub(crate) join_ref: Option<Reference>,
    pub(crate) reference: Option<Reference>,
    pub(crate) payload: Value,
    /// The socket has as many channels as it may.
    pub(crate) is_one_too_many: bool,
}

/// A message of the client to a joined channel.
pub(crate) struct Inbound {
    pub(crate) reference: Option<Reference>,
    pub(crate) event: String,
    pub(crate) body: Body,
}

/// How a channel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The join was refused, and the client knows.
    Refused,
    /// As before, and the socket is to be closed.
    Disconnect,
    /// It was joined and is no more.
    Closed,
}

/// Whether a channel goes on after a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    GoOn,
    Close,
}

/// What the client is allowed on a private channel. On a public one nobody asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rights {
    pub(super) reading: Reading,
    /// Asked when the client first sends.
    pub(super) may_broadcast: Option<bool>,
    pub(super) may_track: Option<bool>,
}

/// A joined channel.
pub(super) struct Channel {
    pub(super) core: Arc<Core>,
    pub(super) wire: Wire,
    pub(super) settings: Settings,
    pub(super) token: Token,
    /// The token as the client sent it.
    pub(super) shown: String,
    /// `None` on a public channel.
    pub(super) rights: Option<Rights>,
    pub(super) membership: Membership,
    pub(super) calls: Calls,
    /// What the client is present with.
    pub(super) tracked: Option<Value>,
    pub(super) changes: Changes,
}

/// The way to the client.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) peer: Arc<Peer>,
    /// With the prefix `realtime:`.
    pub(super) topic: String,
    pub(super) join_ref: Option<Reference>,
}

impl Wire {
    /// The topic without the prefix.
    pub(super) fn name(&self) -> &str {
        self.topic.strip_prefix("realtime:").unwrap_or(&self.topic)
    }

    /// A message of this channel.
    pub(super) fn message<'a>(&'a self, event: &'a str, reference: Option<&'a Reference>) -> Push<'a> {
        Push {
            join_ref: self.join_ref.as_ref(),
            reference,
            topic: &self.topic,
            event,
        }
    }

    pub(super) fn push(&self, event: &str, payload: &Value) {
        let message = self.message(event, None).encode(self.peer.version, payload);
        self.peer.outbox.push(message);
    }

    pub(super) fn reply(&self, reference: Option<&Reference>, status: &str, response: &Value) {
        let message = self
            .message("phx_reply", reference)
            .reply(self.peer.version, status, response);
        self.peer.outbox.push(message);
    }

    /// A `system` message.
    pub(super) fn system(&self, extension: &str, status: &str, message: &str) {
        self.push(
            "system",
            &json!({ "extension": extension, "status": status, "message": message, "channel": self.name() }),
        );
    }
}

/// Joins, and serves the channel until the client leaves or must.
pub(crate) async fn run(
    core: Arc<Core>,
    peer: Arc<Peer>,
    opening: Opening,
    mut inbox: mpsc::Receiver<Inbound>,
) -> Ended {
    let wire = Wire {
        peer,
        topic: opening.topic,
        join_ref: opening.join_ref,
    };
    let settings = Settings::read(&opening.payload);
    let delay = core.limits.refusal_delay;
    let joined = join::join(
        core,
        wire.clone(),
        settings,
        opening.reference.as_ref(),
        opening.is_one_too_many,
    );
    let mut channel = match joined.await {
        Ok(channel) => channel,
        Err(refusal) => {
            tracing::info!(%refusal, "a join was refused");
            tokio::time::sleep(delay).await;
            let response = json!({ "reason": refusal.to_string() });
            wire.reply(opening.reference.as_ref(), "error", &response);
            return match refusal {
                Refusal::TooManyJoins => Ended::Disconnect,
                _ => Ended::Refused,
            };
        }
    };
    channel.serve(&mut inbox).await;
    Ended::Closed
}

impl Channel {
    async fn serve(&mut self, inbox: &mut mpsc::Receiver<Inbound>) {
        let mut ready = replication::Ready::new(&self.core, self.settings.wants_replication_ready);
        loop {
            let flow = tokio::select! {
                message = inbox.recv() => match message {
                    Some(message) => self.receive(message).await,
                    None => Flow::Close,
                },
                is_live = ready.wait() => self.tell_replication(is_live),
                () = self.token_runs_out() => self.check_token(),
            };
            if flow == Flow::Close {
                return;
            }
        }
    }

    async fn receive(&mut self, message: Inbound) -> Flow {
        let Inbound {
            reference,
            event,
            body,
        } = message;
        match event.as_str() {
            "broadcast" => self.broadcast(reference.as_ref(), &body).await,
            "presence" => self.presence(reference.as_ref(), &body).await,
            "access_token" => self.renew(&body).await,
            "phx_leave" => {
                // The others hear it before the client does.
                self.tracked = None;
                self.membership.untrack();
                self.wire.reply(reference.as_ref(), "ok", &json!({}));
                Flow::Close
            }
            _ => {
                tracing::info!(event, "an unknown event is ignored");
                Flow::GoOn
            }
        }
    }

    /// The end of a channel that the client did not ask for.
    pub(super) fn shut(&self, message: &str) -> Flow {
        tracing::info!(reason = message, "a channel is closed");
        self.wire.system("system", "error", message);
        Flow::Close
    }
}

/// The JSON of a body; `Null` for bytes.
pub(super) fn json_of(body: &Body) -> Value {
    match body {
        Body::Json(raw) => serde_json::from_str(raw.get()).unwrap_or_default(),
        Body::Binary(_) | Body::User { .. } => Value::Null,
    }
}
