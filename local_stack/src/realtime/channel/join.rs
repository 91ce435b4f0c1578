//! From a join to a channel.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::json;
use tokio::time::Instant;

use super::changes::Changes;
use super::presence::Calls;
use super::refusal::Refusal;
use super::settings::{Replay, Settings};
use super::task::{Channel, Rights, Wire};
use crate::identity::Token;
use crate::realtime::core::Core;
use crate::realtime::feed::StoredBroadcast;
use crate::realtime::frame::Reference;
use crate::realtime::hub::Hearing;
use crate::realtime::receiver::user_payload;

/// Checks everything in Supabase's order, becomes a member, and answers the client.
pub(super) async fn join(
    core: Arc<Core>,
    wire: Wire,
    settings: Settings,
    reference: Option<&Reference>,
    is_one_too_many: bool,
) -> Result<Channel, Refusal> {
    check_limits(&core, &wire, is_one_too_many)?;
    let shown = shown_token(&settings, &wire);
    let token = core.verifier.verify(&shown, core.now())?;
    let rights = match settings.is_private {
        true => Some(read_rights(&core, &wire, &token, settings.presence_enabled).await?),
        false => None,
    };
    check_replay(&settings, rights.as_ref(), &wire)?;

    // From here on nothing is missed: what comes meanwhile is held back until the answer is out.
    let hearing = hearing(rights.as_ref());
    let membership = core
        .hub
        .join(&wire.topic, settings.is_private, wire.peer.clone(), hearing);
    let past = replay(&core, &wire, &settings, &token).await?;
    let changes = Changes::subscribe(&core, &wire, &token.caller, &settings.changes).await;

    wire.reply(reference, "ok", &json!({ "postgres_changes": changes.entries() }));
    changes.announce(&wire);
    let replayed = send_past(&wire, &past);
    let channel = Channel {
        calls: Calls::new(&core.limits),
        tracked: None,
        core,
        wire,
        settings,
        token,
        shown,
        rights,
        membership,
        changes,
    };
    channel.membership.release(replayed);
    channel.send_presences();
    Ok(channel)
}

fn check_limits(core: &Core, wire: &Wire, is_one_too_many: bool) -> Result<(), Refusal> {
    if wire.name().is_empty() {
        return Err(Refusal::NoTopic);
    }
    if !wire.peer.enter(&core.sockets) {
        return Err(Refusal::TooManyConnections);
    }
    if !core.rates.joins.admit(1, Instant::now()) {
        return Err(Refusal::TooManyJoins);
    }
    if is_one_too_many {
        return Err(Refusal::TooManyChannels);
    }
    Ok(())
}

/// The client's own token; the one of its key where it shows none or only a key.
fn shown_token(settings: &Settings, wire: &Wire) -> String {
    match &settings.access_token {
        Some(token) if !token.starts_with("sb_") => token.clone(),
        _ => wire.peer.token.clone(),
    }
}

/// Asks what a token lets the client hear; at least something has to be.
pub(super) async fn read_rights(
    core: &Core,
    wire: &Wire,
    token: &Token,
    with_presence: bool,
) -> Result<Rights, Refusal> {
    let reading = core
        .gate
        .read(&token.caller, wire.name(), with_presence)
        .await
        .map_err(|error| Refusal::from_probe(&error, wire.name()))?;
    if !reading.broadcast && reading.presence != Some(true) {
        return Err(unauthorized(wire));
    }
    Ok(Rights {
        reading,
        may_broadcast: None,
        may_track: None,
    })
}

/// What a member with these rights hears. Presence that was not asked about is not heard.
pub(super) fn hearing(rights: Option<&Rights>) -> Hearing {
    rights.map_or(
        Hearing {
            broadcasts: true,
            presences: true,
        },
        |rights| Hearing {
            broadcasts: rights.reading.broadcast,
            presences: rights.reading.presence == Some(true),
        },
    )
}

fn unauthorized(wire: &Wire) -> Refusal {
    Refusal::Unauthorized {
        topic: wire.name().to_owned(),
    }
}

fn check_replay(settings: &Settings, rights: Option<&Rights>, wire: &Wire) -> Result<(), Refusal> {
    match (settings.replay, rights) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(Refusal::ReplayOnPublic),
        (Some(_), Some(rights)) if !rights.reading.broadcast => Err(unauthorized(wire)),
        (Some(Replay::Invalid), Some(_)) => Err(Refusal::ReplaySettings),
        (Some(Replay::Since { .. }), Some(_)) => Ok(()),
    }
}

async fn replay(
    core: &Core,
    wire: &Wire,
    settings: &Settings,
    token: &Token,
) -> Result<Vec<StoredBroadcast>, Refusal> {
    let Some(Replay::Since { since, limit }) = settings.replay else {
        return Ok(Vec::new());
    };
    let feed = core.feed.read().await;
    let feed = feed.as_ref().ok_or(Refusal::Unreachable)?;
    feed.replay(&token.caller, wire.name(), since, limit)
        .await
        .map_err(|error| {
            tracing::warn!(%error, "messages could not be replayed");
            Refusal::Replay
        })
}

/// Sends what was asked for out of the past; which rows the client now has.
fn send_past(wire: &Wire, past: &[StoredBroadcast]) -> HashSet<uuid::Uuid> {
    for row in past {
        let message = wire.message("broadcast", None).replayed(
            wire.peer.version,
            &row.event,
            user_payload(&row.payload),
            row.id,
        );
        if let Some(message) = message {
            wire.peer.outbox.push(message);
        }
    }
    past.iter().map(|row| row.id).collect()
}
