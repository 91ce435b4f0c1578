//! The token of a channel: its end, and a new one.

use std::time::Duration;

use serde_json::Value;

use super::join;
use super::refusal::Refusal;
use super::task::{Channel, Flow, Rights, json_of};
use crate::identity::Token;
use crate::realtime::frame::Body;

/// The clock of the machine may be set: the token is looked at at least so often.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

impl Channel {
    /// Waits until the token may have run out.
    pub(super) fn token_runs_out(&self) -> impl Future<Output = ()> + use<> {
        let left = self.token.expires.saturating_sub(self.core.now());
        let left = Duration::from_secs(u64::try_from(left).unwrap_or(0));
        tokio::time::sleep(left.min(LONGEST_WAIT))
    }

    pub(super) fn check_token(&self) -> Flow {
        match self.core.verifier.verify(&self.shown, self.core.now()) {
            Ok(_) => Flow::GoOn,
            Err(error) => self.shut(&error.to_string()),
        }
    }

    /// Takes a new token. Nothing is said when all is well.
    pub(super) async fn renew(&mut self, body: &Body) -> Flow {
        let payload = json_of(body);
        let Some(shown) = payload.get("access_token").and_then(Value::as_str) else {
            return Flow::GoOn;
        };
        if shown.starts_with("sb_") || shown == self.shown {
            return Flow::GoOn;
        }
        let token = match self.core.verifier.verify(shown, self.core.now()) {
            Ok(token) => token,
            Err(error) => return self.shut(&error.to_string()),
        };
        match self.new_rights(&token).await {
            Ok(rights) => {
                self.membership.hear(join::hearing(rights.as_ref()));
                self.changes.update_caller(&token.caller);
                self.rights = rights;
                self.shown = shown.to_owned();
                self.token = token;
                Flow::GoOn
            }
            Err(message) => self.shut(&message),
        }
    }

    /// What the new token allows; an error when it allows less than the old one.
    async fn new_rights(&self, token: &Token) -> Result<Option<Rights>, String> {
        let Some(before) = self.rights else {
            return Ok(None);
        };
        let lost = || {
            format!(
                "You no longer have permission to read from this Channel topic: {}",
                self.wire.name()
            )
        };
        let with_presence = before.reading.presence.is_some();
        let rights = join::read_rights(&self.core, &self.wire, token, with_presence)
            .await
            .map_err(|refusal| match refusal {
                Refusal::Unauthorized { .. } => lost(),
                other => other.text(),
            })?;
        let has_lost_broadcast = before.reading.broadcast && !rights.reading.broadcast;
        let has_lost_presence =
            before.reading.presence == Some(true) && rights.reading.presence != Some(true);
        if has_lost_broadcast || has_lost_presence {
            return Err(lost());
        }
        Ok(Some(rights))
    }
}
