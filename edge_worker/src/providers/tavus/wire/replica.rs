//! Replicas, by their newer name faces.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::providers::fields::Fields;
use crate::providers::tavus::ReplicaId;

/// A replica as Tavus tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Replica {
    /// Its id.
    pub id: ReplicaId,
    /// Its name.
    pub name: Option<String>,
    /// `started`, `completed`, `error`, or a word that is new to us. The callback of a training says `ready` instead.
    pub status: Option<String>,
    /// `user` or `system`.
    pub kind: Option<String>,
    /// A picture of it, moving.
    pub thumbnail_video_url: Option<String>,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
}

impl Replica {
    /// `None` without an id.
    #[expect(clippy::needless_pass_by_value, reason = "the readers of rows have one form")]
    pub(crate) fn read(row: Value) -> Option<Self> {
        let fields = Fields::of(&row);
        Some(Self {
            id: ReplicaId::parse(fields.text(&["replica_id", "face_id"])?)?,
            name: fields.owned(&["replica_name", "face_name"]),
            status: fields.owned(&["status"]),
            kind: fields.owned(&["replica_type", "face_type"]),
            thumbnail_video_url: fields.owned(&["thumbnail_video_url"]),
            created_at: fields.time("created_at"),
        })
    }
}
