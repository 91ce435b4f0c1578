//! Personas, by their newer name PALs.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::providers::Raw;
use crate::providers::fields::Fields;
use crate::providers::tavus::{PersonaId, ReplicaId};

/// What to create.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewPersona {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona_name: Option<String>,
    /// Who it is. Needed unless it only echoes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// `full` or `echo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_mode: Option<String>,
    /// Who appears unless the conversation says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_replica_id: Option<ReplicaId>,
    /// Models and voices. Keys of third parties can be in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<Raw>,
    /// Fields that Tavus knows and this type does not.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A persona as Tavus tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Persona {
    /// Its id.
    pub id: PersonaId,
    /// Its name.
    pub name: Option<String>,
    /// Who appears.
    pub default_replica_id: Option<ReplicaId>,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// All of it, for a patch to point into; keys of third parties are taken out.
    pub document: Raw,
}

impl Persona {
    /// `None` without an id.
    pub(crate) fn read(mut row: Value) -> Option<Self> {
        without_keys(&mut row);
        let fields = Fields::of(&row);
        let replica = fields.text(&["default_replica_id", "default_face_id"]);
        Some(Self {
            id: PersonaId::parse(fields.text(&["persona_id", "pal_id"])?)?,
            name: fields.owned(&["persona_name", "pal_name"]),
            default_replica_id: replica.and_then(ReplicaId::parse),
            created_at: fields.time("created_at"),
            document: Raw(row),
        })
    }

    /// A list of one, as the specification has it, or the object by itself.
    pub(crate) fn read_one(body: Value) -> Option<Self> {
        match body {
            Value::Object(mut map) if map.get("data").is_some_and(Value::is_array) => {
                match map.remove("data") {
                    Some(Value::Array(rows)) => rows.into_iter().next().and_then(Self::read),
                    _ => None,
                }
            }
            other => Self::read(other),
        }
    }
}

/// Takes the value of every `api_key`, at any depth.
fn without_keys(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if name == "api_key" {
                    *value = Value::Null;
                } else {
                    without_keys(value);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(without_keys),
        _ => {}
    }
}
