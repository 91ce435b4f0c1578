//! One topic: its members, and who is present.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::ws::Message;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::fanout::Fanout;
use super::presence::{Diff, Presences};
use crate::realtime::frame::Outgoing;
use crate::realtime::socket::{Closing, Peer};

/// So much may come for a member between its join and the answer to it.
const MOST_HELD: usize = 8_192;

/// What a member may hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hearing {
    pub(crate) broadcasts: bool,
    pub(crate) presences: bool,
}

/// A topic that has members.
pub(super) struct Topic {
    /// With the prefix `realtime:`.
    pub(super) name: Arc<str>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    members: Vec<Member>,
    presences: Presences,
}

/// A channel of a socket.
pub(super) struct Member {
    id: u64,
    peer: Arc<Peer>,
    hearing: Hearing,
    /// What came before the join was answered.
    held: Option<Vec<(Option<Uuid>, Message)>>,
    /// Rows that it got as a replay: they may come by the stream once more.
    replayed: HashSet<Uuid>,
}

impl Member {
    pub(super) fn new(id: u64, peer: Arc<Peer>, hearing: Hearing) -> Self {
        Self {
            id,
            peer,
            hearing,
            held: Some(Vec::new()),
            replayed: HashSet::new(),
        }
    }

    fn send(&mut self, id: Option<Uuid>, message: Message) {
        match &mut self.held {
            None => {
                let is_known = id.is_some_and(|id| !self.replayed.is_empty() && self.replayed.contains(&id));
                if !is_known {
                    self.peer.outbox.push(message);
                }
            }
            Some(held) if held.len() < MOST_HELD => held.push((id, message)),
            Some(_) => self.peer.outbox.close(Closing::Slow),
        }
    }
}

impl Topic {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            state: Mutex::default(),
        }
    }

    pub(super) fn enter(&self, member: Member) {
        self.state.lock().members.push(member);
    }

    /// Takes a member out; whether it was the last one.
    pub(super) fn leave(&self, id: u64) -> bool {
        let mut state = self.state.lock();
        state.members.retain(|member| member.id != id);
        if let Some(diff) = state.presences.untrack(id) {
            self.announce(&mut state, &diff);
        }
        state.members.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state.lock().members.is_empty()
    }

    pub(super) fn broadcast(&self, message: &Outgoing<'_>, id: Option<Uuid>, except: Option<u64>) {
        let mut fanout = Fanout::new(message);
        let mut state = self.state.lock();
        for member in &mut state.members {
            if !member.hearing.broadcasts || except == Some(member.id) {
                continue;
            }
            if let Some(frame) = fanout.frame(member.peer.version) {
                member.send(id, frame);
            }
        }
    }

    pub(super) fn release(&self, id: u64, replayed: HashSet<Uuid>) {
        self.change(id, |member| {
            member.replayed = replayed;
            for (id, message) in member.held.take().unwrap_or_default() {
                member.send(id, message);
            }
        });
    }

    pub(super) fn hear(&self, id: u64, hearing: Hearing) {
        self.change(id, |member| member.hearing = hearing);
    }

    pub(super) fn track(&self, id: u64, key: &str, meta: Map<String, Value>) {
        let mut state = self.state.lock();
        let diff = state.presences.track(id, key, meta);
        self.announce(&mut state, &diff);
    }

    pub(super) fn untrack(&self, id: u64) {
        let mut state = self.state.lock();
        if let Some(diff) = state.presences.untrack(id) {
            self.announce(&mut state, &diff);
        }
    }

    pub(super) fn send_presences(&self, id: u64, encode: impl FnOnce(&Value) -> Message) {
        let mut state = self.state.lock();
        let message = encode(&state.presences.all());
        if let Some(member) = state.members.iter_mut().find(|member| member.id == id) {
            member.send(None, message);
        }
    }

    fn announce(&self, state: &mut State, diff: &Diff) {
        let payload = diff.to_json();
        let message = Outgoing::Event {
            topic: &self.name,
            event: "presence_diff",
            payload: &payload,
        };
        let mut fanout = Fanout::new(&message);
        for member in state.members.iter_mut().filter(|member| member.hearing.presences) {
            if let Some(frame) = fanout.frame(member.peer.version) {
                member.send(None, frame);
            }
        }
    }

    fn change(&self, id: u64, with: impl FnOnce(&mut Member)) {
        if let Some(member) = self
            .state
            .lock()
            .members
            .iter_mut()
            .find(|member| member.id == id)
        {
            with(member);
        }
    }
}
