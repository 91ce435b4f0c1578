//! `/api/participants`: the seats of a room.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::wire::Participant;
use crate::api::input::{JsonBody, PathOf};
use crate::api::{Answer, Caller, Refused};
use crate::app::App;
use crate::error::{ApiError, ErrorBody};

/// The mood of whoever says none. An RPC cannot tell it from no mood at all.
const DEFAULT_MOOD: &str = "calm";

/// A seat to take, or to change.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewParticipant {
    /// The caller's own id, or nothing.
    user_id: Option<Uuid>,
    /// The room.
    session_id: Uuid,
    #[serde(flatten)]
    profile: Profile,
    #[serde(flatten)]
    voice: Voice,
}

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ParticipantChange {
    /// The caller's own id, or nothing.
    user_id: Option<Uuid>,
    #[serde(flatten)]
    profile: Profile,
    #[serde(flatten)]
    voice: Voice,
}

/// How somebody appears.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
struct Profile {
    /// A name; without one the room gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    /// How they feel.
    #[serde(skip_serializing_if = "Option::is_none")]
    mood: Option<String>,
    /// A path, or an `https://` address.
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
}

/// What the microphone does.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
struct Voice {
    /// Whether they speak.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_speaking: Option<bool>,
    /// Whether they are muted.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_muted: Option<bool>,
}

/// What an RPC takes for a seat.
#[derive(Debug, Serialize)]
struct Seat<'a, T> {
    session_id: Uuid,
    #[serde(flatten)]
    what: &'a T,
}

/// What `join_room` returns, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Room {
    participants: Vec<Value>,
}

/// Takes a seat in a room (201), or changes the one that the caller has (200).
#[utoipa::path(
    post,
    path = "/api/participants",
    operation_id = "join_room",
    tag = "echoroom",
    security(("bearer" = [])),
    request_body = NewParticipant,
    responses(
        (status = 200, body = Participant),
        (status = 201, body = Participant),
        (status = "default", body = ErrorBody)
    )
)]
pub async fn post(
    State(app): State<App>,
    caller: Caller,
    JsonBody(wanted): JsonBody<NewParticipant>,
) -> Result<Response, Refused> {
    caller.check_is(wanted.user_id)?;
    let seat = Seat {
        session_id: wanted.session_id,
        what: &wanted.profile,
    };
    let room: Room = app.data.rpc(&caller, "join_room", &seat).await?.json()?;
    let mut own = room.participants.into_iter().filter(|participant| {
        let id = participant.get("user_id").and_then(Value::as_str);
        id.and_then(|id| Uuid::parse_str(id).ok()) == caller.user_id()
    });
    let mut participant = own.next().ok_or(ApiError::Internal)?;
    // The transaction that makes a seat gives it one time for both.
    let status = match participant.get("joined_at") == participant.get("last_seen_at") {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    for (function, change) in wanted.left_of(&participant) {
        participant = app.data.rpc(&caller, function, &change).await?.json()?;
    }
    Ok((status, Json(participant)).into_response())
}

impl NewParticipant {
    /// What joining did not do: it takes no voice status, and to who has a seat already it does not make them calm.
    fn left_of(&self, seat: &Value) -> Vec<(&'static str, Value)> {
        let session_id = self.session_id;
        let mut left = Vec::new();
        let is_calm = self.profile.mood.as_deref().map(str::trim) == Some(DEFAULT_MOOD);
        if is_calm && seat.get("mood").and_then(Value::as_str) != Some(DEFAULT_MOOD) {
            let change = json!({ "session_id": session_id, "mood": DEFAULT_MOOD });
            left.push(("update_participant", change));
        }
        let differs = |name: &str, wanted: Option<bool>| {
            wanted.is_some() && wanted != seat.get(name).and_then(Value::as_bool)
        };
        let Voice {
            is_speaking,
            is_muted,
        } = self.voice;
        if differs("is_speaking", is_speaking) || differs("is_muted", is_muted) {
            let change =
                json!({ "session_id": session_id, "is_speaking": is_speaking, "is_muted": is_muted });
            left.push(("set_voice_status", change));
        }
        left
    }
}

/// Who sits in a room. For its members.
#[utoipa::path(
    get,
    path = "/api/participants/{session_id}",
    operation_id = "list_participants",
    tag = "echoroom",
    security(("bearer" = [])),
    params(("session_id" = Uuid, Path)),
    responses((status = 200, body = [Participant]), (status = "default", body = ErrorBody))
)]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    PathOf(session_id): PathOf<Uuid>,
) -> Result<Json<Vec<Value>>, Refused> {
    let asked = json!({ "session_id": session_id });
    let room: Room = app.data.rpc(&caller, "room_state", &asked).await?.json()?;
    Ok(Json(room.participants))
}

/// Changes the caller's seat, and renews it.
#[utoipa::path(
    put,
    path = "/api/participants/{user_id}/{session_id}",
    operation_id = "update_participant",
    tag = "echoroom",
    security(("bearer" = [])),
    params(("user_id" = Uuid, Path), ("session_id" = Uuid, Path)),
    request_body = ParticipantChange,
    responses((status = 200, body = Participant), (status = "default", body = ErrorBody))
)]
pub async fn put(
    State(app): State<App>,
    caller: Caller,
    PathOf((user_id, session_id)): PathOf<(Uuid, Uuid)>,
    JsonBody(wanted): JsonBody<ParticipantChange>,
) -> Result<Answer, Refused> {
    caller.check_is(Some(user_id))?;
    caller.check_is(wanted.user_id)?;
    let ParticipantChange { profile, voice, .. } = wanted;
    let mut updated = None;
    // The one that can be refused for what it says comes first.
    if profile != Profile::default() {
        let what = &profile;
        let seat = Seat { session_id, what };
        updated = Some(app.data.rpc(&caller, "update_participant", &seat).await?);
    }
    match updated {
        Some(answer) if voice == Voice::default() => Ok(answer),
        _ => {
            let what = &voice;
            let seat = Seat { session_id, what };
            app.data.rpc(&caller, "set_voice_status", &seat).await
        }
    }
}
