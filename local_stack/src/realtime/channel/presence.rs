//! Who is there.

use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::Instant;

use super::join;
use super::refusal::Refusal;
use super::task::{Channel, Flow, json_of};
use crate::realtime::frame::{Body, Reference};
use crate::realtime::gate::Extension;
use crate::realtime::limits::RealtimeLimits;

/// How often this channel has called lately.
pub(super) struct Calls {
    most: u32,
    window: Duration,
    count: u32,
    until: Option<Instant>,
}

impl Calls {
    pub(super) fn new(limits: &RealtimeLimits) -> Self {
        Self {
            most: limits.presence_calls,
            window: limits.presence_window,
            count: 0,
            until: None,
        }
    }

    /// Counts a call; `false` when it is one too many. The window begins with the first call in it.
    fn admit(&mut self, now: Instant) -> bool {
        if self.until.is_none_or(|until| now > until) {
            self.until = Some(now + self.window);
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.count <= self.most
    }
}

/// Why a presence call does nothing.
enum Denied {
    /// The channel ends with this message.
    Shut(&'static str),
    /// The client is told why.
    Told(Value),
}

impl Channel {
    /// Tells a client that wants to know who is there.
    pub(super) fn send_presences(&self) {
        let hears = join::hearing(self.rights.as_ref()).presences;
        if self.settings.presence_enabled && hears {
            let wire = &self.wire;
            self.membership.send_presences(|presences| {
                wire.message("presence_state", None)
                    .encode(wire.peer.version, presences)
            });
        }
    }

    pub(super) async fn presence(&mut self, reference: Option<&Reference>, body: &Body) -> Flow {
        let call = json_of(body);
        let done = match call.get("event").and_then(Value::as_str) {
            // Without an event there is nothing to do, and nothing wrong.
            None => Ok(()),
            Some(_) if !self.calls.admit(Instant::now()) => {
                Err(Denied::Shut("Client presence rate limit exceeded"))
            }
            Some(event) if event.eq_ignore_ascii_case("track") => self.track(&call).await,
            Some(event) if event.eq_ignore_ascii_case("untrack") => {
                self.tracked = None;
                self.membership.untrack();
                Ok(())
            }
            Some(_) => Err(Denied::Told(json!({}))),
        };
        match done {
            Ok(()) => self.wire.reply(reference, "ok", &json!({})),
            Err(Denied::Told(response)) => self.wire.reply(reference, "error", &response),
            Err(Denied::Shut(message)) => return self.shut(message),
        }
        Flow::GoOn
    }

    async fn track(&mut self, call: &Value) -> Result<(), Denied> {
        if !self.may_track().await {
            return Err(Denied::Told(json!({})));
        }
        let empty = Value::Object(Map::new());
        let payload = call.get("payload").unwrap_or(&empty);
        let Some(meta) = payload.as_object() else {
            return Err(Denied::Told(
                json!({ "reason": "Presence track payload must be a map" }),
            ));
        };
        if self.tracked.as_ref() == Some(payload) {
            return Ok(());
        }
        if payload.to_string().len() > self.core.limits.max_payload_bytes {
            return Err(Denied::Shut("Track message size exceeded"));
        }
        if !self.core.rates.presences.admit(1, Instant::now()) {
            return Err(Denied::Shut("Too many presence messages per second"));
        }
        self.tracked = Some(payload.clone());
        self.membership.track(&self.settings.presence_key, meta.clone());
        Ok(())
    }

    /// The right to be present, asked once for each token. Who joined without presence and tracks all the same hears it from
    /// now on, if it may.
    async fn may_track(&mut self) -> bool {
        let Some(rights) = &mut self.rights else {
            return true;
        };
        if let Some(may) = rights.may_track {
            return may;
        }
        let name = self.wire.name();
        let (gate, caller) = (&self.core.gate, &self.token.caller);
        let asked = async {
            let may = gate.write(caller, name, Extension::Presence).await?;
            if may && rights.reading.presence.is_none() {
                rights.reading.presence = gate.read(caller, name, true).await?.presence;
            }
            Ok(may)
        };
        match asked.await {
            Ok(may) => {
                rights.may_track = Some(may);
                let hearing = join::hearing(Some(rights));
                self.membership.hear(hearing);
                may
            }
            Err(error) => {
                Refusal::from_probe(&error, name);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixth_call_in_thirty_seconds_is_one_too_many() {
        let mut calls = Calls::new(&RealtimeLimits::default());
        let start = Instant::now();
        assert!((0..5).all(|second| calls.admit(start + Duration::from_secs(second))));
        assert!(!calls.admit(start + Duration::from_secs(30)));
        assert!(calls.admit(start + Duration::from_secs(31)));
    }
}
