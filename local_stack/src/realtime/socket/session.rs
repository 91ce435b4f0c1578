//! The reading half of a connection: it finds the channel that a message is for, and tells the client when one has ended.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::outbox::{Closing, Outbox, told};
use super::peer::{Peer, Slot};
use super::writer;
use crate::realtime::channel::{self, Ended, Inbound, Opening};
use crate::realtime::core::Core;
use crate::realtime::frame::{Body, Incoming, Push, Reference, Version};

/// So many messages may wait for a channel that asks the database; then the socket is not read any further.
const MAILBOX: usize = 256;

/// What a join has to be for.
const PREFIX: &str = "realtime:";

/// A channel of this connection.
struct Open {
    join_ref: Option<Reference>,
    mailbox: mpsc::Sender<Inbound>,
    task: AbortHandle,
}

struct Session {
    core: Arc<Core>,
    peer: Arc<Peer>,
    /// By topic.
    channels: HashMap<String, Open>,
    tasks: JoinSet<Ended>,
    topics: HashMap<Id, String>,
    /// Since when there is no channel.
    idle_since: Option<Instant>,
}

/// Serves a connection until it ends.
pub(super) async fn run(core: Arc<Core>, socket: WebSocket, version: Version, token: String, place: Slot) {
    let (outbox, queue) = Outbox::new(core.limits.queue_frames, core.limits.queue_bytes);
    let (sink, stream) = socket.split();
    let writing = tokio::spawn(writer::write(sink, queue));
    let peer = Arc::new(Peer::new(version, outbox.clone(), token));
    let mut session = Session {
        core,
        peer,
        channels: HashMap::new(),
        tasks: JoinSet::new(),
        topics: HashMap::new(),
        idle_since: Some(Instant::now()),
    };
    session.read(stream).await;
    // Whatever ended the reading, the writer may still have something to say, and ends then.
    outbox.close(Closing::Disconnect);
    session.tasks.shutdown().await;
    drop(session);
    if writing.await.is_err() {
        tracing::error!("the writer of a socket failed");
    }
    drop(place);
}

impl Session {
    async fn read(&mut self, mut stream: futures_util::stream::SplitStream<WebSocket>) {
        let mut closing = self.peer.outbox.closing();
        let mut stopping = self.core.stopping.clone();
        let mut last = Instant::now();
        loop {
            let silence = last + self.core.limits.idle_timeout;
            let deadline = self.idle_since.map_or(silence, |since| {
                silence.min(since + self.core.limits.no_channel_timeout)
            });
            tokio::select! {
                frame = stream.next() => {
                    last = Instant::now();
                    match frame {
                        Some(Ok(Message::Text(text))) => {
                            self.receive(Incoming::from_text(self.peer.version, &text)).await;
                        }
                        Some(Ok(Message::Binary(bytes))) => {
                            self.receive(Incoming::from_binary(self.peer.version, &bytes)).await;
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Close(_))) | None => return,
                        Some(Err(error)) => {
                            tracing::debug!(%error, "a socket failed");
                            return;
                        }
                    }
                }
                Some(ended) = self.tasks.join_next_with_id() => {
                    self.reap(ended);
                }
                () = told(&mut closing, Option::is_some) => return,
                () = told(&mut stopping, |is_stopping| *is_stopping) => {
                    self.peer.outbox.close(Closing::Stop);
                    return;
                }
                () = tokio::time::sleep_until(deadline) => return,
            }
        }
    }

    async fn receive(&mut self, frame: Result<Incoming, crate::realtime::frame::Malformed>) {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => {
                tracing::info!(%error, "a malformed frame is ignored");
                return;
            }
        };
        match (frame.topic.as_str(), frame.event.as_str()) {
            ("phoenix", "heartbeat") => self.answer(&frame, "ok", &json!({})),
            (topic, "phx_join") if topic.starts_with(PREFIX) => self.join(frame).await,
            (topic, event) => match self.channels.get(topic) {
                Some(open) if is_of(open, &frame) => {
                    let inbound = Inbound {
                        reference: frame.reference.clone(),
                        event: event.to_owned(),
                        body: frame.body,
                    };
                    // A channel that has just ended answers no more; the client hears of its end.
                    let _ = open.mailbox.send(inbound).await;
                }
                // Somebody who has left may leave.
                _ if event == "phx_leave" => self.answer(&frame, "ok", &json!({})),
                Some(_) => {}
                None => self.answer(&frame, "error", &json!({ "reason": "unmatched topic" })),
            },
        }
    }

    /// A second join replaces the first.
    async fn join(&mut self, frame: Incoming) {
        if let Some(open) = self.channels.get(&frame.topic) {
            let task = open.task.id();
            open.task.abort();
            // Its end is waited for, so that presence leaves before it joins again.
            while let Some(ended) = self.tasks.join_next_with_id().await {
                if self.reap(ended) == task {
                    break;
                }
            }
        }
        let payload = match &frame.body {
            Body::Json(raw) => serde_json::from_str(raw.get()).unwrap_or_default(),
            Body::Binary(_) | Body::User { .. } => Value::Null,
        };
        let (mailbox, inbox) = mpsc::channel(MAILBOX);
        // A client that gives its join no own number still gets an answer.
        let join_ref = frame.join_ref.or_else(|| frame.reference.clone());
        let opening = Opening {
            topic: frame.topic.clone(),
            join_ref: join_ref.clone(),
            reference: frame.reference,
            payload,
            is_one_too_many: self.channels.len() >= self.core.limits.max_channels_per_socket,
        };
        let task = self
            .tasks
            .spawn(channel::run(self.core.clone(), self.peer.clone(), opening, inbox));
        self.topics.insert(task.id(), frame.topic.clone());
        let open = Open {
            join_ref,
            mailbox,
            task,
        };
        self.channels.insert(frame.topic, open);
        self.idle_since = None;
    }

    /// Forgets a channel that has ended, and tells the client unless it knows.
    fn reap(&mut self, ended: Result<(Id, Ended), JoinError>) -> Id {
        let (id, event) = match ended {
            Ok((id, Ended::Refused)) => (id, None),
            Ok((id, Ended::Disconnect)) => {
                self.peer.outbox.close(Closing::Disconnect);
                (id, None)
            }
            Ok((id, Ended::Closed)) => (id, Some("phx_close")),
            Err(error) if error.is_cancelled() => (error.id(), Some("phx_close")),
            Err(error) => {
                tracing::error!(%error, "a channel failed");
                (error.id(), Some("phx_error"))
            }
        };
        let Some(topic) = self.topics.remove(&id) else {
            return id;
        };
        let Some(open) = self.channels.remove(&topic) else {
            return id;
        };
        if let Some(event) = event {
            let push = Push {
                join_ref: open.join_ref.as_ref(),
                reference: open.join_ref.as_ref(),
                topic: &topic,
                event,
            };
            self.peer.outbox.push(push.encode(self.peer.version, &json!({})));
        }
        if self.channels.is_empty() {
            self.idle_since = Some(Instant::now());
        }
        id
    }

    fn answer(&self, frame: &Incoming, status: &str, response: &Value) {
        let push = Push {
            join_ref: frame.join_ref.as_ref(),
            reference: frame.reference.as_ref(),
            topic: &frame.topic,
            event: "",
        };
        self.peer
            .outbox
            .push(push.reply(self.peer.version, status, response));
    }
}

/// Whether a message is for this join of the topic and not for an earlier one; version 1.0.0 often does not say.
fn is_of(open: &Open, frame: &Incoming) -> bool {
    frame.join_ref.is_none() || frame.join_ref == open.join_ref
}
