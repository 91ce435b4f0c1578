//! Calls at Tavus: what is sent of them, and what they must have come to.

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

/// A call that the database knows and that has just begun.
pub struct Call {
    /// Ours.
    pub id: Uuid,
    /// Tavus'.
    pub tavus_id: String,
    /// The room.
    pub room: Uuid,
    /// What is sent: the joining first.
    pub events: Vec<Event>,
    /// Whether the joining is acknowledged before anything else is sent, as in a call that goes well.
    pub is_ordered: bool,
}

/// A callback that is sent until it is acknowledged, `copies` times.
#[derive(Clone)]
pub struct Event {
    /// The body.
    pub body: Value,
    /// How often, at once.
    pub copies: usize,
}

impl Call {
    /// Makes so many calls, each in a room of its own in which somebody sits, so that nobody ends it.
    pub async fn make(session: &mut PgConnection, random: &mut StdRng, count: i32) -> Vec<Self> {
        let rows: Vec<(Uuid, String, Uuid)> = sqlx::query_as(
            "with person as (
                 insert into auth.users (id, is_anonymous) values (gen_random_uuid(), true) returning id
             ),
             rooms as (
                 insert into echoroom.sessions (category) select 'Calm' from generate_series(1, $1) returning id
             ),
             seats as (
                 insert into echoroom.participants (user_id, session_id, user_name, last_seen_at)
                 select person.id, rooms.id, 'Somebody', now() + interval '1 day' from rooms cross join person
             )
             insert into echoroom.conversations (session_id, persona_id, mood, status, conversation_id, conversation_url)
             select id, 'default_calm_persona', 'Calm', 'active', 'c-' || id, 'https://tavus.daily.co/c-' || id from rooms
             returning id, conversation_id, session_id",
        )
        .bind(count)
        .fetch_all(session)
        .await
        .unwrap();
        rows.into_iter()
            .map(|(id, tavus_id, room)| Self {
                events: events(&tavus_id, random),
                is_ordered: random.random_bool(0.5),
                id,
                tavus_id,
                room,
            })
            .collect()
    }

    /// What the events, one after the other, make of the conversation.
    pub fn outcome() -> Value {
        json!({
            "status": "ended", "replica_id": "r5f0577fc829", "replica_joined_at": JOINED_AT, "ended_at": ENDED_AT,
            "shutdown_reason": "participant_left_timeout reached",
            "transcript": [{ "role": "assistant", "content": "Hello." }, { "role": "user", "content": "Good evening." }],
            "perception_analysis": "A person.", "recording": { "storage_uri": "s3://bucket/key" },
        })
    }

    /// Types, and what tells two of one type apart, sorted; of the two names of the joining the older one.
    pub fn kept(&self) -> Vec<(String, String)> {
        let mut kept: Vec<(String, String)> = self.events.iter().map(|event| name(&event.body)).collect();
        kept.sort();
        kept.dedup();
        kept
    }
}

const JOINED_AT: &str = "2026-05-22T18:40:00.250000Z";
const ENDED_AT: &str = "2026-05-22T18:47:37.840000Z";

/// The type under its older name, and the mark.
pub fn name(body: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let event_type = text(&body["event_type"]).replace(".pal_", ".replica_");
    (event_type, text(&body["properties"]["mark"]))
}

/// All events of a call: once-a-conversation ones, one under both of its names, and pairs that differ in nothing but what they say.
fn events(tavus_id: &str, random: &mut StdRng) -> Vec<Event> {
    let transcript = json!([
        { "role": "system", "content": "You are calm." },
        { "role": "assistant", "content": "Hello." },
        { "role": "user", "content": "Good evening." },
    ]);
    let mut all = vec![
        (
            "system.pal_joined",
            JOINED_AT,
            json!({ "face_id": "r5f0577fc829" }),
        ),
        (
            "system.shutdown",
            ENDED_AT,
            json!({ "shutdown_reason": "participant_left_timeout reached" }),
        ),
        (
            "application.transcription_ready",
            ENDED_AT,
            json!({ "transcript": transcript }),
        ),
        (
            "application.perception_analysis",
            ENDED_AT,
            json!({ "analysis": "A person." }),
        ),
        (
            "application.recording_ready",
            ENDED_AT,
            json!({ "storage_uri": "s3://bucket/key" }),
        ),
        (
            "application.post_call_action_executed",
            ENDED_AT,
            json!({ "mark": "first" }),
        ),
        (
            "application.post_call_action_executed",
            ENDED_AT,
            json!({ "mark": "second" }),
        ),
        (
            "conversation.utterance",
            ENDED_AT,
            json!({ "mark": "third", "role": "user", "speech": "Good evening." }),
        ),
    ];
    all.shuffle(random);
    all.insert(
        0,
        (
            "system.replica_joined",
            JOINED_AT,
            json!({ "replica_id": "r5f0577fc829" }),
        ),
    );
    all.into_iter()
        .map(|(event_type, timestamp, properties)| Event {
            body: json!({
                "event_type": event_type, "message_type": event_type.split('.').next(), "conversation_id": tavus_id,
                "timestamp": timestamp, "properties": properties,
            }),
            // Some come once only: nothing hides the loss of those.
            copies: *[1, 1, 2, 3].get(random.random_range(0..4)).unwrap(),
        })
        .collect()
}
