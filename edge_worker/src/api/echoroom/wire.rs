//! What the routes answer, for the description: the rows themselves come from the database and pass through as they are.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A room.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Its id.
    pub id: Uuid,
    /// The mood.
    pub category: String,
    /// What it is about.
    pub description: Option<String>,
    /// Whether people may enter and speak.
    pub is_active: bool,
    /// Its seats.
    pub max_participants: i32,
    /// How many of them are taken.
    pub current_participants: i32,
    /// Moves on when somebody is removed: a part of the Realtime topic.
    pub epoch: i32,
    /// Number of the latest change.
    pub last_seq: i64,
    /// Who opened it.
    pub created_by: Option<Uuid>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A room in the list of all.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedSession {
    /// Its id.
    pub id: Uuid,
    /// The mood.
    pub category: String,
    /// What it is about.
    pub description: Option<String>,
    /// Always true.
    pub is_active: bool,
    /// Its seats.
    pub max_participants: i32,
    /// How many of them are taken by people who are there.
    pub current_participants: i32,
    /// How many are free.
    pub free_seats: i32,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A seat.
#[derive(Debug, Serialize, ToSchema)]
pub struct Participant {
    /// Who.
    pub user_id: Uuid,
    /// Where.
    pub session_id: Uuid,
    /// Their name in this room.
    pub user_name: String,
    /// Their picture.
    pub avatar: Option<String>,
    /// How they feel.
    pub mood: Option<String>,
    /// Whether they speak.
    pub is_speaking: bool,
    /// Whether they are muted.
    pub is_muted: bool,
    /// Since when.
    pub joined_at: DateTime<Utc>,
    /// The latest sign of life.
    pub last_seen_at: DateTime<Utc>,
}

/// A message.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    /// Its id.
    pub id: Uuid,
    /// The room.
    pub session_id: Uuid,
    /// The author; null when the account is gone.
    pub user_id: Option<Uuid>,
    /// The author's name when it was sent.
    pub sender_name: String,
    /// The text; empty when it was deleted.
    pub content: String,
    /// `text`, `system`, `ai-prompt` or `mood-check`.
    pub message_type: String,
    /// The message that it answers.
    pub reply_to: Option<Uuid>,
    /// Whether it was changed.
    pub is_edited: bool,
    /// When.
    pub edited_at: Option<DateTime<Utc>>,
    /// When it was deleted.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Number of the change that made it.
    pub seq: i64,
    /// Number of its latest change.
    pub changed_seq: i64,
    /// Chosen by the sender.
    pub client_id: Option<Uuid>,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Oldest emoji first.
    pub reactions: Vec<Reaction>,
}

/// One emoji of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// How many people.
    pub count: i64,
    /// Whether the caller is one of them.
    pub reacted: bool,
}

/// A persona.
#[derive(Debug, Serialize, ToSchema)]
pub struct Persona {
    /// Its number here.
    pub id: i64,
    /// Its id at Tavus.
    pub persona_id: String,
    /// Its mood.
    pub mood: Option<String>,
    /// When it was kept.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A persona with what Tavus says of it; null where Tavus says nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct TavusPersona {
    /// Its number here.
    pub id: i64,
    /// Its id at Tavus.
    pub persona_id: String,
    /// Its mood.
    pub mood: Option<String>,
    /// When it was kept.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Its name at Tavus.
    pub persona_name: Option<String>,
    /// Who appears.
    pub default_replica_id: Option<String>,
}

/// Something is gone.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deleted {
    /// Always true.
    success: bool,
    /// What.
    #[schema(example = "Persona 7 is deleted.")]
    message: String,
}

impl Deleted {
    pub(super) fn persona(id: i64) -> Self {
        Self {
            success: true,
            message: format!("Persona {id} is deleted."),
        }
    }
}
